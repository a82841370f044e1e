// GGUF files: weights equal to those of a decoder of the format, what is
// refused, and files that are damaged.
#include "networks/import/gguf/GgufImport.h"
#include "tests/unit/GgufDecoding.h"
#include "tests/unit/GgufTesting.h"
#include "tests/unit/ProgramRunning.h"
#include <gmock/gmock.h>

using namespace lpgen;
using namespace lpgen::importer;
using namespace lpgen::testing;
using ::testing::HasSubstr;

namespace {

std::span<const std::byte> asBytes(const std::string &text) {
  return std::as_bytes(std::span(text));
}

Result<Program> import(const std::string &file, const std::string &tensor,
                       int64_t mostRows = 256) {
  return gguf::importTensor(
      asBytes(file), tensor,
      {.mostImages = mostRows, .hasFloatActivations = true});
}

/// The same as users get it: of integers.
Result<Program> importIntegers(const std::string &file) {
  return gguf::importTensor(asBytes(file), "w", {.mostImages = 8});
}

/// The message of an error, or what the program refuses.
std::string messageOf(const Result<Program> &program) {
  if (!program.ok()) {
    return program.message();
  }
  return program->report.isSupported() ? "no message"
                                       : describe(program->report.findings[0]);
}
std::string messageOf(const std::string &file) {
  const Result<gguf::GgufFile> read = gguf::readGguf(asBytes(file));
  return read.ok() ? "no message" : read.message();
}

/// The products of the rows of the unit matrix are the weights, transposed.
std::vector<double> unitRows(size_t inputs) {
  std::vector<double> x(inputs * inputs, 0);
  for (size_t i = 0; i < inputs; ++i) {
    x[i * inputs + i] = 1;
  }
  return x;
}

GgufTensorText floatsOf(const std::string &name, uint32_t type) {
  return {name,
          {2, 3},
          type,
          type == 0 ? std::string(24, '\0') : std::string(12, '\0')};
}

} // namespace

TEST(ImportGguf, WeightsAreThoseOfADecoder) {
  for (const GgufType &type : ggufTypes()) {
    SCOPED_TRACE(type.name);
    const size_t inputs = 256;
    const size_t outputs = 2;
    const std::string blocks =
        someBlocks(type, outputs * inputs / type.elements);
    const std::vector<float> expected = decodedWeights(type, blocks);
    const Result<Program> program = import(
        ggufFile({floatsOf("other", 0), {"w", {256, 2}, type.code, blocks}}),
        "w");
    ASSERT_EQ(messageOf(program), "no message");
    const std::vector<double> y =
        runProgram(*program, unitRows(inputs), int64_t(inputs));
    ASSERT_EQ(y.size(), expected.size());
    for (size_t k = 0; k < inputs; ++k) {
      for (size_t o = 0; o < outputs; ++o) {
        ASSERT_EQ(float(y[k * outputs + o]), expected[o * inputs + k])
            << "input " << k << ", output " << o;
      }
    }
  }
}

// Sums in the order of the inputs, each product fused with its addition.
TEST(ImportGguf, SumsAreInOrder) {
  const GgufType &type = ggufTypes()[1];
  const std::string blocks = someBlocks(type, 4);
  const std::vector<float> weights = decodedWeights(type, blocks);
  const Result<Program> program =
      import(ggufFile({{"w", {64, 2}, type.code, blocks}}), "w");
  ASSERT_EQ(messageOf(program), "no message");
  std::vector<double> x(64);
  for (size_t k = 0; k < 64; ++k) {
    x[k] = float(k) / 7.0F - 3;
  }
  const std::vector<double> y = runProgram(*program, x);
  for (size_t o = 0; o < 2; ++o) {
    float sum = 0;
    for (size_t k = 0; k < 64; ++k) {
      sum = std::fma(float(x[k]), weights[64 * o + k], sum);
    }
    EXPECT_EQ(float(y[o]), sum);
  }
}

// x in groups of the weights, with a scale each; exact sums of their integers.
TEST(ImportGguf, ProductsAreOfIntegers) {
  for (const GgufType &type : ggufTypes()) {
    SCOPED_TRACE(type.name);
    const size_t inputs = 512;
    const std::string blocks = someBlocks(type, 2 * inputs / type.elements);
    const std::vector<float> weights = decodedWeights(type, blocks);
    const Result<Program> program =
        importIntegers(ggufFile({{"w", {inputs, 2}, type.code, blocks}}));
    ASSERT_EQ(messageOf(program), "no message");
    EXPECT_THAT(program->report.layers[0].encoding, HasSubstr(" x s8"));
    std::vector<double> x(inputs);
    for (size_t k = 0; k < inputs; ++k) {
      x[k] = k < 256 ? float(k % 37) / 7.0F - 3 : 0; // groups of zeros, too
    }
    const std::vector<double> y = runProgram(*program, x);
    for (size_t o = 0; o < 2; ++o) {
      double sum = 0;
      double most = 0; // Half a step of x at each weight.
      for (size_t k = 0; k < inputs; ++k) {
        const double weight = weights[inputs * o + k];
        sum += x[k] * weight;
        most += k < 256 ? std::abs(weight) * 3.0 / 127 / 2 : 0;
      }
      EXPECT_NEAR(y[o], sum, most * 1.001 + 1e-6);
    }
  }
}

TEST(ImportGguf, Floats) {
  const std::string f32 = numberBytes(1.5F) + numberBytes(-2.25F);
  const std::string f16 = {0x00, 0x3e, char(0x80), char(0xc0)};
  const std::string bf16 = {char(0xc0), 0x3f, 0x10, char(0xc0)};
  const std::string file = ggufFile(
      {{"a", {2, 1}, 0, f32}, {"b", {2, 1}, 1, f16}, {"c", {2, 1}, 30, bf16}});
  for (const char *name : {"a", "b", "c"}) {
    const Result<Program> program = import(file, name);
    ASSERT_EQ(messageOf(program), "no message");
    EXPECT_EQ(runProgram(*program, unitRows(2), 2),
              (std::vector<double>{1.5, -2.25}));
  }
}

TEST(ImportGguf, ProductsOfIntegersCallTheLayer) {
  const auto textOf = [](uint32_t type, size_t size) {
    const Result<Program> program = importIntegers(
        ggufFile({{"w", {256, 1}, type, std::string(size, '\0')}}));
    return program.ok() ? program->text() : program.message();
  };
  const std::string text = textOf(2, 144);
  EXPECT_THAT(text,
              HasSubstr("(x_codes, x_scale) = quantize_groups<L = 32>(x)\n"));
  EXPECT_THAT(text,
              HasSubstr("y[m,o] = sum(g) x_scale[m,g] * scale[g,o] * "
                        "(sum(k:32) x_codes[m, 32*g + k] * w_2[o, 32*g + k])"));
  EXPECT_THAT(
      textOf(12, 144),
      HasSubstr(
          "x_sum[m,g] = x_scale[m,g] * (sum(k:32) x_codes[m, 32*g + k])"));
}

TEST(ImportGguf, WeightsKeepTheirWidth) {
  const std::string zeros(1024, '\0');
  const auto textOf = [&](uint32_t type, const std::string &data) {
    const Result<Program> program =
        import(ggufFile({{"blk.0.up", {256, 1}, type, data}}), "blk.0.up", 8);
    return program.ok() ? program->text() : program.message();
  };
  const std::string text = textOf(2, zeros.substr(0, 144));
  EXPECT_THAT(text, HasSubstr("const w: s4[1, 256] = \"w\""));
  EXPECT_THAT(text, HasSubstr("const scale: f32[8, 1] = \"scale\""));
  EXPECT_THAT(text, HasSubstr("op blk_0_up(\n    x: f32[?m <= 8, 256])\n  -> "
                              "(y: f32[?m, 1]) {\n  // Q4_0 'blk.0.up'\n"));
  EXPECT_THAT(text, HasSubstr("y[m,o] = sum(g, k:32) x[m, 32*g + k] * "
                              "(w[o, 32*g + k] * scale[g,o])"));
  EXPECT_THAT(textOf(12, zeros.substr(0, 144)),
              HasSubstr("(w[o, 32*g + k] * scale[g,o] + offset[g,o])"));
  EXPECT_THAT(textOf(41, zeros.substr(0, 36)), HasSubstr("const w: b1["));
  EXPECT_THAT(textOf(34, zeros.substr(0, 54)), HasSubstr("const w: t2["));
  EXPECT_THAT(textOf(35, zeros.substr(0, 66)), HasSubstr("const w: t2["));
  // The code 3 stands for 2, which is not ternary.
  const std::string two = textOf(35, "\3" + zeros.substr(0, 65));
  EXPECT_THAT(two, HasSubstr("const w: u2["));
  EXPECT_THAT(two, HasSubstr("((w[o, 256*g + k] - 1) * scale[g,o])"));
}

TEST(ImportGguf, TensorsAreListed) {
  const std::string file =
      ggufFile({{"blk.0.up", {32, 2}, 2, std::string(36, '\0')},
                {"norm", {2}, 0, std::string(8, '\0')},
                {"new", {32, 2}, 99, std::string(40, '\0')}},
               {ggufValue("general.architecture", 8, ggufString("llama")),
                ggufValue("general.name", 8, ggufString("Tiny"))});
  const Result<gguf::GgufFile> read = gguf::readGguf(asBytes(file));
  ASSERT_TRUE(read.ok()) << read.message();
  EXPECT_TRUE(gguf::hasUnsupportedMatrix(*read));
  const std::string text = gguf::tensorsText("tiny.gguf", *read);
  EXPECT_THAT(text, HasSubstr("'tiny.gguf': GGUF of version 3, 'llama', "
                              "'Tiny'; 3 tensors, choose one with --tensor"));
  EXPECT_THAT(text,
              HasSubstr("blk.0.up  [2, 32]  Q4_0     4.5              36  "
                        "   yes\n"));
  EXPECT_THAT(text, HasSubstr("no: it has 1 dimension, a matrix product takes "
                              "2\n"));
  EXPECT_THAT(text, HasSubstr("type 99  ?                ?      no: its type "
                              "is not known\n"));
  const std::string json = gguf::tensorsJson("tiny.gguf", *read);
  EXPECT_THAT(json, HasSubstr("\"bitsPerWeight\": 4.5"));
  EXPECT_THAT(json, HasSubstr("\"reason\": \"its type is not known\""));
}

TEST(ImportGguf, ChosenTensorIsRefused) {
  const std::string file =
      ggufFile({{"norm", {2}, 0, std::string(8, '\0')},
                {"iq", {32, 1}, 20, std::string(18, '\0')},
                {"new", {32, 2}, 99, std::string(40, '\0')}});
  EXPECT_THAT(messageOf(import(file, "nrom")),
              HasSubstr("it has no tensor 'nrom'; lpgen inspect lists"));
  EXPECT_THAT(messageOf(import(file, "norm")),
              HasSubstr("node 'norm' (F32): it has 1 dimension, a matrix "
                        "product takes 2; supported are matrices of F32, F16"));
  EXPECT_THAT(messageOf(import(file, "iq")),
              HasSubstr("(IQ4_NL): its type is not supported"));
  EXPECT_THAT(messageOf(import(file, "new")),
              HasSubstr("(type 99): its type is not known"));
}

TEST(ImportGguf, WeightsMustBeNumbers) {
  std::string blocks(72, '\0');
  blocks[37] = 0x7c; // an infinite scale
  EXPECT_EQ(messageOf(import(ggufFile({{"w", {64, 2}, 2, blocks}}), "w")),
            "tensor 'w', the scale or offset of the weights from [1, 0] on is "
            "infinite or no number; quantize the model again");
  const std::string nan = numberBytes(1.0F) + numberBytes(NAN);
  EXPECT_THAT(messageOf(import(ggufFile({{"w", {1, 2}, 0, nan}}), "w")),
              HasSubstr("tensor 'w', the first of the weights from [1, 0]"));
}

// Metadata of all types is passed over.
TEST(ImportGguf, MetadataIsPassedOver) {
  const std::string strings = numberBytes(8U) + numberBytes(uint64_t{2}) +
                              ggufString("a") + ggufString("");
  const std::string nested = numberBytes(9U) + numberBytes(uint64_t{1}) +
                             numberBytes(5U) + numberBytes(uint64_t{2}) +
                             std::string(8, 'x');
  const std::string file =
      ggufFile({{"a", {1, 1}, 0, "abcd"}, {"b", {1, 1}, 0, "efgh"}},
               {ggufValue("u8", 0, "a"), ggufValue("f64", 12, "abcdefgh"),
                ggufValue("flag", 7, "\1"), ggufValue("list", 9, strings),
                ggufValue("lists", 9, nested),
                ggufValue("general.alignment", 4, numberBytes(64U))},
               64);
  const Result<gguf::GgufFile> read = gguf::readGguf(asBytes(file));
  ASSERT_TRUE(read.ok()) << read.message();
  EXPECT_EQ(read->tensors[1].offset, 64U);
  EXPECT_EQ(std::memcmp(read->tensors[1].data.data(), "efgh", 4), 0);
}

TEST(ImportGguf, DamagedHeadersAreErrors) {
  const uint64_t many = uint64_t{1} << 62;
  EXPECT_EQ(messageOf("GGUF"),
            "it is cut short or damaged: at byte 4, the version needs more "
            "than the 0 bytes that follow; download it again");
  EXPECT_THAT(messageOf(ggufHeader(0, 0, 1)),
              HasSubstr("at byte 4, the version of the format is 1, expected 2 "
                        "or 3"));
  EXPECT_THAT(messageOf(ggufHeader(0, 0, 3U << 24)), HasSubstr("big endian"));
  EXPECT_EQ(messageOf(ggufHeader(0, 0, 2)), "no message");
  EXPECT_THAT(messageOf(ggufHeader(many, 0)),
              HasSubstr("at byte 24, the list of tensors needs more"));
  EXPECT_THAT(messageOf(ggufHeader(0, many)),
              HasSubstr("at byte 24, the metadata needs more"));
  const auto withValue = [](const std::string &value) {
    return messageOf(ggufFile({}, {value}));
  };
  EXPECT_THAT(withValue(numberBytes(~uint64_t{0}) + std::string(16, 'k')),
              HasSubstr("at byte 32, the key of a value needs more"));
  EXPECT_THAT(withValue(ggufValue("k", 8, numberBytes(~uint64_t{0}))),
              HasSubstr("a string needs more"));
  EXPECT_THAT(withValue(ggufValue("k", 13, "")),
              HasSubstr("a value has the type 13, expected 0 to 12"));
  EXPECT_THAT(
      withValue(ggufValue("k", 9, numberBytes(10U) + numberBytes(many))),
      HasSubstr("an array needs more"));
  std::string deep;
  for (int i = 0; i < 20; ++i) {
    deep += numberBytes(9U) + numberBytes(uint64_t{1});
  }
  EXPECT_THAT(withValue(ggufValue("k", 9, deep)),
              HasSubstr("arrays of metadata are nested more than 8 deep"));
  for (const uint32_t alignment : {0U, 12U}) {
    EXPECT_THAT(
        withValue(ggufValue("general.alignment", 4, numberBytes(alignment))),
        HasSubstr("at byte 53, 'general.alignment' is no 32-bit number that is "
                  "a multiple of 8"));
  }
  EXPECT_THAT(
      messageOf(ggufFile({}, {ggufValue("k", 0, "a"), ggufValue("k", 0, "b")})),
      HasSubstr("the metadata has the key 'k' twice"));
}

TEST(ImportGguf, DamagedTensorsAreErrors) {
  const std::string block(18, '\0');
  const uint64_t many = uint64_t{1} << 62;
  EXPECT_EQ(messageOf(ggufFile({{"w", {1, 1, 1, 1, 1}, 0, "abcd"}})),
            "tensor 'w' (at byte 24) has 5 dimensions, expected 4 at most; "
            "convert the model again");
  EXPECT_THAT(messageOf(ggufFile({{"w", {32, 0}, 2, block}})),
              HasSubstr("an extent of [0, 32] is not positive"));
  EXPECT_THAT(messageOf(ggufFile({{"w", {32, ~uint64_t{0}}, 2, block}})),
              HasSubstr("is not positive or has 64 bits"));
  EXPECT_THAT(messageOf(ggufFile({{"w", {many, many}, 2, block}})),
              HasSubstr("elements are too many for 64 bits"));
  EXPECT_THAT(messageOf(ggufFile({{"w", {48, 1}, 2, block}})),
              HasSubstr("its rows of 48 elements are no whole blocks of Q4_0, "
                        "which have 32"));
  EXPECT_THAT(messageOf(ggufFile({{"w", {32, 1}, 2, block, 8}})),
              HasSubstr("has its data at 8, which is no multiple of the "
                        "alignment 32"));
  EXPECT_THAT(messageOf(ggufFile({{"w", {32, 1}, 2, block},
                                  {"v", {32, 2}, 2, block + block},
                                  {"u", {32, 1}, 2, block, 32}})),
              HasSubstr("tensor 'u' (at byte 106) has its data at 32, inside "
                        "that of tensor 'v' (at byte 65), which is of Q4_0 and "
                        "ends at 68"));
  EXPECT_THAT(
      messageOf(ggufFile({{"w", {32, 1}, 2, block}, {"w", {32, 1}, 2, block}})),
      HasSubstr("tensor 'w' (at byte 65) has the name of that at byte "
                "24"));
  EXPECT_THAT(messageOf(ggufFile({{"w", {32, 2}, 2, block}})),
              HasSubstr("it is cut short: the data of tensor 'w' (at byte 24), "
                        "at byte 96 + 0, needs more than the 18 bytes"));
  EXPECT_THAT(messageOf(ggufFile({{"w", {32, 2}, 99, "", 1 << 20}})),
              HasSubstr("it is cut short: the data of tensor 'w'"));
  const std::string file = ggufFile({{"w", {32, 1}, 2, block}});
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_NE(messageOf(file.substr(0, size)), "no message") << size;
  }
}
