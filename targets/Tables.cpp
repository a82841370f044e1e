// Look-up tables. See Tables.h and docs/design/kernels.md.
#include "targets/Tables.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

CellFacts tables::lookupFacts(llvm::StringRef name, unsigned xBits,
                              unsigned wBits, unsigned entries) {
  const unsigned group = llvm::Log2_32(entries) / wBits;
  return {.name = name,
          .templateName = "lut",
          .group = group,
          .groupBytes = llvm::divideCeil(group * xBits, 8),
          .wGroupBytes = 1,
          .planes = true,
          .xBits = xBits,
          .wBits = wBits};
}

CellFacts tables::storedFacts(llvm::StringRef name, int64_t count) {
  return {.name = name,
          .templateName = "lut",
          .group = 4 * count,
          .groupBytes = 16 * count,
          .wGroupBytes = 1,
          .planes = true,
          .xTables = true,
          .xBits = 4,
          .wBits = 1};
}

Value tables::load(OpBuilder &b, Location loc, Value buffer, Value offset,
                   int64_t lanes, int64_t entries) {
  Value table = cell::loadBytes(b, loc, buffer, offset, entries);
  if (lanes == entries) {
    return table;
  }
  SmallVector<int64_t> repeated;
  for (int64_t i = 0; i < lanes; ++i) {
    repeated.push_back(i % entries);
  }
  return vector::ShuffleOp::create(b, loc, table, table, repeated);
}

/// Of a table: codes of a group of w.
static int64_t entriesOf(const CellFacts &f) {
  return int64_t{1} << (f.group * f.wBits);
}

/// [code of x][code of w]: sums of products over the elements of byte `number`
/// of a group.
static SmallVector<int8_t> products(const CellFacts &f, int64_t number) {
  const int64_t elements = f.group / f.groupBytes;
  const unsigned codes = 1U << (elements * f.xBits);
  auto digit = [](unsigned code, int64_t i, unsigned bits) {
    return code >> (i * bits) & ((1U << bits) - 1);
  };
  SmallVector<int8_t> sums;
  for (unsigned x = 0; x < codes; ++x) {
    for (unsigned w = 0; w < entriesOf(f); ++w) {
      unsigned sum = 0;
      for (int64_t i = 0; i < elements; ++i) {
        sum += digit(x, i, f.xBits) * digit(w, number * elements + i, f.wBits);
      }
      sums.push_back(static_cast<int8_t>(sum));
    }
  }
  return sums;
}

Value tables::choose(OpBuilder &b, Location loc, const CellFacts &facts,
                     Value buffer, Value offset) {
  const int64_t entries = entriesOf(facts);
  Value sum;
  for (int64_t i = 0; i < facts.groupBytes; ++i) {
    Value all = cell::constantBytes(b, loc,
                                    "lp.products" + std::to_string(entries) +
                                        "_x" + std::to_string(facts.xBits) +
                                        "_w" + std::to_string(facts.wBits) +
                                        "_" + std::to_string(i),
                                    products(facts, i));
    Value at = arith::AddIOp::create(b, loc, offset,
                                     arith::ConstantIndexOp::create(b, loc, i));
    Value bits = memref::LoadOp::create(b, loc, buffer, at);
    Value code = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), bits);
    Value size = arith::ConstantIndexOp::create(b, loc, entries);
    Value table = load(b, loc, all, arith::MulIOp::create(b, loc, code, size),
                       facts.lanes, entries);
    sum = sum ? arith::AddIOp::create(b, loc, sum, table).getResult() : table;
  }
  return sum;
}
