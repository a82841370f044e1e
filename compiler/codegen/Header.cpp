// C header and JSON manifest of a kernel.
#include "compiler/codegen/Abi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace lpgen;

static std::string upper(llvm::StringRef text) {
  return llvm::StringRef(text).upper();
}

std::string lpgen::cTypeOf(ElementType type) {
  if (type.isFloat() && !type.isNarrowFloat()) {
    return "float";
  }
  return (type.isStorageSigned() ? "int" : "uint") +
         std::to_string(type.storageBits()) + "_t";
}

static std::string listText(const KernelInfo &info,
                            const std::vector<int64_t> &values,
                            const std::vector<int64_t> &symbols) {
  std::string text = "[";
  for (size_t d = 0; d < values.size(); ++d) {
    text += (d ? ", " : "") + (symbols[d] < 0 ? std::to_string(values[d])
                                              : info.sizeText(symbols[d]));
  }
  return text + "]";
}

static std::string shapeText(const KernelInfo &info, const BufferInfo &buffer) {
  const std::string shape = listText(info, buffer.shape, buffer.symbols);
  return buffer.strides.empty()
             ? shape
             : shape + ", strides " +
                   listText(info, buffer.strides, buffer.strideSymbols);
}

std::string lpgen::emitHeader(const KernelInfo &info, llvm::StringRef triple,
                              bool shortNames) {
  std::string text;
  llvm::raw_string_ostream os(text);
  std::string guard = "LP_" + upper(info.op) + "_H";
  os << "/* Kernel " << info.symbol() << " for " << triple
     << ", written by lpgen.\n"
     << " * How to call it: lp_kernel.h. */\n"
     << "#ifndef " << guard << "\n#define " << guard << "\n\n"
     << "#include \"lp_kernel.h\"\n\n#ifdef __cplusplus\nextern \"C\" "
        "{\n#endif\n\n"
     << "/* Positions in lp_args.buffers. */\nenum {\n";
  for (auto [i, buffer] : llvm::enumerate(info.buffers)) {
    os << llvm::formatv(
        "  LP_{0}_{1} = {2}, /* {3} {4} {5}{6} */\n", upper(info.op),
        upper(buffer.name), i, buffer.isOutput ? "out" : "in",
        cTypeOf(buffer.type), shapeText(info, buffer),
        buffer.packedBytes ? ", packed by lp_" + info.op + "_pack"
                           : std::string());
  }
  os << llvm::formatv("  LP_{0}_BUFFERS = {1},\n  LP_{0}_PHASES = {2}\n};\n",
                      upper(info.op), info.buffers.size(), info.phases.size());
  if (!info.sizes.empty()) {
    os << "\n/* Positions in lp_args.sizes. */\nenum {\n";
    for (auto [i, size] : llvm::enumerate(info.sizes)) {
      os << llvm::formatv("  LP_{0}_SIZE_{1} = {2}, /* 0 to {3} */\n",
                          upper(info.op), upper(size.name), i, size.bound);
    }
    os << llvm::formatv("  LP_{0}_SIZES = {1}\n};\n", upper(info.op),
                        info.sizes.size());
  }
  auto declare = [&](const std::string &prefix) {
    os << llvm::formatv(R"(
extern const lp_kernel {0}_kernel;
int {0}(const lp_args *args, int phase, int64_t begin, int64_t end,
        void *scratch);
int64_t {0}_tasks(const lp_args *args, int phase);
int64_t {0}_scratch_size(void);
int64_t {0}_workspace_size(const int64_t *sizes);
int64_t {0}_packed_size(int buffer, const int64_t *sizes);
int {0}_pack(int buffer, const int64_t *sizes, const void *logical,
             void *packed);
)",
                        prefix);
  };
  if (shortNames) {
    declare("lp_" + info.op);
  }
  declare(info.symbol());
  os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
  return text;
}

std::string lpgen::emitManifest(const KernelInfo &info,
                                const TargetDesc &target) {
  llvm::json::Value value = info.toJson();
  llvm::json::Object &object = *value.getAsObject();
  object["symbol"] = info.symbol();
  object["triple"] = target.triple;
  object["cpu_features"] = static_cast<int64_t>(target.cpuFeatures);
  object["abi_version"] = 1;
  object["language_version"] = 1;
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv("{0:2}\n", value);
  return text;
}
