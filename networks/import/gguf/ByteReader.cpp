// Numbers and strings, checked against the end of the file.
#include "networks/import/gguf/ByteReader.h"

namespace lpgen::importer::gguf {

void ByteReader::fail(const std::string &reason) {
  if (outcome.ok()) {
    outcome = Status::error(reason);
  }
}

bool ByteReader::take(uint64_t count, const char *what) {
  if (!ok() || !holds(1, count, what)) {
    return false;
  }
  position += count;
  return true;
}

bool ByteReader::holds(uint64_t count, uint64_t each, const char *what) {
  if (each == 0 || count <= left() / each) {
    return ok();
  }
  fail(std::string("it is cut short or damaged: at byte ") +
       std::to_string(position) + ", " + what + " needs more than the " +
       std::to_string(left()) + " bytes that follow; download it again");
  return false;
}

std::string_view ByteReader::string(const char *what) {
  const auto length = number<uint64_t>(what);
  if (!holds(length, 1, what) || length == 0) {
    return {};
  }
  const char *start = reinterpret_cast<const char *>(content.data() + position);
  position += length;
  return {start, size_t(length)};
}

} // namespace lpgen::importer::gguf
