// Spellings of element types.
#include "base/types/ElementType.h"
#include <gtest/gtest.h>

using namespace lpgen;

namespace {

TEST(ElementType, ParsesWhatItPrints) {
  int types = 0;
  for (const TypeFamily &family : elementTypes) {
    for (unsigned bits = family.narrowest; bits <= family.widest; ++bits) {
      const ElementType type = {family.encoding, bits};
      EXPECT_EQ(type.str(), std::string(family.letters) + std::to_string(bits));
      EXPECT_EQ(ElementType::parse(type.str()), type) << type.str();
      ++types;
    }
  }
  EXPECT_EQ(types, 16 + 16 + 8 + 1 + 3 + 3);
}

TEST(ElementType, RefusesWhatIsNoSpelling) {
  for (const char *text :
       {"",      "u",   "8",   "u0",  "u17",         "s17",
        "b9",    "t1",  "t3",  "i16", "i33",         "bf32",
        "f64",   "U8",  "u08", "u+8", "u 8",         " u8",
        "u8 ",   "u8x", "u-1", "i",   "u4294967304", "u99999999999999999999",
        "int32", "b16", "bf",  "u31", "u33",         "bf016"}) {
    EXPECT_FALSE(ElementType::parse(text)) << "'" << text << "'";
  }
}

TEST(ElementType, TheListNamesEveryRow) {
  EXPECT_EQ(listElementTypes(),
            "u1..u16, s1..s16, b1..b8, t2, u32, i32, i64, f16, bf16 or f32");
}

TEST(ElementType, SumsGetTheNarrowerTypeTheyFit) {
  EXPECT_EQ(accumulatorFor(true).str(), "i32");
  EXPECT_EQ(accumulatorFor(false).str(), "i64");
}

} // namespace
