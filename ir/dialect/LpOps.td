// Operations of the lp dialect.

#ifndef LPGEN_DIALECT_LPOPS
#define LPGEN_DIALECT_LPOPS

include "ir/dialect/LpBase.td"
include "mlir/Interfaces/InferIntRangeInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"

class Lp_Op<string mnemonic, list<Trait> traits = []> : Op<Lp_Dialect, mnemonic, traits>;

def Lp_Shaped : AnyTypeOf<[AnyRankedTensor, AnyMemRef]>;
// The language computes in the other three; 16 bits come with lp-narrow-reductions.
def Lp_Scalar : AnyTypeOf<[I16, I32, I64, F32]>;
def Lp_Element : AnyTypeOf<[AnySignlessInteger, AnyFloat, Lp_IntType]>;

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

def Lp_SizeArrayAttr : TypedArrayAttrBase<Lp_SizeAttr, "run-time sizes">;
def Lp_BufferArrayAttr : TypedArrayAttrBase<Lp_BufferAttr, "buffers">;
def Lp_ContractionArrayAttr : TypedArrayAttrBase<Lp_ContractionAttr, "contractions">;
def Lp_PhaseArrayAttr : TypedArrayAttrBase<Lp_PhaseAttr, "phases">;

def Lp_KernelOp : Lp_Op<"kernel", [IsolatedFromAbove, Symbol,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "one operator as a kernel: its signature and what it is made of";
  let description = [{
    Owns what the C interface and the manifest say of the kernel. Each stage adds what it
    decides:

    | stage | body | added |
    |---|---|---|
    | `lp` | of tensors: sizes, inputs and constants are arguments, outputs are yielded | |
    | `scheduled` | the same | `contractions`, `hash` |
    | `packed` | of memrefs: sizes, all buffers and the workspace are arguments | `workspace` |
    | `tiled` and later | none, phases are functions | `phases`, `scratch` |

    `hash` is that of the scheduled IR: the identity of the kernel and of its packed
    layouts. `workspace` and `scratch` are in bytes, the latter of one thread.

    Constraints: (kernel_c1) names are identifiers, of sizes and of buffers unique, run-time extents
    name a size, constants come after inputs and outputs after both; buffers of one constant
    share name and digest; (kernel_c2) the body has the arguments and
    yields the values of its stage; (kernel_c3) without a body there are phases, workspace
    and scratch, with one there are neither phases nor scratch; (kernel_c4) sizes are 0 to
    2^62 bytes, the hash has 64 hexadecimal digits; (kernel_c5) functions of phases and
    packers exist and have the arguments that the signature says; (kernel_c6) dynamic
    extents in the body are its sizes; (kernel_c7) computed sizes stand behind the others,
    follow from sizes before them and do not exceed their bounds.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Lp_TargetAttr:$target,
      Lp_SizeArrayAttr:$sizes, Lp_BufferArrayAttr:$buffers,
      OptionalAttr<Lp_ContractionArrayAttr>:$contractions, OptionalAttr<StrAttr>:$hash,
      OptionalAttr<I64Attr>:$workspace, OptionalAttr<I64Attr>:$scratch,
      OptionalAttr<Lp_PhaseArrayAttr>:$phases);
  let regions = (region MaxSizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `for` $target `sizes` $sizes `buffers` $buffers attr-dict-with-keyword
    ($body^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::SmallVector<SizeAttr> sizeList();
    /// Sizes that the caller gives; the others follow from them.
    unsigned numGivenSizes();
    ::std::vector<::lpgen::ComputedSize> computedSizes();
    ::llvm::SmallVector<BufferAttr> bufferList();
    /// True up to stage `scheduled`, and at stage `packed`.
    bool hasTensors() { return !getBody().empty() && !getWorkspaceAttr(); }
    bool hasMemrefs() { return !getBody().empty() && getWorkspaceAttr(); }
    /// The buffer that an argument of the body is; null if it is none.
    BufferAttr bufferOf(::mlir::BlockArgument argument);
    /// The bound of the run-time size that `value` is; nothing if it is none.
    static ::std::optional<int64_t> boundOf(::mlir::Value value);
    /// Types of the body's arguments at stage `packed`; those of a phase's function
    /// begin with them.
    ::llvm::SmallVector<::mlir::Type> memrefArgumentTypes();
  }];
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

def Lp_ReadOp : Lp_Op<"read", [AttrSizedOperandSegments, Pure,
    DeclareOpInterfaceMethods<InferIntRangeInterface, ["inferResultRangesFromOptional"]>]> {
  let summary = "the logical value of one element, or the padding outside";
  let description = [{
    Reads `source` at `map(indices)`; result d of the map is divided by `divisors[d]`,
    and a position that the divisor does not divide is outside. Outside reads yield
    `pad` (a constant) or `padScalar`, and are undefined if there is neither.

    Constraints: (read_c1) the map has one result per dimension of the source and one
    dim per index; (read_c2) divisors are positive, one per dimension; (read_c3)
    at most one of pad and padScalar; (read_c4) on memrefs `element` names the encoding,
    and `range`, if it is there, the least and the greatest element;
    (read_c5) the source holds such elements, and the value is f32 exactly if they are;
    (read_c6) the padding has the type of the value; (read_c7) subscripts are sums of
    multiples of indices and a constant; (read_c8) without padding divisors are 1 and no
    subscript leaves its dimension: what is not known of indices is refused on tensors,
    and on memrefs left to the loops of other dialects around.
  }];
  let arguments = (ins Lp_Shaped:$source, Variadic<Index>:$indices,
      Optional<Lp_Scalar>:$padScalar, AffineMapAttr:$map, DenseI64ArrayAttr:$divisors,
      OptionalAttr<TypedAttrInterface>:$pad, OptionalAttr<TypeAttr>:$element,
      OptionalAttr<DenseI64ArrayAttr>:$range);
  let results = (outs Lp_Scalar:$value);
  let assemblyFormat = [{
    $source `[` $indices `]` $map `divisors` $divisors (`pad` $pad^)?
    (`pad_scalar` `(` $padScalar^ `:` type($padScalar) `)`)? (`element` $element^)?
    (`range` $range^)? attr-dict `:` type($source) `->` type($value)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// True if the read can fall outside its source.
    bool mayBeOutside() { return getPadAttr() || getPadScalar(); }
    /// The type of an element: the tensor's, or `element` on memrefs.
    ::mlir::Type logicalElement();
    /// Values that an integer element can have: `range`, the declared one of a kernel's
    /// buffer, the inferred one of an intermediate, else the type's.
    ::llvm::SmallVector<int64_t, 2> elementRange();
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$value, "::mlir::Value":$source,
      "::mlir::ValueRange":$indices, "::mlir::AffineMap":$map)>];
}

def Lp_QuantizeOp : Lp_Op<"quantize", [Pure]> {
  let summary = "a logical value as an element of a narrow type, saturating";
  let description = [{
    Clamps to the range of `element`; for bipolar types an even value then becomes the
    next odd one upward. An f32 has no fraction; NaN is taken for 0. An f32 to `f16` or
    `bf16` is rounded to nearest, ties to even. The result is the element (tensors) or the
    storage integer.

    Constraints: (quantize_c1) the result is `element` itself or its storage integer;
    (quantize_c2) which is an integer, or for an f32 f16 or bf16; (quantize_c3) an integer
    value has all values of the element; (quantize_c4) an f32 becomes an integer of at most
    16 bits.
  }];
  let arguments = (ins Lp_Scalar:$value, TypeAttr:$element);
  let results = (outs Lp_Element:$result);
  let assemblyFormat = "$value `to` $element attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Lp_RequantizeOp : Lp_Op<"requantize", [Pure]> {
  let summary = "fixed-point rescaling of an accumulator (TFLite)";
  let description = [{
    `acc * multiplier * 2^(shift - 31)`: left shift, saturating rounding doubling high
    multiply, rounding right shift, as TFLite's MultiplyByQuantizedMultiplier.
  }];
  let arguments = (ins I32:$acc, I32:$multiplier, I32:$shift);
  let results = (outs I32:$result);
  let assemblyFormat = "$acc `,` $multiplier `,` $shift attr-dict";
}

def Lp_Word : AnyTypeOf<[I32, VectorOfNonZeroRankOf<[I32]>]>;

def Lp_RescaleOp : Lp_Op<"rescale", !listconcat([Pure, SameOperandsAndResultType],
                                                ElementwiseMappable.traits)> {
  let summary = "a sum times a fixed-point factor, rounded once";
  let description = [{
    `(x * multiplier + 2^shift) / 2^(shift + 1)`, rounded down: x times the factor
    multiplier / 2^(shift + 1) to nearest, ties up. The product has 64 bits; whoever makes
    the op knows that the result fits 32, and that no shift is less than `leastShift` or
    more than 61.

    Constraints: (rescale_c1) `leastShift` is 30 to 61.
  }];
  let arguments = (ins Lp_Word:$x, Lp_Word:$multiplier, Lp_Word:$shift, I64Attr:$leastShift);
  let results = (outs Lp_Word:$result);
  let assemblyFormat = [{
    $x `,` $multiplier `,` $shift `at` `least` $leastShift attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t smallestShift = 30;
    static constexpr int64_t greatestShift = 61;
  }];
}

def Lp_ThresholdOp : Lp_Op<"threshold", [Pure]> {
  let summary = "the number of thresholds that a value reaches";
  let description = [{
    `sum(k) (value >= source[map(indices, k)])` for k in [0, levels): a quantizer, as
    thresholds absorb batch norm, scale and rounding.

    Constraints: (threshold_c1) the map has one dim per index and one more for k, and
    one result per dimension of the source; (threshold_c2) levels is positive;
    (threshold_c3) the source holds elements that compare with the value;
    (threshold_c4) no subscript leaves its dimension, as in (read_c8).
  }];
  let arguments = (ins Lp_Scalar:$value, Lp_Shaped:$source, Variadic<Index>:$indices,
      AffineMapAttr:$map, I64Attr:$levels, OptionalAttr<TypeAttr>:$element);
  let results = (outs I32:$result);
  let assemblyFormat = [{
    $value `,` $source `[` $indices `]` $map `levels` $levels (`element` $element^)?
    attr-dict `:` type($value) `,` type($source)
  }];
  let hasVerifier = 1;
}

def Lp_RandomOp : Lp_Op<"random", [Pure]> {
  let summary = "a uniform f32 in [0, 1) from a seed and a counter";
  let arguments = (ins I64:$seed, I64:$counter);
  let results = (outs F32:$result);
  let assemblyFormat = "$seed `,` $counter attr-dict";
}

def Lp_FunctionOp : Lp_Op<"function", [Pure]> {
  let summary = "a function of an f32 that the language defines to the bit";
  let description = [{
    `lp.function "exp" %x` is what base/types/FloatAlgorithms.h computes.

    Constraints: (function_c1) the name is that of a function.
  }];
  let arguments = (ins StrAttr:$function, F32:$operand);
  let results = (outs F32:$result);
  let assemblyFormat = "$function $operand attr-dict";
  let hasVerifier = 1;
}

def Lp_YieldOp : Lp_Op<"yield", [Pure, Terminator]> {
  let summary = "the values of a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

def Lp_ReduceKind : I32Enum<"ReduceKind", "kind of a reduction", [
    I32EnumCase<"Sum", 0, "sum">, I32EnumCase<"Max", 1, "max">,
    I32EnumCase<"Min", 2, "min">, I32EnumCase<"Product", 3, "product">,
    I32EnumCase<"ArgMax", 4, "argmax">, I32EnumCase<"ArgMin", 5, "argmin">,
    I32EnumCase<"Fma", 6, "fma">]> {
  let cppNamespace = "::lpgen::lp";
}
def Lp_ReduceKindAttr : EnumAttr<Lp_Dialect, Lp_ReduceKind, "reduce_kind">;

def Lp_ReduceOp : Lp_Op<"reduce", [RecursiveMemoryEffects,
                                   SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "a reduction of scalars over an index space";
  let description = [{
    Evaluates the body for every index in row-major order and combines the values it
    yields; f32 sums and products round in that order. `fma` is a sum of products of two f32, each
    rounded once with its addition. `argmax` and `argmin` give the index of the greatest
    and of the least term, the lowest where there are several; a NaN goes before any number.
    An extent may be one more than the index of a loop around the reduction: then that of
    the reduction goes up to it.

    Constraints: (reduce_c1) one index argument per extent; (reduce_c2) the body yields
    one value of the result's type, for `fma` two of f32; (reduce_c3) extents are positive,
    2^40 at most, their product 2^62; (reduce_c4) the body computes scalars only;
    (reduce_c5) for `argmax` and `argmin` the body yields one scalar, the result is an
    integer, and there is one extent.
  }];
  let arguments = (ins Variadic<Index>:$dynamicExtents, Lp_ReduceKindAttr:$kind,
      DenseI64ArrayAttr:$extents);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Lp_Scalar:$result);
  let assemblyFormat = [{
    $kind $extents (`dynamic` `(` $dynamicExtents^ `)`)?
    attr-dict-with-keyword `:` type($result) $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// True if the result is the index of a term.
    bool isIndex() {
      return getKind() == ReduceKind::ArgMax || getKind() == ReduceKind::ArgMin;
    }
  }];
}

def Lp_ComputeOp : Lp_Op<"compute", [AttrSizedOperandSegments,
                                     DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
                                     SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "an elementwise statement over an index space";
  let description = [{
    The body gives the element of every output at the index. On tensors the results are
    new values; on memrefs `outputs` are written. Reads in the body are explicit
    (`lp.read`), so that padding, exact division and data-dependent look-ups, which no
    indexing map of linalg can say, are part of the body.

    Constraints: (compute_c1) one index argument per extent; (compute_c2) one result
    (tensor) or output (memref) of the yielded type and the shape of the extents;
    (compute_c3) `range`, the inferred one of an integer result, has its least and its
    greatest value; (compute_c4) extents are positive, 2^40 at most, their product 2^62,
    that of what is written 2^40, and dynamic ones are sizes of the kernel;
    (compute_c5) the body computes scalars only.
  }];
  let arguments = (ins Variadic<Index>:$dynamicExtents, Variadic<AnyMemRef>:$outputs,
      DenseI64ArrayAttr:$extents, OptionalAttr<StrAttr>:$label,
      OptionalAttr<DenseI64ArrayAttr>:$range);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $extents (`dynamic` `(` $dynamicExtents^ `)`)?
    (`outs` `(` $outputs^ `:` type($outputs) `)`)? attr-dict-with-keyword
    (`->` type($results)^)? $body
  }];
  let hasVerifier = 1;
}

def Lp_InterleaveOp : Lp_Op<"interleave", [Pure]> {
  let summary = "one tensor of those of the residue classes of its indices";
  let description = [{
    `lp.interleave %even, %odd periods [1, 2]`: the element at index i is that of part
    i mod period, the parts numbered in row-major order of residues, at i / period. Buffers have
    no such op: a part is written where its elements lie in the whole.

    Constraints: (interleave_c1) one period per dimension, 1 in those of run-time size, as many
    parts as the product of the periods; (interleave_c2) the part of residues r has
    ceil((extent - r) / period) elements in each dimension, at least one, of the type of the
    result's.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$parts, DenseI64ArrayAttr:$periods);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $parts `periods` $periods attr-dict `:` type($parts) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The residues of the indices in part `number`.
    ::llvm::SmallVector<int64_t> residuesOf(unsigned number);
  }];
}

def Lp_ContractOp : Lp_Op<"contract", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "a quantized multiply-accumulate reduction with an epilogue";
  let description = [{
    For every index p of the first `parallel` loops

        acc = sum over the other loops of
              (xScale * x[xMap] + xOffset - xZero[xZeroMap]) *
              (wScale * w[wMap] + wOffset - wZero[wZeroMap])

    where `xAffine` is [xScale, xOffset], [1, 0] if it is absent, `wAffine` likewise,
    and the body maps (p, acc) to the elements written at p. Reads of x outside yield
    its padding, as in `lp.read`; w is read inside only.

    f32 are multiplied as they are, and each product is rounded once with its addition, in
    the row-major order of the other loops, the first one added to +0.

    With `xLayout`/`wLayout` the operand is a packed byte buffer and the maps speak of
    the logical tensor it was packed from, whose shape is `xShape`.

    With `groups` n, the n loops after the parallel ones are groups and acc is the sum of
    one group. `factors` maps (p, group, columns, acc) to two f32, and the body gets the sum of
    their products over the groups in row-major order, each product rounded once with its
    addition, the first one added to +0. `columns` are tensors whose elements at `columnMaps`
    the factors get as scalars: scales that are packed beside w. Column `wZeroColumn` is the
    zero point of w.

    `choice` says who chose the schedule and why, until the kernel keeps it.

    `chains` are the `lp.pack` ops of contractions that read a yielded value as their x:
    each writes it in their layout, halo included, beside or in place of an output.

    Constraints: (contract_c1) maps have one dim per loop, and one result per dimension;
    (contract_c2) the wMap's results are constants, distinct loops, such a loop and multiples of
    group loops, or a multiple of a loop of the sum and a constant;
    (contract_c3) body arguments: one index per parallel loop, then acc (i32, i64 or f32);
    (contract_c4) extents as in (compute_c4); results or outputs as many as yielded
    values, of their types and the shape of the parallel loops; further yielded values
    are each `yielded` to a chain;
    (contract_c5) elements of x and w are integers, or floats if acc is f32; (contract_c6) on memrefs the types of
    zero points and padding stand in `xZeroElement`, `wZeroElement` and `xPadElement`;
    (contract_c7) both operands are packed, in the layouts of x and w, or w alone, or none is,
    and packed ones have a schedule with a cell;
    (contract_c8) operands that are not packed have the logical shapes and elements;
    (contract_c9) ranges of x and w are ranges of their elements, none of f32;
    (contract_c10) subscripts are as in (read_c7) and (read_c8), none beyond 2^40;
    (contract_c11) a zero point and its map stand together, subscripted by parallel and
    group loops, inside; the padding is a scalar; (contract_c12) the body computes scalars only;
    (contract_c13) scales and offsets are within 2^31 of 0, scales not 0;
    (contract_c14) f32 have no zero points, scales or offsets, and a padding of 0 (+0);
    (contract_c15) group loops are in the subscripts of x and of w; there are `factors` if
    there are groups, with one index argument per parallel and group loop, then a scalar (i32
    or f32) per column, then acc (i32 or i64), of two f32; then the body's acc is f32;
    (contract_c16) columns are subscripted by the parallel and group loops that w has, each
    once, inside; on memrefs their types stand in `columnElements`; they are packed if w is;
    `wZeroColumn` is the number of one of integers, beside no other zero point of w.
  }];
  let arguments = (ins Lp_Shaped:$x, Lp_Shaped:$w, Optional<Lp_Shaped>:$xZero,
      Optional<Lp_Shaped>:$wZero, Optional<Lp_Shaped>:$xPadScalar, Variadic<Lp_Shaped>:$columns,
      Variadic<Index>:$dynamicExtents, Variadic<AnyMemRef>:$outputs,
      DenseI64ArrayAttr:$extents, I64Attr:$parallel, OptionalAttr<I64Attr>:$groups,
      AffineMapAttr:$xMap, AffineMapAttr:$wMap, DenseI64ArrayAttr:$xDivisors,
      OptionalAttr<I64Attr>:$xPad, OptionalAttr<AffineMapAttr>:$xZeroMap,
      OptionalAttr<AffineMapAttr>:$wZeroMap, OptionalAttr<DenseI64ArrayAttr>:$xAffine,
      OptionalAttr<DenseI64ArrayAttr>:$wAffine, TypeAttr:$xElement, TypeAttr:$wElement,
      DenseI64ArrayAttr:$xRange, DenseI64ArrayAttr:$wRange,
      DenseI64ArrayAttr:$xShape, DenseI64ArrayAttr:$wShape,
      OptionalAttr<Lp_LayoutAttr>:$xLayout, OptionalAttr<Lp_LayoutAttr>:$wLayout,
      OptionalAttr<Lp_ScheduleAttr>:$schedule, OptionalAttr<StrAttr>:$label,
      OptionalAttr<StrAttr>:$choice, OptionalAttr<TypeAttr>:$xZeroElement,
      OptionalAttr<TypeAttr>:$wZeroElement, OptionalAttr<TypeAttr>:$xPadElement,
      OptionalAttr<AffineMapArrayAttr>:$columnMaps, OptionalAttr<TypeArrayAttr>:$columnElements,
      OptionalAttr<I64Attr>:$wZeroColumn);
  let regions = (region SizedRegion<1>:$body, MaxSizedRegion<1>:$factors,
      MaxSizedRegion<1>:$chains);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $x `,` $w `:` type($x) `,` type($w) `)`
    (`x_zero` `(` $xZero^ `:` type($xZero) `)`)? (`w_zero` `(` $wZero^ `:` type($wZero) `)`)?
    (`x_pad` `(` $xPadScalar^ `:` type($xPadScalar) `)`)?
    (`columns` `(` $columns^ `:` type($columns) `)`)?
    `loops` $extents `parallel` $parallel (`groups` $groups^)?
    (`dynamic` `(` $dynamicExtents^ `)`)? (`outs` `(` $outputs^ `:` type($outputs) `)`)?
    attr-dict-with-keyword (`->` type($results)^)? $body (`factors` $factors^)?
    (`chains` $chains^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    unsigned numLoops() { return getExtents().size(); }
    unsigned numReductions() { return numLoops() - getParallel(); }
    /// A factor of the products without its zero point: scale * element + offset.
    struct Affine {
      int64_t scale = 1;
      int64_t offset = 0;
    };
    Affine affineOfX() { return affineOf(getXAffine()); }
    Affine affineOfW() { return affineOf(getWAffine()); }
    static Affine affineOf(::std::optional<::llvm::ArrayRef<int64_t>> attribute) {
      return attribute ? Affine{(*attribute)[0], (*attribute)[1]} : Affine();
    }
    unsigned numGroups() { return getGroups().value_or(0); }
    ::mlir::AffineMap columnMap(unsigned i) {
      return ::llvm::cast<::mlir::AffineMapAttr>((*getColumnMaps())[i]).getValue();
    }
    bool hasWZero() { return getWZero() || getWZeroColumn(); }
    /// True if a column can have `map`: the loops of w that are no reductions, each alone and
    /// once.
    bool isMapOfColumn(::mlir::AffineMap map);
    /// On memrefs.
    ::mlir::Type columnElement(unsigned i) {
      return ::llvm::cast<::mlir::TypeAttr>((*getColumnElements())[i]).getValue();
    }
    /// The region that gets the sums of products: that of groups, or the body.
    ::mlir::Region &consumerOfSums() { return getFactors().empty() ? getBody() : getFactors(); }
    /// The type of the sums of products.
    ::mlir::Type accumulatorType();
    /// True if elements and accumulator are f32.
    bool isOfFloats();
    /// Types of the yielded elements.
    ::llvm::SmallVector<::mlir::Type> outputTypes();
  }];
}

include "ir/dialect/LpPackedOps.td"

#endif // LPGEN_DIALECT_LPOPS
