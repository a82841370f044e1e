// An operator from text, run by the interpreter.
#ifndef LPGEN_TESTS_UNIT_INTERPRETERTESTING_H
#define LPGEN_TESTS_UNIT_INTERPRETERTESTING_H

#include "operators/frontend/Parser.h"
#include "operators/reference/Interpreter.h"
#include <gtest/gtest.h>

namespace lpgen::testing {

using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;

/// One op from text, its inputs by name, and its results.
class Program {
public:
  explicit Program(const std::string &text) {
    sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text, "test.lp"), llvm::SMLoc());
    if (std::optional<ast::File> parsed = parseFile(sources)) {
      file = *std::move(parsed);
      tensors.resize(op().tensors.size());
    }
  }
  bool ok() const { return !file.ops.empty(); }
  ast::Op &op() { return file.ops[0]; }
  unsigned idOf(const std::string &name) {
    for (unsigned id = 0; id < op().tensors.size(); ++id) {
      if (op().tensors[id].name == name) {
        return id;
      }
    }
    ADD_FAILURE() << "no tensor " << name;
    return 0;
  }
  Program &size(int64_t value) {
    symbols.push_back(value);
    return *this;
  }
  /// Gives an input; its run-time sizes must have been given.
  Program &set(const std::string &name, const Ints &values) {
    HostTensor &tensor = allocate(name);
    EXPECT_EQ(tensor.numElements(), int64_t(values.size())) << name;
    for (size_t i = 0; i < values.size(); ++i) {
      tensor.setInt(int64_t(i), values[i]);
    }
    return *this;
  }
  Program &set(const std::string &name, const Floats &values) {
    HostTensor &tensor = allocate(name);
    EXPECT_EQ(tensor.numElements(), int64_t(values.size())) << name;
    for (size_t i = 0; i < values.size(); ++i) {
      tensor.setFloat(int64_t(i), values[i]);
    }
    return *this;
  }
  Status run() { return Interpreter(op(), symbols).run(tensors); }
  Ints ints(const std::string &name) {
    const HostTensor &tensor = tensors[idOf(name)];
    Ints values;
    for (int64_t i = 0; i < tensor.numElements(); ++i) {
      values.push_back(tensor.getInt(i));
    }
    return values;
  }
  Floats floats(const std::string &name) {
    const HostTensor &tensor = tensors[idOf(name)];
    Floats values;
    for (int64_t i = 0; i < tensor.numElements(); ++i) {
      values.push_back(tensor.getFloat(i));
    }
    return values;
  }

  std::vector<int64_t> symbols;
  std::vector<HostTensor> tensors;

private:
  HostTensor &allocate(const std::string &name) {
    const unsigned id = idOf(name);
    const Interpreter interpreter(op(), symbols);
    return tensors[id] =
               HostTensor(op().tensors[id].type, interpreter.shapeOf(id));
  }

  llvm::SourceMgr sources;
  ast::File file;
};

#define EXPECT_RUNS(program)                                                   \
  do {                                                                         \
    const Status runStatus = (program).run();                                  \
    EXPECT_TRUE(runStatus.ok()) << runStatus.message();                        \
  } while (false)

} // namespace lpgen::testing

#endif // LPGEN_TESTS_UNIT_INTERPRETERTESTING_H
