// The passes of lpgen, in pipeline order; compiler/pipeline/Stages.cpp adds them. The
// pipeline chooses schedules by the function that lp-select-schedule calls.

#ifndef LPGEN_PASSES
#define LPGEN_PASSES

include "mlir/Pass/PassBase.td"

def RaiseThresholdPass : Pass<"lp-raise-threshold", "::lpgen::lp::KernelOp"> {
  let summary = "turn sums of comparisons into lp.threshold";
  let description = [{
    `sum(k) (value >= levels[i, k])`, with a value that does not depend on k, becomes

    ```mlir
    %q = lp.threshold %value, %levels[%i] affine_map<(i, k) -> (i, k)> levels 3
    ```
  }];
  let dependentDialects = ["::lpgen::lp::LpDialect", "::mlir::arith::ArithDialect"];
}

def RaiseContractPass : Pass<"lp-raise-contract", "::lpgen::lp::KernelOp"> {
  let summary = "turn sums of products into lp.contract";
  let description = [{
    An integer `lp.reduce sum` whose body is the product of affine forms of two reads,
    scale * read + offset - zero point, moves out of its statement. What the reduction
    does not change multiplies the sum afterwards:

    ```mlir
    %y = lp.compute [m, o] { %s = lp.reduce sum [k] { x[m,k] * w[o,k] } ; f(%s) }
    // becomes
    %acc = lp.contract ins(%x, %w) loops [m, o, k] parallel 2 { yield acc }
    %y = lp.compute [m, o] { f(read %acc[m, o]) }
    ```
    A sum that does not fit (three factors, look-ups, both operands with composite
    subscripts) stays a loop nest, and a remark says why.
  }];
  let dependentDialects = ["::lpgen::lp::LpDialect", "::mlir::arith::ArithDialect"];
}

def FuseEpiloguePass : Pass<"lp-fuse-epilogue", "::lpgen::lp::KernelOp"> {
  let summary = "compute elementwise consumers in the contraction's body";
  let description = [{
    An `lp.compute` that reads a contraction's result at its own index only moves into
    the body of the contraction, so that the accumulator is scaled, clamped and stored
    while it is in registers or L1.
  }];
  let dependentDialects = ["::lpgen::lp::LpDialect", "::mlir::arith::ArithDialect"];
}

def DropZerosPass : Pass<"lp-drop-zeros", "::lpgen::lp::KernelOp"> {
  let summary = "leave out taps and channels of constant weights that are all 0";
  let description = [{
    A reduction loop that is a subscript of a constant w alone keeps those trips whose slices
    of w have an element that is not 0 (`live` of #lp.buffer): from the first one to the last
    one, in equal steps. A 3x3 filter in a border of zeros, a dilated one that is stored with
    its zeros, and channels that were cut off become what they are. Sums of integers only, of
    products with w itself: there a term with a weight of 0 is 0.
  }];
  let dependentDialects = ["::lpgen::lp::LpDialect"];
}

def SplitResiduesPass : Pass<"lp-split-residues", "::lpgen::lp::KernelOp"> {
  let summary = "contractions with divided subscripts to one for each residue class";
  let description = [{
    A contraction that reads x at `(h + 1 - r) / 2` finds something there for half of the taps
    only, those with r of the parity of h + 1. The others read outside, which adds nothing where
    the padding is a factor of 0. So the outputs with even h are a contraction of the odd taps,
    and those with odd h one of the even taps, both without a division:

    ```mlir
    %y = lp.contract x[(h + 1 - r) / 2] * w[r], h of 8, r of 3
    // becomes
    %even = lp.contract x[h - r] * w[2 * r + 1], h of 4, r of 1
    %odd = lp.contract x[h + 1 - r] * w[2 * r], h of 4, r of 2
    %y = lp.interleave %even, %odd periods [2]
    ```
    A class that no tap reaches is an `lp.compute` of a sum of 0.
  }];
  let dependentDialects = ["::lpgen::lp::LpDialect", "::mlir::arith::ArithDialect"];
}

def SelectSchedulePass : Pass<"lp-select-schedule", "::mlir::ModuleOp"> {
  let summary = "choose a schedule for every contraction";
  let description = [{
    Attaches `#lp.schedule`, chosen for the kernel's target by the given text, by the
    `lp.tuned` rules in the module, or by the cost model, and records on the kernel what
    was decided and the hash of the result. The pipeline calls the same function, with
    rules from files.
  }];
  let options = [Option<"schedule", "schedule", "std::string", "",
                        "Schedule as --schedule takes it">];
  let dependentDialects = ["::lpgen::lp::LpDialect"];
}

def BufferizePass : Pass<"lp-bufferize", "::mlir::ModuleOp"> {
  let summary = "tensors to memrefs, and the packed layouts that the schedules ask for";
  let description = [{
    Outputs become arguments, intermediates become slices of one workspace argument,
    elements become signless storage integers. A contraction whose schedule has a cell
    gets its operands packed: an input w is taken packed by the caller (its buffer gets a
    function `<op>.pack.<input>`), x and intermediates are packed by an `lp.pack` phase.
  }];
  let dependentDialects = ["::lpgen::lp::LpDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect"];
}

def PlanWorkspacePass : Pass<"lp-plan-workspace", "::mlir::ModuleOp"> {
  let summary = "slices of the workspace by lifetime";
  let description = [{
    Slices of the workspace that no phase uses together share memory. With run-time sizes the
    offsets are computed from them, and a function `<op>.workspace` gives the bytes that the
    kernel needs for the sizes that it gets.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect"];
}

def TilePass : Pass<"lp-tile", "::mlir::ModuleOp"> {
  let summary = "phases of independent tasks, loops around register tiles";
  let description = [{
    Every op of the kernel becomes a phase: a function `<op>.phaseN(..., scratch, begin,
    end)` that runs a range of its tasks, and `<op>.tasksN` that counts them; packed
    contractions become loops around `lp.tile` and their epilogue. The kernel keeps the
    list of its phases, and no body.
  }];
  let dependentDialects = ["::lpgen::lp::LpDialect", "::mlir::arith::ArithDialect",
                           "::mlir::affine::AffineDialect", "::mlir::func::FuncDialect",
                           "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::vector::VectorDialect"];
}

def ExpandTilePass : Pass<"lp-expand-tile", "::mlir::ModuleOp"> {
  let summary = "register tiles to vector code of the target's cells";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::math::MathDialect"];
}

def NarrowReductionsPass : Pass<"lp-narrow-reductions", "::mlir::func::FuncOp"> {
  let summary = "reductions whose values fit 16 bits, in 16 bits";
  let description = [{
    In loops that are marked `lp.elementwise`, if the ranges of elements prove that no value of
    an `lp.reduce` leaves 16 bits, partial sums included:

    ```mlir
    %s = lp.reduce sum [3, 3] : i32 { x * w : i32 }
    // becomes
    %t = lp.reduce sum [3, 3] : i16 { x * w : i16 }
    %s = arith.extsi %t : i16 to i32
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def RaiseRescalePass : Pass<"lp-raise-rescale", "::mlir::func::FuncOp"> {
  let summary = "fixed-point factors of sums to lp.rescale, and what follows in 32 bits";
  let description = [{
    If ranges prove that the result fits 32 bits:

    ```mlir
    %p = arith.muli %x, %m : i64
    %q = arith.shrsi %p, %s : i64
    %r = arith.addi %q, %c1 : i64
    %y = arith.shrsi %r, %c1 : i64
    // becomes
    %y = lp.rescale %x, %m, %s at least 31 : i32
    ```
    Additions, subtractions and clamps by constants that follow have 32 bits, too.
  }];
  let dependentDialects = ["::lpgen::lp::LpDialect", "::mlir::arith::ArithDialect"];
}

def LowerScalarsPass : Pass<"lp-lower-scalars", "::mlir::func::FuncOp"> {
  let summary = "element operations of lp to arith and memref";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::affine::AffineDialect",
                           "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::math::MathDialect", "::mlir::LLVM::LLVMDialect"];
}

def VectorizeElementwisePass
    : Pass<"lp-vectorize-elementwise", "::mlir::func::FuncOp"> {
  let summary = "loops of independent trips along innermost dimensions to vector code";
  let description = [{
    Serves the loops that are marked `lp.elementwise`: columns of epilogues, innermost
    dimensions of elementwise ops. A vector holds as many elements as the narrowest in memory
    fill it with; what is left of a loop stays scalar. Loops and branches inside are the same for
    all lanes. A loop with anything but elementwise operations and consecutive accesses stays as
    it is.
  }];
  let options = [Option<"vectorBits", "vector-bits", "int64_t", "256",
                        "Bits of the target's vectors">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect",
                           "::mlir::scf::SCFDialect"];
}

def ExpandRoundingPass : Pass<"lp-expand-rounding", "::mlir::func::FuncOp"> {
  let summary = "rounding of f32 by additions, for CPUs without rounding instructions";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def ExpandFmaPass : Pass<"lp-expand-fma", "::mlir::func::FuncOp"> {
  let summary = "fused multiply-adds of f32 in f64, for CPUs without instructions for them";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def ExpandHalfPass : Pass<"lp-expand-half", "::mlir::func::FuncOp"> {
  let summary = "conversions of f16 by integers, for CPUs without instructions for them";
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ExpandRescalePass : Pass<"lp-expand-rescale", "::mlir::func::FuncOp"> {
  let summary = "lp.rescale to code of the target, or to 64 bits";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

#endif // LPGEN_PASSES
