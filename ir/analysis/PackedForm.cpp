// The packed form of a contraction. See PackedForm.h.
#include "ir/analysis/PackedForm.h"
#include "mlir/IR/BuiltinOps.h"
#include "targets/Target.h"
#include "targets/cpus/Cpus.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

const Target *lpgen::targetOf(Operation *op) {
  lp::KernelOp kernel = lp::kernelOf(op);
  return kernel ? findTarget(kernel.getTarget().getName()) : nullptr;
}

const VectorUnit &Machine::unit() const {
  return *cpu.unit(target.desc().vectorBits);
}

Machine lpgen::machineOf(Operation *op) {
  const Target *target = targetOf(op);
  assert(target && "passes for a target run on its kernels");
  return {*target, cpuFor(*target, lp::kernelOf(op).getTarget().getCpu())};
}

const Cell *lpgen::findCell(Operation *op, llvm::StringRef name) {
  const Target *found = targetOf(op);
  if (!found) {
    return nullptr;
  }
  for (const Cell *cell : found->cells()) {
    if (cell->facts().name == name) {
      return cell;
    }
  }
  return nullptr;
}

const Cell *lpgen::packedCell(lp::ContractOp contract) {
  const auto schedule = contract.getSchedule();
  const Cell *cell =
      schedule ? findCell(contract, schedule->getCell()) : nullptr;
  return cell && cell->facts().templateName == schedule->getTemplateName()
             ? cell
             : nullptr;
}

int64_t lpgen::planePairs(const PackedForm &form) {
  return static_cast<int64_t>(std::max<size_t>(form.x.planes.size(), 1) *
                              std::max<size_t>(form.w.planes.size(), 1));
}

bool lpgen::needsHalves(const PackedForm &form, const CellFacts &cell,
                        int64_t steps) {
  return cell.planes && steps > form.chunk &&
         steps * cell.mostPerStep(form.x.range, form.w.range) <= UINT16_MAX;
}

int64_t lpgen::rowBlocks(const Cell &cell, int64_t rows) {
  return llvm::divideCeil(rows, cell.facts().rows);
}

int64_t lpgen::tileRegisters(const Cell &cell, int64_t rows, int64_t vectors) {
  const CellFacts &facts = cell.facts();
  int64_t blocks = rowBlocks(cell, rows);
  // A run of groups stays in a register for its steps.
  return blocks * vectors * (facts.accRegisters + facts.runRegisters) +
         vectors * facts.wRegisters + (facts.run > 1 ? blocks : 0) +
         facts.fixedRegisters;
}

PlanesTogether lpgen::planesTogether(size_t xPlanes, size_t wPlanes,
                                     const Cell &cell, int64_t rows,
                                     int64_t vectors, const Machine &machine) {
  const auto ofX = static_cast<int64_t>(xPlanes);
  const auto ofW = static_cast<int64_t>(wPlanes);
  const auto spare = [&](int64_t tileRows, int64_t tileVectors) {
    return machine.target.desc().vectorRegisters -
           tileRegisters(cell, tileRows, tileVectors);
  };
  if (ofW > 1) {
    const bool pays = rows > 1 && machine.unit().joinsPlanesOfW;
    return {1, pays && spare(rows, vectors * ofW) >= 0 ? ofW : 1};
  }
  // Planes of x are loaded one by one: one more in flight, or LLVM spills.
  return {rows == 1 && ofX > 1 && spare(ofX, vectors) > 0 ? ofX : 1, 1};
}

static StoredFactor factorOf(lp::ContractOp::Affine affine,
                             const ElementStorage &storage) {
  return {affine.scale * storage.scale(),
          affine.offset - affine.scale * storage.offset};
}

int64_t lpgen::outsideFactor(lp::ContractOp contract) {
  const lp::ContractOp::Affine x = contract.affineOfX();
  return x.scale * contract.getXPad().value_or(0) + x.offset;
}

bool lpgen::countsOutside(lp::ContractOp contract) {
  return contract.isOfFloats() || contract.getXPadScalar() ||
         contract.getXZero() || outsideFactor(contract) != 0;
}

StoredRange lpgen::rangeOfScalar(Value scalar, ElementType element) {
  auto argument = dyn_cast<BlockArgument>(scalar);
  auto kernel = argument ? dyn_cast_if_present<lp::KernelOp>(
                               argument.getOwner()->getParentOp())
                         : lp::KernelOp();
  lp::BufferAttr buffer = kernel ? kernel.bufferOf(argument) : nullptr;
  if (buffer && !buffer.getRange().empty()) {
    return {buffer.getRange()[0], buffer.getRange()[1]};
  }
  return {element.minValue(), element.maxValue()};
}

bool lpgen::hasDivisions(lp::ContractOp contract) {
  return llvm::any_of(contract.getXDivisors(),
                      [](int64_t d) { return d != 1; });
}

std::string lpgen::whyDivided(lp::ContractOp contract) {
  return std::string("x has a divided subscript") +
         (countsOutside(contract)
              ? ", and what it is outside counts"
              : " that residue classes of constant extents do not replace");
}

/// Which correction terms the expansion of the product leaves; see
/// docs/design/kernels.md. Halo positions store 0.
static void findCorrections(lp::ContractOp contract, PackedForm &form) {
  form.xFactor = factorOf(contract.affineOfX(), form.x);
  form.wFactor = factorOf(contract.affineOfW(), form.w);
  bool hasHalo = llvm::any_of(form.geometry.positions,
                              [](const PositionDim &p) { return p.hasHalo; });
  // What is added to w multiplies sums of x.
  form.needsXSums = form.wFactor.bias != 0 || contract.hasWZero();
  bool insideOffset = form.xFactor.bias != 0 || contract.getXZero();
  bool outsideValue = hasHalo && !form.geometry.shape.storesPadding &&
                      (contract.getXPadScalar() || contract.getXZero() ||
                       outsideFactor(contract) != 0);
  form.needsWSums = insideOffset || outsideValue;
}

/// x stored as the factor that it is in the product, where that fits the cell
/// and is 0 outside: then there is nothing to correct.
static std::optional<ElementStorage> storedAsFactor(lp::ContractOp contract,
                                                    const CellFacts &cell) {
  const lp::ContractOp::Affine affine = contract.affineOfX();
  if (cell.planes || cell.isFloat || affine.scale != 1 ||
      countsOutside(contract)) {
    return std::nullopt;
  }
  const StoredRange factor{contract.getXRange()[0] + affine.offset,
                           contract.getXRange()[1] + affine.offset};
  const bool fits = factor.lo >= cell.x.lo && factor.hi <= cell.x.hi;
  return fits ? std::optional(ElementStorage{affine.offset, false, factor, {}})
              : std::nullopt;
}

/// What x is outside, as integers; nothing if an element cannot store that.
static std::optional<StoredRange> paddingRange(lp::ContractOp contract) {
  const ElementType type = lp::toElementType(contract.getXElement());
  StoredRange range;
  if (Value scalar = contract.getXPadScalar()) {
    const mlir::Type element = contract.getXPadElement().value_or(
        cast<ShapedType>(scalar.getType()).getElementType());
    range = rangeOfScalar(scalar, lp::toElementType(element));
  } else if (auto pad = contract.getXPad()) {
    range.lo = static_cast<int64_t>(*pad);
    range.hi = range.lo;
  } else {
    return StoredRange{contract.getXRange()[0], contract.getXRange()[0]};
  }
  const bool fits = range.lo >= type.minValue() && range.hi <= type.maxValue();
  const bool isOfCodes = type.encoding != Encoding::Bipolar ||
                         (range.lo == range.hi && type.holds(range.lo));
  return fits && isOfCodes ? std::optional(range) : std::nullopt;
}

/// The form whose halo stores what x is outside; nothing if the cell does not
/// take that.
static std::optional<PackedForm> storedWithPadding(lp::ContractOp contract,
                                                   const CellFacts &cell,
                                                   PackedForm form) {
  const std::optional<StoredRange> pad =
      cell.isFloat ? std::nullopt : paddingRange(contract);
  if (!pad) {
    return std::nullopt;
  }
  const StoredRange range{std::min(contract.getXRange()[0], pad->lo),
                          std::max(contract.getXRange()[1], pad->hi)};
  const auto x = storageOf(lp::toElementType(contract.getXElement()), range,
                           cell, lp::OperandKind::Activations);
  if (!x) {
    return std::nullopt;
  }
  form.x = *x;
  form.geometry.shape.storesPadding = true;
  findCorrections(contract, form);
  return form;
}

/// Where sums of w at borders would be needed and cannot be told apart.
static bool lacksClasses(const PackedForm &form) {
  Geometry geometry = form.geometry;
  std::string reason;
  return form.needsWSums && !geometry.computeClasses(reason);
}

/// The geometry with the innermost taps merged into the inner reduction, where
/// a group for each tap would not be full and that takes no more steps: rows of
/// x are then packed as they are.
static std::optional<Geometry> withMergedTaps(lp::ContractOp contract,
                                              const CellFacts &cell,
                                              const PackedForm &form) {
  Geometry merged = form.geometry;
  const bool isOfBytes =
      !cell.planes && !cell.isFloat && cell.groupBytes % cell.group == 0;
  if (!isOfBytes || form.needsXSums || merged.innerExtent() % cell.group == 0 ||
      !merged.mergeTaps()) {
    return std::nullopt;
  }
  // What is stored outside of a row must be its padding.
  const bool isPadding = merged.shape.storesPadding ||
                         (!contract.getXPadScalar() &&
                          outsideFactor(contract) == form.xFactor.bias);
  const auto stepsOf = [&](const Geometry &g) {
    return g.extentOf(LoopRole::Tap) *
           llvm::divideCeil(g.innerExtent(), int64_t(cell.group));
  };
  return (!merged.merged->row.hasHalo || isPadding) &&
                 stepsOf(merged) <= stepsOf(form.geometry)
             ? std::optional(std::move(merged))
             : std::nullopt;
}

/// Makes parts of a sum of 64 bits fit the 32 bits that cells add up in: after
/// `chunk` steps they go to memory.
static bool fitLongSums(const CellFacts &cell, PackedForm &form,
                        std::string &reason) {
  if (cell.planes) {
    reason = "the sum needs more than 32 bits";
    return false;
  }
  const int64_t x = form.x.rangeWithZero().maxAbs();
  const int64_t w = form.w.rangeWithZero().maxAbs();
  if (std::max(x, w) * form.geometry.reductionSize() > INT32_MAX) {
    reason = "the sums of elements, which zero points and offsets need, have "
             "more than 32 bits";
    return false;
  }
  form.chunk =
      std::min(form.chunk, cell::stepsWithin(INT32_MAX, cell.group * x * w));
  if (form.chunk < 1) {
    reason = "the products of one step need more than 32 bits";
    return false;
  }
  return true;
}

/// What the groups of an operand hold whose elements or digits have `bits`.
static lp::LayoutKind kindOf(const CellFacts &cell, lp::OperandKind operand,
                             int64_t bits) {
  if (!cell.planes) {
    return bits < 8 ? lp::LayoutKind::Fields : lp::LayoutKind::Elements;
  }
  return cell.xTables && operand == lp::OperandKind::Activations
             ? lp::LayoutKind::Tables
             : lp::LayoutKind::Digits;
}

/// True if the subscripts of w end with all reduction loops, in their order,
/// each over the live slices of its dimension or all of it, the last one over
/// all: then the rows of w that have sums of pairs lie in the order of the
/// steps, perhaps with zeros between them.
static bool readsWInOrder(lp::ContractOp contract, const Geometry &g,
                          lp::BufferAttr buffer) {
  const unsigned reductions = contract.numLoops() - contract.getParallel();
  const auto results = contract.getWMap().getResults();
  if (g.merged || g.innerLoop + 1 != contract.numLoops() ||
      results.size() < reductions) {
    return false;
  }
  return llvm::all_of(llvm::seq(reductions), [&](unsigned i) {
    const unsigned dim = results.size() - reductions + i;
    const unsigned loop = contract.getParallel() + i;
    AffineExpr own = getAffineDimExpr(loop, contract.getContext());
    const lp::Slices live = buffer.liveAt(dim);
    const bool isWhole =
        results[dim] == own && g.shape.extents[loop] == g.shape.wShape[dim];
    return isWhole ||
           (i + 1 < reductions && g.shape.extents[loop] == live.count &&
            results[dim] == own * live.step + live.first);
  });
}

/// Sums of pairs of w, a constant that is stored as it is; none of others.
static ArrayRef<int64_t> pairSumsOf(lp::ContractOp contract,
                                    const PackedForm &form) {
  auto argument = dyn_cast<BlockArgument>(contract.getW());
  auto kernel = argument ? dyn_cast_if_present<lp::KernelOp>(
                               argument.getOwner()->getParentOp())
                         : lp::KernelOp();
  lp::BufferAttr buffer = kernel ? kernel.bufferOf(argument) : nullptr;
  const bool isKnown = buffer && form.w.offset == 0 && !form.w.halve &&
                       form.w.planes.empty() &&
                       readsWInOrder(contract, form.geometry, buffer);
  return isKnown ? buffer.getPairSums() : ArrayRef<int64_t>();
}

/// Steps before the accumulator must be widened: by the ranges of both
/// operands, or the values of a constant w.
static int64_t chunkOf(lp::ContractOp contract, const Cell &cell,
                       const PackedForm &form) {
  return std::max(
      cell.maxSteps(form.x.rangeWithZero(), form.w.rangeWithZero()),
      cell.maxStepsOf(form.x.rangeWithZero(), pairSumsOf(contract, form)));
}

/// A declared range of integers; f32 have none.
static StoredRange asStored(ArrayRef<int64_t> range) {
  return range.empty() ? StoredRange() : StoredRange{range[0], range[1]};
}

/// What is a step, and how many there can be: with taps merged if that leaves
/// one, since other elements are neighbours in a step then.
static void planSteps(lp::ContractOp contract, const Cell &cell,
                      PackedForm &form) {
  form.chunk = chunkOf(contract, cell, form);
  if (auto merged = withMergedTaps(contract, cell.facts(), form)) {
    PackedForm other = form;
    other.geometry = std::move(*merged);
    other.chunk = chunkOf(contract, cell, other);
    if (other.chunk >= 1) {
      form = std::move(other);
    }
  }
}

std::optional<PackedForm> lpgen::planPackedForm(lp::ContractOp contract,
                                                const Cell &cell,
                                                int64_t vectors,
                                                std::string &reason) {
  const CellFacts &facts = cell.facts();
  if (hasDivisions(contract)) {
    reason = whyDivided(contract);
    return std::nullopt;
  }
  auto geometry = Geometry::analyze(ContractShape::of(contract), reason);
  if (!geometry) {
    return std::nullopt;
  }
  if (auto map = contract.getXZeroMap();
      map &&
      llvm::any_of(geometry->loopsOf(LoopRole::Column),
                   [&](unsigned loop) { return map->isFunctionOfDim(loop); })) {
    reason = "the zero point of x depends on a loop of w alone";
    return std::nullopt;
  }
  if (facts.isFloat && geometry->extentOf(LoopRole::Column) == 1) {
    reason = "no loop of w alone fills the lanes";
    return std::nullopt;
  }
  PackedForm form{std::move(*geometry), {}, {}};
  ElementType xType = lp::toElementType(contract.getXElement());
  ElementType wType = lp::toElementType(contract.getWElement());
  auto x = storageOf(xType, asStored(contract.getXRange()), facts,
                     lp::OperandKind::Activations);
  auto w = storageOf(wType, asStored(contract.getWRange()), facts,
                     lp::OperandKind::Weights);
  if (!x || !w) {
    reason = (!x ? "x of type " + xType.str() : "w of type " + wType.str()) +
             " does not fit the cell's operands";
    return std::nullopt;
  }
  form.x = *x;
  form.w = *w;
  findCorrections(contract, form);
  if (lacksClasses(form)) {
    if (auto factor = storedAsFactor(contract, facts)) {
      form.x = *factor;
      findCorrections(contract, form);
    } else if (auto padded = storedWithPadding(contract, facts, form)) {
      form = std::move(*padded);
    }
  }
  planSteps(contract, cell, form);
  if (form.chunk < 1) {
    reason = "one step could overflow the accumulator of cell '" +
             facts.name.str() + "'";
    return std::nullopt;
  }
  if (contract.accumulatorType().isInteger(64) &&
      !fitLongSums(facts, form, reason)) {
    return std::nullopt;
  }
  if (form.needsWSums && !form.geometry.computeClasses(reason)) {
    return std::nullopt;
  }
  MLIRContext *context = contract.getContext();
  auto layout = [&](lp::OperandKind operand, const ElementStorage &storage,
                    int64_t groupBytes, unsigned digitBits, int64_t lanes,
                    bool sums) {
    int64_t bits = facts.planes ? digitBits : groupBytes * 8 / facts.group;
    return lp::LayoutAttr::get(
        context, operand, kindOf(facts, operand, bits), facts.group, groupBytes,
        bits, std::max<int64_t>(storage.planes.size(), 1), lanes,
        storage.offset, storage.halve, storage.range.lo < 0, sums);
  };
  form.geometry.setLayouts(
      layout(lp::OperandKind::Activations, form.x, facts.groupBytes,
             facts.xBits, 1, form.needsXSums),
      layout(lp::OperandKind::Weights, form.w, facts.wBytes(), facts.wBits,
             facts.lanes * vectors, form.needsWSums));
  return form;
}

FailureOr<PackedForm> lpgen::scheduledForm(lp::ContractOp contract) {
  lp::ScheduleAttr schedule = *contract.getSchedule();
  const Cell *cell = findCell(contract, schedule.getCell());
  if (!cell) {
    return contract.emitError("the target has no cell '")
           << schedule.getCell() << "'";
  }
  std::string reason;
  auto form =
      planPackedForm(contract, *cell, schedule.getTileVectors(), reason);
  if (!form) {
    return contract.emitError("schedule ")
           << schedule << " cannot be applied: " << reason;
  }
  return *form;
}
