// Every cell with every pair of types, against what its row of the table says:
// what must apply does, what must not does not. The compiler's decision alone,
// no code; the selections compile and run a part of this.
#include "compiler/pipeline/Stages.h"
#include "mlir/Parser/Parser.h"
#include "operators/frontend/Parser.h"
#include "schedules/Schedules.h"
#include "targets/Cell.h"
#include "tests/differential/Legality.h"
#include "tests/differential/Operators.h"
#include "tests/differential/Selection.h"
#include <gtest/gtest.h>

namespace lpgen::difftest {
namespace {

using namespace mlir;

/// A product of two operands whose loops allow any schedule, as the schedules
/// see it.
class Product {
public:
  Product(ElementType x, ElementType w) {
    llvm::SourceMgr sources;
    sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(
                                   plainGemm("product", x, w, 3, 17, 64)),
                               {});
    std::optional<ast::File> file = parseFile(sources);
    CompileOptions options;
    options.target = allTargets().front();
    options.stopAfter = Stage::Lp;
    const std::optional<CompiledOp> raised =
        file ? compileOp(file->ops.front(), sources, options) : std::nullopt;
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    if (raised) {
      module = parseSourceString<ModuleOp>(raised->mlir, &context);
    }
    if (module) {
      module->walk([&](lp::ContractOp op) { contraction = op; });
    }
  }
  lp::ContractOp get() const { return contraction; }

private:
  MLIRContext context = MLIRContext(MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module;
  lp::ContractOp contraction;
};

/// Compares for all cells of `target`; counts what applies.
void compare(const Target &target, const Product &product, ElementType x,
             ElementType w, std::map<llvm::StringRef, size_t> &applied) {
  for (const Cell *cell : target.cells()) {
    const CellFacts &facts = cell->facts();
    ScheduleRequest request;
    request.templateName = facts.templateName.str();
    request.cell = facts.name.str();
    request.rows = request.vectors = request.unroll = request.block = 1;
    request.prefetch = 0;
    std::string reason;
    const bool applies = bool(applicableSchedule(
        product.get(), {target, target.cpu()}, request, reason));
    EXPECT_EQ(applies, takes(*cell, x, w))
        << target.desc().name << ", cell " << facts.name.str() << ", x "
        << x.str() << ", w " << w.str() << ": " << reason;
    applied[facts.name] += applies;
  }
}

TEST(Legality, EveryCellTakesTheTypesOfItsRow) {
  std::map<const Target *, std::map<llvm::StringRef, size_t>> applied;
  constexpr ElementType real = {Encoding::Float, 32};
  std::vector<std::pair<ElementType, ElementType>> pairs = {{real, real}};
  for (const ElementType x : narrowTypes()) {
    for (const ElementType w : narrowTypes()) {
      pairs.emplace_back(x, w);
    }
  }
  for (const auto &[x, w] : pairs) {
    const Product product(x, w);
    ASSERT_TRUE(product.get()) << x.str() << ", " << w.str();
    for (const Target *target : allTargets()) {
      compare(*target, product, x, w, applied[target]);
    }
  }
  for (const auto &[target, cells] : applied) {
    for (const auto &[cell, count] : cells) {
      EXPECT_GT(count, 0U) << target->desc().name << ": no pair of types fits "
                           << cell.str();
    }
  }
}

} // namespace
} // namespace lpgen::difftest
