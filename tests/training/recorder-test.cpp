// What the recorder of a run makes of the totals that products keep: counts and
// seconds of steps alone, histograms of widths, samples, and going on from a
// record.
#include "training/record/StepRecorder.h"
#include <gtest/gtest.h>

namespace lpgen::train {
namespace {

/// Products whose totals the test sets.
class ScriptedBackend : public nn::ContractionBackend {
public:
  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override {
    return Status::success();
  }
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx,
                  const nn::StepContext &context) override {
    return Status::success();
  }
  nn::BackendReport report() const override {
    nn::BackendReport report = startReport();
    report.tensors = {tensor};
    report.accumulators = {accumulator};
    for (size_t i = 0; i < report.implementations.size(); ++i) {
      report.implementations[i] = nn::productNames[i] + std::string(" kernel");
    }
    return report;
  }
  void spend(double forward) {
    seconds.products[0] += forward;
    done.add(100, 8, 4);
    accumulator.sums += 1000;
    accumulator.wrapped += 1;
  }

  nn::AccumulatorReport accumulator = {12, 0, 0};

  nn::TensorReport tensor = {"conv1.gradient", 8, 0, 0, 0, 0};
};

/// A step of 100 elements of which `saturated` saturate.
void runStep(StepRecorder &recorder, ScriptedBackend &backend, int64_t step,
             int bits, int64_t saturated) {
  const std::vector<ObservedLayer> layers = {{"conv1", &backend}};
  recorder.beforeStep(layers);
  backend.tensor.bits = bits;
  backend.tensor.quantized += 100;
  backend.tensor.saturated += saturated;
  backend.tensor.updates += 1;
  backend.spend(0.25);
  const StepView view = {step, {2.0 * double(step), 3, 4}, 0.5};
  ASSERT_TRUE(recorder.afterStep(layers, view).ok());
}

TEST(StepRecorder, CountsStepsAndNothingBetweenThem) {
  StepRecorder recorder;
  recorder.sampleEvery(2);
  ScriptedBackend backend;
  runStep(recorder, backend, 1, 8, 1);
  runStep(recorder, backend, 2, 16, 2);
  // An evaluation: time and elements that belong to no step.
  backend.spend(100);
  backend.tensor.quantized += 1000000;
  runStep(recorder, backend, 3, 16, 4);

  const nlohmann::json record = recorder.record();
  const nlohmann::json &layer = record["layers"][0];
  EXPECT_EQ(layer["layer"], "conv1");
  EXPECT_EQ(layer["implementation"]["weightGradient"], "weightGradient kernel");
  EXPECT_EQ(layer["seconds"]["forward"], 0.75);
  EXPECT_EQ(layer["seconds"]["statistics"], 0.0);
  EXPECT_EQ(layer["macs"], 300.0);
  EXPECT_EQ(layer["bitProducts"], 300.0 * 8 * 4);
  EXPECT_EQ(layer["tensors"][0],
            nlohmann::json::parse(R"({"tensor": "conv1.gradient", "bits": 16,
                "stepsAtBits": {"8": 1, "16": 2}, "updates": 3,
                "quantized": 300, "saturated": 7, "underflown": 0})"));
  // Steps 1 and 2, then the open sample with step 3.
  ASSERT_EQ(record["samples"].size(), 2U);
  EXPECT_EQ(record["samples"][0],
            nlohmann::json::parse(R"({"step": 2, "loss": 0.75, "accuracy": 0.75,
                "stepSeconds": 0.5, "tensors": [[16, 200, 3, 0]]})"));
  EXPECT_EQ(record["samples"][1]["step"], 3);
  EXPECT_EQ(record["samples"][1]["tensors"][0],
            nlohmann::json::parse("[16, 100, 4, 0]"));
}

TEST(StepRecorder, GoesOnFromARecord) {
  StepRecorder whole;
  StepRecorder first;
  StepRecorder second;
  ScriptedBackend a;
  ScriptedBackend b;
  for (int64_t step = 1; step <= 4; ++step) {
    runStep(whole, a, step, step < 3 ? 8 : 16, step);
    if (step == 3) {
      ASSERT_TRUE(second.restore(first.record()).ok());
    }
    runStep(step < 3 ? first : second, b, step, step < 3 ? 8 : 16, step);
  }
  nlohmann::json expected = whole.record();
  nlohmann::json found = second.record();
  EXPECT_GT(found["observerSeconds"], first.record()["observerSeconds"]);
  expected.erase("observerSeconds");
  found.erase("observerSeconds");
  EXPECT_EQ(found, expected);
}

TEST(StepRecorder, CountsSumsSinceTheStartOfTheRun) {
  StepRecorder recorder;
  ScriptedBackend backend;
  runStep(recorder, backend, 1, 8, 1);
  backend.spend(100); // An evaluation.
  const nlohmann::json epoch = recorder.record();
  recorder.clear();
  runStep(recorder, backend, 2, 8, 1);
  const auto sumsOf = [](const nlohmann::json &record) {
    return record["layers"][0]["accumulators"]["forward"].dump();
  };
  EXPECT_EQ(sumsOf(epoch), R"({"bits":12,"sums":1000,"wrapped":1})");
  EXPECT_EQ(sumsOf(recorder.record()),
            R"({"bits":12,"sums":2000,"wrapped":2})");
  // Another process goes on at the end of an epoch, and in the next one.
  StepRecorder resumed;
  ScriptedBackend later;
  ASSERT_TRUE(resumed.restore(nullptr, epoch).ok());
  runStep(resumed, later, 2, 8, 1);
  EXPECT_EQ(sumsOf(resumed.record()), R"({"bits":12,"sums":2000,"wrapped":2})");
  StepRecorder again;
  ASSERT_TRUE(again.restore(resumed.record(), epoch).ok());
  runStep(again, later, 3, 8, 1);
  EXPECT_EQ(sumsOf(again.record()), R"({"bits":12,"sums":3000,"wrapped":3})");
}

TEST(StepRecorder, RefusesDamagedRecords) {
  StepRecorder recorder;
  ScriptedBackend backend;
  runStep(recorder, backend, 1, 8, 1);
  const nlohmann::json good = recorder.record();
  // Whatever field becomes something else, the record is taken or refused.
  size_t refused = 0;
  const nlohmann::json fields = good.flatten();
  for (const auto &field : fields.items()) {
    for (const char *other : {"{}", "[]", "\"x\"", "1e300", "null"}) {
      nlohmann::json bad = good;
      bad[nlohmann::json::json_pointer(field.key())] =
          nlohmann::json::parse(other);
      refused += recorder.restore(bad).ok() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 40U);
  for (const char *other : {"{}", "[]", "7", "{\"layers\": [3]}"}) {
    EXPECT_FALSE(recorder.restore(nlohmann::json::parse(other)).ok()) << other;
  }
  EXPECT_TRUE(recorder.restore(good).ok());
}

TEST(StepRecorder, ForgetsAnEpoch) {
  StepRecorder recorder;
  ScriptedBackend backend;
  runStep(recorder, backend, 1, 8, 1);
  recorder.clear();
  runStep(recorder, backend, 2, 8, 5);
  const nlohmann::json record = recorder.record();
  EXPECT_EQ(record["layers"][0]["tensors"][0]["saturated"], 5);
  EXPECT_EQ(record["samples"].size(), 1U);
}

} // namespace
} // namespace lpgen::train
