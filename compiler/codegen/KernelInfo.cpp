// Kernel information to and from JSON. See KernelInfo.h.
#include "compiler/codegen/KernelInfo.h"
#include "llvm/ADT/StringExtras.h"

using namespace lpgen;
namespace json = llvm::json;

json::Value KernelInfo::toJson() const {
  json::Array sizeList;
  for (const SizeInfo &size : sizes) {
    sizeList.push_back(
        json::Object{{"name", size.name}, {"bound", size.bound}});
  }
  json::Array bufferList;
  for (const BufferInfo &b : buffers) {
    bufferList.push_back(json::Object{{"name", b.name},
                                      {"type", b.type.str()},
                                      {"shape", json::Array(b.shape)},
                                      {"sizes", json::Array(b.symbols)},
                                      {"output", b.isOutput},
                                      {"packed_bytes", b.packedBytes}});
  }
  json::Array contractList;
  for (const ContractInfo &c : contracts) {
    contractList.push_back(json::Object{{"statement", c.label},
                                        {"x", c.x},
                                        {"w", c.w},
                                        {"accumulator", c.accumulator},
                                        {"schedule", c.schedule},
                                        {"template", c.templateName},
                                        {"layout", c.layout},
                                        {"reason", c.reason}});
  }
  return json::Object{{"op", op},
                      {"target", target},
                      {"sizes", std::move(sizeList)},
                      {"buffers", std::move(bufferList)},
                      {"phases", json::Array(phases)},
                      {"contractions", std::move(contractList)},
                      {"scratch_bytes", scratchBytes},
                      {"workspace_bytes", workspaceBytes},
                      {"hash", hash}};
}

namespace {
/// Reads fields and remembers whether any was missing or of the wrong type.
struct Reader {
  const json::Object &object;
  bool ok = true;

  std::string text(llvm::StringRef key) {
    auto value = object.getString(key);
    ok &= value.has_value();
    return value ? value->str() : "";
  }
  int64_t number(llvm::StringRef key) {
    auto value = object.getInteger(key);
    ok &= value.has_value();
    return value.value_or(0);
  }
  const json::Array &list(llvm::StringRef key) {
    static const json::Array none;
    const json::Array *value = object.getArray(key);
    ok &= value != nullptr;
    return value ? *value : none;
  }
  std::vector<int64_t> numbers(llvm::StringRef key) {
    std::vector<int64_t> result;
    for (const json::Value &value : list(key)) {
      ok &= value.getAsInteger().has_value();
      result.push_back(value.getAsInteger().value_or(0));
    }
    return result;
  }
};

/// Calls `each` with a Reader for every object of a list.
template <typename Function>
bool forObjects(const json::Array &list, Function each) {
  for (const json::Value &value : list) {
    const json::Object *object = value.getAsObject();
    if (!object) {
      return false;
    }
    Reader reader{*object};
    each(reader);
    if (!reader.ok) {
      return false;
    }
  }
  return true;
}
} // namespace

std::optional<KernelInfo> KernelInfo::fromJson(const json::Value &json) {
  const llvm::json::Object *object = json.getAsObject();
  if (!object) {
    return std::nullopt;
  }
  Reader r{*object};
  KernelInfo info;
  info.op = r.text("op");
  info.target = r.text("target");
  info.scratchBytes = r.number("scratch_bytes");
  info.workspaceBytes = r.number("workspace_bytes");
  info.hash = r.text("hash");
  for (const json::Value &phase : r.list("phases")) {
    info.phases.push_back(phase.getAsString().value_or("").str());
  }
  bool ok = forObjects(r.list("sizes"), [&](Reader &s) {
    info.sizes.push_back({s.text("name"), s.number("bound")});
  });
  ok &= forObjects(r.list("buffers"), [&](Reader &b) {
    BufferInfo buffer;
    buffer.name = b.text("name");
    auto type = ElementType::parse(b.text("type"));
    b.ok &= type.has_value();
    buffer.type = type.value_or(ElementType{});
    buffer.shape = b.numbers("shape");
    buffer.symbols = b.numbers("sizes");
    buffer.isOutput = b.object.getBoolean("output").value_or(false);
    buffer.packedBytes = b.number("packed_bytes");
    info.buffers.push_back(std::move(buffer));
  });
  ok &= forObjects(r.list("contractions"), [&](Reader &c) {
    info.contracts.push_back({c.text("statement"), c.text("x"), c.text("w"),
                              c.text("accumulator"), c.text("schedule"),
                              c.text("template"), c.text("layout"),
                              c.text("reason")});
  });
  if (!ok || !r.ok) {
    return std::nullopt;
  }
  return info;
}

std::string KernelInfo::symbol() const {
  std::string types = "elementwise";
  if (!contracts.empty()) {
    const ContractInfo &c = contracts.front();
    types = c.x + "x" + c.w + "_" + c.accumulator + "_" + c.templateName + "_" +
            c.layout;
  }
  return "lp_" + op + "_" + types + "_" + target + "_" + hash.substr(0, 8);
}

uint64_t KernelInfo::layoutId() const {
  uint64_t id = 0;
  llvm::StringRef(hash).take_front(16).getAsInteger(16, id);
  return id;
}
