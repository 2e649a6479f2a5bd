#include "apps/eval/f0_tracks.h"
#include "apps/eval/metric_group_internal.h"
#include "dsp/metrics/f0_metrics.h"
#include "dsp/metrics/melody_metrics.h"

namespace ondes {
namespace {

enum Row {
  kRmse,
  kBias,
  kVuvError,
  kGpe,
  kFfe,
  kVoicingF1,
  kCorrelation,
  kPitchAccuracy,
  kChromaAccuracy,
  kOverallAccuracy
};

MetricRow row(const char* name, const char* label, const char* unit, Better better, bool must) {
  return {{.name = name,
           .label = label,
           .unit = unit,
           .better = better,
           .parameters = {},
           .decimals = *unit == 'c' ? 2 : 4},
          must};
}

std::string track_parameters(const EvaluationPolicies& policies) {
  const bool ours = policies.f0_reference_folder.empty() || policies.f0_generated_folder.empty();
  std::string text = ours ? eval_f0_parameters() : "";
  if (!policies.f0_reference_folder.empty()) {
    text += (text.empty() ? "" : "; ") + std::string("reference's tracks imported");
  }
  if (!policies.f0_generated_folder.empty()) {
    text += (text.empty() ? "" : "; ") + std::string("generated sounds' tracks imported");
  }
  return text;
}

std::vector<MetricRow> rows(const MetricSetting& setting) {
  std::vector<MetricRow> rows{
      row("f0_rmse_cents", "F0 error (RMS)", "cents", Better::lower, true),
      row("f0_bias_cents", "F0, generated - reference", "cents", Better::neither, false),
      row("f0_vuv_error", "Voicing errors", "", Better::lower, true),
      row("f0_gpe", "Gross pitch errors (20 %)", "", Better::lower, true),
      row("f0_ffe", "F0 frame errors", "", Better::lower, true),
      row("f0_vuv_f1", "Voicing F1", "", Better::higher, true),
      row("f0_correlation", "F0 correlation", "", Better::higher, false),
      row("melody_rpa", "Raw pitch accuracy", "", Better::higher, true),
      row("melody_rca", "Raw chroma accuracy", "", Better::higher, true),
      row("melody_oa", "Overall melody accuracy", "", Better::higher, true),
  };
  const std::string tracks = track_parameters(setting.policies);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].info.parameters = tracks + (i >= kPitchAccuracy ? "; mir_eval.melody, 50 cents" : "");
  }
  rows[kRmse].info.parameters += "; frames voiced in both";
  return rows;
}

void measure(const MetricInput& input, std::span<MetricValue> values) {
  const SoundPair& sounds = input.sounds;
  const PitchTrack reference =
      f0_track(sounds.reference, sounds.rate_hz, input.policies.f0_reference_folder, input.id);
  const PitchTrack generated =
      f0_track(sounds.generated, sounds.rate_hz, input.policies.f0_generated_folder, input.id);
  const F0Metrics f0 = f0_metrics(reference, generated);
  values[kRmse] = f0.rmse_cents;
  values[kBias] = f0.bias_cents;
  values[kVuvError] = f0.vuv_error;
  values[kGpe] = f0.gpe;
  values[kFfe] = f0.ffe;
  values[kVoicingF1] = f0.voicing_f1;
  values[kCorrelation] = f0.correlation;
  const MelodyMetrics melody = melody_metrics(reference, generated);
  values[kPitchAccuracy] = melody.raw_pitch_accuracy;
  values[kChromaAccuracy] = melody.raw_chroma_accuracy;
  values[kOverallAccuracy] = melody.overall_accuracy;
}

}  // namespace

const MetricGroup kPitchMetrics{rows, measure};

}  // namespace ondes
