// Names of kernels in C: which ones clash with each other and with the
// interface.
#include "compiler/codegen/CNames.h"
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <sstream>

using namespace lpgen;
using testing::HasSubstr;

static KernelInfo kernel(const std::string &op,
                         const std::vector<std::string> &buffers,
                         const std::vector<std::string> &sizes = {}) {
  KernelInfo info;
  info.op = op;
  for (const std::string &name : buffers) {
    info.buffers.push_back(
        {.name = name, .type = {}, .shape = {}, .symbols = {}, .packer = {}});
  }
  for (const std::string &name : sizes) {
    info.sizes.push_back({name, 1});
  }
  return info;
}

static std::string clashOf(const std::vector<KernelInfo> &kernels) {
  CNames names;
  for (const KernelInfo &info : kernels) {
    if (std::string clash = names.add(info); !clash.empty()) {
      return clash;
    }
  }
  return {};
}

TEST(CNamesTest, DifferentNamesStandTogether) {
  EXPECT_EQ(clashOf({kernel("conv", {"x", "w", "y"}, {"n"}),
                     kernel("gemm", {"x", "w", "y"}, {"n"})}),
            "");
}

TEST(CNamesTest, NamesThatDifferInCaseOnlyClash) {
  EXPECT_EQ(
      clashOf({kernel("e", {"x", "X"})}),
      "tensor 'x' of operator 'e' and tensor 'X' of operator 'e' are both "
      "'LP_E_X' in C; rename one of them");
  EXPECT_THAT(clashOf({kernel("e", {}, {"n", "N"})}), HasSubstr("LP_E_SIZE_N"));
  EXPECT_THAT(clashOf({kernel("conv", {}), kernel("Conv", {})}),
              HasSubstr("LP_CONV_H"));
}

TEST(CNamesTest, TensorsAndCountsClash) {
  for (const char *name : {"buffers", "phases", "sizes", "h"}) {
    EXPECT_THAT(clashOf({kernel("e", {name})}), HasSubstr("rename")) << name;
  }
  EXPECT_THAT(clashOf({kernel("e", {"size_n"}, {"n"})}),
              HasSubstr("size '?n' of operator 'e'"));
}

TEST(CNamesTest, OperatorsClashWithEachOther) {
  EXPECT_THAT(clashOf({kernel("conv", {}), kernel("conv_tasks", {})}),
              HasSubstr("'lp_conv_tasks'"));
  EXPECT_THAT(clashOf({kernel("a", {"b_c"}), kernel("a_b", {"c"})}),
              HasSubstr("'LP_A_B_C'"));
}

/// Every name of the interface is known, so that whoever adds one to it adds it
/// to the list.
TEST(CNamesTest, OperatorsClashWithTheInterface) {
  std::ifstream file(LPGEN_SOURCE_DIR "/base/abi/lp_kernel.h");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string header =
      std::regex_replace(text.str(), std::regex("/\\*[^]*?\\*/"), "");
  const std::regex name("\\b(lp|LP)_([A-Za-z0-9_]+)");
  std::set<std::string> found;
  for (std::sregex_iterator it(header.begin(), header.end(), name), end;
       it != end; ++it) {
    if (it->str().back() != '_') { // `LP_CPU_##name` is a part.
      found.insert(it->str());
    }
  }
  ASSERT_GE(found.size(), 20U);
  for (const std::string &whole : found) {
    if (whole == "lp_cpu_features.def") {
      continue;
    }
    // A function lp_NAME, or a tensor of an operator: LP_OP_REST.
    const std::string rest = whole.substr(3);
    const size_t split = rest.find('_');
    const bool isFunction = whole[0] == 'l';
    if (!isFunction && split == std::string::npos) {
      continue; // LP_OK: every constant of a kernel has two parts.
    }
    KernelInfo info =
        isFunction ? kernel(rest, {})
                   : kernel(rest.substr(0, split), {rest.substr(split + 1)});
    EXPECT_THAT(CNames().add(info), HasSubstr("the C interface")) << whole;
  }
}
