#include <catch2/catch.hpp>

#include "engine/weights/mel_contract_json.h"
#include "models/mel_analysis.h"

using namespace ondes;

TEST_CASE("a contract and its analysis say the same, every field, for every profile") {
  MelContract contract;
  contract.sample_rate_hz = 16000;
  contract.fft_size = 512;
  contract.hop_samples = 160;
  contract.window_samples = 400;
  contract.window = MelWindow::hamming;
  contract.mels = 23;
  contract.fmin_hz = 20.25;
  contract.fmax_hz = 7999.1;
  contract.scale = MelScale::htk;
  contract.norm = MelNorm::none;
  contract.magnitude = MelMagnitude::power;
  contract.magnitude_epsilon = 1e-7;
  contract.log = MelLog::decibel;
  contract.floor = 1e-7;
  contract.padding = MelPadding::none;
  contract.top_db = 80.0;
  contract.pre_emphasis = 0.97;
  contract.removes_dc = true;
  contract.sample_scale = 32768.0;
  CHECK(mel_contract_of(mel_config_of(contract)) == contract);
  for (const std::string& name : mel_profile_names()) {
    const MelContract profile = mel_contract_of(*mel_profile(name));
    CHECK_NOTHROW(validate(profile, name));
    CHECK(mel_contract_of(mel_config_of(profile)) == profile);
  }
}

TEST_CASE("the default contract is HiFi-GAN's profile") {
  CHECK(mel_contract_of(*mel_profile("hifigan")) == MelContract());
}
