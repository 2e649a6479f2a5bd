// What every analysis of whole signals asks of the rows it writes, and its form that makes them.
//
// Shapes: T frames, C numbers a frame.  out (T,C)
// Any thread. Throw Error{usage}; `analysis` begins the message.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/views.h"

namespace ondes {

inline void require_rows(const char* analysis, ConstFrames out, std::int64_t frames, int channels) {
  if (out.frames() != frames || out.channels() != channels) {
    throw Error(ErrorCode::usage,
                std::string(analysis) + ": output: expected " + std::to_string(frames) +
                    " frames of " + std::to_string(channels) + ", found " +
                    std::to_string(out.frames()) + " of " + std::to_string(out.channels()));
  }
}

// New rows, filled by `write(rows)`.
template <typename Write>
std::vector<float> written_rows(const char* analysis,
                                std::int64_t frames,
                                int channels,
                                const Write& write) {
  if (frames > std::numeric_limits<int>::max()) {
    throw Error(ErrorCode::usage,
                std::string(analysis) + ": signal: expected fewer than 2^31 frames");
  }
  std::vector<float> values(static_cast<std::size_t>(frames) * static_cast<std::size_t>(channels));
  write(Frames(values.data(), static_cast<int>(frames), channels));
  return values;
}

}  // namespace ondes
