// How the types of a GGUF file store weights: in blocks of consecutive inputs,
// with scales of 16 bits.
//
// Every format decodes to
//
//   weight = code * scale + offset
//
// with a code of few bits, and a scale (and offset) for each group of inputs. A
// scale that is stored as a product, as in super-blocks, is the product:
// its factors have 11 and at most 8 bits, so it is exact in binary32, and so is
// its product with a code. What a decoder of the format computes in binary32 is
// therefore this weight to the bit.
#ifndef LPGEN_NETWORKS_IMPORT_GGUF_BLOCKFORMAT_H
#define LPGEN_NETWORKS_IMPORT_GGUF_BLOCKFORMAT_H

#include "base/tensor/StoredTensor.h"
#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace lpgen::importer::gguf {

/// The weights of a block, in the order of the inputs.
struct Block {
  std::array<int8_t, 256> codes;
  std::array<float, 16> scales; ///< One for each group.
  std::array<float, 16> offsets;
};

/// A type of tensors. `elements` that follow each other take `bytes`.
struct BlockFormat {
  uint32_t code; ///< In the file.
  const char *name;
  int64_t elements;
  int64_t bytes;
  /// Of codes with scales; floats have none.
  void (*decode)(const uint8_t *bytes, Block &block) = nullptr;
  int64_t group = 0;      ///< Inputs with one scale.
  ElementType codes = {}; ///< Ternary: there can be a 2 as well.
  bool hasOffset = false;
  /// Of tensors of floats.
  std::optional<StoredType> floats = std::nullopt;

  bool isSupported() const { return decode || floats; }
  double bitsPerWeight() const { return double(8 * bytes) / double(elements); }
};

/// Null for a type that the importer does not know.
const BlockFormat *findFormat(uint32_t code);
/// "F32, F16, ...", those that are supported.
std::string supportedFormats();

} // namespace lpgen::importer::gguf

#endif // LPGEN_NETWORKS_IMPORT_GGUF_BLOCKFORMAT_H
