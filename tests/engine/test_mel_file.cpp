#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/files/atomic_file.h"
#include "engine/files/npy.h"
#include "engine/weights/mel_contract_json.h"
#include "engine/weights/mel_file.h"
#include "engine/weights/safetensors.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

constexpr int kMels = 3;

MelContract small_contract() {
  MelContract contract;
  contract.mels = kMels;
  return contract;
}

// Value m + 10 t in band m of frame t, frames first.
Mel small_mel(std::int64_t frames) {
  Mel mel;
  mel.mels = kMels;
  mel.frames = frames;
  for (std::int64_t t = 0; t < frames; ++t) {
    for (int m = 0; m < kMels; ++m) {
      mel.values.push_back(static_cast<float>(m) + 10.0F * static_cast<float>(t));
    }
  }
  mel.contract = small_contract();
  return mel;
}

std::vector<std::byte> npy_of(std::vector<std::int64_t> shape, std::vector<float> values) {
  return write_npy(std::span<const float>(values), shape);
}

std::vector<float> bands_first(const Mel& mel) {
  std::vector<float> values;
  for (int m = 0; m < kMels; ++m) {
    for (std::int64_t t = 0; t < mel.frames; ++t) {
      values.push_back(mel.values[static_cast<std::size_t>(t * kMels + m)]);
    }
  }
  return values;
}

std::string refusal(const std::vector<std::byte>& bytes) {
  return message_of(ErrorCode::bad_input, [&bytes] { parse_mel_npy(bytes, kMels, "m.npy"); });
}

}  // namespace

TEST_CASE("[mels, frames], [1, mels, frames] and [frames, mels] hold the same mel") {
  const Mel mel = small_mel(4);
  for (const auto& bytes : {npy_of({3, 4}, bands_first(mel)), npy_of({1, 3, 4}, bands_first(mel)),
                            npy_of({4, 3}, mel.values), write_mel_npy(mel)}) {
    const Mel read = parse_mel_npy(bytes, kMels, "m.npy");
    CHECK(read.frames == 4);
    CHECK(read.mels == kMels);
    CHECK(read.values == mel.values);
    CHECK_FALSE(read.contract.has_value());
  }
}

TEST_CASE("a square array is refused, and may be told apart by a leading 1") {
  const Mel mel = small_mel(3);
  check_contains(refusal(npy_of({3, 3}, bands_first(mel))),
                 {"m.npy", "either way round", "[1, 3, 3]"});
  CHECK(parse_mel_npy(npy_of({1, 3, 3}, bands_first(mel)), kMels, "m.npy").values == mel.values);
}

TEST_CASE("other shapes are refused with what was expected and found") {
  const std::vector<float> values(20, 1.0F);
  check_contains(refusal(npy_of({4, 5}, values)), {"[3, frames]", "[4, 5]"});
  check_contains(refusal(npy_of({20}, values)), {"[20]"});
  check_contains(refusal(npy_of({2, 2, 5}, values)), {"[2, 2, 5]"});
  check_contains(refusal(npy_of({1, 4, 3}, std::vector<float>(12, 0.0F))), {"transposed"});
  check_contains(refusal(npy_of({3, 0}, {})), {"at least one frame"});
}

TEST_CASE("NaN and infinities are refused with frame and band") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Mel mel = small_mel(4);
    mel.values[2 * kMels + 1] = bad;
    check_contains(refusal(write_mel_npy(mel)), {"m.npy", "finite", "frame 2", "band 1"});
    CHECK_THROWS_AS(parse_mel_safetensors(write_mel_safetensors(mel), "m"), Error);
  }
}

TEST_CASE("a safetensors mel carries its contract") {
  Mel mel = small_mel(4);
  mel.contract->log = MelLog::decimal;
  mel.contract->fmax_hz = 7600.5;
  const Mel read = parse_mel_safetensors(write_mel_safetensors(mel), "m");
  CHECK(read.values == mel.values);
  CHECK(read.contract == mel.contract);
}

TEST_CASE("a safetensors mel without a contract, or not of its shape, is refused") {
  const auto tensor = tensor_from_floats(std::vector<float>(12, 0.0F), {4, 3});
  const std::string described =
      nlohmann::json{{"schema", 1}, {"features", mel_contract_to_json(small_contract())}}.dump();
  const auto refused = [](const std::vector<std::byte>& bytes) {
    return message_of(ErrorCode::bad_input, [&] { parse_mel_safetensors(bytes, "m.st"); });
  };
  check_contains(refused(write_safetensors({}, {{"mel", tensor}})), {"m.st", "contract"});
  check_contains(refused(write_safetensors({{"ondes", described}}, {{"mel", tensor}})),
                 {"m.st", "[3, 3]", "[4, 3]"});
  check_contains(refused(write_safetensors({{"ondes", described}}, {})), {"no such tensor"});
}

TEST_CASE("a file is held to the voice's contract: converted where exact, else refused by field") {
  const TemporaryFolder folder;
  Mel mel = small_mel(4);
  write_file_atomically(folder.file("m.npy"), write_mel_npy(mel));
  write_file_atomically(folder.file("m.safetensors"), write_mel_safetensors(mel));
  MelContract voice = small_contract();
  CHECK(open_mel(folder.file("m.npy"), voice).values == mel.values);
  CHECK(open_mel(folder.file("m.safetensors"), voice).values == mel.values);
  voice.log = MelLog::decimal;
  const Mel decimal = open_mel(folder.file("m.safetensors"), voice);
  CHECK(decimal.contract == voice);
  for (std::size_t i = 0; i < mel.values.size(); ++i) {
    CHECK(decimal.values[i] == Approx(mel.values[i] / std::log(10.0)).margin(1e-6));  // rounding
  }
  voice.fmax_hz = 7600.0;
  check_contains(
      message_of(ErrorCode::bad_input, [&] { open_mel(folder.file("m.safetensors"), voice); }),
      {"m.safetensors", "fmax", "7600", "8000"});
  write_file_atomically(folder.file("m.wav"), std::vector<std::byte>(44, std::byte{'R'}));
  check_contains(message_of(ErrorCode::bad_input, [&] { open_mel(folder.file("m.wav"), voice); }),
                 {"m.wav"});
  message_of(ErrorCode::io, [&] { open_mel(folder.file("none.npy"), voice); });
}
