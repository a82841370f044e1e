// See ParseText.h.
#include "ir/dialect/ParseText.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace lpgen;

static StringRef skipBlanks(StringRef text) {
  text = text.ltrim();
  while (text.starts_with("//")) {
    text = text.drop_front(std::min(text.find('\n'), text.size())).ltrim();
  }
  return text;
}

/// Where `array<index: ...>` stands, or one of a type by another name: MLIR
/// asks the type for its bits, which an index does not have.
static size_t findArrayOfIndices(StringRef text) {
  constexpr StringRef word = "array";
  for (size_t at = text.find(word); at != StringRef::npos;
       at = text.find(word, at + 1)) {
    StringRef rest = skipBlanks(text.drop_front(at + word.size()));
    if (!rest.consume_front("<")) {
      continue;
    }
    rest = skipBlanks(rest);
    if (rest.starts_with("index") || rest.starts_with("!")) {
      return at;
    }
  }
  return StringRef::npos;
}

LogicalResult lp::checkText(StringRef text, MLIRContext *context,
                            StringRef name) {
  const size_t at = findArrayOfIndices(text);
  if (at == StringRef::npos) {
    return success();
  }
  const StringRef before = text.take_front(at);
  const size_t line = before.count('\n') + 1;
  const size_t column = at - (before.rfind('\n') + 1) + 1;
  return emitError(FileLineColLoc::get(context, name,
                                       static_cast<unsigned>(line),
                                       static_cast<unsigned>(column)))
         << "elements of an array are integers or floats, written out, not "
            "'index'";
}

OwningOpRef<ModuleOp> lp::parseModule(StringRef text, MLIRContext *context,
                                      StringRef name) {
  if (failed(checkText(text, context, name))) {
    return {};
  }
  return parseSourceString<ModuleOp>(text, context, name);
}
