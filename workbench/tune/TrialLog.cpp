// The log of the tuner's trials. See TrialLog.h.
#include "workbench/tune/TrialLog.h"
#include "base/system/AtomicFile.h"
#include "base/system/SystemError.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace lpgen {

using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

std::string TrialRecord::key() const {
  return problem + " " + target + " " + cpu + " " + source + " " +
         llvm::join(schedules, " ");
}

std::string TrialRecord::speed() const {
  if (source == "mca") {
    return llvm::formatv("{0:f2} MAC/cycle in the hot loop", 1 / cyclesPerMac);
  }
  if (frequency) {
    return llvm::formatv("{0:f2} MAC/cycle",
                         double(macs) / (seconds * *frequency));
  }
  return llvm::formatv("{0:f2} GMAC/s", double(macs) / seconds * 1e-9);
}

Value TrialRecord::toJson() const {
  Object parameters;
  for (const auto &[name, value] : params) {
    parameters[name] = value;
  }
  Object object{{"op", op},
                {"params", std::move(parameters)},
                {"problem", problem},
                {"target", target},
                {"cpu", cpu},
                {"source", source},
                {"schedules", Array(schedules)},
                {"macs", macs},
                {"status", status}};
  if (!ok()) {
    object["message"] = message;
  } else if (source == "mca") {
    object["cyclesPerMac"] = cyclesPerMac;
  } else {
    object["seconds"] = seconds;
    object["medianSeconds"] = medianSeconds;
    object["frequency"] = frequency ? Value(*frequency) : Value(nullptr);
  }
  return object;
}

std::optional<TrialRecord> TrialRecord::fromJson(const Value &value) {
  TrialRecord record;
  llvm::json::Path::Root root;
  llvm::json::ObjectMapper map(value, root);
  const bool isRecord =
      map && map.map("op", record.op) && map.map("params", record.params) &&
      map.map("problem", record.problem) && map.map("target", record.target) &&
      map.map("cpu", record.cpu) && map.map("source", record.source) &&
      map.map("schedules", record.schedules) && map.map("macs", record.macs) &&
      map.map("status", record.status) &&
      map.mapOptional("message", record.message) &&
      map.mapOptional("cyclesPerMac", record.cyclesPerMac) &&
      map.mapOptional("seconds", record.seconds) &&
      map.mapOptional("medianSeconds", record.medianSeconds) &&
      map.map("frequency", record.frequency);
  return isRecord && (!record.ok() || record.cost() > 0)
             ? std::optional(std::move(record))
             : std::nullopt;
}

TrialLog::~TrialLog() {
  if (file >= 0) {
    ::close(file);
  }
}

TrialLog::TrialLog(TrialLog &&other) noexcept
    : path(std::move(other.path)), file(std::exchange(other.file, -1)),
      records(std::move(other.records)) {}

namespace {
/// Keeps other processes off the file meanwhile.
class Locked {
public:
  explicit Locked(int file) : file(file) {
    while (::flock(file, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Locked() { ::flock(file, LOCK_UN); }
  Locked(const Locked &) = delete;
  Locked &operator=(const Locked &) = delete;

private:
  int file;
};
} // namespace

static Status cannotWrite(const std::string &path, int error) {
  return Status::error("cannot write log '" + path +
                       "': " + describeSystemError(error));
}

Result<TrialLog> TrialLog::open(const std::string &path) {
  TrialLog log;
  log.path = path;
  if (path.empty()) {
    return log;
  }
  const llvm::StringRef folder = llvm::sys::path::parent_path(path);
  if (!folder.empty()) {
    if (const std::error_code error =
            llvm::sys::fs::create_directories(folder)) {
      return cannotWrite(path, error.value());
    }
  }
  log.file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC,
                    0666); // Less what the umask takes.
  if (log.file < 0) {
    return cannotWrite(path, errno);
  }
  if (llvm::sys::fs::is_regular_file(path)) {
    LPGEN_RETURN_IF_ERROR(log.load());
  }
  return log;
}

/// Reads the complete lines and cuts the file off behind them.
Status TrialLog::load() {
  const Locked locked(file);
  const Result<std::string> text = readWholeFile(path);
  LPGEN_RETURN_IF_ERROR(text.status());
  const size_t complete = text->rfind('\n') + 1; // npos + 1 is 0.
  llvm::StringRef rest = llvm::StringRef(*text).take_front(complete);
  for (size_t number = 1; !rest.empty(); ++number) {
    const auto [line, next] = rest.split('\n');
    rest = next;
    llvm::Expected<Value> value = llvm::json::parse(line);
    std::optional<TrialRecord> record =
        value ? TrialRecord::fromJson(*value) : std::nullopt;
    llvm::consumeError(value.takeError());
    if (!record) {
      return Status::error("log '" + path + "', line " +
                           std::to_string(number) +
                           ": expected a trial as `lpgen tune` writes them; "
                           "remove the line, or choose another log");
    }
    records[record->key()] = std::move(*record);
  }
  return complete == text->size() || ::ftruncate(file, off_t(complete)) == 0
             ? Status::success()
             : cannotWrite(path, errno);
}

Status TrialLog::append(const TrialRecord &record) {
  if (file >= 0) {
    const Locked locked(file);
    std::string line;
    llvm::raw_string_ostream(line) << record.toJson() << "\n";
    llvm::StringRef rest = line;
    while (!rest.empty()) {
      const ssize_t written = ::write(file, rest.data(), rest.size());
      if (written < 0 && errno != EINTR) {
        return cannotWrite(path, errno);
      }
      rest = rest.drop_front(size_t(std::max<ssize_t>(written, 0)));
    }
  }
  records[record.key()] = record;
  return Status::success();
}

const TrialRecord *TrialLog::find(const std::string &key) const {
  const auto found = records.find(key);
  return found == records.end() ? nullptr : &found->second;
}

} // namespace lpgen
