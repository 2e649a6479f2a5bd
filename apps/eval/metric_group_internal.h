// A group of metrics that share their work: what it measures, and how. One file a group.
//
// Pure functions: any thread.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/eval/evaluation.h"
#include "apps/eval/sound_pair.h"
#include "dsp/note_event.h"
#include "engine/error.h"

namespace ondes {

// Sounds against sounds, or renders against their scores.
enum class MetricKind { sounds, scores };

struct MetricInput {
  const SoundPair& sounds;
  const EvaluationPolicies& policies;
  const std::string& id;                      // of the pair: imported tracks carry its name
  std::vector<std::string>* notes = nullptr;  // gets what a reader of the numbers should know
  std::span<const NoteEvent> score = {};      // of renders: then there is no reference sound
  std::vector<int> outputs = {};              // of the group's rows; -1: its value is not wanted

  // What is not wanted need not be computed.
  bool any_wanted(std::initializer_list<int> rows) const {
    return std::any_of(rows.begin(), rows.end(), [this](int row) {
      return outputs.empty() || outputs[static_cast<std::size_t>(row)] >= 0;
    });
  }
};

struct MetricRow {
  MetricInfo info;
  bool must = true;  // part of --metrics must
};

// A row that is part of --metrics must.
inline MetricRow must_row(const char* name,
                          const char* label,
                          const char* unit,
                          Better better,
                          int decimals,
                          std::string parameters) {
  return {{.name = name,
           .label = label,
           .unit = unit,
           .better = better,
           .parameters = std::move(parameters),
           .decimals = decimals}};
}

// Measured of sounds and of renders alike.
inline constexpr const char* kTruePeakParameters =
    "four times oversampled, ITU-R BS.1770-4, of the mono mix";
inline constexpr const char* kClippedParameters =
    "runs of 3 or more equal samples at the extreme, within 6 dB of full scale";

// What parameter strings are written for.
struct MetricSetting {
  MetricKind kind = MetricKind::sounds;
  EvaluationPolicies policies;
  int rate_hz = 22050;  // of the first reference; values at another rate carry their own
};

struct MetricGroup {
  std::vector<MetricRow> (*rows)(const MetricSetting& setting);
  // `values` runs parallel to rows(). What it throws is the reason of every value: what can fail by
  // itself stands in a measure_rows() of its own.
  void (*measure)(const MetricInput& input, std::span<MetricValue> values);
};

// Calls `measure_them` if any of `rows` is wanted; an Error that it throws is the reason of those
// rows, and of no others.
template <typename Measure>
void measure_rows(const MetricInput& input,
                  std::initializer_list<int> rows,
                  std::span<MetricValue> values,
                  const Measure& measure_them) {
  if (!input.any_wanted(rows)) {
    return;
  }
  try {
    measure_them();
  } catch (const Error& error) {
    for (const int row : rows) {
      values[static_cast<std::size_t>(row)] = MetricValue::none(error.what());
    }
  }
}

// In the order in which they are shown.
std::span<const MetricGroup> metric_groups(MetricKind kind);

extern const MetricGroup kCepstralMetrics;
extern const MetricGroup kLevelMetrics;
extern const MetricGroup kPitchMetrics;
extern const MetricGroup kScoreMetrics;
extern const MetricGroup kSpectralMetrics;
extern const MetricGroup kWaveMetrics;

}  // namespace ondes
