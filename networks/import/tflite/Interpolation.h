// Functions of INT16: tables, and lines between their entries.
#ifndef LPGEN_NETWORKS_IMPORT_TFLITE_INTERPOLATION_H
#define LPGEN_NETWORKS_IMPORT_TFLITE_INTERPOLATION_H

#include "networks/import/tflite/Importer.h"

namespace lpgen::importer::tflite {

/// Whether TFLite takes a scale for 2^exponent: up to 1/1000 of its logarithm.
bool isPowerOfTwo(float scale, int exponent);

/// A function at 513 places from `lowest` to `highest`, 15 bits after the
/// point, as TFLite fills its tables of INT16: an entry is moved by half of
/// what a line to the next one misses in the middle.
std::vector<int64_t> tableBetween(float lowest, float highest,
                                  float (*function)(float));

Outcome interpolateLogistic(Importer &importer, const TfliteOperator &op);
Outcome interpolateTanh(Importer &importer, const TfliteOperator &op);

} // namespace lpgen::importer::tflite

#endif // LPGEN_NETWORKS_IMPORT_TFLITE_INTERPOLATION_H
