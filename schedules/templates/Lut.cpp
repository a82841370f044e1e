// lut: bits of x name a table, bits of w its entry; no multiplication, and one
// instruction less than a population count.
#include "schedules/templates/Packed.h"

using namespace lpgen;

namespace {
class LutTemplate : public PlanesTemplate {
public:
  llvm::StringRef name() const override { return "lut"; }
  llvm::StringRef summary() const override {
    return "table look-up of products of bits; 1 to 8 bits";
  }
};
} // namespace

const Template &lpgen::lutTemplate() {
  static const LutTemplate instance;
  return instance;
}
