// Kernels from a shared object and its manifest: arguments by name, checks,
// inputs that are kept, and calls at the same time.
#include "base/tensor/Strides.h"
#include "runtime/kernels/LoadedKernel.h"
#include "tests/TemporaryFolder.h"
#include "tests/unit/TestTypes.h"
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <thread>

namespace lpgen {
namespace {

using testing::HasSubstr;

const char *const twice = R"({"op": "twice", "symbol": "twice_i32_test",
  "target": "test", "sizes": [{"name": "m", "bound": 100}], "buffers": [
  {"name": "x", "type": "i32", "shape": [100], "sizes": [0], "output": false,
   "range": [-1000, 1000]},
  {"name": "y", "type": "i32", "shape": [100], "sizes": [0], "output": true}]})";

const char *const prefix = R"({"op": "prefix", "symbol": "prefix_u8_test",
  "target": "test", "sizes": [], "buffers": [
  {"name": "x", "type": "u8", "shape": [10], "sizes": [-1], "output": false},
  {"name": "y", "type": "i32", "shape": [10], "sizes": [-1], "output": true}]})";

LoadedKernel load(const char *manifest, int threads = 1) {
  Result<LoadedKernel> loaded =
      LoadedKernel::load(LPGEN_TEST_KERNELS_SO, manifest, threads);
  EXPECT_TRUE(loaded.ok()) << loaded.message();
  return std::move(*loaded);
}

HostTensor ints(ElementType type, const std::vector<int64_t> &values) {
  HostTensor tensor(type, {int64_t(values.size())});
  for (size_t i = 0; i < values.size(); ++i) {
    tensor.setInt(int64_t(i), values[i]);
  }
  return tensor;
}

std::string failureOf(const LoadedKernel &kernel, const TensorMap &inputs) {
  const Result<TensorMap> results = kernel.run(inputs);
  return results.ok() ? "no failure" : results.message();
}

TEST(LoadedKernel, RunsByNameWithSizesOfTheInputs) {
  const LoadedKernel kernel = load(twice, 2);
  const Result<TensorMap> results =
      kernel.run({{"x", ints(i32, {1, -2, 300})}});
  ASSERT_TRUE(results.ok()) << results.message();
  const HostTensor &y = results->at("y");
  ASSERT_EQ(y.shape(), std::vector<int64_t>{3});
  EXPECT_EQ(y.getInt(0), 2);
  EXPECT_EQ(y.getInt(2), 600);
}

TEST(LoadedKernel, NamesArgumentAndElement) {
  const LoadedKernel kernel = load(twice);
  EXPECT_EQ(failureOf(kernel, {{"x", ints(i32, {0, 1001})}}),
            "argument 'x': element [1] is 1001, outside [-1000, 1000]");
  EXPECT_EQ(failureOf(kernel, {{"x", ints(u8, {0})}}),
            "argument 'x': expected elements of i32, found u8");
  EXPECT_EQ(failureOf(kernel, {{"x", HostTensor(i32, {101})}}),
            "argument 'x': size ?m is 101, above its bound 100");
  EXPECT_EQ(failureOf(kernel, {{"x", HostTensor(i32, {2, 2})}}),
            "argument 'x': expected i32[?m <= 100], found shape [2, 2]");
  EXPECT_EQ(failureOf(kernel, {{"z", HostTensor(i32, {1})}}),
            "operator 'twice' has no input 'z'; it has 'x'");
  EXPECT_EQ(failureOf(kernel, {}),
            "operator 'twice' needs a tensor for input 'x', i32[?m <= 100]");
}

const char *const view = R"({"op": "view", "symbol": "view", "target": "test",
  "sizes": [{"name": "h", "bound": 9}, {"name": "row", "bound": 100},
            {"name": "gap", "bound": 50}],
  "computed_sizes": [{"sizes": [2], "coefficients": [2], "constant": 1,
                      "divisor": 1, "floor": true}],
  "buffers": [
  {"name": "x", "type": "u8", "shape": [9, 4], "sizes": [0, -1],
   "strides": [100, 1], "stride_sizes": [1, -1], "output": false},
  {"name": "y", "type": "u8", "shape": [9, 4], "sizes": [0, -1],
   "strides": [1, 101], "stride_sizes": [-1, 3], "output": true}]})";

std::vector<int64_t> viewSizes(const KernelInterface &kernel,
                               std::vector<int64_t> strides) {
  KernelSizes sizes(kernel);
  EXPECT_TRUE(sizes.match(0, std::vector<int64_t>{5, 4}, strides).ok());
  const Result<std::vector<int64_t>> taken = sizes.take();
  EXPECT_TRUE(taken.ok()) << taken.message();
  return *taken;
}

TEST(KernelSizes, StridesAreThoseOfTheInputOrTheLeastThatAreApart) {
  const Result<KernelInterface> kernel = KernelInterface::parse(view);
  ASSERT_TRUE(kernel.ok()) << kernel.message();
  EXPECT_EQ(kernel->describe(kernel->inputs[0]),
            "u8[?h <= 9, 4] strides [?row <= 100, 1]");
  // y has elements of 5 rows side by side: 2 * gap + 1 >= 5.
  using Sizes = std::vector<int64_t>;
  EXPECT_EQ(viewSizes(*kernel, {}), (Sizes{5, 4, 2}));
  EXPECT_EQ(viewSizes(*kernel, {70, 1}), (Sizes{5, 70, 2}));
  // What the kernel would refuse is none: too far apart, or not far enough.
  EXPECT_EQ(viewSizes(*kernel, {101, 1}), (Sizes{5, 4, 2}));
  EXPECT_EQ(viewSizes(*kernel, {3, 1}), (Sizes{5, 4, 2}));
  EXPECT_EQ(viewSizes(*kernel, {0, 1}), (Sizes{5, 4, 2}));
}

TEST(KernelBuffer, FindsTheElementOfAView) {
  KernelBuffer x;
  x.name = "x";
  x.type = {Encoding::Unsigned, 4};
  x.hi = 15;
  // Two columns of three rows; 99 lies between them.
  const std::vector<uint8_t> memory = {1, 2, 3, 99, 4, 16, 5};
  const std::vector<int64_t> strides = {1, 4};
  EXPECT_TRUE(x.checkValues(memory.data(), {1, 2}, strides).ok());
  EXPECT_EQ(x.checkValues(memory.data(), {3, 2}, strides).message(),
            "argument 'x': element [1, 1] is 16, which u4 cannot hold (values "
            "from 0 to 15)");
}

TEST(Strides, NestedDimensionsShareNoPlace) {
  using List = std::vector<int64_t>;
  EXPECT_TRUE(areNested(List{2, 3, 4}, List{1, 9, 2}));
  EXPECT_FALSE(areNested(List{2, 3, 4}, List{1, 7, 2}));
  EXPECT_FALSE(areNested(List{2, 2}, List{1, 1}));
  EXPECT_TRUE(areNested(List{2, 1}, List{1, 1}));
  EXPECT_TRUE(areNested(List{0, 2}, List{0, 1}));
  EXPECT_FALSE(areNested(List{3}, List{0}));
  EXPECT_EQ(spanOf(List{2, 3, 4}, List{1, 9, 2}), 1 + 1 + 18 + 6);
  EXPECT_EQ(spanOf(List{2, 0}, List{1, 9}), 0);
  EXPECT_EQ(denseStrides(List{2, 3, 4}), (List{12, 4, 1}));
}

TEST(KernelBuffer, FindsValuesThatATypeCannotHold) {
  KernelBuffer w;
  w.name = "w";
  w.type = {Encoding::Bipolar, 2};
  w.lo = -3;
  w.hi = 3;
  const std::vector<int8_t> good = {-3, -1, 1, 3};
  EXPECT_TRUE(w.checkValues(good.data(), {2, 2}).ok());
  const std::vector<int8_t> even = {-3, -1, 0, 3};
  EXPECT_EQ(w.checkValues(even.data(), {2, 2}).message(),
            "argument 'w': element [1, 0] is 0, which b2 cannot hold (odd "
            "values from -3 to 3)");
  EXPECT_TRUE(w.checkValues(even.data(), {0, 2}).ok());
}

TEST(LoadedKernel, KeepsPackedInputs) {
  const LoadedKernel kernel = load(prefix);
  const HostTensor x = ints(u8, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  const Result<KeptInput> kept = kernel.keep(0, {x.shape(), x.data(), 0});
  ASSERT_TRUE(kept.ok()) << kept.message();
  EXPECT_TRUE(kept->isPacked);
  HostTensor y(i32, {10});
  const KernelInput inputs[] = {kept->input()};
  void *outputs[] = {y.data()};
  ASSERT_TRUE(kernel.run(inputs, outputs, {}).ok());
  EXPECT_EQ(y.getInt(9), 55);

  const LoadedKernel unpacked = load(twice);
  const HostTensor m = ints(i32, {7});
  const Result<KeptInput> copied = unpacked.keep(0, {m.shape(), m.data(), 0});
  ASSERT_TRUE(copied.ok()) << copied.message();
  EXPECT_FALSE(copied->isPacked);
  const HostTensor bad = ints(i32, {5000});
  EXPECT_FALSE(unpacked.keep(0, {bad.shape(), bad.data(), 0}).ok());
}

TEST(LoadedKernel, RunsInSeveralThreadsAtOnce) {
  const LoadedKernel kernel = load(prefix);
  std::vector<std::thread> threads;
  std::vector<int64_t> sums(4);
  threads.reserve(sums.size());
  for (size_t t = 0; t < sums.size(); ++t) {
    threads.emplace_back([&, t] {
      const HostTensor x = ints(u8, std::vector<int64_t>(10, int64_t(t) + 1));
      for (int repeat = 0; repeat < 100; ++repeat) {
        const Result<TensorMap> results = kernel.run({{"x", x}});
        sums[t] += results.ok() ? results->at("y").getInt(9) : 0;
      }
    });
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
  EXPECT_EQ(sums, (std::vector<int64_t>{1000, 2000, 3000, 4000}));
}

TEST(LoadedKernel, LoadsTheManifestBesideTheLibrary) {
  const TemporaryFolder folder;
  const std::string library = folder.path() + "/twice.so";
  std::filesystem::copy(LPGEN_TEST_KERNELS_SO, library);
  const Result<LoadedKernel> none = LoadedKernel::load(library);
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.message(), HasSubstr("remedy: compile with --emit "
                                        "shared,manifest"));
  std::ofstream(folder.path() + "/twice.json") << twice;
  const Result<LoadedKernel> loaded = LoadedKernel::load(library);
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  EXPECT_EQ(loaded->interface().inputs[0].name, "x");
}

TEST(LoadedKernel, RefusesWrongManifests) {
  const auto refusal = [](const std::string &manifest) {
    const Result<LoadedKernel> loaded =
        LoadedKernel::load(LPGEN_TEST_KERNELS_SO, manifest, 1);
    return loaded.ok() ? "" : loaded.message();
  };
  EXPECT_THAT(refusal("{"), HasSubstr("this is no manifest of a kernel"));
  EXPECT_THAT(refusal("{\"op\": 3}"), HasSubstr("no manifest of a kernel"));
  std::string other = twice;
  other.replace(other.find("twice_i32"), 9, "twice_i64");
  EXPECT_THAT(refusal(other),
              HasSubstr("has 'twice_i32_test'; remedy: compile both with one "
                        "command"));
  std::string type = twice;
  type.replace(type.find("i32\""), 3, "i99");
  EXPECT_THAT(refusal(type), HasSubstr("there is no element type 'i99'"));
}

} // namespace
} // namespace lpgen
