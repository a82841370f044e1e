// LLVM's machine code analyzer as a library: cycles of a loop body by a CPU's
// scheduling model.
#ifndef LPGEN_COMPILER_CODEGEN_MCA_H
#define LPGEN_COMPILER_CODEGEN_MCA_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace lpgen {

struct McaResult {
  double cyclesPerIteration = 0; ///< Simulated, dependencies included.
  double blockRThroughput = 0;   ///< Bound by resources alone.
  unsigned instructions = 0;
};

/// An error if LLVM does not know `cpu` or has no scheduling model of it.
llvm::Error checkModel(llvm::StringRef triple, llvm::StringRef cpu,
                       llvm::StringRef features);

/// Analyzes the instructions in `text` (assembly without branches out) as the
/// body of a loop on `cpu`. An error if LLVM has no scheduling model for it.
llvm::Expected<McaResult> analyzeLoop(llvm::StringRef triple,
                                      llvm::StringRef cpu,
                                      llvm::StringRef features,
                                      const std::string &text);

/// The function of the last phase in `assembly` that holds `instruction`: a
/// contraction comes behind what packs for it, which may use the same
/// instructions. Empty if there is none.
llvm::StringRef lastPhaseWith(llvm::StringRef assembly,
                              llvm::StringRef instruction);

/// The loop of the last phase with `instruction` whose body, a single block,
/// holds it most often; empty if there is none. Labels and directives are left
/// out.
std::string findHotLoop(llvm::StringRef assembly, llvm::StringRef instruction);

/// How often `instruction`, a mnemonic prefix, stands in `loop`.
unsigned countInstruction(llvm::StringRef loop, llvm::StringRef instruction);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_MCA_H
