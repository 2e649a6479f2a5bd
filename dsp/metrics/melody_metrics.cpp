#include "dsp/metrics/melody_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/error.h"

namespace ondes {

namespace {

constexpr double kCentsBaseHz = 10.0;

// Cents over kCentsBaseHz, 0 where there is no pitch; a voiced frame always has one.
struct Series {
  std::vector<double> times_s;
  std::vector<double> cents;
  std::vector<bool> voiced;

  void add(double time_s, double hz) {
    times_s.push_back(time_s);
    cents.push_back(hz == 0.0 ? 0.0 : 1200.0 * std::log2(std::abs(hz) / kCentsBaseHz));
    voiced.push_back(hz > 0.0);
  }
};

Series series_of(const PitchTrack& track, const char* name) {
  if (track.times_s.size() != track.hz.size()) {
    throw Error(ErrorCode::bad_input, std::string("melody metrics: ") + name +
                                          ": expected a time for each frequency, found " +
                                          std::to_string(track.times_s.size()) + " and " +
                                          std::to_string(track.hz.size()));
  }
  Series series;
  for (std::size_t i = 0; i < track.hz.size(); ++i) {
    const bool ordered = i == 0 ? track.times_s[0] >= 0.0 : track.times_s[i] > track.times_s[i - 1];
    if (!ordered || !std::isfinite(track.times_s[i]) || !std::isfinite(track.hz[i])) {
      throw Error(ErrorCode::bad_input, std::string("melody metrics: ") + name + ", frame " +
                                            std::to_string(i) +
                                            ": expected a later time from 0 on and a finite "
                                            "frequency, found " +
                                            std::to_string(track.times_s[i]) + " s and " +
                                            std::to_string(track.hz[i]) + " Hz");
    }
    if (i == 0 && track.times_s[0] > 0.0) {
      series.add(0.0, track.hz[0]);  // what begins late is held to have begun at 0
    }
    series.add(track.times_s[i], track.hz[i]);
  }
  return series;
}

// Times computed in two ways are to be one.
double rounded(double time_s) {
  return std::nearbyint(time_s * 1e10) / 1e10;
}

// numpy.allclose of the two time axes.
bool same_times(const std::vector<double>& times_s, const std::vector<double>& other_s) {
  return std::equal(
      times_s.begin(), times_s.end(), other_s.begin(), other_s.end(),
      [](double x, double y) { return std::abs(x - y) <= 1e-8 + 1e-5 * std::abs(y); });
}

// `series` at other times: pitch linear, drawn on unchanged through frames without one; whether
// there is a pitch and a voice as at the last frame.
Series drawn_at(const Series& series, const std::vector<double>& new_times_s) {
  if (same_times(series.times_s, new_times_s)) {
    return series;
  }
  std::vector<double> times_s;
  for (const double time_s : series.times_s) {
    times_s.push_back(rounded(time_s));
  }
  std::vector<double> cents = series.cents;
  std::vector<bool> voiced = series.voiced;
  if (rounded(new_times_s.back()) > times_s.back()) {
    times_s.push_back(rounded(new_times_s.back()));
    cents.push_back(0.0);
    voiced.push_back(false);
  }
  std::vector<double> held = cents;
  for (std::size_t i = 1; i < held.size(); ++i) {
    held[i] = cents[i] == 0.0 ? held[i - 1] : held[i];
  }
  Series drawn;
  drawn.times_s = new_times_s;
  for (const double new_time_s : new_times_s) {
    const double time_s = rounded(new_time_s);
    const auto after = std::upper_bound(times_s.begin(), times_s.end(), time_s);
    const auto at =
        static_cast<std::size_t>(std::max<std::ptrdiff_t>(after - times_s.begin() - 1, 0));
    double value = held[at];
    if (at + 1 < times_s.size()) {
      const double slope = (held[at + 1] - held[at]) / (times_s[at + 1] - times_s[at]);
      value = slope * (time_s - times_s[at]) + held[at];
    }
    drawn.cents.push_back(cents[at] == 0.0 ? 0.0 : value);
    drawn.voiced.push_back(voiced[at]);
  }
  return drawn;
}

Measured ratio(std::int64_t part, std::int64_t whole, const char* reason) {
  return whole == 0 ? Measured::none(reason)
                    : Measured(static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

MelodyMetrics melody_metrics(const PitchTrack& reference,
                             const PitchTrack& estimate,
                             double tolerance_cents) {
  if (!(tolerance_cents > 0.0)) {
    throw Error(ErrorCode::usage, "melody metrics: expected a positive tolerance, found " +
                                      std::to_string(tolerance_cents) + " cents");
  }
  const Series r = series_of(reference, "reference");
  const Series estimated = series_of(estimate, "estimate");
  if (r.times_s.empty() || estimated.times_s.empty()) {
    const Measured none = Measured::none(
        r.times_s.empty() ? "the reference's track has no frames: a sound shorter than one"
                          : "the estimate's track has no frames: a sound shorter than one");
    return {none, none, none, none, none};
  }
  const Series e = drawn_at(estimated, r.times_s);
  std::int64_t voiced = 0;
  std::int64_t recalled = 0;
  std::int64_t false_alarms = 0;
  std::int64_t right_pitch = 0;
  std::int64_t right_chroma = 0;
  std::int64_t right = 0;
  const auto frames = std::ssize(r.cents);
  for (std::size_t t = 0; t < r.cents.size(); ++t) {
    const double distance = std::abs(r.cents[t] - e.cents[t]);
    const bool pitched = r.cents[t] != 0.0 && e.cents[t] != 0.0;
    const bool near = pitched && distance < tolerance_cents;
    const double octaves = 1200.0 * std::floor(distance / 1200.0 + 0.5);
    const bool near_chroma = pitched && std::abs(distance - octaves) < tolerance_cents;
    if (r.voiced[t]) {
      ++voiced;
      recalled += e.voiced[t] ? 1 : 0;
      right_pitch += near ? 1 : 0;
      right_chroma += near_chroma ? 1 : 0;
      right += e.voiced[t] && near ? 1 : 0;
    } else {
      false_alarms += e.voiced[t] ? 1 : 0;
      right += e.voiced[t] ? 0 : 1;
    }
  }
  constexpr const char* kNoVoice = "the reference has no voiced frame";
  MelodyMetrics metrics;
  metrics.voicing_recall = ratio(recalled, voiced, kNoVoice);
  metrics.voicing_false_alarm =
      ratio(false_alarms, frames - voiced, "the reference has no unvoiced frame");
  metrics.raw_pitch_accuracy = ratio(right_pitch, voiced, kNoVoice);
  metrics.raw_chroma_accuracy = ratio(right_chroma, voiced, kNoVoice);
  metrics.overall_accuracy = static_cast<double>(right) / static_cast<double>(frames);
  return metrics;
}

}  // namespace ondes
