// HTML of a network. See LayerPage.h.
#include "workbench/layers/LayerPage.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <set>

namespace lpgen {

using llvm::formatv;
namespace json = llvm::json;

/// Pixels.
static constexpr int leastHeight = 58;
static constexpr int heightOfAll = 900; ///< What all layers' times add.
static constexpr int gap = 44;          ///< Between boxes, for the arrow.
static constexpr int lane = 14;         ///< Of arrows that skip layers.

static constexpr llvm::StringLiteral style = R"(
:root{color-scheme:light dark;--ground:#fff;--ink:#1c2430;--quiet:#5b6675;--line:#9aa5b4;
--box:#f4f6f9}
@media(prefers-color-scheme:dark){:root{--ground:#14181f;--ink:#e8ecf2;--quiet:#a3aebd;
--line:#6b7687;--box:#1f2630}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.4 system-ui,sans-serif}
main{max-width:820px;margin:0 auto;padding:20px 14px 40px}
h1{font-size:22px;margin:0 0 4px;overflow-wrap:anywhere}
p{margin:0 0 8px;color:var(--quiet)}
.legend{display:flex;flex-wrap:wrap;gap:4px 12px;font-size:13px;margin:10px 0 18px}
.legend i{display:inline-block;width:14px;height:14px;border-radius:3px;vertical-align:-2px;
margin-right:5px}
.net{position:relative}
.box{position:absolute;left:0;display:flex;border-radius:7px;background:var(--box);
border:1px solid var(--line);overflow:hidden}
.bits{flex:none;width:14px}
.text{flex:1;min-width:0;padding:7px 10px;display:flex;flex-direction:column;
justify-content:center}
.top,.sub{display:flex;justify-content:space-between;gap:10px}
.top b,.sub span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.top span,.sub span:last-child{flex:none}
.sub{font-size:12.5px;color:var(--quiet)}
.size{position:absolute;left:30px;height:18px;font-size:12.5px;color:var(--quiet);
white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
@media(max-width:480px){main{padding:12px 8px 24px}.text{padding:6px 7px}.bits{width:10px}
.top{font-size:14px}.sub,.size{font-size:11.5px}.top,.sub{gap:6px}}
svg{position:absolute;overflow:visible}
path{fill:none;stroke:var(--line);stroke-width:1.6}
marker path{fill:var(--line);stroke:none}
)";

/// From few bits, dark blue, to many, red; floats are grey.
static const char *colourOf(unsigned bits) {
  static constexpr const char *colours[] = {"#8a94a3", "#20409a", "#2f6fd0",
                                            "#1f9ac0", "#1fa67a", "#6fb030",
                                            "#d0b020", "#e08a20", "#d04a30"};
  return colours[bits <= 8 ? bits : 0];
}

static std::string escaped(llvm::StringRef text) {
  std::string result;
  llvm::raw_string_ostream stream(result);
  llvm::printHTMLEscaped(text, stream);
  return result;
}

static std::string elementsText(llvm::ArrayRef<int64_t> shape) {
  const int64_t count = countElements({shape.data(), shape.size()}).value_or(0);
  return std::to_string(count) + (count == 1 ? " element" : " elements");
}

namespace {
/// A box of the page.
struct Box {
  std::string name;
  std::string about; ///< Its kernel.
  std::string right; ///< Time and share.
  std::string work;
  unsigned xBits = 0;
  unsigned wBits = 0;
  std::string result; ///< On the arrow that leaves it.
  std::vector<size_t> readers;
  int top = 0;
  int height = leastHeight;
};

class Page {
public:
  Page(const ast::Op &op, const LayerTable &table) : op(op), table(table) {}
  llvm::Error layOut(const std::optional<LayerTimes> &times);
  std::string html() const;

private:
  void addInputs();
  Box boxOf(size_t number, std::optional<double> amount, bool isMeasured,
            double total) const;
  void connect();
  void chooseLanes();
  void place();
  int bottom() const { return boxes.back().top + boxes.back().height; }
  std::string boxHtml(const Box &box) const;
  std::string arrows() const;

  const ast::Op &op;
  const LayerTable &table;
  std::vector<Box> boxes; ///< Inputs, then layers.
  size_t numInputs = 0;
  /// An arrow that skips boxes.
  struct Skip {
    size_t from, to;
    int lane;
  };
  std::vector<Skip> skips;
  int lanes = 0;
  std::string measure; ///< What the heights are.
};
} // namespace

void Page::addInputs() {
  for (const ast::Tensor &tensor : op.tensors) {
    if (tensor.role != ast::Role::Input) {
      continue;
    }
    std::vector<int64_t> shape;
    for (const ast::Extent &extent : tensor.shape) {
      shape.push_back(extent.size);
    }
    Box box;
    box.name = tensor.name;
    box.about = "input";
    box.xBits = box.wBits = tensor.type.isFloat() ? 0 : tensor.type.bits;
    box.result =
        tensor.type.str() + shapeToString(shape) + ", " + elementsText(shape);
    boxes.push_back(std::move(box));
    ++numInputs;
  }
}

/// The box of a layer; `amount` in milliseconds or cycles, if it is known.
Box Page::boxOf(size_t number, std::optional<double> amount, bool isMeasured,
                double total) const {
  const LayerLine &line = table.layers()[number];
  Box box;
  box.name = line.layer.name;
  box.about = table.kernelText(number);
  if (const int64_t macs = table.macsIn(number); macs > 0) {
    box.work = formatv("{0:f3} M MAC", double(macs) * 1e-6);
  }
  box.xBits = box.wBits = line.type.isFloat() ? 0 : line.type.bits;
  if (!line.contractions.empty()) {
    const ContractFacts &contraction = line.contractions.front();
    box.xBits = contraction.xBits;
    box.wBits = contraction.wBits;
    box.work =
        contraction.x.str() + " x " + contraction.w.str() + ", " + box.work;
  }
  box.result = line.result() + ", " + elementsText(line.shape);
  const double share = total > 0 ? amount.value_or(0) / total : 0;
  if (amount) {
    box.right = isMeasured ? formatv("{0:f4} ms", *amount).str()
                           : formatv("{0:f0} cycles", *amount).str();
    box.right += formatv(", {0:f1} %", share * 100);
  }
  box.height = std::max(leastHeight, int(share * heightOfAll));
  return box;
}

llvm::Error Page::layOut(const std::optional<LayerTimes> &times) {
  addInputs();
  measure = times ? "measured times" : "the cycles that the cost model expects";
  std::vector<std::optional<double>> amounts;
  double total = 0;
  for (const LayerLine &line : table.layers()) {
    if (times && !times->contains(line.layer.name)) {
      return llvm::createStringError("there is no layer '" + line.layer.name +
                                     "'; measure this operator again");
    }
    amounts.push_back(times ? std::optional(times->at(line.layer.name))
                            : line.cycles());
    total += amounts.back().value_or(0);
  }
  for (size_t i = 0; i < amounts.size(); ++i) {
    boxes.push_back(boxOf(i, amounts[i], times.has_value(), total));
  }
  connect();
  chooseLanes();
  place();
  return llvm::Error::success();
}

/// Who reads whose results.
void Page::connect() {
  std::vector<Layer> layers;
  for (const LayerLine &line : table.layers()) {
    layers.push_back(line.layer);
  }
  const std::vector<int> assigning = assigningLayers(op, layers);
  for (size_t i = 0; i < layers.size(); ++i) {
    std::set<size_t> sources;
    for (const unsigned statement : layers[i].statements) {
      forEachRead(op.statements[statement], [&](unsigned tensor) {
        if (op.tensors[tensor].role == ast::Role::Input) {
          sources.insert(tensor); // inputs come first
        } else if (assigning[tensor] >= 0 && assigning[tensor] != int(i)) {
          sources.insert(numInputs + size_t(assigning[tensor]));
        }
      });
    }
    for (const size_t source : sources) {
      boxes[source].readers.push_back(numInputs + i);
    }
  }
}

void Page::place() {
  int top = 0;
  for (Box &box : boxes) {
    box.top = top;
    top += box.height + gap;
  }
}

std::string Page::boxHtml(const Box &box) const {
  std::string text =
      formatv("<div class=box style=\"top:{0}px;height:{1}px;right:{2}px\">"
              "<div class=bits style=\"background:{3}\"></div>"
              "<div class=bits style=\"background:{4}\"></div><div class=text>"
              "<div class=top><b>{5}</b><span>{6}</span></div>"
              "<div class=sub><span>{7}</span><span>{8}</span></div></div>"
              "</div>\n",
              box.top, box.height, lanes * lane, colourOf(box.xBits),
              colourOf(box.wBits), escaped(box.name), escaped(box.right),
              escaped(box.about), escaped(box.work));
  return text + formatv("<div class=size style=\"top:{0}px;right:{1}px\">{2}"
                        "</div>\n",
                        box.top + box.height + (gap - 18) / 2, lanes * lane,
                        escaped(box.result))
                    .str();
}

/// Arrows that skip boxes each get a lane on the right side in which nothing
/// crosses them, the shortest nearest to the boxes.
void Page::chooseLanes() {
  for (size_t i = 0; i < boxes.size(); ++i) {
    for (const size_t reader : boxes[i].readers) {
      if (reader != i + 1) {
        skips.push_back({i, reader, 0});
      }
    }
  }
  llvm::sort(skips, [](const Skip &a, const Skip &b) {
    return std::pair(a.to - a.from, a.from) < std::pair(b.to - b.from, b.from);
  });
  for (size_t i = 0; i < skips.size(); ++i) {
    Skip &skip = skips[i];
    while (std::any_of(skips.begin(), skips.begin() + ptrdiff_t(i),
                       [&](const Skip &other) {
                         return other.lane == skip.lane &&
                                skip.from < other.to && other.from < skip.to;
                       })) {
      ++skip.lane;
    }
    lanes = std::max(lanes, skip.lane + 1);
  }
}

std::string Page::arrows() const {
  std::string down;
  for (size_t i = 0; i + 1 < boxes.size(); ++i) {
    if (llvm::is_contained(boxes[i].readers, i + 1)) {
      const int from = boxes[i].top + boxes[i].height;
      down += formatv("<path d=\"M16 {0}V{1}\" marker-end=\"url(#tip)\"/>",
                      from, from + gap - 2);
    }
  }
  std::string around;
  for (const Skip &skip : skips) {
    around += formatv("<path d=\"M0 {0}H{1}V{2}H3\" "
                      "marker-end=\"url(#tip)\"/>",
                      boxes[skip.from].top + boxes[skip.from].height - 14,
                      (skip.lane + 1) * lane - 4, boxes[skip.to].top + 14);
  }
  return formatv("<svg style=\"left:0;top:0\" width=32 height={0}><defs>"
                 "<marker id=tip viewBox=\"0 0 8 8\" refX=6 refY=4 "
                 "markerWidth=7 markerHeight=7 orient=auto>"
                 "<path d=\"M0 0L8 4L0 8z\"/></marker></defs>{1}</svg>\n"
                 "<svg style=\"right:0;top:0\" width={2} height={0}>{3}"
                 "</svg>\n",
                 bottom(), down, lanes * lane, around);
}

std::string Page::html() const {
  std::string legend;
  for (unsigned bits = 1; bits <= 8; ++bits) {
    legend += formatv("<span><i style=\"background:{0}\"></i>{1} bit{2}</span>",
                      colourOf(bits), bits, bits == 1 ? "" : "s");
  }
  legend += formatv("<span><i style=\"background:{0}\"></i>more, float</span>",
                    colourOf(0));
  std::string body;
  for (const Box &box : boxes) {
    body += boxHtml(box);
  }
  return formatv(
      "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
      "<title>{0}</title><style>{1}</style></head><body><main>\n"
      "<h1>{0}</h1><p>{2}</p><p>Heights are {3}. Colours are the "
      "bits that the values use: activations left, weights right."
      "</p>\n<div class=legend>{4}</div>\n"
      "<div class=net style=\"height:{5}px\">\n{6}{7}</div>\n"
      "</main></body></html>\n",
      escaped(op.name), style, escaped(table.summary()), measure, legend,
      bottom(), arrows(), body);
}

llvm::Expected<LayerTimes> parseLayerTimes(llvm::StringRef text,
                                           const std::string &op) {
  llvm::Expected<json::Value> parsed = json::parse(text);
  if (!parsed) {
    return parsed.takeError();
  }
  const json::Object *file = parsed->getAsObject();
  const json::Array *ops = file ? file->getArray("ops") : nullptr;
  for (const json::Value &value : ops ? *ops : json::Array()) {
    const json::Object *measured = value.getAsObject();
    const json::Array *layers =
        measured ? measured->getArray("layers") : nullptr;
    if (!layers || measured->getString("op") != llvm::StringRef(op)) {
      continue;
    }
    LayerTimes times;
    for (const json::Value &entry : *layers) {
      const json::Object *layer = entry.getAsObject();
      const auto name = layer ? layer->getString("name") : std::nullopt;
      const auto ms = layer ? layer->getNumber("ms") : std::nullopt;
      if (!name || !ms || !(*ms >= 0)) {
        return llvm::createStringError(
            "expected a name and milliseconds for each layer of '" + op + "'");
      }
      times[name->str()] = *ms;
    }
    return times;
  }
  return llvm::createStringError("there are no layers of operator '" + op +
                                 "'; expected a file of 'lpgen bench --json'");
}

llvm::Expected<std::string> formatPage(const ast::Op &op,
                                       const LayerTable &table,
                                       const std::optional<LayerTimes> &times) {
  Page page(op, table);
  if (llvm::Error error = page.layOut(times)) {
    return error;
  }
  return page.html();
}

} // namespace lpgen
