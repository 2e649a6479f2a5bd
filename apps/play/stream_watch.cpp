#include "apps/play/stream_watch.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/broken_voice.h"

namespace ondes {
namespace {

constexpr int kChannels = 2;

}  // namespace

std::vector<std::string> look_at_stream(Stream& stream, const Recorder* recorder, PlayView& view) {
  std::vector<std::string> remarks;
  const bool was_late = view.stream.underruns > 0;
  view.stream = stream.telemetry();
  if (!was_late && view.stream.underruns > 0) {
    if (const std::string advice = scheduling_advice(view.stream.scheduling); !advice.empty()) {
      remarks.push_back(advice);
    }
  }
  view.recording = recorder != nullptr;
  if (view.recording && !view.recording_failed) {
    if (const std::optional<std::string> failure = recorder->failure()) {
      view.recording_failed = true;
      remarks.push_back(fmt::format("the recording has ended, playing goes on: {}", *failure));
    }
  }
  return remarks;
}

void check_voice(const Stream& stream, const PlayView& view, BreakTime time) {
  const std::optional<BrokenVoice> broken = stream.broken_voice();
  if (broken && view.stream.broken) {
    throw broken_voice_error(broken->name,
                             time == BreakTime::of_source ? broken->position_s : broken->stream_s,
                             broken->failure);
  }
}

void print_telemetry(const PlayView& view, int sample_rate_hz) {
  std::fputs((telemetry_to_json(view, sample_rate_hz, kChannels).dump() + "\n").c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace ondes
