// The files are those of compiler/codegen/program and base/abi, of which the
// build makes arrays; what differs between kernels is generated.
#include "compiler/codegen/Program.h"
#include "compiler/codegen/Abi.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace lpgen;

static constexpr unsigned char classifySource[] = {
#include "classify.c.inc"
};
static constexpr unsigned char makefile[] = {
#include "Makefile.inc"
};
static constexpr unsigned char kernelHeader[] = {
#include "lp_kernel.h.inc"
};
static constexpr unsigned char featureList[] = {
#include "lp_cpu_features.def.inc"
};
static constexpr unsigned char featureHeader[] = {
#include "CpuFeatures.h.inc"
};
static constexpr unsigned char featureSource[] = {
#include "CpuFeatures.c.inc"
};

template <size_t Size>
static std::string textOf(const unsigned char (&bytes)[Size]) {
  return {reinterpret_cast<const char *>(bytes), Size};
}

/// "x: u8[n, 28, 28, 1]"
static std::string describe(const KernelInfo &info, const BufferInfo &buffer) {
  std::string extents;
  for (auto [extent, symbol] : llvm::zip(buffer.shape, buffer.symbols)) {
    extents +=
        (extents.empty() ? "[" : ", ") +
        (symbol < 0 ? std::to_string(extent) : "?" + info.sizeText(symbol));
  }
  return "'" + buffer.name + ": " + buffer.type.str() + extents +
         (extents.empty() ? "" : "]") + "'";
}

/// Bytes of an image, if one is inside a size that C can name.
static int64_t elementsOfImage(const BufferInfo &images) {
  int64_t count = 1;
  for (const int64_t extent : llvm::drop_begin(images.shape)) {
    count *= extent;
  }
  return count;
}

std::optional<std::string> lpgen::whyNoProgram(const KernelInfo &info) {
  const ElementType byte = {Encoding::Unsigned, 8};
  const auto isOfImages = [&](const BufferInfo &buffer) {
    return !buffer.symbols.empty() &&
           (buffer.symbols[0] == 0 || info.sizes.empty()) &&
           llvm::all_of(llvm::drop_begin(buffer.symbols),
                        [](int64_t symbol) { return symbol < 0; });
  };
  const bool fits = info.buffers.size() == 2 && info.sizes.size() <= 1 &&
                    !info.buffers[0].isOutput && info.buffers[1].isOutput &&
                    info.buffers[0].type == byte &&
                    info.buffers[1].shape.size() == 2 &&
                    llvm::all_of(info.buffers, isOfImages) &&
                    info.buffers[0].shape[0] == info.buffers[1].shape[0];
  if (fits) {
    return std::nullopt;
  }
  std::string found;
  for (const BufferInfo &buffer : info.buffers) {
    found += (found.empty() ? "" : ", ") + describe(info, buffer);
  }
  return "--emit program takes an operator from images 'u8[?n <= N, ...]' to "
         "scores '[?n, CLASSES]', with constants for its weights; '" +
         info.op + "' has " + found + "; choose another one with --op";
}

/// What classify.c is compiled with.
static std::string programHeader(const KernelInfo &info) {
  return llvm::formatv(
             R"(/* What classify.c takes from the kernel of operator {0}, written by lpgen. */
#include "{0}.h"

#define KERNEL lp_{0}_kernel
#define HAS_SIZE {1} /* the number of images is a run-time size */
#define BATCH INT64_C({2}) /* the most images of one call */
#define IMAGE_SIZE INT64_C({3})
#define CLASSES INT64_C({4})
typedef {5} Score;
)",
             info.op, info.sizes.size(), info.buffers[0].shape[0],
             elementsOfImage(info.buffers[0]), info.buffers[1].shape[1],
             cTypeOf(info.buffers[1].type))
      .str();
}

std::vector<ProgramFile>
lpgen::programFiles(const KernelInfo &info, llvm::ArrayRef<std::string> objects,
                    const std::string &choice) {
  const std::string head =
      "# Builds `classify` of this folder: a C compiler and make are all it "
      "takes.\nobjects = " +
      llvm::join(objects, " ") + "\nchoice = " + choice + "\n";
  return {{"", "program.h", programHeader(info)},
          {"", "classify.c", textOf(classifySource)},
          {"", "Makefile", head + textOf(makefile)},
          {"/base/abi", "lp_kernel.h", textOf(kernelHeader)},
          {"/base/abi", "lp_cpu_features.def", textOf(featureList)},
          {"/base/abi", "CpuFeatures.h", textOf(featureHeader)},
          {"/base/abi", "CpuFeatures.c", textOf(featureSource)}};
}
