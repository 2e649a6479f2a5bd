// What is said where a voice has made samples that are no finite numbers, rendered or played: its
// weights let the network diverge, or the device that computes it has failed.
//
// Any thread but the audio's.
#pragma once
#include <fmt/format.h>

#include <string>

#include "engine/error.h"
#include "engine/finite.h"

namespace ondes {

// `failure`: the machine's own words (LaneRunner::failure()). Error{no_device} where there are any,
// Error{bad_input} where not: then it is the voice.
inline Error broken_voice_error(const std::string& voice, double at_s, const std::string& failure) {
  const std::string what =
      fmt::format("the voice {} made samples that are no finite numbers at {:.1f} s", voice, at_s);
  return failure.empty() ? Error(ErrorCode::bad_input, what)
                         : Error(ErrorCode::no_device, what + ": " + failure);
}

// Throws it, with the input's name in front, unless the block's samples are finite. `position`: of
// the block's first frame. `Runner`: has failure().
template <typename Runner>
void require_finite(ConstFrames block,
                    double position,
                    int rate_hz,
                    const std::string& input,
                    const std::string& voice,
                    const Runner& runner) {
  const int finite = finite_frames(block);
  if (finite < block.frames()) {
    const Error error = broken_voice_error(voice, (position + finite) / rate_hz, runner.failure());
    throw Error(error.code(), input + ": " + error.what());
  }
}

}  // namespace ondes
