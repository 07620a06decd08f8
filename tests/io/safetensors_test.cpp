// SPDX-License-Identifier: Apache-2.0
#include "icl/io/safetensors.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "icl/base/error.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using testing::TempFolder;

std::string file_of(const std::string& header, const std::string& data = "") {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i) & 255);
  return bytes + header + data;
}

TEST(Safetensors, WritesTheFormatToTheByte) {
  const at::Tensor pair = at::tensor({1.0F, 2.0F});
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  std::string padded = header;
  padded.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(safetensors_bytes({{"a", pair}}),
            file_of(padded, std::string("\0\0\x80\x3f\0\0\0\x40", 8)));
}

TEST(Safetensors, ReadsBackEveryTypeAndShape) {
  const TempFolder folder;
  NamedTensors tensors;
  int index = 0;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt,
                          at::kShort, at::kChar, at::kByte, at::kBool}) {
    tensors.emplace_back(std::to_string(index++), at::arange(6).reshape({2, 3}).to(type));
  }
  tensors.emplace_back("scalar", at::scalar_tensor(3.5));
  tensors.emplace_back("empty", at::empty({0, 4}));
  tensors.emplace_back("strided", at::arange(6.0).reshape({2, 3}).t());
  write_safetensors(folder / "t", tensors, {{"note", "kept"}});
  const SafetensorsFile file(folder / "t");
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(file.tensor(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(file.tensor(name), tensor)) << name;
  }
  EXPECT_EQ(file.metadata().at("note"), "kept");
}

TEST(Safetensors, TensorsOutliveTheFileAndCanBeWrittenTo) {
  const TempFolder folder;
  write_safetensors(folder / "t", {{"a", at::ones({3})}});
  at::Tensor tensor;
  { tensor = SafetensorsFile(folder / "t").tensor("a"); }
  tensor.add_(1);
  EXPECT_TRUE(at::equal(tensor, at::full({3}, 2.0)));
  EXPECT_TRUE(at::equal(SafetensorsFile(folder / "t").tensor("a"), at::ones({3})));
}

TEST(Safetensors, NamesTheMissingAndTheMisshapen) {
  const TempFolder folder;
  write_safetensors(folder / "t", {{"xs", at::ones({3, 2})}, {"ys", at::ones({3})}});
  const SafetensorsFile file(folder / "t");
  EXPECT_THAT(message_of([&] { file.tensor("x"); }),
              HasSubstr("there is no tensor 'x'; did you mean 'xs'?; it holds xs, ys"));
  EXPECT_THAT(message_of([&] {
                file.tensor("xs", at::kFloat, {-1, 5});
              }),
              HasSubstr("tensor 'xs' is [3, 2] float32 on cpu, expected [any, 5] float32"));
  EXPECT_THAT(message_of([&] { file.tensor("ys", at::kDouble, {3}); }), HasSubstr("float64"));
}

struct Refusal {
  std::string bytes;
  std::string reason;
};

TEST(Safetensors, RefusesEveryMalformedHeader) {
  const auto entry = [](const std::string& fields) { return R"({"a":{)" + fields + "}}"; };
  const std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  const std::vector<Refusal> cases = {
      {"", "begins with 8"},
      {"abc", "begins with 8"},
      {std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8), "over the limit"},
      {std::string("\x10\0\0\0\0\0\0\0{}", 10), "the file has 2 left"},
      {file_of(""), "does not start with '{'"},
      {file_of("[]"), "does not start with '{'"},
      {file_of("{\"a\""), "not a JSON object"},
      {file_of("{\"\xff\":1}"), "not a JSON object"},
      {file_of(entry(good)), "the file holds 0"},
      {file_of(entry(good), "12345"), "the file holds 5"},
      {file_of(R"({"a":{)" + good + R"(},"a":{)" + good + "}}", "1234"), "'a' comes twice"},
      {file_of(R"({"a":3})"), "not an object"},
      {file_of(R"({"__metadata__":{"k":1}})"), "not a string"},
      {file_of(entry(R"("shape":[1],"data_offsets":[0,4])"), "1234"), "dtype null"},
      {file_of(entry(R"("dtype":"F31","shape":[1],"data_offsets":[0,4])"), "1234"), "\"F31\""},
      {file_of(entry(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), "1234"), "shape"},
      {file_of(entry(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), "1234"), "8 bytes"},
      {file_of(entry(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), "1234"), "offsets 4..0"},
      {file_of(entry(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), "12345678"),
       "expected 0"},
      {file_of(entry(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4])"),
               "1234"),
       "overflows"},
  };
  const TempFolder folder;
  for (const Refusal& refusal : cases) {
    write_file_synced(folder / "t", refusal.bytes);
    EXPECT_THAT(message_of([&] { SafetensorsFile file(folder / "t"); }), HasSubstr(refusal.reason));
  }
}

TEST(Safetensors, SurvivesEveryTruncationAndFlippedByte) {
  const TempFolder folder;
  const std::string bytes = safetensors_bytes({{"a", at::ones({2})}, {"b", at::ones({1, 2})}});
  const auto try_read = [&](const std::string& damaged) {
    write_file_synced(folder / "t", damaged);
    try {
      const SafetensorsFile file(folder / "t");
      for (const std::string& name : file.names()) file.tensor(name).sum();
      return true;
    } catch (const DataError&) {
      return false;
    }
  };
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(try_read(bytes.substr(0, size)));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x15);
    try_read(damaged);  // either reading succeeds or a DataError says why
  }
}

}  // namespace
}  // namespace icl
