// Three visitors: one copies the state out, one compares its outline with that
// of a file, one copies it in.
#include "training/loop/Checkpoint.h"
#include "base/system/AtomicFile.h"
#include "base/system/Digest.h"
#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

namespace lpgen::train {

static constexpr std::string_view magic = "LPGENCK1";
static constexpr size_t prefixBytes = 16; ///< Magic and header length.
static constexpr size_t digestBytes = 8;

namespace {

std::string_view bytesOf(const uint64_t &value) {
  return {reinterpret_cast<const char *>(&value), sizeof value};
}

class Outline : public nn::StateVisitor {
public:
  void visitBytes(const std::string &name,
                  std::span<std::byte> bytes) override {
    pieces.push_back({name, bytes.size()});
  }
  nlohmann::json pieces = nlohmann::json::array();
};

class Saver : public Outline {
public:
  void visitBytes(const std::string &name,
                  std::span<std::byte> bytes) override {
    Outline::visitBytes(name, bytes);
    state.append(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  }
  std::string state;
};

class Restorer : public nn::StateVisitor {
public:
  explicit Restorer(std::string_view state) : rest(state) {}
  void visitBytes(const std::string &name,
                  std::span<std::byte> bytes) override {
    assert(bytes.size() <= rest.size() && "the outline was compared");
    if (!bytes.empty()) {
      std::memcpy(bytes.data(), rest.data(), bytes.size());
    }
    rest.remove_prefix(bytes.size());
  }
  void refuse(const std::string &name) override { refused = name; }

  std::string refused; ///< The last one; "" for none.

private:
  std::string_view rest;
};

/// Copies those pieces in that the file has.
class SharedRestorer : public nn::StateVisitor {
public:
  SharedRestorer(const nlohmann::json &pieces, std::string_view state) {
    for (const nlohmann::json &piece : pieces) {
      const auto size = piece[1].get<size_t>();
      found[piece[0]] = state.substr(0, size);
      state.remove_prefix(size);
    }
  }
  void visitBytes(const std::string &name,
                  std::span<std::byte> bytes) override {
    const auto piece = found.find(name);
    if (piece == found.end()) {
      return;
    }
    ++numShared;
    if (piece->second.size() != bytes.size()) {
      ofOtherSize = name;
    } else if (copies && !bytes.empty()) {
      std::memcpy(bytes.data(), piece->second.data(), bytes.size());
    }
  }

  bool copies = false; ///< Else it only looks.
  int64_t numShared = 0;
  std::string ofOtherSize;

private:
  std::map<std::string, std::string_view> found;
};

/// A file that is complete.
struct Checkpoint {
  std::string content;
  nlohmann::json header;
  size_t stateBegin = 0;

  std::string_view state() const {
    return std::string_view(content).substr(
        stateBegin, content.size() - digestBytes - stateBegin);
  }
};

} // namespace

Status saveCheckpoint(const std::string &path, const nlohmann::json &meta,
                      const VisitState &visitState) {
  Saver saver;
  visitState(saver);
  const nlohmann::json header = {{"meta", meta}, {"state", saver.pieces}};
  const std::string headerText = header.dump();
  const uint64_t headerBytes = headerText.size();
  const std::array<std::string_view, 4> parts = {magic, bytesOf(headerBytes),
                                                 headerText, saver.state};
  uint64_t digest = emptyDigest;
  for (std::string_view part : parts) {
    digest = extendDigest(digest, part);
  }
  return writeFileAtomically(path, std::array{parts[0], parts[1], parts[2],
                                              parts[3], bytesOf(digest)});
}

/// Strings of a forged file need not be Unicode.
static std::string textOf(const nlohmann::json &value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A list of names with sizes that make up `bytes` together?
static bool isOutline(const nlohmann::json &pieces, size_t bytes) {
  if (!pieces.is_array()) {
    return false;
  }
  for (const nlohmann::json &piece : pieces) {
    if (!piece.is_array() || piece.size() != 2 || !piece[0].is_string() ||
        !piece[1].is_number_unsigned() || piece[1].get<size_t>() > bytes) {
      return false;
    }
    bytes -= piece[1].get<size_t>();
  }
  return bytes == 0;
}

static Result<Checkpoint> readCheckpoint(const std::string &path) {
  Result<std::string> content = readWholeFile(path);
  LPGEN_RETURN_IF_ERROR(content.status());
  Checkpoint checkpoint;
  checkpoint.content = std::move(*content);
  const std::string_view all = checkpoint.content;
  if (!all.starts_with(magic)) {
    return Status::error("'" + path +
                         "' is no checkpoint of lpgen train; remedy: name the "
                         "folder of another run, or delete the file and start "
                         "again without --resume");
  }
  uint64_t digest = 0;
  uint64_t headerBytes = 0;
  if (all.size() >= prefixBytes + digestBytes) {
    std::memcpy(&headerBytes, all.data() + magic.size(), sizeof headerBytes);
    std::memcpy(&digest, all.data() + all.size() - digestBytes, digestBytes);
  }
  if (all.size() < prefixBytes + digestBytes ||
      headerBytes > all.size() - prefixBytes - digestBytes ||
      digest !=
          extendDigest(emptyDigest, all.substr(0, all.size() - digestBytes))) {
    return Status::error("checkpoint '" + path +
                         "' is truncated or damaged; remedy: delete the file "
                         "and start the run again without --resume");
  }
  checkpoint.stateBegin = prefixBytes + size_t(headerBytes);
  checkpoint.header =
      nlohmann::json::parse(all.substr(prefixBytes, headerBytes),
                            /*cb=*/nullptr, /*allow_exceptions=*/false);
  const auto meta = checkpoint.header.find("meta");
  const auto state = checkpoint.header.find("state");
  if (meta == checkpoint.header.end() ||
      !(meta->is_object() || meta->is_null()) ||
      state == checkpoint.header.end() ||
      !isOutline(*state, checkpoint.state().size())) {
    return Status::error("checkpoint '" + path +
                         "' has no valid header; remedy: delete the file and "
                         "start the run again without --resume");
  }
  return checkpoint;
}

Result<nlohmann::json> readCheckpointMeta(const std::string &path) {
  Result<Checkpoint> checkpoint = readCheckpoint(path);
  LPGEN_RETURN_IF_ERROR(checkpoint.status());
  return std::move(checkpoint->header["meta"]);
}

Status restoreCheckpoint(const std::string &path,
                         const VisitState &visitState) {
  Result<Checkpoint> checkpoint = readCheckpoint(path);
  LPGEN_RETURN_IF_ERROR(checkpoint.status());
  Outline outline;
  visitState(outline);
  const nlohmann::json &found = checkpoint->header["state"];
  for (size_t i = 0; i < outline.pieces.size(); ++i) {
    if (i >= found.size() || found[i] != outline.pieces[i]) {
      return Status::error("checkpoint '" + path +
                           "' is of another network or policy: piece " +
                           std::to_string(i) + " is " +
                           (i < found.size() ? textOf(found[i]) : "missing") +
                           ", expected " + textOf(outline.pieces[i]));
    }
  }
  if (found.size() != outline.pieces.size()) {
    return Status::error("checkpoint '" + path +
                         "' is of another network or policy: it holds more");
  }
  Restorer restorer(checkpoint->state());
  visitState(restorer);
  return restorer.refused.empty()
             ? Status::success()
             : Status::error("checkpoint '" + path + "': '" + restorer.refused +
                             "' has a value that means nothing; remedy: delete "
                             "the file and start the run again without "
                             "--resume");
}

Status restoreSharedPieces(const std::string &path,
                           const VisitState &visitState) {
  Result<Checkpoint> checkpoint = readCheckpoint(path);
  LPGEN_RETURN_IF_ERROR(checkpoint.status());
  SharedRestorer restorer(checkpoint->header["state"], checkpoint->state());
  visitState(restorer);
  if (!restorer.ofOtherSize.empty() || restorer.numShared == 0) {
    return Status::error(
        "checkpoint '" + path + "' is of another network: " +
        (restorer.numShared == 0
             ? "no tensor has a name known here"
             : "'" + restorer.ofOtherSize + "' has another size"));
  }
  restorer.copies = true;
  visitState(restorer);
  return Status::success();
}

} // namespace lpgen::train
