#include "models/mel_analysis.h"

namespace ondes {
namespace {

// The enumerations name the same things in the same order.
template <typename To, typename From>
constexpr To same(From value) {
  return static_cast<To>(value);
}

using Scale = MelBankConfig::Scale;
using Norm = MelBankConfig::Norm;
using Window = MelConfig::Window;
using Magnitude = MelConfig::Magnitude;
using Log = MelConfig::Log;
using Padding = MelConfig::Padding;

static_assert(same<Scale>(MelScale::slaney) == Scale::slaney &&
              same<Scale>(MelScale::htk) == Scale::htk &&
              same<Scale>(MelScale::kaldi) == Scale::kaldi);
static_assert(same<Norm>(MelNorm::none) == Norm::none &&
              same<Norm>(MelNorm::slaney) == Norm::slaney);
static_assert(same<Window>(MelWindow::hann) == Window::hann &&
              same<Window>(MelWindow::hamming) == Window::hamming &&
              same<Window>(MelWindow::povey) == Window::povey);
static_assert(same<Magnitude>(MelMagnitude::amplitude) == Magnitude::amplitude &&
              same<Magnitude>(MelMagnitude::power) == Magnitude::power);
static_assert(same<Log>(MelLog::natural) == Log::natural &&
              same<Log>(MelLog::decimal) == Log::decimal &&
              same<Log>(MelLog::decibel) == Log::decibel);
static_assert(same<Padding>(MelPadding::none) == Padding::none &&
              same<Padding>(MelPadding::centre_zero) == Padding::centre_zero &&
              same<Padding>(MelPadding::centre_reflect) == Padding::centre_reflect &&
              same<Padding>(MelPadding::reflect_hop) == Padding::reflect_hop);

}  // namespace

MelConfig mel_config_of(const MelContract& contract) {
  MelConfig config;
  config.bank.sample_rate_hz = contract.sample_rate_hz;
  config.bank.fft_size = contract.fft_size;
  config.bank.mels = contract.mels;
  config.bank.fmin_hz = contract.fmin_hz;
  config.bank.fmax_hz = contract.fmax_hz;
  config.bank.scale = same<Scale>(contract.scale);
  config.bank.norm = same<Norm>(contract.norm);
  config.hop_samples = contract.hop_samples;
  config.window_samples = contract.window_samples;
  config.window = same<Window>(contract.window);
  config.magnitude = same<Magnitude>(contract.magnitude);
  config.magnitude_epsilon = contract.magnitude_epsilon;
  config.log = same<Log>(contract.log);
  config.floor = contract.floor;
  config.padding = same<Padding>(contract.padding);
  config.top_db = contract.top_db;
  config.pre_emphasis = contract.pre_emphasis;
  config.removes_dc = contract.removes_dc;
  config.sample_scale = contract.sample_scale;
  return config;
}

MelContract mel_contract_of(const MelConfig& config) {
  MelContract contract;
  contract.sample_rate_hz = config.bank.sample_rate_hz;
  contract.fft_size = config.bank.fft_size;
  contract.mels = config.bank.mels;
  contract.fmin_hz = config.bank.fmin_hz;
  contract.fmax_hz = config.bank.fmax_hz;
  contract.scale = same<MelScale>(config.bank.scale);
  contract.norm = same<MelNorm>(config.bank.norm);
  contract.hop_samples = config.hop_samples;
  contract.window_samples = config.window_samples;
  contract.window = same<MelWindow>(config.window);
  contract.magnitude = same<MelMagnitude>(config.magnitude);
  contract.magnitude_epsilon = config.magnitude_epsilon;
  contract.log = same<MelLog>(config.log);
  contract.floor = config.floor;
  contract.padding = same<MelPadding>(config.padding);
  contract.top_db = config.top_db;
  contract.pre_emphasis = config.pre_emphasis;
  contract.removes_dc = config.removes_dc;
  contract.sample_scale = config.sample_scale;
  return contract;
}

}  // namespace ondes
