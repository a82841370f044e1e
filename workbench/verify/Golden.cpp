// Calls for the rows of a file, and the differences.
#include "workbench/verify/Golden.h"
#include "base/tensor/Npy.h"
#include "operators/reference/Interpreter.h"
#include "workbench/run/KernelProgram.h"
#include "workbench/verify/OpJob.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace lpgen {

static double valueAt(const HostTensor &tensor, int64_t position) {
  return tensor.type().isFloat() ? tensor.getFloat(position)
                                 : double(tensor.getInt(position));
}

/// Elements from `start` on as an input; an error if the type cannot hold one.
static Result<HostTensor> rowOf(const HostTensor &all, int64_t start,
                                ElementType type,
                                const std::vector<int64_t> &shape) {
  HostTensor row(type, shape);
  for (int64_t i = 0; i < row.numElements(); ++i) {
    const double value = valueAt(all, start + i);
    if (type.isFloat()) {
      row.setFloat(i, float(value));
    } else if (std::trunc(value) == value && std::abs(value) < 0x1p53 &&
               type.holds(int64_t(value))) {
      row.setInt(i, int64_t(value));
    } else {
      return Status::error("element " + std::to_string(start + i) + " is " +
                           std::to_string(value) + ", which " + type.str() +
                           " cannot hold");
    }
  }
  return row;
}

static void compare(const HostTensor &output, const HostTensor &golden,
                    int64_t start, GoldenReport &report) {
  for (int64_t i = 0; i < output.numElements(); ++i) {
    const double a = valueAt(output, i);
    const double b = valueAt(golden, start + i);
    const bool isEqual = a == b || (std::isnan(a) && std::isnan(b));
    double difference = isEqual ? 0 : std::abs(a - b);
    if (std::isnan(difference)) {
      difference = std::numeric_limits<double>::infinity();
    }
    report.equal += isEqual ? 1 : 0;
    report.greatest = std::max(report.greatest, difference);
    ++report.elements;
  }
}

Result<GoldenReport> compareWithGolden(const VerifyItem &item,
                                       const TargetDesc &target,
                                       const std::string &inputs,
                                       const std::string &outputs) {
  const ast::Op &op = *item.op;
  const auto outputCount =
      std::ranges::count(op.tensors, ast::Role::Output, &ast::Tensor::role);
  if (op.numInputs() != 1 || outputCount != 1) {
    return Status::error("operator '" + op.name +
                         "' has not one input and one output");
  }
  const Result<NpyArray> x = readNpy(inputs);
  LPGEN_RETURN_IF_ERROR(x.status());
  const Result<NpyArray> y = readNpy(outputs);
  LPGEN_RETURN_IF_ERROR(y.status());
  const std::vector<int64_t> sizes(op.symbols.size(), 1);
  const Interpreter shapes(op, sizes);
  const int64_t inputSize = *countElements(shapes.shapeOf(0));
  const int64_t outputSize = *countElements(shapes.shapeOf(1));
  const int64_t rows = x->elements.numElements() / inputSize;
  if (rows == 0 || rows * inputSize != x->elements.numElements() ||
      rows * outputSize != y->elements.numElements()) {
    return Status::error(
        "'" + inputs + "' has " + std::to_string(x->elements.numElements()) +
        " elements and '" + outputs + "' " +
        std::to_string(y->elements.numElements()) + ", a call takes " +
        std::to_string(inputSize) + " and gives " + std::to_string(outputSize));
  }
  std::vector<Job> jobs;
  std::vector<std::vector<HostTensor>> tensors; // which the jobs borrow
  for (int64_t row = 0; row < rows; ++row) {
    Result<HostTensor> tensor = rowOf(x->elements, row * inputSize,
                                      op.tensors[0].type, shapes.shapeOf(0));
    if (!tensor.ok()) {
      return Status::error("'" + inputs + "': " + tensor.message());
    }
    tensors.emplace_back().push_back(std::move(*tensor));
  }
  jobs.reserve(tensors.size());
  for (const std::vector<HostTensor> &row : tensors) {
    jobs.push_back(makeJob(op, item.kernel, sizes, row));
  }
  const Result<KernelProgram> program =
      KernelProgram::link({item.object}, target);
  LPGEN_RETURN_IF_ERROR(program.status());
  const Result<std::vector<JobResult>> results = program->runJobs(jobs);
  LPGEN_RETURN_IF_ERROR(results.status());
  GoldenReport report;
  report.runs = rows;
  for (int64_t row = 0; row < rows; ++row) {
    compare((*results)[size_t(row)].outputs[0], y->elements, row * outputSize,
            report);
  }
  return report;
}

} // namespace lpgen
