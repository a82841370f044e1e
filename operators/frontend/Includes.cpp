// Following `include`: see Includes.h.
#include "operators/frontend/Includes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace lpgen;
using llvm::StringRef;
using llvm::Twine;
using llvm::sys::fs::UniqueID;

namespace {

/// Bounds of what a file can pull in.
constexpr uint64_t maxFileBytes = uint64_t{1} << 24;
constexpr size_t maxFiles = 1024;
constexpr size_t maxDepth = 64;

class Loader {
public:
  Loader(llvm::SourceMgr &sources, const ParseOptions &options,
         Diagnostics &diags)
      : sources(sources), options(options), diags(diags) {}

  std::vector<SourceFile> run() {
    const llvm::MemoryBuffer *main =
        sources.getMemoryBuffer(sources.getMainFileID());
    StringRef path = main->getBufferIdentifier();
    llvm::ErrorOr<llvm::vfs::Status> status = options.files->status(path);
    open.push_back(
        {path.str(), {}, status ? status->getUniqueID() : UniqueID()});
    load(main->getBuffer());
    files.back().isMain = true;
    return std::move(files);
  }

private:
  /// A file whose includes are being read, and where it is included.
  struct OpenFile {
    std::string path;
    llvm::SMRange include;
    UniqueID id;
  };

  /// Reads what `text`, that of the innermost open file, includes, and then
  /// adds the file. Returns its position.
  size_t load(StringRef text) {
    SourceFile file;
    file.path = open.back().path;
    file.tokens = lex(text, diags);
    for (size_t i = 0; i + 1 < file.tokens.size(); ++i) {
      const Token &next = file.tokens[i + 1];
      if (file.tokens[i].isWord("op") && next.is(TokenKind::Name)) {
        file.operators.insert(next.text);
      }
      if (!file.tokens[i].isWord("include") || !next.is(TokenKind::String)) {
        continue;
      }
      std::optional<size_t> included = include(next);
      if (included && !llvm::is_contained(file.includes, *included)) {
        file.includes.push_back(*included);
        file.operators.insert_range(files[*included].operators.keys());
      }
    }
    files.push_back(std::move(file));
    return files.size() - 1;
  }

  /// The position of the file that `token` names.
  std::optional<size_t> include(const Token &token) {
    std::optional<std::string> path = find(token);
    if (!path) {
      return std::nullopt;
    }
    llvm::ErrorOr<llvm::vfs::Status> status = options.files->status(*path);
    if (!status || !status->isRegularFile() ||
        status->getSize() > maxFileBytes) {
      diags.error(token.range(), "cannot include '" + *path +
                                     "': expected a file of at most " +
                                     Twine(maxFileBytes >> 20) + " MiB");
      return std::nullopt;
    }
    UniqueID id = status->getUniqueID();
    for (auto [i, file] : llvm::enumerate(open)) {
      if (file.id == id) {
        reportCycle(token, i);
        return std::nullopt;
      }
    }
    if (auto known = positions.find(id); known != positions.end()) {
      return known->second;
    }
    if (open.size() > maxDepth || positions.size() >= maxFiles) {
      diags.error(token.range(), "files are included at most " +
                                     Twine(maxDepth) + " deep, and at most " +
                                     Twine(maxFiles) + " of them");
      return std::nullopt;
    }
    auto buffer = options.files->getBufferForFile(*path);
    if (!buffer) {
      diags.error(token.range(), "cannot read '" + *path +
                                     "': " + buffer.getError().message());
      return std::nullopt;
    }
    StringRef text = (*buffer)->getBuffer();
    text.consume_front("\xEF\xBB\xBF");
    sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
    open.push_back({*path, token.range(), id});
    size_t position = load(text);
    open.pop_back();
    positions.insert({id, position});
    return position;
  }

  /// Beside the including file, else in the folders of the options.
  std::optional<std::string> find(const Token &token) {
    StringRef name = token.stringValue();
    std::vector<std::string> folders = {
        llvm::sys::path::parent_path(open.back().path).str()};
    llvm::append_range(folders, options.includeFolders);
    for (const std::string &folder : folders) {
      llvm::SmallString<128> path(folder);
      if (llvm::sys::path::is_absolute(name)) {
        path.clear();
      }
      llvm::sys::path::append(path, name);
      if (!name.empty() && options.files->exists(path)) {
        return std::string(path);
      }
    }
    diags.error(
        token.range(),
        "no file '" + name + "' beside the file that includes it" +
            (options.includeFolders.empty()
                 ? ""
                 : " or in " + llvm::join(options.includeFolders, ", ")));
    return std::nullopt;
  }

  /// `token` includes the open file number `first`.
  void reportCycle(const Token &token, size_t first) {
    diags.error(token.range(), "'" + open[first].path + "' includes itself");
    for (const OpenFile &file : llvm::drop_begin(open, first + 1)) {
      diags.note(file.include, "'" + file.path + "' is included here");
    }
  }

  llvm::SourceMgr &sources;
  const ParseOptions &options;
  Diagnostics &diags;
  std::vector<SourceFile> files;
  std::vector<OpenFile> open;
  std::map<UniqueID, size_t> positions;
};

} // namespace

std::vector<SourceFile> lpgen::loadFiles(llvm::SourceMgr &sources,
                                         const ParseOptions &options,
                                         Diagnostics &diags) {
  return Loader(sources, options, diags).run();
}
