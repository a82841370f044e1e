// How the front end reports: a thin layer over llvm::SourceMgr that counts
// errors.
//
// The lexer, the parser and the checker share one object per run, so that "was
// there an error" has one answer and a hopeless file stops after a fixed number
// of messages. Messages are lower case without a final stop; a note always
// follows the message that it explains.
#ifndef LPGEN_OPERATORS_FRONTEND_DIAGNOSTICS_H
#define LPGEN_OPERATORS_FRONTEND_DIAGNOSTICS_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/SourceMgr.h"

namespace lpgen {

/// Reports problems through a SourceMgr and counts them.
class Diagnostics {
public:
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
    report(errors, loc, llvm::SourceMgr::DK_Error, range, message);
  }

  /// Reports an error that has no place in the file.
  void error(const llvm::Twine &message) {
    error(llvm::SMLoc(), llvm::SMRange(), message);
  }

  /// Reports something suspicious that does not stop the run.
  void warning(llvm::SMLoc loc, llvm::SMRange range,
               const llvm::Twine &message) {
    ++warnings;
    report(warnings, loc, llvm::SourceMgr::DK_Warning, range, message);
  }

  /// Explains the message before it.
  void note(llvm::SMRange range, const llvm::Twine &message) {
    emit(range.Start, llvm::SourceMgr::DK_Note, range, message);
  }

  unsigned numErrors() const { return errors; }
  bool tooManyErrors() const { return errors > maxErrors; }

private:
  /// Emits the message that is number `count` of its kind, unless there were
  /// too many.
  void report(unsigned count, llvm::SMLoc loc, llvm::SourceMgr::DiagKind kind,
              llvm::SMRange range, const llvm::Twine &message) {
    muted = false;
    if (count == maxErrors + 1) {
      emit(loc, kind, llvm::SMRange(),
           "too many messages; the rest are not shown");
    }
    muted = count > maxErrors;
    emit(loc, kind, range, message);
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
  unsigned errors = 0;
  unsigned warnings = 0;
  /// Notes share the fate of the message before them.
  bool muted = false;
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_DIAGNOSTICS_H
