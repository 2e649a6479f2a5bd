// What `ondes play` and `ondes live` both look at while they play, and what they say of it.
//
// Control thread.
#pragma once
#include <string>
#include <vector>

#include "apps/play/recorder.h"
#include "apps/play/telemetry.h"
#include "engine/stream/stream.h"

namespace ondes {

// The stream and the recording (null: none is made) as they are now, into the view. Returns what is
// worth saying of the change: what helps where real-time scheduling was refused and sound was late;
// that a recording has ended (a full disk ends the recording, not the sound).
std::vector<std::string> look_at_stream(Stream& stream, const Recorder* recorder, PlayView& view);

// Where a voice broke (Stream::broken_voice()), and playing came so far: throws what
// apps/broken_voice.h says. After Stream::stop().
enum class BreakTime { of_source, of_stream };
void check_voice(const Stream& stream, const PlayView& view, BreakTime time);

// A line of JSON on standard output.
void print_telemetry(const PlayView& view, int sample_rate_hz);

}  // namespace ondes
