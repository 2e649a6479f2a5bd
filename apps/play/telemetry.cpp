#include "apps/play/telemetry.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace ondes {
namespace {

// The name of a file may be any bytes; JSON is UTF-8. What is none becomes U+FFFD.
nlohmann::json utf8(const std::string& text) {
  return nlohmann::json::parse(
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

nlohmann::json decibels(float peak) {
  return peak > 0.0F ? nlohmann::json(20.0 * std::log10(static_cast<double>(peak)))
                     : nlohmann::json();
}

}  // namespace

std::optional<std::string> lane_limit_remark(int before, int after, double position_s) {
  if (after == before) {
    return std::nullopt;
  }
  if (after == 0) {
    return fmt::format("the load is low again: as many notes at once as before, from {:.1f} s on",
                       position_s);
  }
  return before == 0 || after < before
             ? fmt::format("the load was too high: at most {} notes at once from {:.1f} s on",
                           after, position_s)
             : fmt::format("the load is lower: up to {} notes at once again from {:.1f} s on",
                           after, position_s);
}

std::optional<std::string> source_limit_remark(const StreamTelemetry& before,
                                               const StreamTelemetry& after,
                                               double position_s) {
  return before.source_number == after.source_number
             ? lane_limit_remark(before.lane_limit, after.lane_limit, position_s)
             : std::nullopt;
}

std::string scheduling_name(RenderScheduling scheduling) {
  switch (scheduling) {
    case RenderScheduling::real_time:
      return "real time";
    case RenderScheduling::refused:
      return "refused";
    case RenderScheduling::as_everything:
      break;
  }
  return "normal";
}

std::string scheduling_advice(RenderScheduling scheduling) {
  return scheduling == RenderScheduling::refused
             ? "the render thread was refused real-time scheduling: a line `@audio - rtprio 95` in "
               "/etc/security/limits.conf allows it to the members of the group audio"
             : "";
}

nlohmann::json telemetry_to_json(const PlayView& view, int sample_rate_hz, int channels) {
  const StreamTelemetry& stream = view.stream;
  nlohmann::json peaks = nlohmann::json::array();
  for (int c = 0; c < channels; ++c) {
    peaks.push_back(decibels(stream.peak[static_cast<std::size_t>(c)]));
  }
  return {
      {"title", utf8(view.title)},
      {"item", view.item},
      {"voice", utf8(view.voice)},
      {"position_s", stream.position_s},
      {"duration_s", view.duration_s},
      {"played_frames", stream.played_frames},
      {"device_frames", stream.device_frames},
      {"rate", sample_rate_hz},
      {"voice_rate", view.voice_rate_hz == 0 ? sample_rate_hz : view.voice_rate_hz},
      {"underruns", stream.underruns},
      {"missing_frames", stream.missing_frames},
      {"silenced_frames", stream.silenced_frames},
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
      {"realtime_priority", stream.scheduling == RenderScheduling::real_time},
      {"scheduling", scheduling_name(stream.scheduling)},
      {"recording", !view.recording         ? nlohmann::json()
                    : view.recording_failed ? nlohmann::json("failed")
                                            : nlohmann::json("on")},
      {"waits_for", view.waits_for.empty() ? nlohmann::json() : utf8(view.waits_for)},
      {"paused", stream.paused},
      {"finished", stream.finished}};
}

}  // namespace ondes
