// The lp dialect: quantized contractions of any bit width, and what surrounds them.

#ifndef LPGEN_DIALECT_LPBASE
#define LPGEN_DIALECT_LPBASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Lp_Dialect : Dialect {
  let name = "lp";
  let cppNamespace = "::lpgen::lp";
  let summary = "low-precision tensor operators";
  let description = [{
    An `lp.kernel` is one operator: its signature, and what each stage learns of it. Up
    to stage `scheduled` the values in its body are tensors whose elements may be
    `!lp.int` types, `f16` and `bf16`; at stage `packed` they are memrefs of signless
    integers and `f32`, and encoding and width stand in attributes; from stage `tiled` on
    its phases are functions.

    Scalars inside regions are `i32`, `i64` or `f32`: the logical value of an element,
    never its code.
  }];
  // Of a loop: its trips do not depend on each other. A hint, which a pass may lose.
  let discardableAttrs = (ins "::mlir::UnitAttr":$elementwise);
  let hasOperationAttrVerify = 1;
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

// One of base/types/ElementType.h, by its name there.
def Lp_Encoding : AttrOrTypeParameter<"::lpgen::Encoding", "how a code denotes a value"> {
  let parser = "parseEncoding($_parser)";
  let printer = "$_printer << familyOf($_self).name";
}

def Lp_IntType : TypeDef<Lp_Dialect, "Int"> {
  let mnemonic = "int";
  let summary = "an integer of 1 to 16 bits with an encoding, or u32";
  let description = [{
    `!lp.int<unsigned, 2>` is u2 of the language, `!lp.int<bipolar, 1>` is b1.

    Constraints: (int_c1) 1 to 16 bits, bipolar 1 to 8, ternary 2, unsigned also 32.
  }];
  let parameters = (ins Lp_Encoding:$encoding, "unsigned":$width);
  let assemblyFormat = "`<` $encoding `,` $width `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The language's type, which knows ranges and storage.
    ::lpgen::ElementType elementType() const;
  }];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class Lp_Attr<string name, string attrMnemonic> : AttrDef<Lp_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Lp_ScheduleAttr : Lp_Attr<"Schedule", "schedule"> {
  let summary = "how one contraction is computed";
  let description = [{
    `#lp.schedule<"widen", cell = "maddubs16", tile = [4, 2], unroll = 2, block = 32>`

    `template` names a schedule template, `cell` the target's register-tile cell (empty
    for `direct`), `tile` the register tile in output positions (pixels, rows of a
    GEMM) and vectors of output channels, `unroll` the steps of the reduction in one
    trip of the inner loop, `block` the register tiles in one task, `prefetch` how many
    bytes ahead w is fetched into the second-level cache (0 or nothing: not at all).

    Constraints: (schedule_c1) tile, unroll and block are positive, and at most [64, 64],
    1024 and 2^20; (schedule_c2) `direct` has no cell, every other template has one;
    (schedule_c3) `prefetch` is 0 to 1 MiB.
  }];
  let parameters = (ins StringRefParameter<"schedule template">:$templateName,
      StringRefParameter<"register-tile cell">:$cell,
      "int64_t":$tileRows, "int64_t":$tileVectors, "int64_t":$unroll, "int64_t":$block,
      OptionalParameter<"std::optional<int64_t>">:$prefetch);
  let assemblyFormat = [{
    `<` $templateName `,` `cell` `=` $cell `,` `tile` `=` `[` $tileRows `,` $tileVectors `]`
    `,` `unroll` `=` $unroll `,` `block` `=` $block (`,` `prefetch` `=` $prefetch^)? `>`
  }];
  let genVerifyDecl = 1;
}

def Lp_TargetAttr : Lp_Attr<"Target", "target"> {
  let summary = "the CPU a module is compiled for";
  let description = [{
    `#lp.target<"x86_avx2">` names a target, whose instructions may be used;
    `#lp.target<"x86_avx2", cpu = "znver4">` also the CPU whose speed decides about
    schedules, if it is not the one that the target names.

    Constraints: (target_c1) `targets/cpus` has a record of `cpu`.
  }];
  let parameters = (ins StringRefParameter<"name of a target">:$name,
      StringRefParameter<"name of a CPU", [{""}]>:$cpu);
  let assemblyFormat = "`<` $name (`,` `cpu` `=` $cpu^)? `>`";
  let genVerifyDecl = 1;
}

def Lp_OperandKind : I32Enum<"OperandKind", "role of a packed operand", [
    I32EnumCase<"Activations", 0, "activations">, I32EnumCase<"Weights", 1, "weights">]> {
  let cppNamespace = "::lpgen::lp";
}

def Lp_LayoutKind : I32Enum<"LayoutKind", "what a packed group holds", [
    I32EnumCase<"Elements", 0, "elements">, I32EnumCase<"Fields", 1, "fields">,
    I32EnumCase<"Digits", 2, "digits">, I32EnumCase<"Tables", 3, "tables">]> {
  let cppNamespace = "::lpgen::lp";
}

def Lp_LayoutAttr : Lp_Attr<"Layout", "layout"> {
  let summary = "how a packed operand lies in memory";
  let description = [{
    A packed operand is made of *groups*: `group` consecutive elements along the inner
    reduction dimension, in `groupBytes` bytes. What the bytes hold is the `kind`:

    - `elements`: whole stored elements of `bits` bits, 8 or 16, or 32 for f32, one after
      the other.
    - `fields`: whole stored elements of fewer bits, without a sign. Element i is in byte
      i % groupBytes, from bit i / groupBytes * `bits` on.
    - `digits`: one digit of each element, bits [p * bits, (p + 1) * bits) of the code in
      plane p; with `bits` = 1 a bit plane. Every byte of a group has the same number of
      digits, digit after digit from its lowest bit on.
    - `tables`: for each 4 digits a table of 16 bytes. Byte m is the sum of the digits i
      with bit i in m.

    The `planes` lie one after the other; `elements` and `fields` have one.

    Activations: `[plane][positions ...][batch ...][groups]`, the positions with the
    halo of the padding, then one i32 sum of stored elements per position if `sums`.
    Weights: `[batch][panel][plane][reduction steps][lanes]` groups, then if `sums` one
    i32 sum of stored elements per border class and output channel.

    The stored element is `value + offset`, halved if `halve`: a bipolar value of b bits
    with offset 2^b - 1 and `halve` is stored as its code. `signed` says that stored
    elements are two's complement.

    Constraints: (layout_c1) 1 to 256 elements and 1 to 1024 bytes in a group, 1 to 32
    bits, 1 to 16 planes, 1 to 4096 lanes, an offset of 32 bits; (layout_c2) activations have
    one lane; (layout_c3) the elements of a group fill its bytes as the kind says.
  }];
  let parameters = (ins EnumParameter<Lp_OperandKind>:$operand,
      EnumParameter<Lp_LayoutKind>:$kind, "int64_t":$group,
      "int64_t":$groupBytes, "int64_t":$bits, "int64_t":$planes, "int64_t":$lanes, "int64_t":$offset,
      "bool":$halve, "bool":$isSigned, "bool":$sums);
  let assemblyFormat = [{
    `<` $operand `,` $kind `,` `group` `=` $group `,` `bytes` `=` $groupBytes `,` `bits` `=`
    $bits `,` `planes` `=` $planes `,` `lanes` `=` $lanes `,` `offset` `=` $offset `,`
    `halve` `=` $halve `,` `signed` `=` $isSigned `,` `sums` `=` $sums `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isOfWeights() const { return getOperand() == OperandKind::Weights; }
    /// True if a group holds one digit of each element.
    bool hasDigits() const {
      return getKind() == LayoutKind::Digits || getKind() == LayoutKind::Tables;
    }
    /// Digits in one byte of a group, as many as there must be.
    int64_t digitsPerByte() const {
      return (getGroup() + getGroupBytes() - 1) / getGroupBytes();
    }
    /// Groups needed for `elements` elements.
    int64_t groupsFor(int64_t elements) const {
      return (elements + getGroup() - 1) / getGroup();
    }
  }];
}

//===----------------------------------------------------------------------===//
// The signature of a kernel, and what it is made of
//===----------------------------------------------------------------------===//

def Lp_ComputedSizeAttr : Lp_Attr<"ComputedSize", "computed_size"> {
  let summary = "how a run-time size of a kernel follows from those before it";
  let description = [{
    (sum of coefficient * size + constant) / divisor, where `sizes` has positions in the
    kernel's list. The division rounds down; or it comes out even, and other sizes are
    refused.

    Constraints: (computed_size_c1) as many coefficients as sizes, each within 2^60, and a
    divisor of 1 to 2^60.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$sizes,
      ArrayRefParameter<"int64_t">:$coefficients, "int64_t":$constant,
      "int64_t":$divisor, "bool":$isFloor);
  let assemblyFormat = [{`<` `[` $sizes `]` `*` `[` $coefficients `]` `+` $constant
      `by` $divisor `,` `floor` `=` $isFloor `>`}];
  let genVerifyDecl = 1;
}

def Lp_SizeAttr : Lp_Attr<"Size", "size"> {
  let summary = "a run-time size of a kernel: its name and its largest value";
  let description = [{
    Who calls the kernel gives the sizes that are not computed, which stand first.

    Constraints: (size_c1) the bound is 1 to 2^40.
  }];
  let parameters = (ins StringRefParameter<"name in the operator">:$name,
      "int64_t":$bound, OptionalParameter<"ComputedSizeAttr">:$computed);
  let assemblyFormat = "`<` $name `,` `bound` `=` $bound (`,` $computed^)? `>`";
  let genVerifyDecl = 1;
}

def Lp_BufferRole : I32Enum<"BufferRole", "what a kernel does with a buffer", [
    I32EnumCase<"Input", 0, "input">, I32EnumCase<"Output", 1, "output">,
    I32EnumCase<"Constant", 2, "constant">]> {
  let cppNamespace = "::lpgen::lp";
}

def Lp_PackedBufferAttr : Lp_Attr<"PackedBuffer", "packed_buffer"> {
  let summary = "how a buffer arrives that the caller packs";
  let description = [{
    Constraints: (packed_buffer_c1) the layout is one of weights, after the header with
    the layout's id.
  }];
  let parameters = (ins "int64_t":$bytes, "LayoutAttr":$layout,
      AttrParameter<"::mlir::FlatSymbolRefAttr", "function (logical, packed)">:$packer);
  let assemblyFormat = "`<` $bytes `,` $layout `,` `packer` `=` $packer `>`";
  let genVerifyDecl = 1;
}

def Lp_BufferAttr : Lp_Attr<"Buffer", "buffer"> {
  let summary = "a buffer of a kernel";
  let description = [{
    `#lp.buffer<"x", input, !lp.int<unsigned, 2>, [?0, 20], range = [0, 3]>`

    `shape` has constants and numbers of run-time sizes, `?0` the first; `range` has the
    least and the greatest value of an integer element, which the caller warrants. A
    buffer that arrives packed says how in `packed`.

    `constant of "0123..."` is a buffer that the kernel's object brings itself. Its values
    are not in the IR, only their SHA-256, so that the kernel's hash depends on them, and what
    bounds of narrow accumulators need: `pairSums` has, for n = 1, 2, 4, 8, the sum of the
    negative and that of the positive elements that is farthest from 0 among the first and the
    last two of every four of 4 n consecutive ones, each row filled up by zeros to fours. `live`
    has, for each dimension, the first one, the step and the number of the slices outside which
    all elements are 0; rows outside are left out of the sums of pairs.

    `strides` says of an input or an output that is a view of a larger tensor how many
    elements are between neighbours in each dimension, as `shape` says extents; without it
    the elements lie row-major and dense.

    Constraints: (buffer_c1) elements have a storage type, constant extents are positive,
    and a tensor of 2^40 elements is the largest; (buffer_c2) integers, and only they,
    have a range, within that of their type; (buffer_c3) only inputs and constants are
    packed; (buffer_c4) constants, and only they, have a digest, of 64
    hexadecimal digits, and no run-time sizes; (buffer_c5) only constants have sums of pairs,
    of none or of every n, which are not positive and not negative in turn; (buffer_c6) only
    constants of integers have live slices, within their shape; (buffer_c7) no constant has
    strides, and others one for each dimension, of 1 to 2^40 where it is constant.
  }];
  let parameters = (ins StringRefParameter<"name in the operator">:$name,
      EnumParameter<Lp_BufferRole>:$role, "::mlir::Type":$element,
      ArrayRefParameter<"int64_t", "extents; ~i for run-time size i">:$shape,
      OptionalArrayRefParameter<"int64_t">:$range,
      OptionalParameter<"PackedBufferAttr">:$packed,
      StringRefParameter<"SHA-256 of a constant's values", [{""}]>:$digest,
      OptionalArrayRefParameter<"int64_t">:$pairSums,
      OptionalArrayRefParameter<"int64_t">:$live,
      OptionalArrayRefParameter<"int64_t", "elements; ~i for run-time size i">:$strides);
  let assemblyFormat = [{
    `<` $name `,` $role (`of` $digest^)? (`pairSums` `[` $pairSums^ `]`)? (`live` `[` $live^ `]`)? `,` $element `,`
    custom<Shape>($shape) (`,` `range` `=` `[` $range^ `]`)? (`packed` `=` $packed^)?
    (`strides` custom<Shape>($strides)^)? `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isOutput() const { return getRole() == BufferRole::Output; }
    bool isConstant() const { return getRole() == BufferRole::Constant; }
    /// The slices of dimension `dim` outside which all elements are 0.
    Slices liveAt(unsigned dim) const;
    /// The same buffer, that arrives packed.
    BufferAttr packedAs(PackedBufferAttr packed) const;
    /// The logical tensor, run-time sizes dynamic.
    ::mlir::RankedTensorType tensorType() const;
    /// The memref of the logical tensor's storage.
    ::mlir::MemRefType memrefType() const;
    /// The memref that is passed: of bytes if packed, else the logical one.
    ::mlir::MemRefType passedType() const;
  }];
}

def Lp_ContractionAttr : Lp_Attr<"Contraction", "contraction"> {
  let summary = "what was decided for one contraction of a kernel";
  let description = [{
    The statement's target, the element types, the schedule, the elements in a group of
    its packed form (0 if it has none), and who chose the schedule and why.

    Constraints: (contraction_c1) the group is not negative.
  }];
  let parameters = (ins StringRefParameter<"target of the statement">:$label,
      "::mlir::Type":$x, "::mlir::Type":$w, "::mlir::Type":$accumulator,
      "ScheduleAttr":$schedule, "int64_t":$group,
      StringRefParameter<"who chose, and why">:$choice);
  let assemblyFormat = [{
    `<` $label `,` $x `x` $w `into` $accumulator `,` $schedule `,` `group` `=` $group `,`
    `choice` `=` $choice `>`
  }];
  let genVerifyDecl = 1;
}

def Lp_PhaseKind : I32Enum<"PhaseKind", "the op whose tasks a phase runs", [
    I32EnumCase<"Compute", 0, "compute">, I32EnumCase<"Pack", 1, "pack">,
    I32EnumCase<"Contract", 2, "contract">]> {
  let cppNamespace = "::lpgen::lp";
}

def Lp_PhaseAttr : Lp_Attr<"Phase", "phase"> {
  let summary = "a phase of a kernel: independent tasks";
  let description = [{
    `#lp.phase<compute, run = @run, tasks = @tasks, takes = [0, 2]>`

    `run` takes those of the kernel's sizes, buffers and workspace that it uses, whose
    numbers in this order are `takes`, then scratch, and the range of tasks; `tasks` takes
    the sizes and returns their number.
  }];
  let parameters = (ins EnumParameter<Lp_PhaseKind>:$kind,
      AttrParameter<"::mlir::FlatSymbolRefAttr", "function of a range of tasks">:$run,
      AttrParameter<"::mlir::FlatSymbolRefAttr", "function that counts tasks">:$tasks,
      OptionalArrayRefParameter<"int64_t", "what `run` takes">:$takes);
  let assemblyFormat = [{
    `<` $kind `,` `run` `=` $run `,` `tasks` `=` $tasks (`,` `takes` `=` `[` $takes^ `]`)? `>`
  }];
}

#endif // LPGEN_DIALECT_LPBASE
