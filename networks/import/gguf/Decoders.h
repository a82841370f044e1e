// Decoders of blocks, one for each format; BlockFormat.cpp has their sizes.
#ifndef LPGEN_NETWORKS_IMPORT_GGUF_DECODERS_H
#define LPGEN_NETWORKS_IMPORT_GGUF_DECODERS_H

#include "networks/import/gguf/BlockFormat.h"

namespace lpgen::importer::gguf {

/// The binary16 in two bytes.
float halfAt(const uint8_t *bytes);

// Blocks with one scale.
void decodeQ40(const uint8_t *bytes, Block &block);
void decodeQ41(const uint8_t *bytes, Block &block);
void decodeQ50(const uint8_t *bytes, Block &block);
void decodeQ51(const uint8_t *bytes, Block &block);
void decodeQ80(const uint8_t *bytes, Block &block);
void decodeTQ10(const uint8_t *bytes, Block &block);
void decodeTQ20(const uint8_t *bytes, Block &block);
void decodeQ10(const uint8_t *bytes, Block &block);
void decodeQ20(const uint8_t *bytes, Block &block);

// Super-blocks: one scale of 16 bits, and small ones of the groups.
void decodeQ2K(const uint8_t *bytes, Block &block);
void decodeQ3K(const uint8_t *bytes, Block &block);
void decodeQ4K(const uint8_t *bytes, Block &block);
void decodeQ5K(const uint8_t *bytes, Block &block);
void decodeQ6K(const uint8_t *bytes, Block &block);

} // namespace lpgen::importer::gguf

#endif // LPGEN_NETWORKS_IMPORT_GGUF_DECODERS_H
