// bitserial: operands as bit planes, products as and + population count,
// counted in byte lanes up to a proved bound (Cowan et al., arXiv 1810.11066,
// section 3).
#include "schedules/templates/Packed.h"

using namespace lpgen;

namespace {
class BitserialTemplate : public PlanesTemplate {
public:
  llvm::StringRef name() const override { return "bitserial"; }
  llvm::StringRef summary() const override {
    return "bit planes, and + popcount in byte lanes; 1 to 8 bits";
  }
};
} // namespace

const Template &lpgen::bitserialTemplate() {
  static const BitserialTemplate instance;
  return instance;
}
