// Tables of bytes in registers, on AArch64. See targets/ByteLookup.h.
#include "targets/ByteLookup.h"
#include "targets/arm/Cells.h"

using namespace mlir;
using namespace lpgen;

/// The bytes of 16 to 64 entries from `first` on; 0 where the index is none of
/// theirs (tbl).
static Value findAmong(OpBuilder &b, Location loc, Value table, int64_t first,
                       int64_t entries, Value indices) {
  auto type = cast<VectorType>(indices.getType());
  SmallVector<Value> operands;
  for (int64_t at = first; at < first + entries; at += 16) {
    operands.push_back(cell::loadBytes(
        b, loc, table, arith::ConstantIndexOp::create(b, loc, at), 16));
  }
  if (first > 0) {
    indices = arith::SubIOp::create(b, loc, indices,
                                    cell::splat(b, loc, type, first));
  }
  operands.push_back(indices);
  const std::string name =
      "llvm.aarch64.neon.tbl" + std::to_string(entries / 16) + ".v16i8";
  return cell::intrinsic(b, loc, name, type, operands);
}

Value arm::lookUpBytes(OpBuilder &b, Location loc, Value table, Value indices) {
  constexpr int64_t atOnce = 64;
  const int64_t entries = cast<MemRefType>(table.getType()).getNumElements();
  Value found = findAmong(b, loc, table, 0, std::min(entries, atOnce), indices);
  for (int64_t first = atOnce; first < entries; first += atOnce) {
    found = arith::OrIOp::create(
        b, loc, found, findAmong(b, loc, table, first, atOnce, indices));
  }
  return found;
}
