#include "apps/play/telemetry.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace ondes {
namespace {

nlohmann::json decibels(float peak) {
  return peak > 0.0F ? nlohmann::json(20.0 * std::log10(static_cast<double>(peak)))
                     : nlohmann::json();
}

}  // namespace

nlohmann::json telemetry_to_json(const PlayView& view, int sample_rate_hz, int channels) {
  const StreamTelemetry& stream = view.stream;
  nlohmann::json peaks = nlohmann::json::array();
  for (int c = 0; c < channels; ++c) {
    peaks.push_back(decibels(stream.peak[static_cast<std::size_t>(c)]));
  }
  return {
      {"title", view.title},
      {"item", view.item},
      {"voice", view.voice},
      {"position_s", stream.position_s},
      {"duration_s", view.duration_s},
      {"played_frames", stream.played_frames},
      {"device_frames", stream.device_frames},
      {"rate", sample_rate_hz},
      {"underruns", stream.underruns},
      {"missing_frames", stream.missing_frames},
      {"load", stream.load},
      {"worst_load", stream.worst_load},
      {"ahead_ms", 1000.0 * stream.ahead_frames / sample_rate_hz},
      {"latency_ms", view.latency_ms},
      {"lanes", stream.source.lanes_now},
      {"lanes_max", stream.source.lanes_limit},
      {"lane_limit", stream.lane_limit == 0 ? nlohmann::json() : nlohmann::json(stream.lane_limit)},
      {"notes", stream.source.notes},
      {"stolen_notes", stream.source.stolen_notes},
      {"late_events", view.late_events},
      {"lost_events", view.lost_events},
      {"peak_dbfs", peaks},
      {"tempo", view.tempo},
      {"temperature", view.temperature},
      {"realtime_priority", stream.has_priority},
      {"paused", stream.paused},
      {"finished", stream.finished}};
}

}  // namespace ondes
