#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/conditioning/mel_contract.h"
#include "engine/weights/mel_contract_json.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

TEST_CASE("a contract survives JSON, every field of it") {
  MelContract contract;
  contract.sample_rate_hz = 16000;
  contract.fft_size = 512;
  contract.hop_samples = 160;
  contract.window_samples = 400;
  contract.window = MelWindow::povey;
  contract.mels = 23;
  contract.fmin_hz = 20.25;
  contract.fmax_hz = 7999.1;
  contract.scale = MelScale::kaldi;
  contract.norm = MelNorm::none;
  contract.magnitude = MelMagnitude::power;
  contract.magnitude_epsilon = 1e-7;
  contract.log = MelLog::decibel;
  contract.floor = 1.1920928955078125e-07;
  contract.padding = MelPadding::none;
  contract.top_db = 80.0;
  contract.pre_emphasis = 0.97;
  contract.removes_dc = true;
  contract.sample_scale = 32768.0;
  const std::string text = mel_contract_to_json(contract).dump();
  CHECK(mel_contract_from_json(nlohmann::json::parse(text), "v") == contract);
  // Each of them counts: magnitude_epsilon not, where both take the power.
  CHECK(mel_differences(contract, MelContract()).size() == 19);
}

TEST_CASE("wrong values are refused with file, field, expected and found") {
  const nlohmann::json good = mel_contract_to_json(MelContract());
  const auto check = [&good](const std::string& field, const nlohmann::json& value) {
    nlohmann::json features = good;
    features[field] = value;
    check_contains(message_of(ErrorCode::bad_input,
                              [&] { mel_contract_from_json(features, "v.safetensors"); }),
                   {"v.safetensors", field});
  };
  check("kind", "notes");
  check("sample_rate", 100);
  check("fft", 1023);
  check("fft", -1);
  check("hop", 0);
  check("hop", 2048);  // reflect_hop: the padding would be negative
  check("window", 2048);
  check("window_shape", "blackman");
  check("mels", 0);
  check("mels", 1e9);
  check("fmin", 8000);
  check("fmax", 11026);
  check("scale", "bark");
  check("norm", 2);
  check("magnitude", "energy");
  check("magnitude_epsilon", -1e-9);
  check("log", "log2");
  check("floor", 0);
  check("padding", "same");
  check("removes_dc", 1);
  check("dither", 0.1);
}

TEST_CASE("the log base is converted in both directions") {
  MelContract natural;
  MelContract decimal = natural;
  decimal.log = MelLog::decimal;
  MelContract decibel = natural;
  decibel.log = MelLog::decibel;
  std::vector<float> values{-11.0F, -3.0F, 0.0F, 1.5F};
  const std::vector<float> original = values;
  convert_mel(values, natural, decimal, "m");
  CHECK(values[1] == Approx(-3.0 / std::log(10.0)).epsilon(1e-6));  // float rounding
  convert_mel(values, decimal, decibel, "m");
  CHECK(values[1] == Approx(-30.0 / std::log(10.0)).epsilon(1e-6));
  convert_mel(values, decibel, natural, "m");
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(values[i] == Approx(original[i]).margin(3e-6));  // three roundings of up to 1e-6 each
  }
}

TEST_CASE("a floor is raised, and lowered only where no value stands on it") {
  MelContract low;
  low.floor = 1e-7;
  MelContract high;
  high.floor = 1e-5;
  std::vector<float> values{-16.0F, -12.0F, -3.0F};
  convert_mel(values, low, high, "m");
  const auto floor = static_cast<float>(std::log(1e-5));
  CHECK(values == std::vector<float>{floor, floor, -3.0F});
  const std::string message =
      message_of(ErrorCode::bad_input, [&] { convert_mel(values, high, low, "m.npy"); });
  check_contains(message, {"m.npy", "floor", "1e-07", "1e-05"});
  std::vector<float> above{-11.0F, -3.0F};
  convert_mel(above, high, low, "m");
  CHECK(above == std::vector<float>{-11.0F, -3.0F});
}

TEST_CASE("what cannot be converted is refused by the first field that differs") {
  MelContract voice;
  MelContract mel;
  mel.hop_samples = 300;
  mel.fmax_hz = 7600.0;
  mel.log = MelLog::decimal;
  std::vector<float> values{0.0F};
  check_contains(message_of(ErrorCode::bad_input, [&] { convert_mel(values, mel, voice, "m"); }),
                 {"'hop'", "expected 256", "found 300"});
  const auto differences = mel_differences(voice, mel);
  REQUIRE(differences.size() == 3);
  CHECK(differences[1].field == "fmax");
  CHECK(differences[2].left == "ln");
  CHECK(differences[2].right == "log10");
}
