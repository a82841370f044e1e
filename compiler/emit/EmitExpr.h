// Expressions of the syntax tree -> scalars in the region of an lp op.
#ifndef LPGEN_COMPILER_EMIT_EMITEXPR_H
#define LPGEN_COMPILER_EMIT_EMITEXPR_H

#include "mlir/IR/Builders.h"
#include "operators/frontend/Ast.h"

namespace lpgen {

/// Emits the expressions of one statement. Integer values are i32 where their
/// range and their operands' ranges fit, else i64.
class ExprEmitter {
public:
  ExprEmitter(mlir::OpBuilder &builder, const ast::Op &op,
              const ast::Statement &statement,
              llvm::ArrayRef<mlir::Value> tensors,
              llvm::ArrayRef<mlir::Value> symbols)
      : builder(builder), op(op), statement(statement), tensors(tensors),
        symbols(symbols), indices(statement.indices.size()),
        loc(builder.getUnknownLoc()) {}

  void bindIndex(unsigned index, mlir::Value value) { indices[index] = value; }
  mlir::Value emit(const ast::Expr &expr);
  /// `expr` as an element of `type`, saturating; the value that lp.yield takes.
  mlir::Value emitStored(const ast::Expr &expr, ElementType type);

  /// Extents as lp ops take them: constants, dynamic ones as operands.
  static llvm::SmallVector<int64_t>
  splitExtents(const ast::Op &op, llvm::ArrayRef<const ast::Index *> indices,
               llvm::ArrayRef<mlir::Value> symbols,
               llvm::SmallVectorImpl<mlir::Value> &dynamic);

  /// The location to use for what is emitted next.
  ExprEmitter &at(mlir::Location location) {
    loc = location;
    return *this;
  }

private:
  mlir::Value emitRead(const ast::Expr &expr);
  mlir::Value emitSubscript(const ast::Expr &subscript, int64_t size,
                            bool isPadded);
  mlir::Value emitPadding(const ast::Padding &padding, mlir::Type type,
                          mlir::ValueRange operands, mlir::AffineExpr last);
  mlir::Type scalarType(ElementType type);
  mlir::Value emitUnary(const ast::Expr &expr);
  mlir::Value emitBinary(const ast::Expr &expr);
  mlir::Value emitFloatBinary(const ast::Expr &expr);
  mlir::Value emitRoundDiv(const ast::Expr &expr, mlir::Value lhs,
                           mlir::Value rhs);
  mlir::Value emitFloorDivision(const ast::Expr &expr, mlir::Value lhs,
                                mlir::Value rhs);
  mlir::Value emitSelect(const ast::Expr &expr);
  mlir::Value emitHalf(mlir::Value x, mlir::Value whole, mlir::Value step);
  mlir::Value emitRounded(ast::UnaryOp rounding, mlir::Value value);
  mlir::Value emitFloatToInt(mlir::Value value);
  mlir::Value emitReduce(const ast::Expr &expr);
  mlir::Value emitElementCounter();
  mlir::Value castInt(mlir::Value value, unsigned bits);
  /// The integer type that holds a range.
  static unsigned bitsFor(const ast::IntRange &range);

  mlir::OpBuilder &builder;
  const ast::Op &op;
  const ast::Statement &statement;
  llvm::ArrayRef<mlir::Value> tensors;
  llvm::ArrayRef<mlir::Value> symbols;
  llvm::SmallVector<mlir::Value, 8> indices;
  mlir::Location loc;
};

} // namespace lpgen

#endif // LPGEN_COMPILER_EMIT_EMITEXPR_H
