#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "dsp/mel_filterbank.h"
#include "engine/error.h"

using namespace ondes;

namespace {

MelBankConfig small() {
  return {.sample_rate_hz = 8000, .fft_size = 64, .mels = 5, .fmin_hz = 100.0, .fmax_hz = 3900.0};
}

}  // namespace

TEST_CASE("the sparse bank does what its full matrix does") {
  for (const auto scale :
       {MelBankConfig::Scale::slaney, MelBankConfig::Scale::htk, MelBankConfig::Scale::kaldi}) {
    MelBankConfig config = small();
    config.scale = scale;
    const MelFilterbank bank(config);
    const std::vector<float> full = bank.dense();
    std::vector<float> spectrum(static_cast<std::size_t>(bank.bins() + MelFilterbank::kStep), 1e9F);
    for (int k = 0; k < bank.bins(); ++k) {
      spectrum[static_cast<std::size_t>(k)] = 1.0F + static_cast<float>(k * k % 17);
    }
    std::vector<float> bands(5);
    bank.apply(spectrum, bands);
    for (std::size_t m = 0; m < 5; ++m) {
      double sum = 0.0;
      for (std::size_t k = 0; k < 33; ++k) {
        sum += static_cast<double>(full[m * 33 + k]) * static_cast<double>(spectrum[k]);
      }
      CHECK(bands[m] == Approx(sum).epsilon(1e-6));  // float sums of a dozen terms
    }
  }
}

TEST_CASE("without norm, neighbouring triangles over frequency add up to 1 between their peaks") {
  MelBankConfig config = small();
  config.norm = MelBankConfig::Norm::none;
  const std::vector<float> full = MelFilterbank(config).dense();
  // From the first peak (470 Hz) to the last (2663 Hz).
  for (std::size_t k = 4; k <= 21; ++k) {
    float sum = 0.0F;
    for (std::size_t m = 0; m < 5; ++m) {
      sum += full[m * 33 + k];
    }
    CHECK(sum == Approx(1.0).epsilon(1e-6));  // float rounding of two weights
  }
}

TEST_CASE("Slaney's norm gives every band the same area in hertz") {
  MelBankConfig config = small();
  config.fft_size = 8192;  // fine bins, so that the sum is the area
  const MelFilterbank bank(config);
  const std::vector<float> full = bank.dense();
  for (std::size_t m = 0; m < 5; ++m) {
    double area = 0.0;
    for (std::size_t k = 0; k < 4097; ++k) {
      area += static_cast<double>(full[m * 4097 + k]) * 8000.0 / 8192.0;
    }
    CHECK(area == Approx(1.0).epsilon(1e-3));  // a peak between bins: (1 Hz / 500 Hz)^2 at most
  }
}

TEST_CASE("bands narrower than a bin are counted and read zero") {
  MelBankConfig config = small();
  config.mels = 40;
  const MelFilterbank bank(config);
  CHECK(bank.empty_bands() > 0);
  CHECK(MelFilterbank(small()).empty_bands() == 0);
  std::vector<float> bands(40, std::numeric_limits<float>::quiet_NaN());
  bank.apply(std::vector<float>(static_cast<std::size_t>(33 + MelFilterbank::kStep), 1.0F), bands);
  int zeros = 0;
  for (const float band : bands) {
    zeros += band == 0.0F ? 1 : 0;
  }
  CHECK(zeros == bank.empty_bands());
}

TEST_CASE("numbers that make no sense are refused") {
  const auto refused = [](auto change) {
    MelBankConfig config = small();
    change(config);
    CHECK_THROWS_AS(MelFilterbank(config), Error);
  };
  refused([](MelBankConfig& c) { c.sample_rate_hz = 0; });
  refused([](MelBankConfig& c) { c.fft_size = 63; });
  refused([](MelBankConfig& c) { c.mels = 0; });
  refused([](MelBankConfig& c) { c.fmin_hz = -1.0; });
  refused([](MelBankConfig& c) { c.fmin_hz = c.fmax_hz; });
  refused([](MelBankConfig& c) { c.fmax_hz = 4001.0; });
  refused([](MelBankConfig& c) { c.fmax_hz = std::nan(""); });
}
