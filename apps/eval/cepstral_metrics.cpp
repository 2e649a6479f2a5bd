#include <fmt/format.h>

#include <array>

#include "apps/eval/metric_group_internal.h"
#include "dsp/metrics/mel_cepstral_distortion.h"
#include "dsp/metrics/mfcc_distance.h"
#include "engine/error.h"

namespace ondes {
namespace {

enum Row { kMcd, kMcdSync, kDelay, kMcdEspnet, kMcdKubichek, kMfcc, kMfccSync };

// Parameter strings hold the rate; those of a table of metrics are for all of them.
constexpr const char* kAnyRate = "at the reference's rate";

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

MetricInfo mcd_info(const std::string& name, const std::string& profile, const char* what) {
  constexpr int kShownRateHz = 22050;
  return {.name = name,
          .label = fmt::format("Mel-cepstral distortion, {}", what),
          .unit = "dB",
          .better = Better::lower,
          .parameters = fmt::format("{}; {} (shown for {} Hz)",
                                    mcd_parameters(kShownRateHz, mcd_options(profile)), kAnyRate,
                                    kShownRateHz),
          .decimals = 3};
}

std::vector<MetricRow> rows(const EvaluationPolicies& policies) {
  const std::string mfcc = mfcc_distance_parameters(22050) + " (shown for 22050 Hz)";
  return {
      {mcd_info("mcd_db", policies.mcd_profile, "aligned")},
      {mcd_info("mcd_sync_db", policies.mcd_profile, "frame by frame")},
      {{.name = "delay_samples",
        .label = "Delay of the generated sound, taken out by the default MCD",
        .unit = "",
        .better = Better::neither,
        .parameters = "cross-correlation, at most 0.1 s; 0 where it stays below 0.5",
        .decimals = 0}},
      {mcd_info("mcd_espnet_db", "espnet", "ESPnet's"), false},
      {mcd_info("mcd_kubichek_db", "kubichek", "Kubichek's"), false},
      {{.name = "mfcc_distance_db",
        .label = "MFCC distance, aligned",
        .unit = "dB",
        .better = Better::lower,
        .parameters = mfcc + "; exact DTW"}},
      {{.name = "mfcc_distance_sync_db",
        .label = "MFCC distance, frame by frame",
        .unit = "dB",
        .better = Better::lower,
        .parameters = mfcc + "; common frames"}},
  };
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
