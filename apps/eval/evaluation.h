// What `ondes eval` found: plain data that tables, files, gates and the report are made of.
//
// One Evaluation holds one system, or two of the same references (--compare). All systems have the
// same metrics, in the same order; PairResult::values and System::summaries run parallel to
// Evaluation::metrics. A number that could not be measured is no number: `value` is empty and
// `reason` says why. NaN and infinity never appear.
//
// Any thread: nothing here has behaviour beyond its default values.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsp/metrics/measured.h"

namespace ondes {

// What is done to two sounds that do not fit each other. Every result carries it.
struct EvaluationPolicies {
  enum class RateMismatch { resample, refuse };  // the generated one goes to the reference's rate
  enum class Channels { mix, refuse };           // the mean of all channels, or mono only
  enum class Trim { none, silence };             // both ends, each sound by itself
  enum class Align { none, delay };              // one integer delay by cross-correlation

  RateMismatch rate_mismatch = RateMismatch::resample;
  Channels channels = Channels::mix;
  Trim trim = Trim::none;
  double trim_below_peak_db = 60.0;  // frames quieter than this below the loudest are silence
  Align align = Align::none;
  double max_delay_s = 0.5;
  std::string mcd_profile = "default";
  std::string f0_reference_folder;  // imported tracks, <id>.csv|.txt|.npy; "": our own pYIN
  std::string f0_generated_folder;
  // WORLD's power envelopes, <id>.npy [frames, bins], for the MCD profiles that need them.
  std::string envelopes_reference_folder;
  std::string envelopes_generated_folder;
};

enum class Better { lower, higher, neither };  // neither: it describes, it does not rank

struct MetricInfo {
  std::string name;   // "mcd_db": the key in CSV, JSON and gates; its unit is in the name
  std::string label;  // "Mel-cepstral distortion"
  std::string unit;   // "dB"; "" for pure numbers
  Better better = Better::lower;
  std::string parameters;  // everything the number depends on, in one line
  int decimals = 3;        // for people
};

// A number, or the reason why there is none.
struct MetricValue : Measured {
  std::string parameters;  // where they are not those of the run's MetricInfo; else ""

  MetricValue() = default;
  MetricValue(double number)
      : Measured(number) {}  // NOLINT(google-explicit-constructor): it is one
  MetricValue(Measured measured)
      : Measured(std::move(measured)) {}  // NOLINT(google-explicit-constructor): it is one
  static MetricValue none(std::string why) { return Measured::none(std::move(why)); }
};

// A file as it was found, before any policy touched it.
struct SoundInfo {
  std::string path;
  int rate_hz = 0;  // 0: a score
  int channels = 0;
  std::int64_t frames = 0;
  std::int64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  // since the epoch; with the size it tells whether to measure again
  std::string format;            // for people: "WAV (Microsoft), Signed 16 bit PCM"

  double duration_s() const {
    return rate_hz > 0 ? static_cast<double>(frames) / static_cast<double>(rate_hz) : 0.0;
  }
};

struct PairResult {
  std::string id;  // the stem's path below the folders: "speaker1/clip3"
  SoundInfo reference;
  SoundInfo generated;
  std::vector<std::string> notes;   // what the policies did: "generated: resampled from 24000 Hz"
  std::vector<MetricValue> values;  // empty if `failure` is not
  std::string failure;              // why the pair could not be measured at all; "" if it could
  double elapsed_s = 0.0;
};

// Over the pairs that have a value.
struct MetricSummary {
  std::int64_t count = 0;
  std::int64_t unmeasured = 0;  // pairs measured, but not this
  // Empty where `count` is 0; sd and the interval where it is 1.
  std::optional<double> mean;
  std::optional<double> median;
  std::optional<double> sd;
  std::optional<double> mean_low;  // 95 % bootstrap interval of the mean
  std::optional<double> mean_high;
  std::optional<double> min;
  std::optional<double> max;
};

struct System {
  std::string name;  // the path as given
  std::vector<PairResult> pairs;
  std::vector<MetricSummary> summaries;
  // Ids of one side only; the files that were not paired.
  std::vector<std::string> only_in_reference;
  std::vector<std::string> only_in_generated;
};

// Second system minus first, over the pairs that both have.
struct PairedDifference {
  std::int64_t count = 0;
  std::optional<double> mean;
  std::optional<double> mean_low;
  std::optional<double> mean_high;
  // Of the systems, over these pairs: their difference is `mean`.
  std::optional<double> first_mean;
  std::optional<double> second_mean;
  // 0 or 1: the system that is better, where the interval leaves 0 out; -1: not told apart.
  int better_system = -1;
};

struct GateResult {
  std::string text;  // as given: "mcd<5.0"
  bool passed = false;
  std::vector<std::string> broken_by;  // "clip3: 6.2 dB", "clip7: not measured: silent"
};

struct Evaluation {
  std::string reference;  // the path as given
  std::string version;    // of ondes
  std::string date;       // ISO 8601, UTC
  EvaluationPolicies policies;
  std::uint64_t bootstrap_seed = 0;
  int bootstrap_resamples = 0;
  std::vector<MetricInfo> metrics;
  std::vector<System> systems;                // 1, or 2 with --compare
  std::vector<PairedDifference> differences;  // as metrics with two systems, else empty
  std::vector<GateResult> gates;
};

}  // namespace ondes
