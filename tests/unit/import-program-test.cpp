// What every importer ends in: names, types, text and weights.
#include "base/tensor/Safetensors.h"
#include "networks/import/Program.h"
#include "tests/TemporaryFolder.h"
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace lpgen;
using namespace lpgen::importer;
using builder::Expression;

TEST(ImportNames, AreValidAndUnique) {
  Names names;
  EXPECT_EQ(names.make("features.3.weight"), "features_3_weight");
  EXPECT_EQ(names.make("features/3/Weight"), "features_3_Weight_2");
  EXPECT_EQ(names.make("75"), "t75");
  EXPECT_EQ(names.make("n"), "n_");
  EXPECT_EQ(names.make("x"), "x");
  EXPECT_EQ(names.make("w"), "w");
  EXPECT_EQ(names.make("round"), "round_2");
  EXPECT_EQ(names.make("\xff\n"), "tensor");
  EXPECT_EQ(names.make(""), "tensor_2");
}

TEST(ImportProgram, TypesAreThoseThatValuesNeed) {
  const auto type = [](std::vector<int64_t> values) {
    return narrowestType(values).str();
  };
  EXPECT_EQ(type({-1, 1}), "b1");
  EXPECT_EQ(type({-1, 0, 1}), "t2");
  EXPECT_EQ(type({0, 1}), "u1");
  EXPECT_EQ(type({-7, 7}), "s4");
  EXPECT_EQ(type({255}), "u8");
  EXPECT_EQ(type({65536}), "i32");
  EXPECT_EQ(type({-(int64_t{1} << 40)}), "i64");
}

static std::string contentsOf(const std::string &path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(ImportProgram, WritesTextAndWeights) {
  const TemporaryFolder folder;
  Program program("net-1");
  program.report.file = "net-1.onnx";
  program.report.format = "ONNX";
  const std::string w = program.addIntegers("fc.weight", {{1, -1, 1, 1}},
                                            {2, 2}, {Encoding::Bipolar, 1});
  const std::string x = program.names.make("x");
  const std::string y = program.names.make("y");
  program.addInput(
      {.name = x, .type = {Encoding::Unsigned, 4}, .extents = {2}});
  program.addOutput({.name = y, .type = {Encoding::Float, 32}, .extents = {2}});
  program.comment("Gemm 'fc'\n");
  program.assign("acc[o]",
                 Expression::reduction("sum", {"c"},
                                       Expression::element(x, {"c"}) *
                                           Expression::element(w, {"o", "c"})));
  program.assign(y + "[o]",
                 Expression::element("acc", {"o"}) * Expression::real(-0.5F));
  const Status status = program.write(folder.path() + "/out");
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(contentsOf(folder.path() + "/out/net_1.lp"),
            "// net-1.onnx: ONNX\n"
            "\n"
            "const fc_weight: b1[2, 2] = \"fc.weight\"\n"
            "\n"
            "op net_1(\n"
            "    x: u4[2])\n"
            "  -> (y: f32[2]) {\n"
            "  // Gemm 'fc'?\n"
            "  acc[o] = sum(c) x[c] * fc_weight[o,c]\n"
            "  y[o] = acc[o] * (-0.5)\n"
            "}\n");
  const Result<SafetensorsFile> file =
      SafetensorsFile::open(folder.path() + "/out/net_1.safetensors");
  ASSERT_TRUE(file.ok()) << file.message();
  const std::vector<int64_t> shape = {2, 2};
  const Result<HostTensor> weights =
      file->read("fc.weight", {Encoding::Bipolar, 1}, shape);
  ASSERT_TRUE(weights.ok()) << weights.message();
  EXPECT_EQ(weights->getInt(1), -1);
}

TEST(ImportReport, NamesWhatIsUnsupported) {
  Report report;
  report.file = "net.onnx";
  report.format = "ONNX";
  report.layers.push_back({.name = "fc",
                           .operation = "Gemm",
                           .shape = "[1, 2]",
                           .macs = 4,
                           .weights = 4,
                           .declaredWeightBits = 8,
                           .usedWeightBits = 2});
  report.findings.push_back({"rnn", "LSTM", "", "no layer of lpgen has state",
                             "replace it by layers without state"});
  const std::string text = reportText(report);
  EXPECT_NE(text.find("fc     Gemm      [1, 2]  4"), std::string::npos) << text;
  EXPECT_NE(text.find("total: 4 MACs, 4 weights in 1 bytes"),
            std::string::npos);
  EXPECT_NE(text.find("unsupported: node 'rnn' (LSTM): no layer of lpgen has "
                      "state; replace it by layers without state"),
            std::string::npos);
  EXPECT_NE(reportJson(report).find("\"usedWeightBits\": 2"),
            std::string::npos);
}
