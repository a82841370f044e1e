// What the options of convolutions and pools have in common.
#include "networks/import/tflite/Window.h"

namespace lpgen::importer::tflite {

Outcome readWindows(const TfliteOperator &op, const WindowFields &fields,
                    int64_t rows, int64_t columns, Windows &windows) {
  constexpr int32_t most = 1 << 16;
  if (!op.options) {
    return Refusal{"options", "strides are missing"};
  }
  const FlatTable &options = *op.options;
  const auto padding = options.number<int8_t>(fields.padding);
  if (padding != 0 && padding != 1) {
    return Refusal{"padding", "it is neither SAME nor VALID"};
  }
  windows.rows = {rows, options.number<int32_t>(fields.rowStride)};
  windows.columns = {columns, options.number<int32_t>(fields.columnStride)};
  if (fields.columnDilation) {
    const unsigned field = *fields.columnDilation;
    windows.columns.dilation = options.number<int32_t>(field, 1);
    windows.rows.dilation = options.number<int32_t>(field + 1, 1);
  }
  for (Window *window : {&windows.rows, &windows.columns}) {
    window->isSame = padding == 0;
    if (window->stride < 1 || window->stride > most || window->dilation < 1 ||
        window->dilation > most || window->size < 1 || window->size > most) {
      return Refusal{"stride, dilation or window",
                     "it is not between 1 and 65536"};
    }
  }
  return imported;
}

Outcome checkWindows(const Windows &windows, const ImportedTensor &image) {
  if (windows.rows.results(image.shape[1]) < 1 ||
      windows.columns.results(image.shape[2]) < 1) {
    return Refusal{"", "its window is greater than the image " +
                           shapeToString(image.shape)};
  }
  return imported;
}

bool isPadded(const Windows &windows, const ImportedTensor &image) {
  return windows.rows.padding(image.shape[1]) != 0 ||
         windows.columns.padding(image.shape[2]) != 0;
}

void addWindows(Parameters &parameters, const Windows &windows) {
  const Window &rows = windows.rows;
  const Window &columns = windows.columns;
  parameters.add("S", rows.stride, 1)
      .add("T", columns.stride, rows.stride)
      .add("D", rows.dilation, 1)
      .add("E", columns.dilation, rows.dilation)
      .add("SAME", rows.isSame ? 1 : 0, 0);
}

int64_t groupsOf(const std::vector<int64_t> &filters, int64_t channels) {
  const int64_t each = filters[3];
  const bool fits =
      each > 0 && channels % each == 0 && filters[0] % (channels / each) == 0;
  return fits ? channels / each : 0;
}

std::vector<int64_t> groupedShape(const std::vector<int64_t> &filters,
                                  int64_t groups) {
  std::vector<int64_t> shape = filters;
  shape[0] /= groups;
  shape.insert(shape.begin(), groups);
  return shape;
}

Outcome readActivation(const TfliteOperator &op, unsigned field,
                       Activation &activation) {
  activation = static_cast<Activation>(
      op.options ? op.options->number<int8_t>(field) : 0);
  switch (activation) {
  case Activation::None:
  case Activation::Relu:
  case Activation::ReluN1To1:
  case Activation::Relu6:
    return imported;
  case Activation::Tanh:
  case Activation::SignBit:
    break;
  }
  return Refusal{"fused_activation_function",
                 "activation " + std::to_string(static_cast<int>(activation)) +
                     " is not supported",
                 "make it an operator of its own"};
}

void addBounds(Parameters &parameters, Activation activation,
               const Affine &result, ElementType type) {
  const Bounds all = {type.minValue(), type.maxValue()};
  const Bounds bounds = activationBounds(activation, result, all);
  constexpr int64_t usual = 32768;
  parameters
      .add("LO", bounds.lowest == all.lowest ? -usual : bounds.lowest, -usual)
      .add("HI", bounds.highest == all.highest ? usual - 1 : bounds.highest,
           usual - 1);
}

} // namespace lpgen::importer::tflite
