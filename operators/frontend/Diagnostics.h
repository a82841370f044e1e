// How the front end reports: a thin layer over llvm::SourceMgr that counts
// errors.
//
// The lexer, the parser and the checker share one object per run, so that "was
// there an error" has one answer and a hopeless file stops after a fixed number
// of messages. Messages are lower case without a final stop; a note always
// follows the message that it explains. What is wrong in an operator is
// reported once, however often it is called.
#ifndef LPGEN_OPERATORS_FRONTEND_DIAGNOSTICS_H
#define LPGEN_OPERATORS_FRONTEND_DIAGNOSTICS_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/SourceMgr.h"
#include <set>
#include <string>
#include <utility>

namespace lpgen {

/// Reports problems through a SourceMgr and counts them.
class Diagnostics {
public:
  /// A call of an operator: messages about its text name the call.
  struct Call {
    llvm::SMRange range;
    std::string callee;
    const Call *outer = nullptr; ///< The call whose text has this one.
  };

  /// After this many errors, or warnings, no further ones are reported.
  static constexpr unsigned maxErrors = 100;

  explicit Diagnostics(llvm::SourceMgr &sources) : sources(sources) {}

  /// Reports an error that marks `range`, with the caret at its start.
  void error(llvm::SMRange range, const llvm::Twine &message) {
    error(range.Start, range, message);
  }

  /// Reports an error with the caret at `loc` and `range` underlined.
  void error(llvm::SMLoc loc, llvm::SMRange range, const llvm::Twine &message) {
    ++errors;
    report(shownErrors, loc, llvm::SourceMgr::DK_Error, range, message);
  }

  /// Reports an error that has no place in the file.
  void error(const llvm::Twine &message) {
    error(llvm::SMLoc(), llvm::SMRange(), message);
  }

  /// Reports something suspicious that does not stop the run.
  void warning(llvm::SMLoc loc, llvm::SMRange range,
               const llvm::Twine &message) {
    report(shownWarnings, loc, llvm::SourceMgr::DK_Warning, range, message);
  }

  /// Explains the message before it.
  void note(llvm::SMRange range, const llvm::Twine &message) {
    emit(range.Start, llvm::SourceMgr::DK_Note, range, message);
  }

  /// From now on messages are about the text of what `call` calls; null for the
  /// operator that is asked for. Returns the former call.
  const Call *enter(const Call *call) { return std::exchange(current, call); }

  unsigned numErrors() const { return errors; }
  bool tooManyErrors() const { return shownErrors > maxErrors; }

private:
  /// Emits the message, unless it was reported before, or `count`, the number
  /// of its kind, says that there were too many.
  void report(unsigned &count, llvm::SMLoc loc, llvm::SourceMgr::DiagKind kind,
              llvm::SMRange range, const llvm::Twine &message) {
    muted = !reported.insert({loc.getPointer(), message.str()}).second;
    if (muted) {
      return;
    }
    ++count;
    if (count == maxErrors + 1) {
      emit(loc, kind, llvm::SMRange(),
           "too many messages; the rest are not shown");
    }
    muted = count > maxErrors;
    emit(loc, kind, range, message);
    for (const Call *call = current; call; call = call->outer) {
      note(call->range, "in this call of '" + call->callee + "'");
    }
  }

  void emit(llvm::SMLoc loc, llvm::SourceMgr::DiagKind kind,
            llvm::SMRange range, const llvm::Twine &message) {
    if (muted) {
      return;
    }
    if (range.isValid()) {
      sources.PrintMessage(loc, kind, message, range);
    } else {
      sources.PrintMessage(loc, kind, message);
    }
  }

  llvm::SourceMgr &sources;
  unsigned errors = 0; ///< With those that were reported before.
  unsigned shownErrors = 0;
  unsigned shownWarnings = 0;
  /// Notes share the fate of the message before them.
  bool muted = false;
  std::set<std::pair<const char *, std::string>> reported;
  const Call *current = nullptr;
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_DIAGNOSTICS_H
