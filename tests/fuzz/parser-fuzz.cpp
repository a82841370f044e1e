// Fuzz target of the front end: any bytes are either a checked tree or an
// error, in bounded time, without a crash. Trees that come out are walked, so
// that what later stages rely on is tested as well. See
// tests/fuzz/CMakeLists.txt for how to run it.
#include "operators/frontend/Parser.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace lpgen;
using ast::Expr;

namespace {

const char *const layers = R"(param K = 2
op half<N, A>(x: u{A}[N] pad(0)) -> (y: u{A}[N / K]) {
  t[i] = x[K*i] + x[K*i - 1]
  y[i] = t[i] >> 1
}
)";

void countError(const llvm::SMDiagnostic &message, void *context) {
  *static_cast<unsigned *>(context) +=
      message.getKind() == llvm::SourceMgr::DK_Error;
}

void require(bool condition, const char *what) {
  if (!condition) {
    llvm::report_fatal_error(what);
  }
}

void checkExpr(const Expr &expr, const ast::Op &op,
               const ast::Statement &statement) {
  require(expr.isFloat || expr.range.lo <= expr.range.hi, "empty range");
  for (const ast::ExprPtr &operand : expr.operands) {
    checkExpr(*operand, op, statement);
  }
  if (expr.kind == Expr::Kind::Reduce) {
    for (unsigned index : expr.indices) {
      require(statement.indices[index].isReduction, "index is not reduced");
    }
  }
  if (expr.kind != Expr::Kind::Read) {
    return;
  }
  const ast::Tensor &tensor = op.tensors[expr.tensor];
  require(!expr.padding || expr.padding->tensor < op.tensors.size(),
          "padding without a tensor");
  require(expr.subscripts.size() == tensor.shape.size(), "wrong rank");
  for (const ast::Subscript &subscript : expr.subscripts) {
    if (subscript.computed) {
      checkExpr(*subscript.computed, op, statement);
      continue;
    }
    require(subscript.affine.divisor > 0, "divisor");
    for (const ast::AffineForm::Term &term : subscript.affine.terms) {
      require(term.index < statement.indices.size(), "index out of range");
      require(term.coefficient != 0, "zero coefficient");
    }
  }
}

void checkOp(const ast::Op &op) {
  for (const ast::Tensor &tensor : op.tensors) {
    require(tensor.type.isFloat() || tensor.range.lo <= tensor.range.hi,
            "empty tensor range");
    for (const ast::Extent &extent : tensor.shape) {
      require(extent.size >= 1, "empty dimension");
    }
  }
  for (const ast::Statement &statement : op.statements) {
    const ast::Tensor &target = op.tensors[statement.tensor];
    for (const ast::Index &index : statement.indices) {
      require(index.extent.size >= 1, "index without extent");
    }
    for (size_t dim = 0; dim != target.shape.size(); ++dim) {
      require(statement.indices[dim].extent == target.shape[dim],
              "target and index differ");
    }
    require(target.type.isFloat() == statement.value->isFloat,
            "type of value and target differ");
    checkExpr(*statement.value, op, statement);
  }
}

/// Small constants, which would be ones where zero is no value.
Result<std::shared_ptr<const HostTensor>>
readZeros(const std::string & /*path*/, const std::string & /*source*/,
          ElementType type, const std::vector<int64_t> &shape) {
  if (countElements(shape).value_or(INT64_MAX) > 4096) {
    return Status::error("it is too large");
  }
  HostTensor values(type, shape);
  for (int64_t i = 0; i < values.numElements() && !type.holds(0); ++i) {
    values.setInt(i, 1);
  }
  return std::make_shared<const HostTensor>(std::move(values));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.lp"), llvm::SMLoc());
  unsigned errors = 0;
  sources.setDiagHandler(countError, &errors);
  // Nothing is read from the machine; the text can include itself and a file
  // of layers.
  ParseOptions options;
  auto memory = llvm::makeIntrusiveRefCnt<llvm::vfs::InMemoryFileSystem>();
  memory->addFile("fuzz.lp", 0, llvm::MemoryBuffer::getMemBufferCopy(text));
  memory->addFile("layers.lp", 0, llvm::MemoryBuffer::getMemBuffer(layers));
  options.files = memory;
  options.readConstant = readZeros;
  std::optional<ast::File> file = parseFile(sources, options);
  require(file.has_value() == (errors == 0), "a tree exactly without errors");
  if (file) {
    for (const ast::Op &op : file->ops) {
      checkOp(op);
    }
  }
  return 0;
}
