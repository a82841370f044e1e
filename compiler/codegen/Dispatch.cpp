// The texts that join the variants of one operator. See Dispatch.h.
//
// All short names follow one choice, by lp_cpu_features(), so that a buffer is
// packed by the kernel that reads it. Variants may differ in phases; the short
// names have as many as the longest, and those that a variant lacks have no
// task.
#include "compiler/codegen/Dispatch.h"
#include "base/abi/lp_kernel.h"
#include "compiler/codegen/Abi.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/TargetParser/Triple.h"

using namespace lpgen;

std::optional<std::string>
lpgen::whyNoLibrary(llvm::ArrayRef<const Target *> targets) {
  for (const auto [i, target] : llvm::enumerate(targets)) {
    const llvm::Triple triple(target->desc().triple);
    const llvm::Triple first(targets.front()->desc().triple);
    if (triple.getArch() != first.getArch()) {
      return llvm::formatv(
                 "targets '{0}' ({1}) and '{2}' ({3}) cannot stand in one "
                 "library: expected one architecture; compile them apart",
                 targets.front()->desc().name, first.getArchName(),
                 target->desc().name, triple.getArchName())
          .str();
    }
    if (llvm::is_contained(targets.take_front(i), target)) {
      return "target '" + target->desc().name +
             "' is given twice; one library has one kernel of each target";
    }
  }
  return std::nullopt;
}

/// What all variants have in common, in the form of one kernel: a buffer that
/// any of them packs counts as packed, and there are as many phases as in the
/// longest.
static KernelInfo mergeInfos(llvm::ArrayRef<Variant> variants) {
  KernelInfo merged = variants.front().info;
  for (const Variant &variant : variants.drop_front()) {
    if (variant.info.phases.size() > merged.phases.size()) {
      merged.phases = variant.info.phases;
    }
    for (auto [into, from] :
         llvm::zip_equal(merged.buffers, variant.info.buffers)) {
      into.packedBytes = std::max(into.packedBytes, from.packedBytes);
    }
  }
  return merged;
}

static std::string declareKernel(const Variant &variant) {
  return "extern const lp_kernel " + variant.info.symbol() + "_kernel;\n";
}

static std::string emitLibraryHeader(llvm::ArrayRef<Variant> variants) {
  const KernelInfo merged = mergeInfos(variants);
  std::string text = emitHeader(merged, variants.front().target->desc().triple,
                                /*shortNames=*/true);
  std::string extra = llvm::formatv(R"(
/* This library has {0} kernels of the operator. The short names above use the best one
 * that this CPU runs; which buffers it wants packed, lp_{1}_packed_size says. */

/* The best kernel for a CPU with these features (lp_cpu_features()); null if there is
 * none. All functions of its descriptor belong together. */
const lp_kernel *lp_{1}_select(uint64_t cpu_features);

)",
                                    variants.size(), merged.op);
  for (const Variant &variant : variants.drop_front()) {
    extra += declareKernel(variant);
  }
  const size_t end = text.rfind("\n#ifdef __cplusplus");
  assert(end != std::string::npos && "a header closes its extern \"C\"");
  return text.insert(end, extra);
}

/// The choice, and the phases that only some variants have.
static constexpr char kChoice[] = R"(
const lp_kernel *lp_{0}_select(uint64_t cpu_features) {{
  for (unsigned i = 0; i < sizeof variants / sizeof *variants; ++i) {{
    if ((variants[i]->cpu_features & ~cpu_features) == 0) {{
      return variants[i];
    }
  }
  return 0;
}

/* The kernel for this CPU, or null. Asking the CPU is slow under a hypervisor, so the
 * answer, always the same, is kept. */
static const lp_kernel *chosen(void) {{
  static _Atomic(const lp_kernel *) known;
  const lp_kernel *kernel = known;
  if (!kernel) {{
    kernel = lp_{0}_select(lp_cpu_features());
    known = kernel;
  }
  return kernel;
}

int lp_{0}(const lp_args *args, int phase, int64_t begin, int64_t end,
    void *scratch) {{
  const lp_kernel *kernel = chosen();
  if (!kernel) {{
    return LP_ERROR_CPU;
  }
  if (phase >= kernel->num_phases && phase < {1}) {{
    return begin == 0 && end == 0 ? LP_OK : LP_ERROR_PHASE;
  }
  return kernel->run(args, phase, begin, end, scratch);
}

int64_t lp_{0}_tasks(const lp_args *args, int phase) {{
  const lp_kernel *kernel = chosen();
  if (!kernel) {{
    return -1;
  }
  if (phase >= kernel->num_phases && phase < {1}) {{
    return kernel->tasks(args, 0) < 0 ? -1 : 0;
  }
  return kernel->tasks(args, phase);
}
)";

static constexpr char kForwarding[] = R"(
int64_t lp_{0}_scratch_size(void) {{
  const lp_kernel *kernel = chosen();
  return kernel ? kernel->scratch_size() : 0;
}

int64_t lp_{0}_workspace_size(const int64_t *sizes) {{
  const lp_kernel *kernel = chosen();
  return kernel ? kernel->workspace_size(sizes) : -1;
}

int64_t lp_{0}_packed_size(int buffer, const int64_t *sizes) {{
  const lp_kernel *kernel = chosen();
  return kernel ? kernel->packed_size(buffer, sizes) : 0;
}

int lp_{0}_pack(int buffer, const int64_t *sizes, const void *logical,
    void *packed) {{
  const lp_kernel *kernel = chosen();
  return kernel ? kernel->pack(buffer, sizes, logical, packed) : LP_ERROR_CPU;
}
)";

/// A descriptor over the short names. It has no layout of its own: a packed
/// buffer carries the id of the kernel that was chosen.
static constexpr char kDescriptor[] = R"(
const lp_kernel lp_{0}_kernel = {{
  .abi_version = LP_ABI_VERSION,
  .num_buffers = {1},
  .num_inputs = {2},
  .num_sizes = {3},
  .num_phases = {4},
  .cpu_features = UINT64_C({5}),
  .layout_id = 0,
  .op = "{0}",
  .symbol = "lp_{0}_dispatch",
  .run = lp_{0},
  .tasks = lp_{0}_tasks,
  .scratch_size = lp_{0}_scratch_size,
  .workspace_size = lp_{0}_workspace_size,
  .packed_size = lp_{0}_packed_size,
  .pack = lp_{0}_pack,
};
)";

static std::string emitDispatchSource(llvm::ArrayRef<Variant> variants) {
  const KernelInfo merged = mergeInfos(variants);
  uint64_t needed = ~uint64_t{0};
  std::string list;
  for (const Variant &variant : variants) {
    needed &= variant.target->desc().cpuFeatures;
    list += "  &" + variant.info.symbol() + "_kernel,\n";
  }
  std::string text = llvm::formatv(
      R"(/* Chooses among the kernels of operator {0}, written by lpgen. */
#include "{0}.h"

/* base/abi/CpuFeatures.h; in library lpgen::abi. */
uint64_t lp_cpu_features(void);

/* Best first. */
static const lp_kernel *const variants[] = {{
{1}};
)",
      merged.op, list);
  const ptrdiff_t inputs =
      llvm::count_if(merged.buffers,
                     [](const BufferInfo &buffer) { return !buffer.isOutput; });
  text += llvm::formatv(kChoice, merged.op, merged.phases.size());
  text += llvm::formatv(kForwarding, merged.op);
  text += llvm::formatv(kDescriptor, merged.op, merged.buffers.size(), inputs,
                        merged.sizes.size(), merged.phases.size(), needed);
  return text;
}

static std::string emitLibraryManifest(llvm::ArrayRef<Variant> variants) {
  llvm::json::Array list;
  for (const Variant &variant : variants) {
    llvm::Expected<llvm::json::Value> manifest =
        llvm::json::parse(emitManifest(variant.info, variant.target->desc()));
    assert(manifest && "a manifest is JSON");
    list.push_back(std::move(*manifest));
  }
  const llvm::json::Value library =
      llvm::json::Object{{"op", variants.front().info.op},
                         {"abi_version", LP_ABI_VERSION},
                         {"variants", std::move(list)}};
  return llvm::formatv("{0:2}\n", library);
}

KernelLibrary lpgen::joinVariants(std::vector<Variant> variants) {
  assert(!variants.empty() && "a library has a kernel");
  std::vector<Variant> ordered;
  for (Variant &variant : variants) {
    const auto place = llvm::upper_bound(
        ordered, variant, [](const Variant &a, const Variant &b) {
          return llvm::popcount(a.target->desc().cpuFeatures) >
                 llvm::popcount(b.target->desc().cpuFeatures);
        });
    ordered.insert(place, std::move(variant));
  }
  return {emitDispatchSource(ordered), emitLibraryHeader(ordered),
          emitLibraryManifest(ordered)};
}
