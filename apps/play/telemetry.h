// What `ondes play` and `ondes live` say about themselves once a second with --json.
//
// Control thread.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "engine/stream/stream.h"

namespace ondes {

struct PlayView {
  StreamTelemetry stream;
  std::string title;  // what is playing
  std::string voice;
  std::string device;
  double duration_s = 0.0;  // 0: without an end
  double tempo = 1.0;
  double temperature = 1.0;
  double loop_from_s = -1.0;  // negative: none
  double loop_to_s = -1.0;
  double latency_ms = 0.0;       // ring and device; live: from a key to the device
  std::int64_t late_events = 0;  // of a keyboard
  std::int64_t lost_events = 0;
  int voice_rate_hz = 0;  // 0: the stream's
  bool stopped = false;   // by hand, before the end
  bool recording = false;
  bool recording_failed = false;
  int item = 0;  // of several, from 0
  int items = 1;
  std::string waits_for;  // what is being loaded while nothing else can be heard, or by hand
  std::string message;    // the last thing worth saying
  std::string keys;       // what they do
};

// What to say when the limit of lanes has gone from `before` to `after` (0: none); nothing if it has
// not.
std::optional<std::string> lane_limit_remark(int before, int after, double position_s);
// Of two looks at a stream whose sources have limits of their own: nothing where another source has
// begun in between.
std::optional<std::string> source_limit_remark(const StreamTelemetry& before,
                                               const StreamTelemetry& after,
                                               double position_s);

// "real time", "refused", "normal".
std::string scheduling_name(RenderScheduling scheduling);
// What helps where real time was refused and sound was late; empty where it was not.
std::string scheduling_advice(RenderScheduling scheduling);

// One object: position, load, lanes, underruns, levels in dBFS (null for silence). Valid UTF-8, whatever
// the names are.
nlohmann::json telemetry_to_json(const PlayView& view, int sample_rate_hz, int channels);

}  // namespace ondes
