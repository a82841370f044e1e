// The network of a run on its way out: as a program, or as a file of QONNX.
#ifndef LPGEN_TOOLS_TRAINEDOUTPUT_H
#define LPGEN_TOOLS_TRAINEDOUTPUT_H

#include "base/system/OutputFiles.h"
#include "training/export/TrainedNetwork.h"
#include <cstdio>
#ifdef LPGEN_HAS_ONNX
#include "networks/qonnx/QonnxBuilder.h"
#endif

namespace lpgen {

/// A folder with operators, weights, images, and a program; says what is in it
/// on `log` if there is one.
inline Status exportProgram(train::StoredRun &stored,
                            const networks::ExportOptions &exported,
                            std::FILE *log) {
  const Result<networks::Network> network = train::trainedNetwork(stored);
  LPGEN_RETURN_IF_ERROR(network.status());
  LPGEN_RETURN_IF_ERROR(networks::exportNetwork(
      *network, train::testImages(stored.data()), exported));
  if (!log) {
    return Status::success();
  }
  for (const networks::Stage &stage : network->stages) {
    std::fprintf(log, "%s: %s\n", stage.name.c_str(), stage.summary.c_str());
  }
  if (network->followsBatch) {
    std::fprintf(
        log,
        "scales follow the batch: classes are the trainer's in batches "
        "of %lld images\n",
        static_cast<long long>(network->imagesPerCall));
  }
  std::fprintf(log, "build and run: make -C %s test\n",
               exported.folder.c_str());
  return Status::success();
}

#ifdef LPGEN_HAS_ONNX
inline Status exportQonnx(train::StoredRun &stored, const std::string &path,
                          std::FILE *log) {
  networks::QonnxBuilder builder(train::imageFormat(stored.data()));
  LPGEN_RETURN_IF_ERROR(train::describeTrained(stored, builder));
  const Result<std::string> bytes = builder.finish();
  LPGEN_RETURN_IF_ERROR(bytes.status());
  OutputFiles files;
  files.add(path, *bytes);
  LPGEN_RETURN_IF_ERROR(files.commit());
  if (log) {
    std::fprintf(log, "look at it: lpgen inspect %s\n", path.c_str());
  }
  return Status::success();
}
#else
inline Status exportQonnx(train::StoredRun &, const std::string &,
                          std::FILE *) {
  return Status::error("lpgen was built without ONNX; configure it with "
                       "-DLPGEN_IMPORT_ONNX=ON");
}
#endif

} // namespace lpgen

#endif // LPGEN_TOOLS_TRAINEDOUTPUT_H
