// A group of metrics that share their work: what it measures, and how. One file a group.
//
// Pure functions: any thread.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"
#include "apps/eval/sound_pair.h"
#include "dsp/note_event.h"

namespace ondes {

// Sounds against sounds, or renders against their scores.
enum class MetricKind { sounds, scores };

struct MetricInput {
  const SoundPair& sounds;
  const EvaluationPolicies& policies;
  const std::string& id;                      // of the pair: imported tracks carry its name
  std::vector<std::string>* notes = nullptr;  // gets what was measured otherwise than stated
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

// What parameter strings are written for.
struct MetricSetting {
  MetricKind kind = MetricKind::sounds;
  EvaluationPolicies policies;
  int rate_hz = 22050;  // of the first reference; pairs of another rate say so in their notes
};

struct MetricGroup {
  std::vector<MetricRow> (*rows)(const MetricSetting& setting);
  // `values` runs parallel to rows(). May throw Error, which then is the reason of every value.
  void (*measure)(const MetricInput& input, std::span<MetricValue> values);
};

// In the order in which they are shown.
std::span<const MetricGroup> metric_groups(MetricKind kind);

extern const MetricGroup kCepstralMetrics;
extern const MetricGroup kLevelMetrics;
extern const MetricGroup kPitchMetrics;
extern const MetricGroup kScoreMetrics;
extern const MetricGroup kSpectralMetrics;
extern const MetricGroup kWaveMetrics;

}  // namespace ondes
