#include <fmt/format.h>

#include <filesystem>

#include "apps/eval/metric_group_internal.h"
#include "dsp/metrics/mel_cepstral_distortion.h"
#include "dsp/metrics/mfcc_distance.h"
#include "engine/error.h"
#include "engine/files/mapped_file.h"
#include "engine/files/npy.h"

namespace ondes {
namespace {

enum Row { kMcd, kMcdSync, kDelay, kMcdEspnet, kMcdKubichek, kMfcc, kMfccSync };

McdOptions mcd_options(const std::string& profile) {
  const std::optional<McdProfile> found = mcd_profile(profile);
  if (!found) {
    throw Error(ErrorCode::usage, fmt::format("--mcd-profile: expected one of {}, found {}",
                                              fmt::join(mcd_profile_names(), ", "), profile));
  }
  McdOptions options;
  options.profile = *found;
  return options;
}

void refuse_missing_envelopes(const EvaluationPolicies& policies) {
  const bool needed = mcd_profile_needs_envelopes(mcd_options(policies.mcd_profile).profile);
  if (needed && (policies.envelopes_reference_folder.empty() ||
                 policies.envelopes_generated_folder.empty())) {
    throw Error(
        ErrorCode::usage,
        fmt::format("--mcd-profile {}: expected --envelopes-ref and --envelopes-gen, folders "
                    "of WORLD's power envelopes (PAIR.npy, [frames, bins]), which ondes "
                    "eval does not make; default, espnet and kubichek do without",
                    policies.mcd_profile));
  }
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
  refuse_missing_envelopes(setting.policies);
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

struct Envelopes {
  std::vector<float> power;
  int frames = 0;
  int bins = 0;
  ConstFrames view() const { return {power.data(), frames, bins}; }
};

Envelopes read_envelopes(const std::string& folder, const std::string& id) {
  constexpr std::int64_t kMostFrames = std::int64_t{1} << 24;
  constexpr std::int64_t kMostBins = 65537;
  const std::string path = (std::filesystem::path(folder) / (id + ".npy")).string();
  const MappedFile file(path);
  const NpyArray array = parse_npy(file.bytes(), path);
  if (array.shape.size() != 2 || array.shape[0] > kMostFrames || array.shape[1] > kMostBins) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: shape: expected [frames, bins], found {}",
                                                  path, npy_shape_text(array.shape)));
  }
  return {npy_floats(array), static_cast<int>(array.shape[0]), static_cast<int>(array.shape[1])};
}

MelCepstralDistortion distortion_of(const MetricInput& input, const std::string& profile) {
  const McdOptions options = mcd_options(profile);
  if (mcd_profile_needs_envelopes(options.profile)) {
    const EvaluationPolicies& policies = input.policies;
    const Envelopes reference = read_envelopes(policies.envelopes_reference_folder, input.id);
    const Envelopes generated = read_envelopes(policies.envelopes_generated_folder, input.id);
    return mel_cepstral_distortion_of_envelopes(reference.view(), generated.view(), options);
  }
  const SoundPair& sounds = input.sounds;
  return mel_cepstral_distortion(sounds.reference, sounds.generated, sounds.rate_hz, options);
}

// A long pair is aligned within a band, which the table of a run does not state.
void stamp(MetricValue& value, int rate_hz, const std::string& parameters) {
  if (value.value) {
    value.parameters = fmt::format("{} Hz: {}", rate_hz, parameters);
  }
}

MetricValue delay_of(const MelCepstralDistortion& mcd, const std::string& profile) {
  if (profile != "default") {
    return MetricValue::none("only the default profile takes a delay out, this is " + profile);
  }
  if (!mcd.value_db.value) {
    return MetricValue::none(mcd.value_db.reason);
  }
  return static_cast<double>(mcd.delay_samples);
}

void measure_distortion(const MetricInput& input, std::span<MetricValue> values) {
  const std::string& profile = input.policies.mcd_profile;
  const MelCepstralDistortion mcd = distortion_of(input, profile);
  values[kMcd] = mcd.value_db;
  values[kMcdSync] = mcd.synchronous_db;
  values[kDelay] = delay_of(mcd, profile);
  if (mcd.parameters != mcd_parameters(input.sounds.rate_hz, mcd_options(profile))) {
    stamp(values[kMcd], input.sounds.rate_hz, mcd.parameters);
    stamp(values[kMcdSync], input.sounds.rate_hz, mcd.parameters);
  }
}

void measure(const MetricInput& input, std::span<MetricValue> values) {
  const SoundPair& sounds = input.sounds;
  measure_rows(input, {kMcd, kMcdSync, kDelay}, values, [&] { measure_distortion(input, values); });
  measure_rows(input, {kMcdEspnet}, values,
               [&] { values[kMcdEspnet] = distortion_of(input, "espnet").value_db; });
  measure_rows(input, {kMcdKubichek}, values,
               [&] { values[kMcdKubichek] = distortion_of(input, "kubichek").value_db; });
  measure_rows(input, {kMfcc, kMfccSync}, values, [&] {
    const MfccDistance mfcc = mfcc_distance(sounds.reference, sounds.generated, sounds.rate_hz);
    values[kMfcc] = mfcc.dtw_db;
    values[kMfccSync] = mfcc.synchronous_db;
    if (mfcc.dtw_db.value && mfcc.parameters != mfcc_distance_parameters(sounds.rate_hz)) {
      values[kMfcc].parameters = mfcc.parameters;
    }
  });
}

}  // namespace

const MetricGroup kCepstralMetrics{rows, measure};

}  // namespace ondes
