// widen: multiply-add of whole elements: widening, in 16-bit accumulators where
// the bound on the operands allows, else in 32-bit ones; or of f32.
#include "schedules/templates/Packed.h"
#include "targets/cpus/Cpus.h"

using namespace lpgen;

namespace {
class WidenTemplate : public PackedTemplate {
public:
  llvm::StringRef name() const override { return "widen"; }
  llvm::StringRef summary() const override {
    return "multiply-add of elements of 8 or 16 bits, widening, or of f32";
  }

protected:
  /// Tiles of several rows stream w, too, if it comes from beyond the second
  /// level: their steps are long enough to hide the instructions.
  int64_t prefetchOf(const Tile &tile, const Machine &machine) const override {
    return tile.rows > 1 && tile.form.geometry.wBytes > 2 * machine.cpu.l2Bytes
               ? machine.unit().prefetchLarge
               : PackedTemplate::prefetchOf(tile, machine);
  }
};
} // namespace

const Template &lpgen::widenTemplate() {
  static const WidenTemplate instance;
  return instance;
}
