# The firmware of the emulated machine: a 64 KiB ROM below 4 GiB. It enters long
# mode with the page tables that the host placed in RAM, from BOOT on, and jumps to
# the monitor with the address of the job in rdi; see the class Layout of
# lpgen-emulate-avx512.
        .set    BOOT, 0xfe0000          # page tables
        .set    FACTS, BOOT + 0x8000    # entry point, end of the image, job
        .set    ROM, 0xffff0000
        .set    STACK, 0x8000

        .text
        .code16
        .globl  _start
_start:
        cli
        cld
        movw    $0xf000, %ax            # the ROM, as the CPU sees it at reset
        movw    %ax, %ds
        lgdtl   tablePointer - _start
        movl    %cr0, %eax
        orl     $1, %eax
        movl    %eax, %cr0
        ljmpl   $8 * 2, $ROM + (protected - _start)

        .code32
protected:
        movl    $8 * 3, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $STACK, %esp
        # Bochs 2.7 loads an image in one piece, yet backs RAM by blocks in the
        # order of their first use: use them in rising order before all else.
        movl    $BOOT, %ecx
touch:  movl    (%ecx), %eax
        addl    $0x10000, %ecx
        cmpl    FACTS + 8, %ecx
        jb      touch
        movb    $2, %al                 # address line 20
        outb    %al, $0x92
        movb    $0xff, %al              # no interrupts
        outb    %al, $0x21
        outb    %al, $0xa1
        movl    %cr4, %eax
        orl     $1 << 5, %eax           # physical address extension
        movl    %eax, %cr4
        movl    $BOOT, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx       # EFER
        rdmsr
        orl     $1 << 8, %eax           # long mode
        wrmsr
        movl    $0x80000001, %eax       # paging, protection, caches on
        movl    %eax, %cr0
        ljmpl   $8 * 4, $ROM + (long - _start)

        .code64
long:   movl    $FACTS, %eax
        movq    16(%rax), %rdi
        jmpq    *(%rax)

        .balign 8
table:  .quad   0, 0
        .quad   0x00cf9a000000ffff      # 2: code of 32 bits
        .quad   0x00cf92000000ffff      # 3: data
        .quad   0x00af9a000000ffff      # 4: code of 64 bits
tablePointer:
        .word   tablePointer - table - 1
        .long   ROM + (table - _start)

        .org    0xfff0, 0xff            # where the CPU begins
        .code16
        .byte   0xea                    # ljmpw $0xf000, $_start
        .word   0, 0xf000
        .org    0x10000, 0xff
