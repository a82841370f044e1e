// Checkpoints: everything that the rest of a run depends on, in one file.
//
//   "LPGENCK1"  header length (8 bytes)  header (JSON)  state  FNV-1a of all
//
// Numbers are in the machine's byte order. The header names every piece of the
// state with its size, so that a file of another network is refused.
#ifndef LPGEN_TRAINING_LOOP_CHECKPOINT_H
#define LPGEN_TRAINING_LOOP_CHECKPOINT_H

#include "training/layers/Layer.h"
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace lpgen::train {

/// Shows the whole state of a run to the visitor.
using VisitState = std::function<void(nn::StateVisitor &)>;

/// Writes the file complete or not at all.
Status saveCheckpoint(const std::string &path, const nlohmann::json &meta,
                      const VisitState &visitState);

/// The `meta` of a file; the file as a whole is checked.
Result<nlohmann::json> readCheckpointMeta(const std::string &path);

/// Restores the state. Nothing is changed unless the file is complete and all
/// names and sizes agree. After an error of a value the state is of no use.
Status restoreCheckpoint(const std::string &path, const VisitState &visitState);

/// Restores those pieces of the state that the file has, by name. Nothing is
/// changed if it has none of them or one of another size.
Status restoreSharedPieces(const std::string &path,
                           const VisitState &visitState);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_CHECKPOINT_H
