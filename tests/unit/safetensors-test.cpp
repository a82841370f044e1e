// safetensors files: every stored type, and files that are damaged or hostile.
#include "base/tensor/Safetensors.h"
#include "tests/TemporaryFolder.h"
#include "tests/unit/TestTypes.h"
#include <bit>
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace lpgen;
using testing::HasSubstr;

namespace {

/// The bytes of a file with this header and these elements.
std::string fileOf(const std::string &header, const std::string &data) {
  const uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

template <typename T>
std::string bytesOf(std::initializer_list<T> values) {
  return {reinterpret_cast<const char *>(values.begin()),
          values.size() * sizeof(T)};
}

/// A file with tensor t of one dimension.
template <typename T>
std::string fileOf(const char *dtype, std::initializer_list<T> values) {
  const std::string data = bytesOf(values);
  return fileOf(std::string(R"({"t":{"dtype":")") + dtype + R"(","shape":[)" +
                    std::to_string(values.size()) + R"(],"data_offsets":[0,)" +
                    std::to_string(data.size()) + "]}}",
                data);
}

Result<SafetensorsView> view(const std::string &file) {
  return SafetensorsView::create(std::as_bytes(std::span(file)));
}

Result<HostTensor> read(const std::string &file, ElementType type,
                        std::vector<int64_t> shape) {
  const Result<SafetensorsView> opened = view(file);
  return opened.ok() ? opened->read("t", type, shape) : opened.status();
}

std::vector<int64_t> integersOf(const Result<HostTensor> &tensor) {
  std::vector<int64_t> values;
  for (int64_t i = 0; tensor.ok() && i < tensor->numElements(); ++i) {
    values.push_back(tensor->getInt(i));
  }
  return values;
}

std::string problemOf(const std::string &file) {
  const Result<SafetensorsView> opened = view(file);
  return opened.ok() ? "" : opened.message();
}

std::string problemOf(const Result<HostTensor> &tensor) {
  return tensor.ok() ? "" : tensor.message();
}

TEST(Safetensors, readsIntegersOfEveryWidth) {
  const std::vector<int64_t> expected = {1, -1};
  EXPECT_EQ(integersOf(read(fileOf<int8_t>("I8", {1, -1}), b1, {2})), expected);
  EXPECT_EQ(integersOf(read(fileOf<int16_t>("I16", {1, -1}), s4, {2})),
            expected);
  EXPECT_EQ(integersOf(read(fileOf<int32_t>("I32", {1, -1}), s4, {2})),
            expected);
  EXPECT_EQ(integersOf(read(fileOf<int64_t>("I64", {1, -1}), i64, {2})),
            expected);
  const std::vector<int64_t> positive = {0, 15};
  EXPECT_EQ(integersOf(read(fileOf<uint8_t>("U8", {0, 15}), u4, {2})),
            positive);
  EXPECT_EQ(integersOf(read(fileOf<uint16_t>("U16", {0, 15}), u4, {2})),
            positive);
  EXPECT_EQ(integersOf(read(fileOf<uint32_t>("U32", {0, 15}), u4, {2})),
            positive);
  EXPECT_EQ(integersOf(read(fileOf<uint64_t>("U64", {0, 15}), i64, {2})),
            positive);
}

TEST(Safetensors, readsFloatsExactly) {
  const auto single = read(fileOf<float>("F32", {1.5F, -0.0F}), f32, {2});
  ASSERT_TRUE(single.ok()) << single.message();
  EXPECT_EQ(single->getFloat(0), 1.5F);
  EXPECT_TRUE(std::signbit(single->getFloat(1)));
  const auto bfloat =
      read(fileOf<uint16_t>("BF16", {0x3fc0, 0xff80}), f32, {2});
  ASSERT_TRUE(bfloat.ok()) << bfloat.message();
  EXPECT_EQ(bfloat->getFloat(0), 1.5F);
  EXPECT_EQ(bfloat->getFloat(1), -std::numeric_limits<float>::infinity());
  // 1.5, the least denormal, the greatest denormal, the greatest, infinity, -0.
  const auto half = read(
      fileOf<uint16_t>("F16", {0x3e00, 0x0001, 0x03ff, 0x7bff, 0x7c00, 0x8000}),
      f32, {6});
  ASSERT_TRUE(half.ok()) << half.message();
  EXPECT_EQ(half->getFloat(0), 1.5F);
  EXPECT_EQ(half->getFloat(1), 0x1p-24F);
  EXPECT_EQ(half->getFloat(2), 1023 * 0x1p-24F);
  EXPECT_EQ(half->getFloat(3), 65504.0F);
  EXPECT_EQ(half->getFloat(4), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::signbit(half->getFloat(5)));
}

TEST(Safetensors, convertsFloatsThatFit16Bits) {
  const ElementType f16{Encoding::Float, 16};
  const ElementType bf16{Encoding::Brain, 16};
  const auto half = read(fileOf<uint16_t>("F16", {0x3e00, 0x7e01}), f16, {2});
  ASSERT_TRUE(half.ok()) << half.message();
  EXPECT_EQ(half->getFloat(0), 1.5F);
  EXPECT_TRUE(std::isnan(half->getFloat(1)));
  const auto brain = read(fileOf<float>("F32", {0.25F, 0x1.02p60F}), bf16, {2});
  ASSERT_TRUE(brain.ok()) << brain.message();
  EXPECT_EQ(brain->getFloat(1), 0x1.02p60F);
  EXPECT_EQ(problemOf(read(fileOf<float>("F32", {0.25F, 0.1F}), bf16, {2})),
            "element [1] is 0.1, which bf16 cannot hold (floats of 8 "
            "significant bits)");
  EXPECT_EQ(problemOf(read(fileOf<uint16_t>("BF16", {0x4780}), f16, {1})),
            "element [0] is 65536, which f16 cannot hold (floats of 11 "
            "significant bits, below 65520)");
  EXPECT_EQ(problemOf(read(fileOf<int8_t>("I8", {1}), f16, {1})),
            "it holds I8, expected F32, F16 or BF16 for elements of f16");
}

TEST(Safetensors, everyHalfIsExact) {
  // In the normal range a binary16 is (1024 + fraction) * 2^(exponent - 25).
  for (unsigned bits = 1024; bits < 31 * 1024; ++bits) {
    const auto half = read(fileOf<uint16_t>("F16", {uint16_t(bits)}), f32, {1});
    ASSERT_TRUE(half.ok());
    ASSERT_EQ(half->getFloat(0),
              std::ldexp(float(1024 + bits % 1024), int(bits / 1024) - 25))
        << bits;
  }
}

TEST(Safetensors, namesTheElementThatDoesNotFit) {
  EXPECT_EQ(problemOf(read(fileOf<int8_t>("I8", {1, 8}), s4, {2})),
            "element [1] is 8, which s4 cannot hold (values from -8 to 7)");
  EXPECT_EQ(problemOf(read(fileOf<int8_t>("I8", {1, 0}), b1, {2})),
            "element [1] is 0, which b1 cannot hold (odd values from -1 to 1)");
  EXPECT_THAT(problemOf(read(fileOf<uint64_t>("U64", {UINT64_MAX}), i64, {1})),
              HasSubstr("element [0] is 18446744073709551615, which i64"));
}

TEST(Safetensors, refusesOtherTypesAndShapes) {
  EXPECT_EQ(problemOf(read(fileOf<float>("F32", {1}), s4, {1})),
            "it holds F32, expected integers for elements of s4");
  EXPECT_EQ(problemOf(read(fileOf<int8_t>("I8", {1}), f32, {1})),
            "it holds I8, expected F32, F16 or BF16 for elements of f32");
  EXPECT_EQ(problemOf(read(fileOf<double>("F64", {1}), f32, {1})),
            "its dtype is 'F64', expected F32, F16 or BF16; convert it before "
            "saving");
  EXPECT_EQ(problemOf(read(fileOf<int8_t>("I8", {1, 2}), s4, {2, 1})),
            "its shape is [2], expected [2, 1]");
  const std::string file = fileOf<int8_t>("I8", {1});
  const Result<SafetensorsView> opened = view(file);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(problemOf(opened->read("u", s4, std::vector<int64_t>{1})),
            "there is no such tensor; it has 't'");
}

TEST(Safetensors, readsMetadataEscapesScalarsAndEmptyTensors) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},)"
      R"("\u00e9\ud83d\ude00\"":{"dtype":"I8","shape":[],"data_offsets":[0,1]},)"
      R"( "none" : {"data_offsets":[1,1],"shape":[0, 3],"dtype":"F32"}}   )";
  const std::string file = fileOf(header, "\x7");
  const Result<SafetensorsView> opened = view(file);
  ASSERT_TRUE(opened.ok()) << opened.message();
  const auto value =
      opened->read("\xc3\xa9\xf0\x9f\x98\x80\"", s4, std::vector<int64_t>());
  ASSERT_TRUE(value.ok()) << value.message();
  EXPECT_EQ(value->getInt(0), 7);
}

TEST(Safetensors, refusesDamagedFiles) {
  const std::string good = fileOf<int8_t>("I8", {1, 2});
  EXPECT_EQ(problemOf(good), "");
  EXPECT_THAT(problemOf(""), HasSubstr("inside the length of its header"));
  EXPECT_THAT(problemOf(good.substr(0, 20)), HasSubstr("its header claims"));
  EXPECT_THAT(problemOf(good.substr(0, good.size() - 1)),
              HasSubstr("the data_offsets [0, 2] of tensor 't' lie outside its "
                        "1 bytes of elements"));
  EXPECT_THAT(problemOf(good + "x"),
              HasSubstr("bytes of no tensor lie at its end"));
  EXPECT_THAT(problemOf(std::string(8, '\xff') + "{}"),
              HasSubstr("18446744073709551615 bytes"));
  // Every cut and every changed byte is read or refused.
  for (size_t i = 0; i < good.size(); ++i) {
    (void)view(good.substr(0, i));
    for (const char value : {'\0', '"', '9', '\xff'}) {
      std::string changed = good;
      changed[i] = value;
      (void)read(changed, s4, {2});
    }
  }
}

TEST(Safetensors, refusesHostileHeaders) {
  const auto problem = [](const std::string &tensors) {
    return problemOf(fileOf("{" + tensors + "}", "abcd"));
  };
  const std::string a =
      R"("a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]})";
  EXPECT_EQ(problem(a), "");
  EXPECT_THAT(problem(a + "," + a), HasSubstr("the key 'a' twice"));
  EXPECT_THAT(
      problem(a + R"(,"b":{"dtype":"I8","shape":[1],"data_offsets":[2,3]})"),
      HasSubstr("the elements of tensor 'b' overlap those of another one"));
  EXPECT_THAT(problem(R"("b":{"dtype":"I8","shape":[3],"data_offsets":[1,4]})"),
              HasSubstr("bytes of no tensor lie before tensor 'b'"));
  EXPECT_THAT(problem(R"("a":{"dtype":"I8","shape":[4],"data_offsets":[4,0]})"),
              HasSubstr("lie outside"));
  EXPECT_THAT(
      problem(R"("a":{"dtype":"I32","shape":[4],"data_offsets":[0,4]})"),
      HasSubstr("are not as far apart as its shape [4] of I32 needs"));
  EXPECT_THAT(
      problem(
          R"("a":{"dtype":"I8","shape":[4294967296,4294967296],"data_offsets":[0,4]})"),
      HasSubstr("are not as far apart"));
  EXPECT_THAT(
      problem(
          R"("a":{"dtype":"I8","dtype":"U8","shape":[4],"data_offsets":[0,4]})"),
      HasSubstr("the key 'dtype' twice"));
  EXPECT_THAT(problem(R"("a":{"dtype":"I8","shape":[4]})"),
              HasSubstr("no dtype, shape or two data_offsets of tensor 'a'"));
  EXPECT_THAT(
      problem(R"("a":{"dtype":"I8","shape":[-4],"data_offsets":[0,4]})"),
      HasSubstr("a size from 0 to 2^63 - 1 was expected"));
  EXPECT_THAT(
      problem(R"("a":{"dtype":"I8","shape":[04],"data_offsets":[0,4]})"),
      HasSubstr("a size from 0"));
  EXPECT_THAT(problem(R"("a":{"x":1})"), HasSubstr("the unknown key 'x'"));
  EXPECT_THAT(problem(R"("a":[])"), HasSubstr("no '{' of tensor 'a'"));
  EXPECT_THAT(problem(R"("\ud800":{})"), HasSubstr("half a surrogate pair"));
  EXPECT_THAT(problem(R"("\u12x4":{})"), HasSubstr("hexadecimal digits"));
  EXPECT_THAT(problem("\"a\nb\":{}"), HasSubstr("a control character"));
  EXPECT_THAT(problem(R"("a)"), HasSubstr("a string without an end"));
  EXPECT_THAT(problemOf(fileOf("{} x", "")), HasSubstr("text after its '}'"));
  std::string deep(100000, '[');
  EXPECT_NE(problem(R"("a":{"shape":)" + deep), "");
}

TEST(Safetensors, namesFileAndTensor) {
  const TemporaryFolder temporary;
  const std::string path = temporary.path() + "/w.safetensors";
  const auto missing = SafetensorsFile::open(path);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.message(),
            "cannot read '" + path + "': no such file or folder");
  const auto folder = SafetensorsFile::open(temporary.path());
  ASSERT_FALSE(folder.ok());
  EXPECT_THAT(folder.message(), HasSubstr("it is not a regular file"));
  std::ofstream(path, std::ios::binary).flush();
  const auto empty = SafetensorsFile::open(path);
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.message(),
            "'" + path +
                "' is not a safetensors file that can be read: it ends inside "
                "the length of its header; write it again");
  std::ofstream(path, std::ios::binary) << fileOf<int8_t>("I8", {3});
  auto opened = SafetensorsFile::open(path);
  ASSERT_TRUE(opened.ok()) << opened.message();
  const SafetensorsFile file = std::move(*opened);
  EXPECT_EQ(integersOf(file.read("t", s4, std::vector<int64_t>{1})),
            std::vector<int64_t>{3});
  EXPECT_EQ(problemOf(file.read("t", s4, std::vector<int64_t>{2})),
            "tensor 't' of '" + path + "': its shape is [1], expected [2]");
}

} // namespace
