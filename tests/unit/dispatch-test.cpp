// Joining kernels of several targets into one library: which targets may stand
// together, the order of the choice, and what differs between variants. That
// the C file compiles and chooses is shown by the ctest `package`.
#include "compiler/codegen/Dispatch.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace lpgen;
using testing::HasSubstr;

static const Target &target(llvm::StringRef name) {
  const Target *found = findTarget(name);
  EXPECT_NE(found, nullptr) << name.str();
  return *found;
}

static Variant variant(llvm::StringRef name,
                       const std::vector<std::string> &phases,
                       int64_t packedBytes) {
  KernelInfo info;
  info.op = "dot";
  info.target = name.str();
  info.sizes = {{"m", 64}};
  info.buffers = {{.name = "x",
                   .type = {Encoding::Unsigned, 2},
                   .shape = {64, 8},
                   .symbols = {0, -1}},
                  {.name = "w",
                   .type = {Encoding::Bipolar, 1},
                   .shape = {4, 8},
                   .symbols = {-1, -1},
                   .packedBytes = packedBytes},
                  {.name = "y",
                   .type = {Encoding::Signed, 32},
                   .shape = {64, 4},
                   .symbols = {0, -1},
                   .isOutput = true}};
  for (const std::string &phase : phases) {
    info.phases.push_back({phase, phase + ".run", phase + ".tasks"});
  }
  info.hash = "0123456789abcdef";
  return {info, &target(name)};
}

TEST(DispatchTest, TargetsOfOneArchitectureFormALibrary) {
  EXPECT_EQ(whyNoLibrary({&target("x86_avx2")}), std::nullopt);
  EXPECT_EQ(whyNoLibrary({&target("x86_avx2"), &target("arm_neon")}),
            "targets 'x86_avx2' (x86_64) and 'arm_neon' (aarch64) cannot stand "
            "in one library: expected one architecture; compile them apart");
  EXPECT_EQ(whyNoLibrary({&target("arm_neon"), &target("arm_neon")}),
            "target 'arm_neon' is given twice; one library has one kernel of "
            "each target");
}

TEST(DispatchTest, MostFeaturesAreTriedFirst) {
  const KernelLibrary library = joinVariants(
      {variant("generic", {"dot"}, 0), variant("x86_avx2", {"dot"}, 0)});
  const size_t avx2 =
      library.dispatch.find("&lp_dot_elementwise_x86_avx2_01234567_kernel");
  const size_t generic =
      library.dispatch.find("&lp_dot_elementwise_generic_01234567_kernel");
  ASSERT_NE(avx2, std::string::npos);
  ASSERT_NE(generic, std::string::npos);
  EXPECT_LT(avx2, generic);
  EXPECT_LT(library.manifest.find("\"x86_avx2\""),
            library.manifest.find("\"generic\""));
}

/// `levels` from the best on, the variants given in another order.
static void expectTriedInOrder(const std::vector<const char *> &levels) {
  std::vector<Variant> variants;
  variants.reserve(levels.size());
  for (size_t i = 0; i < levels.size(); ++i) {
    variants.push_back(
        variant(levels[(i + levels.size() / 2) % levels.size()], {"dot"}, 0));
  }
  const KernelLibrary library = joinVariants(variants);
  size_t before = 0;
  for (const char *level : levels) {
    const size_t place = library.dispatch.find(
        std::string("&lp_dot_elementwise_") + level + "_01234567_kernel");
    ASSERT_NE(place, std::string::npos) << level;
    EXPECT_LT(before, place) << level;
    before = place;
  }
}

TEST(DispatchTest, LevelsOfOneArchitectureAreTriedFromTheTop) {
  expectTriedInOrder({"arm_neon_i8mm", "arm_neon_dotprod", "arm_neon"});
  expectTriedInOrder({"x86_avx512_vbmi", "x86_avx512_vnni", "x86_avx512",
                      "x86_avx2_vnni", "x86_avx2", "generic"});
  const KernelLibrary library = joinVariants(
      {variant("arm_neon_dotprod", {"dot"}, 0), variant("arm_neon", {"dot"}, 0),
       variant("arm_neon_i8mm", {"dot"}, 0)});
  EXPECT_THAT(library.dispatch,
              HasSubstr(".cpu_features = UINT64_C(4294967296)"));
}

TEST(DispatchTest, ShortNamesHaveThePhasesOfTheLongest) {
  const KernelLibrary library =
      joinVariants({variant("generic", {"dot"}, 0),
                    variant("x86_avx2", {"pack", "dot"}, 512)});
  EXPECT_THAT(library.header, HasSubstr("LP_DOT_PHASES = 2\n"));
  EXPECT_THAT(library.dispatch, HasSubstr("phase < 2)"));
  EXPECT_THAT(library.dispatch, HasSubstr(".num_phases = 2,"));
  EXPECT_THAT(library.dispatch, HasSubstr(".num_inputs = 2,"));
  EXPECT_THAT(library.dispatch, HasSubstr(".num_sizes = 1,"));
  // generic needs nothing, so the library as a whole needs nothing.
  EXPECT_THAT(library.dispatch, HasSubstr(".cpu_features = UINT64_C(0),"));
}

TEST(DispatchTest, HeaderDeclaresTheChoiceWithinExternC) {
  const KernelLibrary library = joinVariants(
      {variant("generic", {"dot"}, 0), variant("x86_avx2", {"dot"}, 0)});
  const size_t choice =
      library.header.find("lp_dot_select(uint64_t cpu_features);");
  ASSERT_NE(choice, std::string::npos);
  EXPECT_LT(library.header.find("extern \"C\""), choice);
  EXPECT_LT(choice, library.header.rfind("#ifdef __cplusplus\n}"));
  EXPECT_THAT(library.header, HasSubstr("int lp_dot(const lp_args *args"));
  EXPECT_THAT(library.header,
              HasSubstr("extern const lp_kernel "
                        "lp_dot_elementwise_generic_01234567_kernel;"));
}
