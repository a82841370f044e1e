# Into the monitor and out of it. MONITOR of lpgen-emulate-avx512 is where this begins.
        .set    DIRECT, 0xffffffff80000000
        .text
        .globl  _start, enterSystem, enterProgram, faultStubs
_start: movq    $stackTop, %rsp         # the ROM leaves the job's address in rdi
        addq    $DIRECT, %rdi
        call    startMonitor

# The instruction syscall comes here: rcx is where to go on, r11 the flags.
enterSystem:
        movq    %rsp, programStack(%rip)
        movq    $stackTop, %rsp
        pushq   %rcx
        pushq   %r11
        pushq   %r9                     # Registers of machine.h, the last first
        pushq   %r8
        pushq   %r10
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %rax
        movq    %rsp, %rdi
        call    callSystem
        addq    $8, %rsp
        popq    %rdi
        popq    %rsi
        popq    %rdx
        popq    %r10
        popq    %r8
        popq    %r9
        popfq
        popq    %rcx
        movq    programStack(%rip), %rsp
        jmpq    *%rcx

# enterProgram(address, stack, a, b, c)
enterProgram:
        movq    %rsi, %rsp
        movq    %rdi, %rax
        movq    %rdx, %rdi
        movq    %rcx, %rsi
        movq    %r8, %rdx
        xorl    %ecx, %ecx
        xorl    %ebp, %ebp
        cld
        jmpq    *%rax

# One stub a vector; some have an error code on the stack, the others get 0.
        .balign 16
faultStubs:
        .set    vector, 0
        .rept   32
        .balign 16
        .if     (vector != 8) && ((vector < 10) || (vector > 14)) && (vector != 17) && (vector != 21)
        pushq   $0
        .endif
        pushq   $vector
        jmp     fault
        .set    vector, vector + 1
        .endr
fault:  cld
        movq    %rsp, %rdi
        andq    $-16, %rsp
        call    onFault

        .bss
        .balign 16
programStack:
        .skip   16
        .skip   1 << 16
stackTop:
