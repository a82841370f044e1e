// Tests of everything in the runtime that runs kernels: thread pool, CPU
// features, runner, shared kernels. The kernels are those of
// kernels/test-kernels.c.
#include "base/abi/CpuFeatures.h"
#include "base/abi/lp_easy.h"
#include "base/system/ThreadPool.h"
#include "runtime/kernels/KernelRunner.h"
#include "runtime/kernels/SharedKernel.h"
#include "tests/unit/TestTypes.h"
#include <array>
#include <atomic>
#include <bit>
#include <cfenv>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <numeric>
#include <thread>
#ifdef __x86_64__
#include <immintrin.h>
#endif

// The names are the C interface's. NOLINTBEGIN(readability-identifier-naming)
extern "C" const lp_kernel lp_twice_kernel;
extern "C" const lp_kernel lp_prefix_kernel;
extern "C" const lp_kernel lp_refuse_kernel;
extern "C" const lp_kernel lp_other_abi_kernel;
// NOLINTEND(readability-identifier-naming)

namespace lpgen {
namespace {

/// Of a kernel for `sizes`, with these buffers.
int runEasily(const lp_kernel &kernel, const int64_t *sizes,
              std::initializer_list<void *> buffers) {
  lp_easy easy;
  lp_easy_open(&easy, &kernel, sizes);
  int number = 0;
  for (void *buffer : buffers) {
    lp_easy_set(&easy, number++, buffer);
  }
  const int status = lp_easy_run(&easy);
  lp_easy_close(&easy);
  return status;
}

TEST(LpEasy, AllocatesPacksAndRuns) {
  std::array<uint8_t, 10> x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  std::array<int32_t, 10> y = {};
  lp_easy easy;
  ASSERT_EQ(lp_easy_open(&easy, &lp_prefix_kernel, nullptr), LP_OK);
  ASSERT_EQ(lp_easy_set(&easy, 0, x.data()), LP_OK);
  x.fill(0); // It was packed.
  ASSERT_EQ(lp_easy_set(&easy, 1, y.data()), LP_OK);
  EXPECT_EQ(lp_easy_run(&easy), LP_OK);
  EXPECT_EQ(y, (std::array<int32_t, 10>{1, 3, 6, 10, 15, 21, 28, 36, 45, 55}));
  x.fill(1);
  ASSERT_EQ(lp_easy_set(&easy, 0, x.data()), LP_OK);
  EXPECT_EQ(lp_easy_run(&easy), LP_OK);
  EXPECT_EQ(y[9], 10);
  lp_easy_close(&easy);
}

TEST(LpEasy, TakesRunTimeSizes) {
  std::array<int32_t, 3> x = {1, 2, 3};
  std::array<int32_t, 3> y = {};
  void *const buffers[] = {x.data(), y.data()};
  const int64_t sizes[] = {2};
  EXPECT_EQ(lp_easy_call(&lp_twice_kernel, sizes, buffers), LP_OK);
  EXPECT_EQ(y, (std::array<int32_t, 3>{2, 4, 0}));
  EXPECT_EQ(lp_easy_call(&lp_twice_kernel, nullptr, buffers), LP_ERROR_SHAPE);
  EXPECT_EQ(lp_easy_call(&lp_other_abi_kernel, nullptr, buffers),
            LP_EASY_ERROR_VERSION);
}

TEST(LpEasy, KeepsTheFirstFailure) {
  std::array<int32_t, 3> x = {};
  EXPECT_EQ(runEasily(lp_twice_kernel, nullptr, {x.data(), nullptr, nullptr}),
            LP_EASY_ERROR_BUFFER);
  EXPECT_STREQ(lp_easy_message(LP_EASY_ERROR_VERSION),
               "the kernel was compiled for another version of the interface");
}

TEST(ThreadPool, SharesAreAdjacentAndEven) {
  EXPECT_EQ(taskShare(10, 0, 3), (TaskRange{0, 4}));
  EXPECT_EQ(taskShare(10, 1, 3), (TaskRange{4, 7}));
  EXPECT_EQ(taskShare(10, 2, 3), (TaskRange{7, 10}));
  EXPECT_EQ(taskShare(1, 1, 3), (TaskRange{1, 1}));
  EXPECT_EQ(taskShare(0, 2, 3), (TaskRange{0, 0}));
  EXPECT_EQ(taskShare(INT64_MAX, 6, 7).end, INT64_MAX);
}

TEST(ThreadPool, RunsEveryTaskOnceInManyPhases) {
  for (int workers : {1, 2, 5}) {
    ThreadPool pool(workers);
    EXPECT_EQ(pool.numWorkers(), workers);
    std::vector<int> counts(37, 0);
    for (int phase = 0; phase < 200; ++phase) {
      pool.run(37, [&](int worker, TaskRange range) {
        EXPECT_LT(worker, workers);
        for (int64_t task = range.begin; task < range.end; ++task) {
          ++counts[size_t(task)];
        }
      });
    }
    EXPECT_EQ(counts, std::vector<int>(37, 200));
  }
}

// The others run what a thread has not taken whose core is taken away.
TEST(ThreadPool, AStalledWorkerKeepsOneChunk) {
  ThreadPool pool(2);
  std::atomic<int64_t> done = 0;
  std::atomic<bool> isLate = false;
  for (int phase = 0; phase < 20; ++phase) {
    done = 0;
    pool.run(64, [&](int worker, TaskRange range) {
      const auto end =
          std::chrono::steady_clock::now() + std::chrono::seconds(10);
      while (worker == 1 && done < 64 - range.size() && !isLate) {
        isLate = std::chrono::steady_clock::now() > end;
        std::this_thread::yield();
      }
      done += range.size();
    });
    EXPECT_EQ(done, 64);
  }
  EXPECT_FALSE(isLate);
}

TEST(ThreadPool, RunsNoEmptyShares) {
  ThreadPool pool(4);
  std::atomic<int> calls = 0;
  pool.run(0, [&](int, TaskRange) { ++calls; });
  EXPECT_EQ(calls, 0);
  pool.run(3, [&](int, TaskRange range) {
    EXPECT_LT(range.begin, range.end);
    ++calls;
  });
  EXPECT_EQ(calls, 3);
}

TEST(CpuFeatures, AgreeWithTheCompiler) {
#if defined(__x86_64__)
  const uint64_t features = lp_cpu_features();
  EXPECT_EQ((features & LP_CPU_SSE42) != 0,
            bool(__builtin_cpu_supports("sse4.2")));
  EXPECT_EQ((features & LP_CPU_POPCNT) != 0,
            bool(__builtin_cpu_supports("popcnt")));
  EXPECT_EQ((features & LP_CPU_AVX2) != 0,
            bool(__builtin_cpu_supports("avx2")));
  EXPECT_EQ((features & LP_CPU_FMA) != 0, bool(__builtin_cpu_supports("fma")));
  EXPECT_EQ((features & LP_CPU_BMI2) != 0,
            bool(__builtin_cpu_supports("bmi2")));
  EXPECT_EQ((features & LP_CPU_AVX512F) != 0,
            bool(__builtin_cpu_supports("avx512f")));
  EXPECT_EQ((features & LP_CPU_AVX512BW) != 0,
            bool(__builtin_cpu_supports("avx512bw")));
  EXPECT_EQ((features & LP_CPU_AVX512VL) != 0,
            bool(__builtin_cpu_supports("avx512vl")));
  EXPECT_EQ((features & LP_CPU_AVX512VNNI) != 0,
            bool(__builtin_cpu_supports("avx512vnni")));
  EXPECT_EQ((features & LP_CPU_AVX512VBMI) != 0,
            bool(__builtin_cpu_supports("avx512vbmi")));
  EXPECT_EQ((features & LP_CPU_AVX512BITALG) != 0,
            bool(__builtin_cpu_supports("avx512bitalg")));
  EXPECT_EQ((features & LP_CPU_AVX512VPOPCNTDQ) != 0,
            bool(__builtin_cpu_supports("avx512vpopcntdq")));
  EXPECT_EQ((features & LP_CPU_GFNI) != 0,
            bool(__builtin_cpu_supports("gfni")));
#elif defined(__aarch64__)
  EXPECT_NE(lp_cpu_features() & LP_CPU_NEON, 0u);
#endif
}

TEST(KernelRunner, NamesCpuFeatures) {
  EXPECT_EQ(describeCpuFeatures(0), "none");
  EXPECT_EQ(describeCpuFeatures(LP_CPU_AVX2 | LP_CPU_FMA), "AVX2, FMA");
}

TEST(KernelRunner, RunsLogicalTensorsWithAnyNumberOfThreads) {
  for (int workers : {0, 1, 3}) {
    std::unique_ptr<ThreadPool> pool;
    if (workers != 0) {
      pool = std::make_unique<ThreadPool>(workers);
    }
    Result<KernelRunner> runner =
        KernelRunner::create(lp_prefix_kernel, pool.get());
    ASSERT_TRUE(runner.ok());
    EXPECT_TRUE(runner->isPacked(0, {}));
    EXPECT_FALSE(runner->isPacked(1, {}));
    HostTensor x(u8, {10});
    for (int i = 0; i < 10; ++i) {
      x.setInt(i, i + 1);
    }
    for (int repetition = 0; repetition < 3; ++repetition) {
      HostTensor y(i32, {10});
      const HostTensor *inputs[] = {&x};
      HostTensor *outputs[] = {&y};
      const Status status = runner->runLogical(inputs, outputs, {});
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(y.getInt(0), 1);
      EXPECT_EQ(y.getInt(3), 10);
      EXPECT_EQ(y.getInt(9), 55);
    }
  }
}

TEST(KernelRunner, PassesSizes) {
  Result<KernelRunner> runner = KernelRunner::create(lp_twice_kernel);
  ASSERT_TRUE(runner.ok());
  HostTensor x(i32, {4});
  HostTensor y(i32, {4});
  x.setInt(3, -21);
  const HostTensor *inputs[] = {&x};
  HostTensor *outputs[] = {&y};
  const int64_t sizes[] = {4};
  ASSERT_TRUE(runner->runLogical(inputs, outputs, sizes).ok());
  EXPECT_EQ(y.getInt(3), -42);

  const int64_t tooLarge[] = {101};
  EXPECT_EQ(runner->runLogical(inputs, outputs, tooLarge).message(),
            "kernel 'twice_i32_test': phase 0: a run-time size is negative or "
            "above its bound, or elements of a view share places (status 4)");
  EXPECT_EQ(runner->runLogical(inputs, outputs, {}).message(),
            "kernel 'twice_i32_test': expected 1 run-time sizes, found 0");
  EXPECT_EQ(runner->runLogical({}, outputs, sizes).message(),
            "kernel 'twice_i32_test': expected 2 buffers, found 1");
  EXPECT_EQ(runner->pack(0, sizes, x.data()).message(),
            "kernel 'twice_i32_test': buffer 0 has no packed form for these "
            "sizes");
}

TEST(KernelRunner, ReportsStatusesOfTheKernel) {
  Result<KernelRunner> runner = KernelRunner::create(lp_refuse_kernel);
  ASSERT_TRUE(runner.ok());
  HostTensor x(u8, {16});
  HostTensor y(u8, {16});
  void *buffers[] = {x.data(), y.data()};
  EXPECT_EQ(runner->run(buffers, {}).message(),
            "kernel 'refuse_test': phase 0: this CPU lacks features that the "
            "kernel needs (status 6)");
}

TEST(KernelRunner, ReportsBuffersThatAreNotPacked) {
  Result<KernelRunner> runner = KernelRunner::create(lp_prefix_kernel);
  ASSERT_TRUE(runner.ok());
  HostTensor x(i32, {11});
  HostTensor y(i32, {10});
  void *buffers[] = {x.data(), y.data()};
  EXPECT_EQ(runner->run(buffers, {}).message(),
            "kernel 'prefix_u8_test': phase 0: a packed buffer was not packed "
            "for this kernel (status 5)");
}

TEST(KernelRunner, RefusesKernelsThatCannotRunHere) {
  EXPECT_EQ(KernelRunner::create(lp_other_abi_kernel).message(),
            "the kernel has ABI version 2, this program runs version 1: "
            "compile the kernel again with a matching lpgen");
  lp_kernel foreign = lp_twice_kernel;
  foreign.cpu_features = LP_CPU_SSE42 | LP_CPU_NEON; // No CPU has both.
  const Result<KernelRunner> runner = KernelRunner::create(foreign);
  ASSERT_FALSE(runner.ok());
  EXPECT_NE(runner.message().find("this CPU lacks "), std::string::npos);
}

TEST(LpRun, RunsThePhasesInOrder) {
  HostTensor x(u8, {10});
  HostTensor y(i32, {10});
  x.setInt(0, 3);
  x.setInt(9, 4);
  alignas(LP_ALIGNMENT) std::array<std::byte, 256> packed = {};
  alignas(LP_ALIGNMENT) std::array<std::byte, 256> workspace = {};
  alignas(LP_ALIGNMENT) std::array<std::byte, 256> scratch = {};
  ASSERT_EQ(lp_prefix_kernel.pack(0, nullptr, x.data(), packed.data()), LP_OK);
  void *buffers[] = {packed.data(), y.data()};
  const lp_args args = {buffers, nullptr, workspace.data(), lp_cpu_features()};
  EXPECT_EQ(lp_run(&lp_prefix_kernel, &args, scratch.data()), LP_OK);
  EXPECT_EQ(y.getInt(9), 7);

  // A function of the caller sees each phase with its tasks, and ends the run.
  struct Seen {
    std::vector<std::pair<int, int64_t>> phases;
    int lastPhase;
  };
  const lp_run_phase look = [](void *context, const lp_kernel *,
                               const lp_args *, int phase, int64_t tasks) {
    auto &seen = *static_cast<Seen *>(context);
    seen.phases.emplace_back(phase, tasks);
    return int(phase == seen.lastPhase ? LP_ERROR_PHASE : LP_OK);
  };
  Seen all = {{}, -1};
  EXPECT_EQ(lp_run_with(&lp_prefix_kernel, &args, look, &all), LP_OK);
  const int64_t tasks = lp_prefix_kernel.tasks(&args, 1);
  EXPECT_EQ(all.phases,
            (std::vector<std::pair<int, int64_t>>{{0, 10}, {1, tasks}}));
  Seen first = {{}, 0};
  EXPECT_EQ(lp_run_with(&lp_prefix_kernel, &args, look, &first),
            LP_ERROR_PHASE);
  EXPECT_EQ(first.phases.size(), 1U);
}

/// A task is a float that every other mode than the default one makes another:
/// 1 / 3 and -1 / 3, rounded, and the least denormal, kept where it is read and
/// where it results.
int runFloats(const lp_args *args, int, int64_t begin, int64_t end, void *) {
  const volatile float x[] = {1.0F, -1.0F, 0x1p-149F, 0x1p-126F};
  const volatile float y[] = {3.0F, 3.0F, 0x1p-149F, 0x1p+23F};
  for (int64_t i = begin; i < end; ++i) {
    static_cast<float *>(args->buffers[1])[i] = x[i] / y[i];
  }
  return LP_OK;
}

/// What the modes give that another program may have set for its threads.
std::vector<float> floatsIn(const std::function<void()> &setMode) {
  lp_kernel kernel = lp_twice_kernel;
  kernel.run = runFloats;
  std::array<int32_t, 4> x = {};
  std::vector<float> y(8);
  const int64_t sizes[] = {4};
  // A thread of its own has the mode, and those that it starts inherit it.
  std::thread([&] {
    setMode();
    const int rounding = std::fegetround();
    void *buffers[] = {x.data(), y.data()};
    const lp_args args = {buffers, sizes, nullptr, lp_cpu_features()};
    EXPECT_EQ(lp_run(&kernel, &args, nullptr), LP_OK);
    EXPECT_EQ(std::fegetround(), rounding);
    ThreadPool pool(2);
    Result<KernelRunner> runner = KernelRunner::create(kernel, &pool);
    ASSERT_TRUE(runner.ok()) << runner.message();
    buffers[1] = y.data() + 4;
    EXPECT_TRUE(runner->run(buffers, sizes).ok());
    EXPECT_EQ(std::fegetround(), rounding);
  }).join();
  return y;
}

TEST(LpRun, SetsTheFloatingPointMode) {
  const float third = std::bit_cast<float>(0x3eaaaaab);
  const std::vector<float> right = {third, -third, 1, 0x1p-149F,
                                    third, -third, 1, 0x1p-149F};
  EXPECT_EQ(floatsIn([] {}), right);
  for (const int mode : {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO}) {
    EXPECT_EQ(floatsIn([&] { std::fesetround(mode); }), right) << mode;
  }
#ifdef __x86_64__
  // FTZ and DAZ, as -ffast-math sets them; and every exception a trap.
  EXPECT_EQ(floatsIn([] { _mm_setcsr(_mm_getcsr() | 0x8040U); }), right);
  EXPECT_EQ(floatsIn([] { _mm_setcsr(_mm_getcsr() & ~0x1f80U); }), right);
#endif
}

TEST(LpRun, RunsNoPhaseOfAWrongSize) {
  const int64_t sizes[] = {-1};
  const lp_args args = {nullptr, sizes, nullptr, lp_cpu_features()};
  EXPECT_EQ(lp_run(&lp_twice_kernel, &args, nullptr), LP_ERROR_SHAPE);
}

TEST(KernelRunner, TellsWhichPhaseIsDone) {
  Result<KernelRunner> runner = KernelRunner::create(lp_prefix_kernel);
  ASSERT_TRUE(runner.ok());
  HostTensor x(u8, {10});
  HostTensor y(i32, {10});
  Result<AlignedBytes> packed = runner->pack(0, {}, x.data());
  ASSERT_TRUE(packed.ok());
  void *buffers[] = {packed->data(), y.data()};
  std::vector<int> done;
  ASSERT_TRUE(
      runner->run(buffers, {}, [&](int phase) { done.push_back(phase); }).ok());
  EXPECT_EQ(done, (std::vector<int>{0, 1}));
}

TEST(SharedKernel, LoadsAndRuns) {
  Result<SharedKernel> shared =
      SharedKernel::load(LPGEN_TEST_KERNELS_SO, "twice");
  ASSERT_TRUE(shared.ok()) << shared.message();
  const SharedKernel moved = std::move(*shared);
  EXPECT_STREQ(moved.kernel().op, "twice");
  EXPECT_TRUE(KernelRunner::create(moved.kernel()).ok());
}

TEST(SharedKernel, NamesWhatIsMissing) {
  const Result<SharedKernel> noFile = SharedKernel::load("/no/such.so", "x");
  ASSERT_FALSE(noFile.ok());
  EXPECT_NE(noFile.message().find("cannot load kernel library '/no/such.so'"),
            std::string::npos);
  const Result<SharedKernel> noOp =
      SharedKernel::load(LPGEN_TEST_KERNELS_SO, "thrice");
  ASSERT_FALSE(noOp.ok());
  EXPECT_NE(noOp.message().find("has no kernel for operator 'thrice'"),
            std::string::npos);
}

} // namespace
} // namespace lpgen
