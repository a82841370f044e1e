// The outcome of a function that can fail: nothing, or a message for the user.
//
// Used by the runtime and by the parts of the compiler that work on host data;
// no exceptions, no logging, no LLVM here.
#ifndef LPGEN_BASE_SYSTEM_STATUS_H
#define LPGEN_BASE_SYSTEM_STATUS_H

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace lpgen {

/// Success, or an error with a message (lower case, no final stop, with the
/// place, what was expected, what was found and the remedy).
class [[nodiscard]] Status {
public:
  Status() = default;
  static Status success() { return {}; }
  static Status error(std::string message) {
    Status status;
    status.text = std::move(message);
    return status;
  }
  bool ok() const { return !text.has_value(); }
  const std::string &message() const {
    assert(text.has_value() && "a success has no message");
    return *text;
  }

private:
  std::optional<std::string> text;
};

/// A value, or the error that kept it from being made.
template <typename T>
class [[nodiscard]] Result {
public:
  Result(T value) : content(std::move(value)) {}
  Result(Status status) : outcome(std::move(status)) {
    assert(!outcome.ok() && "a success needs a value");
  }
  bool ok() const { return content.has_value(); }
  const Status &status() const { return outcome; }
  const std::string &message() const { return outcome.message(); }
  T &operator*() { return value(); }
  const T &operator*() const { return value(); }
  T *operator->() { return &value(); }
  const T *operator->() const { return &value(); }
  T &value() {
    assert(content.has_value() && "no value: test ok() first");
    return *content;
  }
  const T &value() const {
    assert(content.has_value() && "no value: test ok() first");
    return *content;
  }

private:
  std::optional<T> content;
  Status outcome;
};

/// Leaves the calling function with the error of `expression`, if it has one.
#define LPGEN_RETURN_IF_ERROR(expression)                                      \
  do {                                                                         \
    if (::lpgen::Status lpgenStatus = (expression); !lpgenStatus.ok()) {       \
      return lpgenStatus;                                                      \
    }                                                                          \
  } while (false)

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_STATUS_H
