// Operations of the lp dialect on packed operands, and tuned rules. Part of LpOps.td.

//===----------------------------------------------------------------------===//
// Packed operands
//===----------------------------------------------------------------------===//

def Lp_PackOp : Lp_Op<"pack", [AttrSizedOperandSegments,
                               MemoryEffects<[MemRead, MemWrite]>,
                               SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "brings a logical operand of a contraction into its packed layout";
  let description = [{
    Carries the loops and maps of the contraction it serves, from which the order and
    the halo of the packed buffer follow. Positions of the halo store code 0; with
    `storesPadding` they store what x is outside, `halo` or the scalar `haloScalar`, as elements,
    and sums of w are not told apart by border. With
    `mergesTaps` the innermost taps are part of the inner reduction: positions of one row lie
    side by side without a gap, and k-groups run over several of them.

    The elements come from `source`; or from `producer`, the body of the elementwise
    statement that makes the operand: its element at an index, computed where it is packed;
    or they are yielded value number `yielded` of the contraction around, whose tasks write
    them. With a producer, `logical` gets the elements too, as they are.

    Constraints: (pack_c1) destination is a byte buffer; (pack_c2) one of a source, a
    producer, with one index argument per dimension of the operand, and the number of a
    value that the contraction around yields; (pack_c3) a logical operand only with a
    producer; (pack_c4) at most 64 loops of 1 to 2^40 and 2^62 iterations, x subscripted
    linearly, w as in (contract_c2); (pack_c5) elements are integers, or floats in a layout of
    32 bits, a source and a logical operand have the shape and the storage of the operand;
    (pack_c6) a halo with `storesPadding` only, and a scalar of integers with its element.
  }];
  let arguments = (ins Optional<AnyMemRef>:$source, AnyMemRef:$destination,
      Optional<AnyMemRef>:$logical, Optional<AnyMemRef>:$haloScalar,
      Variadic<Index>:$dynamicExtents,
      Lp_LayoutAttr:$layout, DenseI64ArrayAttr:$extents, I64Attr:$parallel,
      OptionalAttr<I64Attr>:$groups, AffineMapAttr:$xMap, AffineMapAttr:$wMap, DenseI64ArrayAttr:$xShape,
      DenseI64ArrayAttr:$wShape, TypeAttr:$element, OptionalAttr<I64Attr>:$yielded,
      UnitAttr:$mergesTaps, UnitAttr:$storesPadding, OptionalAttr<I64Attr>:$halo,
      OptionalAttr<TypeAttr>:$haloElement);
  let regions = (region MaxSizedRegion<1>:$producer);
  let assemblyFormat = [{
    ($source^ `:` type($source))? (`yielded` $yielded^)?
    `into` $destination `:` type($destination) $layout
    (`logical` `(` $logical^ `:` type($logical) `)`)?
    (`halo` `(` $haloScalar^ `:` type($haloScalar) `)`)?
    `loops` $extents `parallel` $parallel (`groups` $groups^)? (`dynamic` `(` $dynamicExtents^ `)`)?
    attr-dict-with-keyword ($producer^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    unsigned numGroups() { return getGroups().value_or(0); }
  }];
}

def Lp_TileOp : Lp_Op<"tile", [AttrSizedOperandSegments,
                               MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "a register tile: rows x vectors of sums over a part of the reduction";
  let description = [{
    `acc[i][j] = sum over planes and steps of cell(x[xOffsets[i] + step], w[wOffset + step])`
    in i32, i64 or f32, for `rows` rows and `vectors` vectors of lanes. The steps are the loops
    `counts`, which advance x by `strides` bytes and w by `wSteps` steps. `accumulate` adds
    to `acc` instead of writing it; f32 are added to it step by step, in the order of the loops. `chunk` is the number of steps after which the cell's
    narrow accumulator must be widened, proved from the operands' ranges. `halves` is
    memory for 16-bit sums on the way, where the cell's accumulators are bytes. `prefetch` is
    how many bytes ahead each step fetches w into the second-level cache, 0 for not at all.
    With `xInLanes` a step reads x as it reads w, a vector with a group for each lane, where it
    else reads one group for all of them.

    Constraints: (tile_c1) one xOffset per row, and 1 to 128 accumulators; (tile_c2) counts
    are positive, with one stride and one wStep each; (tile_c3) chunk is positive, unroll 1
    to 256; (tile_c4) coefficients of planes are powers of the second one, the last one
    perhaps negative; (tile_c5) x and w are byte buffers, sums rows of i32, i64 or
    f32, perhaps those of a larger matrix, 16-bit ones of i16; (tile_c6) with `xInLanes` there is one vector, and there are no
    planes.
  }];
  let arguments = (ins AnyMemRef:$x, AnyMemRef:$w, AnyMemRef:$acc,
      Optional<AnyMemRef>:$halves, Variadic<Index>:$xOffsets, Index:$wOffset, StrAttr:$cell, I64Attr:$vectors,
      DenseI64ArrayAttr:$counts, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$wSteps,
      UnitAttr:$accumulate, I64Attr:$chunk, I64Attr:$unroll, DenseI64ArrayAttr:$xPlanes, DenseI64ArrayAttr:$wPlanes,
      I64Attr:$xPlaneStride, I64Attr:$wPlaneStride,
      DefaultValuedAttr<I64Attr, "0">:$prefetch, UnitAttr:$xInLanes);
  let assemblyFormat = [{
    $cell $x `[` $xOffsets `]` `,` $w `[` $wOffset `]` `into` $acc
    (`through` $halves^ `:` type($halves))?
    attr-dict-with-keyword `:` type($x) `,` type($w) `,` type($acc)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Tuned rules
//===----------------------------------------------------------------------===//

def Lp_TunedOp : Lp_Op<"tuned"> {
  let summary = "a schedule that measurement found best for a shape";
  let description = [{
    `lp.tuned "x86_avx2" "u2" x "s2" rows 784 columns 128 reduction 1152 ->
    #lp.schedule<...>`: target, operand types, and rows, columns and reduction of the contraction seen as a GEMM.

    `source` says how good the schedule is known to be, `measured` or `mca` (ranked by
    LLVM's machine code analyzer); `note` is for people.

    Constraints: (tuned_c1) extents are positive; (tuned_c2) `source` is one of the two.
  }];
  let arguments = (ins StrAttr:$target, StrAttr:$x, StrAttr:$w, I64Attr:$rows,
      I64Attr:$columns, I64Attr:$reduction, Lp_ScheduleAttr:$schedule,
      OptionalAttr<StrAttr>:$source, OptionalAttr<StrAttr>:$note);
  let assemblyFormat = [{
    $target $x `x` $w `rows` $rows `columns` $columns `reduction` $reduction
    `->` $schedule attr-dict
  }];
  let hasVerifier = 1;
}
