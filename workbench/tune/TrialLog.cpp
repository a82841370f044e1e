// The log of the tuner's trials. See TrialLog.h.
#include "workbench/tune/TrialLog.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

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

Result<TrialLog> TrialLog::open(const std::string &path) {
  TrialLog log;
  log.path = path;
  if (path.empty()) {
    return log;
  }
  const llvm::StringRef folder = llvm::sys::path::parent_path(path);
  std::error_code error = folder.empty()
                              ? std::error_code()
                              : llvm::sys::fs::create_directories(folder);
  if (!error && llvm::sys::fs::exists(path)) {
    LPGEN_RETURN_IF_ERROR(log.load());
  }
  if (!error) {
    log.stream = std::make_unique<llvm::raw_fd_ostream>(
        path, error, llvm::sys::fs::OF_Append);
  }
  if (error) {
    return Status::error("cannot write log '" + path + "': " + error.message());
  }
  return log;
}

/// Reads the complete lines and cuts the file off behind them.
Status TrialLog::load() {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    return Status::error("cannot read log '" + path +
                         "': " + buffer.getError().message());
  }
  llvm::StringRef rest = (*buffer)->getBuffer();
  const size_t complete = rest.rfind('\n') + 1; // npos + 1 is 0.
  const size_t bytes = rest.size();
  rest = rest.take_front(complete);
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
  if (complete == bytes) {
    return Status::success();
  }
  int file = -1;
  std::error_code error = llvm::sys::fs::openFileForReadWrite(
      path, file, llvm::sys::fs::CD_OpenExisting, llvm::sys::fs::OF_None);
  if (!error) {
    error = llvm::sys::fs::resize_file(file, complete);
    const std::error_code closed =
        llvm::sys::Process::SafelyCloseFileDescriptor(file);
    error = error ? error : closed;
  }
  return error ? Status::error("cannot write log '" + path +
                               "': " + error.message())
               : Status::success();
}

Status TrialLog::append(const TrialRecord &record) {
  if (stream) {
    std::string line;
    llvm::raw_string_ostream(line) << record.toJson() << "\n";
    *stream << line;
    stream->flush();
    if (stream->has_error()) {
      const std::string reason = stream->error().message();
      stream->clear_error();
      return Status::error("cannot write log '" + path + "': " + reason);
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
