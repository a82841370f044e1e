// What the phases have in common: loops of a role, subscripts, the geometry of
// a packed operand. See Phases.h.
#include "compiler/passes/Phases.h"
#include "ir/dialect/Bounds.h"

using namespace mlir;
using namespace lpgen;

Geometry lpgen::packedGeometry(lp::PackOp op) {
  std::string reason;
  auto g = Geometry::analyze(ContractShape::of(op), reason);
  assert(g && "checkPack proves that there is a packed form");
  lp::LayoutAttr layout = op.getLayout();
  if (layout.getSums() && layout.isOfWeights()) {
    g->computeClasses(reason);
  }
  g->setLayouts(layout, layout);
  return *g;
}

void lpgen::setLoops(Emitter &e, const Geometry &g, LoopRole role, Value linear,
                     SmallVectorImpl<Value> &loops) {
  SmallVector<OpFoldResult> extents;
  SmallVector<unsigned> list = g.loopsOf(role);
  for (unsigned loop : list) {
    extents.push_back(e.b.getIndexAttr(g.shape.extents[loop]));
  }
  loops.resize(g.roles.size());
  for (auto [loop, value] :
       llvm::zip_equal(list, e.delinearize(linear, extents))) {
    loops[loop] = value;
  }
}

SmallVector<Value> lpgen::mapIndices(Emitter &e, AffineMap map,
                                     ArrayRef<Value> loops) {
  SmallVector<Value> indices;
  for (AffineExpr expr : map.getResults()) {
    auto form = lp::linearForm(expr, map.getNumDims());
    assert(form && "the verifiers want linear subscripts");
    Value index = e.index(form->constant);
    for (auto [loop, factor] : llvm::enumerate(form->coefficients)) {
      if (factor != 0) {
        index = e.add(index, e.mul(loops[loop], e.index(factor)));
      }
    }
    indices.push_back(index);
  }
  return indices;
}
