#include <fmt/format.h>

#include <array>

#include "apps/eval/metric_group_internal.h"
#include "dsp/metrics/mel_cepstral_distortion.h"
#include "dsp/metrics/mfcc_distance.h"
#include "engine/error.h"

namespace ondes {
namespace {

enum Row { kMcd, kMcdSync, kDelay, kMcdEspnet, kMcdKubichek, kMfcc, kMfccSync };

McdOptions mcd_options(const std::string& profile) {
  const std::optional<McdProfile> found = mcd_profile(profile);
  if (!found) {
    throw Error(ErrorCode::usage, fmt::format("--mcd-profile: expected one of {}, found {}",
                                              fmt::join(mcd_profile_names(), ", "), profile));
  }
  if (mcd_profile_needs_envelopes(*found)) {
    throw Error(ErrorCode::usage, "--mcd-profile " + profile +
                                      ": that profile needs WORLD's envelopes, which ondes eval "
                                      "does not make; default, espnet and kubichek do not");
  }
  McdOptions options;
  options.profile = *found;
  return options;
}

// A profile that does not have the rate says so instead of its parameters; its values will too.
std::string parameters_text(int rate_hz, const McdOptions& options) {
  try {
    return fmt::format("{} Hz: {}", rate_hz, mcd_parameters(rate_hz, options));
  } catch (const Error& error) {
    return error.what();
  }
}

MetricRow mcd_row(const MetricSetting& setting,
                  const std::string& name,
                  const std::string& profile,
                  const std::string& what) {
  return {{.name = name,
           .label = "Mel-cepstral distortion, " + what,
           .unit = "dB",
           .better = Better::lower,
           .parameters = parameters_text(setting.rate_hz, mcd_options(profile))}};
}

std::vector<MetricRow> rows(const MetricSetting& setting) {
  const std::string mfcc = mfcc_distance_parameters(setting.rate_hz);
  const std::string& profile = setting.policies.mcd_profile;
  std::vector<MetricRow> all{
      mcd_row(setting, "mcd_db", profile, "as the profile aligns"),
      mcd_row(setting, "mcd_sync_db", profile, "frame by frame"),
      {{.name = "delay_samples",
        .label = "Delay of the generated sound, taken out by the default MCD",
        .unit = "",
        .better = Better::neither,
        .parameters = "cross-correlation, at most 0.1 s; 0 where it stays below 0.5",
        .decimals = 0}},
      mcd_row(setting, "mcd_espnet_db", "espnet", "as ESPnet prints it"),
      mcd_row(setting, "mcd_kubichek_db", "kubichek", "Kubichek's"),
      {{.name = "mfcc_distance_db",
        .label = "MFCC distance, aligned",
        .unit = "dB",
        .better = Better::lower,
        .parameters = mfcc}},
      {{.name = "mfcc_distance_sync_db",
        .label = "MFCC distance, frame by frame",
        .unit = "dB",
        .better = Better::lower,
        .parameters = mfcc + "; frame by frame instead, over common frames"}},
  };
  all[kMcdEspnet].must = false;
  all[kMcdKubichek].must = false;
  return all;
}

// A reason of one profile is none of the others'.
MelCepstralDistortion distortion(const SoundPair& sounds, const std::string& profile) {
  try {
    return mel_cepstral_distortion(sounds.reference, sounds.generated, sounds.rate_hz,
                                   mcd_options(profile));
  } catch (const Error& error) {
    MelCepstralDistortion none;
    none.value_db = none.dtw_db = none.synchronous_db = MetricValue::none(error.what());
    return none;
  }
}

void measure(const MetricInput& input, std::span<MetricValue> values) {
  const SoundPair& sounds = input.sounds;
  if (input.any_wanted({kMcd, kMcdSync, kDelay})) {
    const MelCepstralDistortion mcd = distortion(sounds, input.policies.mcd_profile);
    values[kMcd] = mcd.value_db;
    values[kMcdSync] = mcd.synchronous_db;
    values[kDelay] = mcd.value_db.value && input.policies.mcd_profile == "default"
                         ? MetricValue(static_cast<double>(mcd.delay_samples))
                         : MetricValue::none("only the default profile takes a delay out");
  }
  if (input.any_wanted({kMcdEspnet})) {
    values[kMcdEspnet] = distortion(sounds, "espnet").value_db;
  }
  if (input.any_wanted({kMcdKubichek})) {
    values[kMcdKubichek] = distortion(sounds, "kubichek").value_db;
  }
  if (input.any_wanted({kMfcc, kMfccSync})) {
    const MfccDistance mfcc = mfcc_distance(sounds.reference, sounds.generated, sounds.rate_hz);
    values[kMfcc] = mfcc.dtw_db;
    values[kMfccSync] = mfcc.synchronous_db;
  }
}

}  // namespace

const MetricGroup kCepstralMetrics{rows, measure};

}  // namespace ondes
