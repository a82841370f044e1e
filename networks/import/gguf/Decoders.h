// Decoders of blocks, one for each format; BlockFormat.cpp has their sizes.
#ifndef LPGEN_NETWORKS_IMPORT_GGUF_DECODERS_H
#define LPGEN_NETWORKS_IMPORT_GGUF_DECODERS_H

#include "networks/import/gguf/BlockFormat.h"

namespace lpgen::importer::gguf {

/// The binary16 in two bytes.
float halfAt(const uint8_t *bytes);

// Blocks with one scale.
void decodeQ4_0(const uint8_t *bytes, Block &block);
void decodeQ4_1(const uint8_t *bytes, Block &block);
void decodeQ5_0(const uint8_t *bytes, Block &block);
void decodeQ5_1(const uint8_t *bytes, Block &block);
void decodeQ8_0(const uint8_t *bytes, Block &block);
void decodeTQ1_0(const uint8_t *bytes, Block &block);
void decodeTQ2_0(const uint8_t *bytes, Block &block);
void decodeQ1_0(const uint8_t *bytes, Block &block);
void decodeQ2_0(const uint8_t *bytes, Block &block);

// Super-blocks: one scale of 16 bits, and small ones of the groups.
void decodeQ2_K(const uint8_t *bytes, Block &block);
void decodeQ3_K(const uint8_t *bytes, Block &block);
void decodeQ4_K(const uint8_t *bytes, Block &block);
void decodeQ5_K(const uint8_t *bytes, Block &block);
void decodeQ6_K(const uint8_t *bytes, Block &block);

} // namespace lpgen::importer::gguf

#endif // LPGEN_NETWORKS_IMPORT_GGUF_DECODERS_H
