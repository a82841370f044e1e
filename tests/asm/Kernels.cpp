// Kernels whose assembly is looked at. See Kernels.h.
#include "tests/asm/Kernels.h"
#include "operators/frontend/Parser.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gtest/gtest.h>

namespace lpgen::asmtest {

const Cell &cellNamed(const Target &target, llvm::StringRef name) {
  for (const Cell *cell : target.cells()) {
    if (cell->facts().name == name) {
      return *cell;
    }
  }
  ADD_FAILURE() << "no cell " << name.str();
  return *target.cells().front();
}

std::string scheduleWith(const CellFacts &cell, const std::string &fields) {
  return llvm::formatv("{0}<cell={1}{2}>", cell.templateName, cell.name,
                       fields.empty() ? "" : "," + fields);
}

CompiledOp compileGemm(const Target &target, const std::string &schedule,
                       const Gemm &gemm) {
  const std::string text = llvm::formatv(
      "op gemm(x: {0}[{2}, {4}], w: {1}[{3}, {4}]) -> (y: {5}[{2}, {3}]) {{\n"
      "  y[i,j] = sum(k) x[i,k] * w[j,k]\n}\n",
      gemm.x, gemm.w, gemm.rows, gemm.columns, gemm.depth,
      llvm::StringRef(gemm.x) == "f32" ? "f32" : "i32");
  return compileText(target, schedule, text);
}

CompiledOp compileText(const Target &target, const std::string &schedule,
                       const std::string &text) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text),
                             llvm::SMLoc());
  const std::optional<ast::File> file = parseFile(sources);
  CompileOptions options;
  options.target = &target;
  options.schedule = schedule;
  options.wantsAssembly = true;
  std::optional<CompiledOp> compiled;
  if (file) {
    compiled = compileOp(file->ops.front(), sources, options);
  }
  if (!compiled) {
    ADD_FAILURE() << "does not compile with " << schedule << ":\n" << text;
    return {};
  }
  return std::move(*compiled);
}

} // namespace lpgen::asmtest
