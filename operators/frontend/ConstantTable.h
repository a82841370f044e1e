// The constants of a file, `const w: s4[8, 3] = "name"`: tensors whose values
// are known when the file is checked.
#ifndef LPGEN_OPERATORS_FRONTEND_CONSTANTTABLE_H
#define LPGEN_OPERATORS_FRONTEND_CONSTANTTABLE_H

#include "operators/frontend/ParseOptions.h"
#include "operators/frontend/SemaTensors.h"

namespace lpgen {

class ConstantTable {
public:
  struct Entry {
    syntax::Name name;
    /// With values, and their range; absent if the declaration was wrong.
    std::optional<ast::Tensor> tensor;
    /// The parameters that the declaration uses.
    std::vector<std::pair<std::string, int64_t>> parameters;
  };

  /// Checks the declarations of the file at `path` and reads all values.
  ConstantTable(const syntax::FileDecl &file, const ParamTable &params,
                const ConstantReader &reader, llvm::StringRef path,
                Diagnostics &diags);

  const Entry *find(llvm::StringRef name) const;

private:
  std::vector<Entry> table;
  llvm::StringMap<size_t> positions;
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_CONSTANTTABLE_H
