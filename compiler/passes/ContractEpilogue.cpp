// lp-tile: what follows the tiles of a contraction. See ContractTiler.h.
//
// Row by row of the task, sums of products of stored elements are completed to
// those of the factors, run through the body and stored; rows that are the x
// of another contraction are packed for it as well (ChainWriter.h).
#include "compiler/passes/ChainWriter.h"
#include "compiler/passes/ContractTiler.h"

using namespace mlir;
using namespace lpgen;

//===----------------------------------------------------------------------===//
// From stored elements to values
//===----------------------------------------------------------------------===//

/// What the completed sum needs of one row; see `complete`. Unset terms are
/// zero.
struct ContractTiler::RowTerms {
  Value sumX;        ///< Sum of stored x over the inside taps.
  Value offsetX;     ///< Bx: first factor of a stored x of 0.
  Value outside;     ///< P: first factor of an outside x.
  Value insideTable; ///< Position of this class's sums of w.
  Value totalTable;  ///< Position of the sums over all taps.
  Value countInside; ///< Inside elements.
  Value countOutside;
};

Value ContractTiler::number(int64_t value) { return e.integer(value, sumType); }

Value ContractTiler::asSum(Value value) { return e.castInt(value, sumType); }

/// bias - zero point at the current loops; null for 0.
Value ContractTiler::lessZero(int64_t bias, Value zero,
                              std::optional<mlir::Type> element,
                              std::optional<AffineMap> map) {
  if (!zero) {
    return bias == 0 ? Value() : number(bias);
  }
  Value value = e.read(zero, mapIndices(e, *map, loops), *element);
  return e.sub(number(bias), asSum(value));
}

/// The first factor of an outside x; null for 0.
Value ContractTiler::outsideX() {
  const int64_t constant = outsideFactor(op);
  if (!op.getXPadScalar()) {
    return lessZero(constant, op.getXZero(), op.getXZeroElement(),
                    op.getXZeroMap());
  }
  const lp::ContractOp::Affine x = op.affineOfX();
  Value pad = asSum(e.read(op.getXPadScalar(), {}, *op.getXPadElement()));
  Value scaled = x.scale == 1 ? pad : e.mul(pad, number(x.scale));
  Value rest =
      lessZero(x.offset, op.getXZero(), op.getXZeroElement(), op.getXZeroMap());
  return rest ? e.add(scaled, rest) : scaled;
}

/// Sum of the stored x of every tap of the current row.
Value ContractTiler::sumOfX() {
  Value sums = e.view(op.getX(), g.xPlaneBytes * g.xLayout.getPlanes(),
                      g.xPlaneBytes / g.runBytes, 32);
  Value position = e.index(g.xOrigin() / g.runBytes);
  position = strideDot(LoopRole::Batch, position, g.runBytes);
  position = strideDot(LoopRole::Group, position, g.runBytes);
  position = strideDot(LoopRole::Row, position, g.runBytes);
  Value taps = e.index(g.extentOf(LoopRole::Tap));
  return e.reduce(e.index(0), taps, e.i32(0), [&](Value tap, Value sum) {
    setLoops(LoopRole::Tap, tap);
    Value at = strideDot(LoopRole::Tap, position, g.runBytes);
    return e.add(sum, memref::LoadOp::create(e.b, e.loc, sums, at));
  });
}

/// The border class of the current row.
Value ContractTiler::borderClass() {
  Value number = e.index(0);
  for (const BorderClasses::Dim &dim : g.classes.dims) {
    Value position = dim.rowLoop < 0 ? e.index(0) : loops[dim.rowLoop];
    Value inDim =
        memref::LoadOp::create(e.b, e.loc, e.table(dim.classOf), position);
    inDim = arith::IndexCastOp::create(e.b, e.loc, e.b.getIndexType(), inDim);
    number = e.add(
        e.mul(number, e.index(static_cast<int64_t>(dim.inside.size()))), inDim);
  }
  return number;
}

/// Inside elements per border class: inside taps times the inner extent.
static SmallVector<int32_t> insideCounts(const Geometry &g) {
  SmallVector<int32_t> counts;
  for (int64_t c = 0; c < g.classes.count(); ++c) {
    int64_t taps = 0;
    for (int64_t tap = 0; tap < g.extentOf(LoopRole::Tap); ++tap) {
      bool inside = true;
      int64_t rest = c;
      for (const BorderClasses::Dim &dim : llvm::reverse(g.classes.dims)) {
        int64_t n = static_cast<int64_t>(dim.inside.size());
        inside &= dim.inside[rest % n][tap];
        rest /= n;
      }
      taps += inside;
    }
    counts.push_back(static_cast<int32_t>(taps * g.innerExtent()));
  }
  return counts;
}

ContractTiler::RowTerms ContractTiler::rowTerms() {
  RowTerms terms;
  if (form.needsXSums) {
    terms.sumX = asSum(sumOfX());
  }
  if (!form.needsWSums) {
    return terms;
  }
  terms.offsetX = lessZero(form.xFactor.bias, op.getXZero(),
                           op.getXZeroElement(), op.getXZeroMap());
  bool hasHalo = !g.classes.dims.empty();
  if (hasHalo) {
    terms.outside = outsideX();
  }
  int64_t classes = g.classes.count();
  Value first = e.mul(panelNumber, e.index((classes + 1) * lanes));
  terms.totalTable = e.add(first, e.index(classes * lanes));
  Value border = hasHalo ? borderClass() : e.index(0);
  terms.insideTable = e.add(first, e.mul(border, e.index(lanes)));
  Value all = number(g.reductionSize());
  terms.countInside =
      hasHalo ? asSum(memref::LoadOp::create(e.b, e.loc,
                                             e.table(insideCounts(g)), border))
              : all;
  terms.countOutside = e.sub(all, terms.countInside);
  return terms;
}

/// With factors ax*sx + Bx inside, P outside, and aw*sw + Bw, S = sum sx*sw:
///   ax*aw*S + ax*Bw*sum(sx) + aw*(Bx*sum_in(sw) + P*sum_out(sw))
///     + Bw*(Bx*count_in + P*count_out)
/// modulo 2 to the bits of the type of sums, which the whole fits.
Value ContractTiler::complete(const RowTerms &terms, Value sum, Value lane) {
  int64_t ax = form.xFactor.scale;
  int64_t aw = form.wFactor.scale;
  Value result = sum;
  for (int64_t scale : {ax, aw}) {
    result = scale == 1 ? result : e.mul(result, number(scale));
  }
  Value perW; // what Bw multiplies
  auto accumulate = [&](Value &to, Value term) {
    to = to ? e.add(to, term) : term;
  };
  if (terms.sumX) {
    accumulate(perW, e.mul(terms.sumX, number(ax)));
  }
  if (form.needsWSums) {
    int64_t count = g.panelCount() * (g.classes.count() + 1) * lanes;
    Value table = e.view(op.getW(), g.wTableOffset, count, 32);
    auto load = [&](Value position) -> Value {
      return asSum(
          memref::LoadOp::create(e.b, e.loc, table, e.add(position, lane)));
    };
    Value inside = load(terms.insideTable);
    if (terms.offsetX) {
      result = e.add(result, e.mul(e.mul(inside, number(aw)), terms.offsetX));
      accumulate(perW, e.mul(terms.offsetX, terms.countInside));
    }
    if (terms.outside) {
      Value outside = e.sub(load(terms.totalTable), inside);
      result = e.add(result, e.mul(e.mul(outside, number(aw)), terms.outside));
      accumulate(perW, e.mul(terms.outside, terms.countOutside));
    }
  }
  if (!perW) {
    return result;
  }
  perW = narrowed(perW);
  Value zero = zeroOfW(lane);
  if (form.wFactor.bias != 0) {
    Value bias = number(form.wFactor.bias);
    return e.add(result, e.mul(zero ? e.sub(bias, asSum(zero)) : bias, perW));
  }
  // Not negated, so that the product can be one of two words of 16 bits.
  return zero ? e.sub(result, e.mul(asSum(zero), perW)) : result;
}

/// The zero point of w at the current loops; null if there is none.
Value ContractTiler::zeroOfW(Value lane) {
  if (auto column = op.getWZeroColumn()) {
    return columnAt(*column, lane);
  }
  return op.getWZero()
             ? e.read(op.getWZero(), mapIndices(e, *op.getWZeroMap(), loops),
                      *op.getWZeroElement())
             : Value();
}

/// A sum of first factors, which is i32, as one that is seen to fit 16 bits if
/// it does: x86 multiplies those faster.
Value ContractTiler::narrowed(Value sum) {
  const int64_t scale = form.xFactor.scale;
  const int64_t bias = form.xFactor.bias;
  const int64_t most = std::max(std::abs(scale * form.x.range.lo + bias),
                                std::abs(scale * form.x.range.hi + bias));
  const bool isKnown = sumType.isInteger(32) && !op.getXZero() &&
                       g.classes.dims.empty() && form.x.planes.empty();
  if (!isKnown || most > INT16_MAX / g.reductionSize()) {
    return sum;
  }
  Value half = arith::TruncIOp::create(e.b, e.loc, e.b.getI16Type(), sum);
  return arith::ExtSIOp::create(e.b, e.loc, sumType, half);
}

//===----------------------------------------------------------------------===//
// The epilogue
//===----------------------------------------------------------------------===//

/// Are the sums of tiles, each written once, the elements of the only output,
/// a dense matrix of whole panels that no chain packs?
bool ContractTiler::sumsAreResults() {
  Block &body = op.getBody().front();
  const auto yielded = body.getTerminator()->getOperands();
  if (op.getOutputs().size() != 1 || op.numGroups() > 0 || !plan.writesOnce() ||
      form.needsXSums || form.needsWSums || form.xFactor.scale != 1 ||
      form.wFactor.scale != 1 || !lp::chainedPacks(op).empty() ||
      &body.front() != body.getTerminator() ||
      yielded[0] != body.getArguments().back()) {
    return false;
  }
  const auto type = cast<MemRefType>(op.getOutputs()[0].getType());
  const SmallVector<unsigned> rows = g.loopsOf(LoopRole::Row);
  const SmallVector<unsigned> columns = g.loopsOf(LoopRole::Column);
  return type.getElementType() == sumType && type.getLayout().isIdentity() &&
         type.getRank() == int64_t(rows.size() + columns.size()) &&
         columns.size() == 1 && columns[0] == rows.size() &&
         type.getShape().back() % lanes == 0 &&
         (rows.size() == 1 || hasAdjacentRows());
}

/// Are the row loops side by side in the outputs, outermost first, and their
/// elements one after the other?
bool ContractTiler::hasAdjacentRows() {
  SmallVector<unsigned> rows = g.loopsOf(LoopRole::Row);
  return rows.size() > 1 && rows.back() - rows.front() + 1 == rows.size() &&
         llvm::all_of(op.getOutputs().getTypes(), [](mlir::Type type) {
           return cast<MemRefType>(type).getLayout().isIdentity();
         });
}

/// `output` with its row dimensions as one.
Value ContractTiler::withRowsAsOne(Value output) {
  auto type = cast<MemRefType>(output.getType());
  SmallVector<unsigned> rows = g.loopsOf(LoopRole::Row);
  SmallVector<ReassociationIndices> dims;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (dim > rows.front() && dim <= rows.back()) {
      dims.back().push_back(dim);
    } else {
      dims.push_back({dim});
    }
  }
  return memref::CollapseShapeOp::create(e.b, e.loc, output, dims);
}

/// Columns of the panel.
Value ContractTiler::ownColumns() {
  int64_t columns = g.extentOf(LoopRole::Column);
  if (columns % lanes == 0) {
    return e.index(lanes);
  }
  Value first = e.mul(panel, e.index(lanes));
  return e.min(e.index(lanes), e.sub(e.index(columns), first));
}

/// `body` for every row of the task.
void ContractTiler::emitRows(llvm::function_ref<void(Value)> body) {
  e.loop(begin, end, 1, [&](Value row) {
    setLoops(LoopRole::Row, row);
    body(row);
  });
}

/// The sum of products of factors at the current loops.
Value ContractTiler::sumOf(const RowTerms &terms, Value row, Value lane) {
  Value sum = memref::LoadOp::create(e.b, e.loc, viewOfSums(),
                                     ValueRange{e.sub(row, begin), lane});
  return complete(terms, sum, lane);
}

/// The element of packed column `number` in the current panel.
Value ContractTiler::columnAt(unsigned number, Value lane) {
  Value words = e.view(op.getColumns()[number], kPackedHeaderBytes,
                       g.panelCount() * lanes, 32);
  Value at = e.add(e.mul(panelNumber, e.index(lanes)), lane);
  Value word = memref::LoadOp::create(e.b, e.loc, words, at);
  return isa<FloatType>(op.columnElement(number))
             ? arith::BitcastOp::create(e.b, e.loc, e.b.getF32Type(), word)
                   .getResult()
             : word;
}

/// Adds the products of the factors of the current group to the totals.
void ContractTiler::addGroup() {
  Value totals = viewOfTotals();
  Value firstColumn = e.mul(panel, e.index(lanes));
  emitRows([&](Value row) {
    RowTerms terms = rowTerms();
    e.elementwiseLoop(e.index(0), ownColumns(), [&](Value lane) {
      setLoops(LoopRole::Column, e.add(firstColumn, lane));
      SmallVector<Value> arguments(
          ArrayRef(loops).take_front(op.getParallel() + op.numGroups()));
      for (unsigned i = 0; i < op.getColumns().size(); ++i) {
        arguments.push_back(columnAt(i, lane));
      }
      arguments.push_back(sumOf(terms, row, lane));
      SmallVector<Value> factors = inlineBody(e, op.getFactors(), arguments);
      SmallVector<Value> at = {e.sub(row, begin), lane};
      Value total = memref::LoadOp::create(e.b, e.loc, totals, at);
      total = math::FmaOp::create(e.b, e.loc, factors[0], factors[1], total);
      memref::StoreOp::create(e.b, e.loc, total, totals, at);
    });
  });
}

/// Completes the sums of all rows of the task and runs the body on them.
void ContractTiler::emitEpilogue() {
  Value firstColumn = e.mul(panel, e.index(lanes));
  const bool isGrouped = op.numGroups() > 0;
  Value totals = isGrouped ? viewOfTotals() : Value();
  bool adjacent = hasAdjacentRows();
  SmallVector<Value> outputs =
      llvm::map_to_vector(op.getOutputs(), [&](Value output) {
        return adjacent ? withRowsAsOne(output) : output;
      });
  ChainWriter chains(op, e, lanes, scratch, tileBytes() + totalsBytes());
  emitRows([&](Value row) {
    RowTerms terms = isGrouped ? RowTerms() : rowTerms();
    e.elementwiseLoop(e.index(0), ownColumns(), [&](Value lane) {
      setLoops(LoopRole::Column, e.add(firstColumn, lane));
      SmallVector<Value> indices(ArrayRef(loops).take_front(op.getParallel()));
      SmallVector<Value> arguments(indices);
      arguments.push_back(isGrouped ? memref::LoadOp::create(
                                          e.b, e.loc, totals,
                                          ValueRange{e.sub(row, begin), lane})
                                          .getResult()
                                    : sumOf(terms, row, lane));
      if (adjacent) {
        SmallVector<unsigned> rows = g.loopsOf(LoopRole::Row);
        indices[rows.front()] = row;
        indices.erase(indices.begin() + rows.front() + 1,
                      indices.begin() + rows.back() + 1);
      }
      SmallVector<Value> values = inlineBody(e, op.getBody(), arguments);
      for (auto [value, output] : llvm::zip(values, outputs)) {
        memref::StoreOp::create(e.b, e.loc, value, output, indices);
      }
      chains.put(lane, values);
    });
    Value first;
    if (taskPanels > 1) {
      first = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, panel,
                                    e.index(0));
    }
    chains.pack(loops, panel, ownColumns(), first);
  });
}
