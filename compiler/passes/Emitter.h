// Small emitters for loops and index arithmetic, for every pass that writes
// code.
#ifndef LPGEN_COMPILER_PASSES_EMITTER_H
#define LPGEN_COMPILER_PASSES_EMITTER_H

#include "base/types/FloatFunctions.h"
#include "compiler/passes/Passes.h"

namespace lpgen {

/// Small emitters, all with one builder and location.
class Emitter {
public:
  Emitter(mlir::OpBuilder &builder, mlir::Location loc)
      : b(builder), loc(loc) {}

  mlir::Value index(int64_t value);
  mlir::Value i32(int64_t value);
  /// `value` modulo 2 to the bits of `type`, of 32 or 64 bits.
  mlir::Value integer(int64_t value, mlir::Type type);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value sub(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs);
  mlir::Value min(mlir::Value lhs, mlir::Value rhs); ///< Of indices, signed.
  mlir::Value max(mlir::Value lhs, mlir::Value rhs); ///< Likewise.
  mlir::Value ceilDiv(mlir::Value lhs, int64_t rhs);
  mlir::Value value(mlir::OpFoldResult size);
  mlir::Value product(llvm::ArrayRef<mlir::OpFoldResult> sizes);
  /// sum of coefficient * value; zero coefficients cost nothing.
  mlir::Value dot(llvm::ArrayRef<mlir::Value> values,
                  llvm::ArrayRef<int64_t> coefficients, mlir::Value start);
  /// `linear` as row-major coordinates of `sizes`.
  llvm::SmallVector<mlir::Value>
  delinearize(mlir::Value linear, llvm::ArrayRef<mlir::OpFoldResult> sizes);
  mlir::Value castInt(mlir::Value value, mlir::Type type);
  /// A function of an f32: its algorithm, operation by operation.
  mlir::Value function(FloatFunction which, mlir::Value x);
  /// The 16 bits of an f16 or bf16 as an f32, and the other way.
  mlir::Value decodeFloat(mlir::Value bits, mlir::Type element);
  mlir::Value encodeFloat(mlir::Value value, mlir::Type element);
  /// A loaded element as a logical value of `type`.
  mlir::Value decode(mlir::Value loaded, mlir::Type element, mlir::Type type);
  /// An element as a logical value: lp.read of a memref.
  mlir::Value read(mlir::Value source, llvm::ArrayRef<mlir::Value> indices,
                   mlir::Type element);
  /// for (i = low; i < high; i += step) body(i)
  mlir::scf::ForOp loop(mlir::Value low, mlir::Value high, int64_t step,
                        llvm::function_ref<void(mlir::Value)> body);
  /// The same for trips that do not depend on each other, i the innermost
  /// subscript of what is stored: lp-vectorize-elementwise takes it.
  void elementwiseLoop(mlir::Value low, mlir::Value high,
                       llvm::function_ref<void(mlir::Value)> body);
  /// The same with one value carried from trip to trip.
  mlir::Value
  reduce(mlir::Value low, mlir::Value high, mlir::Value start,
         llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> body);
  mlir::Value less(mlir::Value lhs, mlir::Value rhs); ///< Signed.
  /// A constant table of the module, as a memref.
  mlir::Value table(llvm::ArrayRef<int32_t> values);
  /// `buffer[offset...]` as elements of `bits` bits.
  mlir::Value view(mlir::Value buffer, int64_t offset, int64_t elements,
                   unsigned bits);

  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// Loops `body(indices)` over `extents`, outermost first.
void forEach(Emitter &e, llvm::ArrayRef<mlir::OpFoldResult> extents,
             llvm::function_ref<void(llvm::ArrayRef<mlir::Value>)> body);

/// Extents of an op as sizes: constants, or the run-time values.
llvm::SmallVector<mlir::OpFoldResult>
mixedExtents(llvm::ArrayRef<int64_t> extents, mlir::ValueRange dynamic,
             mlir::OpBuilder &b,
             llvm::function_ref<mlir::Value(mlir::Value)> resolve);

/// Clones the body of `from` with its arguments replaced; returns what it
/// yields.
llvm::SmallVector<mlir::Value>
inlineBody(Emitter &e, mlir::Region &from,
           llvm::ArrayRef<mlir::Value> arguments);
/// The same, and stores what it yields at `indices` of `outputs`.
void inlineBody(Emitter &e, mlir::Region &from,
                llvm::ArrayRef<mlir::Value> arguments, mlir::ValueRange outputs,
                llvm::ArrayRef<mlir::Value> indices);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_EMITTER_H
