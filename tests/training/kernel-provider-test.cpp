// Where kernels come from: the program itself, the cache, the compiler; and
// what is said when none of them has one.
#include "base/system/AtomicFile.h"
#include "operators/builder/GemmOperator.h"
#include "runtime/kernels/KernelCache.h"
#include "tests/training/TrainingTesting.h"
#include <atomic>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace lpgen {
namespace {

using ::testing::HasSubstr;

const GemmSpec spec = {127, 127, 8, 3, 20};

Result<const lp_kernel *> findSpec(KernelProvider &kernels,
                                   const GemmSpec &gemm = spec) {
  return kernels.find(gemmOperatorName(gemm), gemmOperatorText(gemm));
}

TEST(GemmOperator, TextAndBound) {
  EXPECT_EQ(gemmOperatorText({32767, 127, 8, 3, 20}),
            "op gemm_x32767_w127_m8_n3_k20(\n"
            "    x: s16[?m <= 8, 20] in [-32767, 32767],\n"
            "    w: s8[3, 20] in [-127, 127])\n"
            "  -> (y: i32[?m, 3]) {\n"
            "  y[i,j] = sum(k) x[i,k] * w[j,k]\n}\n");
  EXPECT_EQ(GemmSpec::maxReduction(127, 127), 133144);
  EXPECT_EQ(GemmSpec::maxReduction(32767, 127), 516);
  EXPECT_EQ(GemmSpec::maxReduction(32767, 32767), 2);
}

TEST(KernelProvider, CompilesOnceThenTakesTheCache) {
  const TemporaryFolder cache;
  for (const bool isFirst : {true, false}) {
    KernelProvider kernels({LPGEN_TEST_COMPILER, cache.path()});
    const Result<const lp_kernel *> kernel = findSpec(kernels);
    ASSERT_TRUE(kernel.ok()) << kernel.message();
    EXPECT_EQ((*kernel)->op, gemmOperatorName(spec));
    EXPECT_EQ(*findSpec(kernels), *kernel);
    EXPECT_EQ(kernels.operators(), gemmOperatorText(spec));
    EXPECT_EQ(kernels.numCompiled(), isFirst ? 1 : 0);
    EXPECT_EQ(kernels.numCached(), isFirst ? 0 : 1);
  }
  // Nothing but the library is left behind.
  int files = 0;
  for ([[maybe_unused]] const auto &entry :
       std::filesystem::directory_iterator(cache.path())) {
    ++files;
  }
  EXPECT_EQ(files, 1);
}

/// As workers on one machine do, which all compile what they all lack.
TEST(KernelCache, AFoundLibraryStaysWhileOthersAddIt) {
  const TemporaryFolder folder;
  const Result<KernelCache> cache = KernelCache::open(folder.path());
  ASSERT_TRUE(cache.ok()) << cache.message();
  ASSERT_TRUE(cache->add("k.so", "library").ok());
  std::atomic<bool> isDone = false;
  std::thread other([&] {
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE(cache->add("k.so", "library").ok());
    }
    isDone = true;
  });
  while (!isDone) {
    const std::string path = folder.path() + "/k.so";
    const int file = ::open(path.c_str(), O_RDONLY);
    EXPECT_GE(file, 0) << "it was taken away";
    ::close(file);
    if (file < 0) {
      break;
    }
  }
  other.join();
}

/// Changes the only library of the cache and finds the kernel again; how many
/// kernels were compiled for that.
int compiledAfter(const TemporaryFolder &cache,
                  const std::function<void(const std::string &)> &change) {
  const std::string library =
      std::filesystem::directory_iterator(cache.path())->path();
  change(library);
  KernelProvider kernels({LPGEN_TEST_COMPILER, cache.path()});
  const Result<const lp_kernel *> kernel = findSpec(kernels);
  EXPECT_TRUE(kernel.ok()) << kernel.message();
  return kernels.numCompiled();
}

TEST(KernelProvider, CompilesDamagedAndForeignLibrariesAgain) {
  const TemporaryFolder cache;
  ASSERT_TRUE(KernelProvider({LPGEN_TEST_COMPILER, cache.path()})
                  .find(gemmOperatorName(spec), gemmOperatorText(spec))
                  .ok());
  EXPECT_EQ(compiledAfter(cache, [](const std::string &) {}), 0);
  const std::string whole =
      *readWholeFile(std::filesystem::directory_iterator(cache.path())->path());
  const auto write = [](const std::string &path, const std::string &bytes) {
    ASSERT_TRUE(writeFileAtomically(path, bytes).ok());
  };
  for (const size_t size : {size_t{0}, whole.size() / 2, whole.size() - 1}) {
    EXPECT_EQ(compiledAfter(cache,
                            [&](const std::string &path) {
                              write(path, whole.substr(0, size));
                            }),
              1)
        << size;
  }
  for (size_t at = 0; at < whole.size(); at += whole.size() / 7) {
    std::string flipped = whole;
    flipped[at] = char(flipped[at] ^ 4);
    EXPECT_EQ(
        compiledAfter(cache,
                      [&](const std::string &path) { write(path, flipped); }),
        1)
        << at;
  }
  EXPECT_EQ(compiledAfter(cache,
                          [](const std::string &path) {
                            ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
                          }),
            1);
  EXPECT_EQ(compiledAfter(cache, [](const std::string &) {}), 0);
}

TEST(KernelProvider, TakesNoFolderThatOthersMayWrite) {
  const TemporaryFolder cache;
  ASSERT_EQ(::chmod(cache.path().c_str(), 0777), 0);
  KernelProvider kernels({LPGEN_TEST_COMPILER, cache.path()});
  const auto kernel = findSpec(kernels);
  ASSERT_FALSE(kernel.ok());
  EXPECT_EQ(kernel.message(),
            "cannot keep compiled kernels in folder '" + cache.path() +
                "': others may write it; remedy: chmod go-w, or name a folder "
                "of your own with --kernel-cache");
}

TEST(KernelProvider, RemovesWhatKilledProcessesLeft) {
  const TemporaryFolder cache;
  std::filesystem::create_directories(cache.path() + "/tmp.old/deep");
  std::filesystem::create_directories(cache.path() + "/tmp.new");
  const Result<FileLock> lock = FileLock::wait(cache.path() + "/tmp.new/lock");
  ASSERT_TRUE(lock.ok());
  KernelProvider kernels({LPGEN_TEST_COMPILER, cache.path()});
  ASSERT_TRUE(findSpec(kernels).ok());
  EXPECT_FALSE(std::filesystem::exists(cache.path() + "/tmp.old"));
  EXPECT_TRUE(std::filesystem::exists(cache.path() + "/tmp.new"));
}

TEST(KernelProvider, MakesKernelsOfTheTargetAskedFor) {
  const TemporaryFolder cache;
  for (const char *target : {"generic", "host"}) {
    KernelProvider kernels({LPGEN_TEST_COMPILER, cache.path(), target});
    const Result<const lp_kernel *> kernel = findSpec(kernels);
    ASSERT_TRUE(kernel.ok()) << kernel.message();
    EXPECT_EQ(std::string((*kernel)->symbol).find("_generic_") !=
                  std::string::npos,
              std::string(target) == "generic");
    EXPECT_EQ(kernels.numCompiled(), 1) << "the cache keeps targets apart";
  }
}

TEST(KernelProvider, PrefersALinkedKernel) {
  // tests/training/CMakeLists.txt links this operator into the test.
  const GemmSpec linked = {127, 127, 16, 5, 24};
  KernelProvider kernels({"/nonexistent", "/nonexistent"});
  const Result<const lp_kernel *> kernel = findSpec(kernels, linked);
  ASSERT_TRUE(kernel.ok()) << kernel.message();
  EXPECT_EQ(*kernel, findLinkedKernel(gemmOperatorName(linked)));
  EXPECT_EQ(findLinkedKernel("gemm"), nullptr);
  const Result<std::string> file =
      readWholeFile(LPGEN_SOURCE_DIR "/tests/training/linked-gemm.lp");
  ASSERT_TRUE(file.ok()) << file.message();
  EXPECT_THAT(*file, HasSubstr(gemmOperatorText(linked)));
}

TEST(KernelProvider, SaysThatThereIsNoCompiler) {
  const TemporaryFolder cache;
  KernelProvider kernels({"/nonexistent/lpgen", cache.path()});
  const auto kernel = findSpec(kernels);
  ASSERT_FALSE(kernel.ok());
  EXPECT_EQ(kernel.message(),
            "there is no program '/nonexistent/lpgen' to compile kernels with; "
            "remedy: name the lpgen program with --compiler");
}

TEST(KernelProvider, PassesOnWhatTheCompilerSays) {
  const TemporaryFolder cache;
  const std::string program = cache.path() + "/broken";
  ASSERT_TRUE(
      writeFileAtomically(program, "#!/bin/sh\necho no luck >&2\nexit 3\n")
          .ok());
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  KernelProvider kernels({program, cache.path()});
  const auto kernel = findSpec(kernels);
  ASSERT_FALSE(kernel.ok());
  EXPECT_THAT(kernel.message(),
              HasSubstr("could not compile operator 'gemm_x127_w127_m8_n3_k20' "
                        "(status 3): no luck"));
}

TEST(KernelProvider, SaysThatACompilerLeftNothing) {
  const TemporaryFolder cache;
  KernelProvider kernels({"/bin/true", cache.path()});
  const auto kernel = findSpec(kernels);
  ASSERT_FALSE(kernel.ok());
  EXPECT_THAT(kernel.message(), HasSubstr("'/bin/true' left no kernel"));
}

} // namespace
} // namespace lpgen
