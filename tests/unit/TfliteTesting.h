// Writes small TFLite files, so that tests need none from elsewhere.
#ifndef LPGEN_TESTS_UNIT_TFLITETESTING_H
#define LPGEN_TESTS_UNIT_TFLITETESTING_H

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lpgen::testing {

template <typename T>
std::string bytesOf(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()),
          values.size() * sizeof(T)};
}

/// A table of a flatbuffer, by the numbers of its fields.
class FlatTableWriter {
public:
  template <typename T>
  FlatTableWriter &number(unsigned field, T value) {
    fields[field] = {bytesOf(std::vector<T>{value}), {}, 0};
    return *this;
  }
  template <typename T>
  FlatTableWriter &numbers(unsigned field, const std::vector<T> &values) {
    fields[field] = {bytesOf(values), {}, sizeof(T)};
    return *this;
  }
  FlatTableWriter &string(unsigned field, const std::string &text) {
    fields[field] = {text, {}, 1};
    return *this;
  }
  FlatTableWriter &table(unsigned field, const FlatTableWriter &value) {
    fields[field] = {"", {value}, 0};
    return *this;
  }
  FlatTableWriter &tables(unsigned field,
                          const std::vector<FlatTableWriter> &values) {
    fields[field] = {"", values, sizeof(uint32_t)};
    return *this;
  }
  /// A file whose root is this table.
  std::string file(const std::string &identifier = "TFL3") const {
    std::string out = std::string(4, '\0') + identifier;
    const size_t root = write(out);
    put(out, 0, static_cast<uint32_t>(root));
    return out;
  }

private:
  /// A number (no elements), a vector of numbers, a table, or a vector of
  /// tables.
  struct Field {
    std::string bytes;
    std::vector<FlatTableWriter> children;
    size_t elementBytes = 0;
    bool isOffset() const { return elementBytes != 0 || !children.empty(); }
  };

  template <typename T>
  static void put(std::string &out, size_t at, T value) {
    out.replace(at, sizeof(T), bytesOf(std::vector<T>{value}));
  }
  static void align(std::string &out) {
    out.append((8 - out.size() % 8) % 8, '\0');
  }

  /// Appends the list of offsets, the table, and what it refers to; returns
  /// where the table is.
  size_t write(std::string &out) const {
    align(out);
    const size_t count =
        fields.empty() ? 0 : size_t{fields.rbegin()->first} + 1;
    const size_t list = out.size();
    out.append(4 + count * 2, '\0');
    align(out);
    const size_t start = out.size();
    out.append(8, '\0');
    std::map<unsigned, size_t> places;
    for (const auto &[number, field] : fields) {
      align(out);
      places[number] = out.size();
      put(out, list + 4 + size_t{2} * number,
          static_cast<uint16_t>(out.size() - start));
      out += field.isOffset() ? std::string(4, '\0') : field.bytes;
    }
    put(out, list, static_cast<uint16_t>(4 + count * 2));
    put(out, list + 2, static_cast<uint16_t>(out.size() - start));
    put(out, start, static_cast<int32_t>(start - list));
    for (const auto &[number, field] : fields) {
      if (field.isOffset()) {
        const size_t at = places[number];
        const size_t target = writeField(out, field);
        put(out, at, static_cast<uint32_t>(target - at));
      }
    }
    return start;
  }

  static size_t writeField(std::string &out, const Field &field) {
    if (field.elementBytes == 0) {
      return field.children[0].write(out);
    }
    align(out);
    // What comes after the length is aligned.
    out.append(4, '\0');
    const size_t at = out.size();
    const size_t count = field.children.empty()
                             ? field.bytes.size() / field.elementBytes
                             : field.children.size();
    out += bytesOf(std::vector<uint32_t>{static_cast<uint32_t>(count)});
    out += field.bytes;
    const size_t first = out.size();
    out.append(field.children.size() * 4, '\0');
    for (size_t i = 0; i < field.children.size(); ++i) {
      const size_t place = first + i * 4;
      const size_t target = field.children[i].write(out);
      put(out, place, static_cast<uint32_t>(target - place));
    }
    return at;
  }

  std::map<unsigned, Field> fields;
};

/// A tensor of a model; codes of types are those of the format.
struct TfliteTensorText {
  std::string name;
  std::vector<int32_t> shape;
  int8_t type = 9; ///< INT8
  std::string data;
  std::vector<float> scales;
  std::vector<int64_t> zeroPoints;
  int32_t dimension = 0;
};

struct TfliteNodeText {
  int32_t code;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  FlatTableWriter options;
  std::string customName;
  std::string customOptions = {};
};

/// A flexbuffer: a map of integers from 0 to 255, whose keys are sorted.
inline std::string flexMap(const std::map<std::string, uint8_t> &values) {
  std::string out;
  std::vector<size_t> keys;
  for (const auto &[key, value] : values) {
    keys.push_back(out.size());
    out += key + '\0';
  }
  // Distances of two bytes to the keys; then a vector whose own numbers have
  // two bytes, too.
  const auto put = [&](size_t number) {
    out += static_cast<char>(number & 255);
    out += static_cast<char>(number >> 8);
  };
  put(values.size());
  const size_t keyVector = out.size();
  for (const size_t key : keys) {
    put(out.size() - key);
  }
  put(out.size() - keyVector);
  put(2);
  put(values.size());
  const size_t start = out.size();
  for (const auto &[key, value] : values) {
    put(value);
  }
  out.append(values.size(), '\x05'); // An integer of two bytes.
  put(out.size() - start);
  return out + '\x25' + '\x02'; // A map of two bytes; the root has two.
}

/// A file with these tensors and nodes.
inline std::string tfliteFile(const std::vector<TfliteTensorText> &tensors,
                              const std::vector<TfliteNodeText> &nodes,
                              const std::vector<int32_t> &inputs,
                              const std::vector<int32_t> &outputs) {
  std::vector<FlatTableWriter> codes;
  std::vector<FlatTableWriter> buffers(1);
  std::vector<FlatTableWriter> tensorTables;
  std::vector<FlatTableWriter> nodeTables;
  for (const TfliteTensorText &tensor : tensors) {
    FlatTableWriter table;
    table.numbers(0, tensor.shape).number(1, tensor.type);
    table.number(
        2, static_cast<uint32_t>(tensor.data.empty() ? 0 : buffers.size()));
    table.string(3, tensor.name);
    if (!tensor.scales.empty()) {
      table.table(4, FlatTableWriter()
                         .numbers(2, tensor.scales)
                         .numbers(3, tensor.zeroPoints)
                         .number(6, tensor.dimension));
    }
    tensorTables.push_back(table);
    if (!tensor.data.empty()) {
      buffers.push_back(FlatTableWriter().string(0, tensor.data));
    }
  }
  for (const TfliteNodeText &node : nodes) {
    FlatTableWriter code;
    code.number(0, static_cast<int8_t>(node.code)).number(3, node.code);
    if (!node.customName.empty()) {
      code.string(1, node.customName);
    }
    nodeTables.push_back(FlatTableWriter()
                             .number(0, static_cast<uint32_t>(codes.size()))
                             .numbers(1, node.inputs)
                             .numbers(2, node.outputs)
                             .table(4, node.options)
                             .string(5, node.customOptions));
    codes.push_back(code);
  }
  const FlatTableWriter graph = FlatTableWriter()
                                    .tables(0, tensorTables)
                                    .numbers(1, inputs)
                                    .numbers(2, outputs)
                                    .tables(3, nodeTables)
                                    .string(4, "main");
  return FlatTableWriter()
      .number(0, uint32_t{3})
      .tables(1, codes)
      .tables(2, {graph})
      .string(3, "a test")
      .tables(4, buffers)
      .file();
}

using Integers = std::vector<int64_t>;
using Shape = std::vector<int32_t>;

// The format's codes.
constexpr int8_t int32Type = 2, uint8Type = 3, int64Type = 4, int16Type = 7,
                 int8Type = 9, int4Type = 17;
constexpr int8_t same = 0, valid = 1;
constexpr int8_t relu = 1, relu6 = 3;

inline TfliteTensorText activations(const std::string &name, const Shape &shape,
                                    float scale, int64_t zero,
                                    int8_t type = int8Type) {
  return {name, shape, type, "", {scale}, {zero}, 0};
}
template <typename T>
TfliteTensorText constantOf(const std::string &name, const Shape &shape,
                            int8_t type, const std::vector<T> &values,
                            const std::vector<float> &scales = {},
                            const std::vector<int64_t> &zeros = {}) {
  return {name, shape, type, bytesOf(values), scales, zeros, 0};
}

/// floor(a / b)
inline int64_t floorDivided(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}
/// acc * numerator / denominator to nearest, ties up, then the zero point.
inline int64_t requantized(int64_t acc, int64_t numerator, int64_t denominator,
                           int64_t zero, int64_t lowest = -128,
                           int64_t highest = 127) {
  const int64_t rounded =
      floorDivided(2 * acc * numerator + denominator, 2 * denominator);
  return std::clamp(rounded + zero, lowest, highest);
}

/// Numbers that differ, from -128 to 127.
inline std::vector<int8_t> someBytes(size_t count, uint32_t seed = 1) {
  std::vector<int8_t> values;
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525U + 1013904223U;
    values.push_back(static_cast<int8_t>(seed >> 24));
  }
  return values;
}
inline Integers widened(const std::vector<int8_t> &values) {
  return {values.begin(), values.end()};
}

} // namespace lpgen::testing

#endif // LPGEN_TESTS_UNIT_TFLITETESTING_H
