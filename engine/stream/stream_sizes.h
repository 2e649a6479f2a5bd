// How large a stream's blocks and its lead should be for a wanted latency.
//
//   block = the power of two nearest below a quarter of the latency, 32 to 1024 frames
//   ahead = the latency, but at least what the device takes at once + a block + three times what
//           the render thread needed for its slowest block
//
// Pure arithmetic; any thread.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>

namespace ondes {

struct StreamSizes {
  int block_frames = 256;
  int ahead_frames = 2048;
};

struct StreamDemand {
  double latency_ms = 100.0;  // wanted between rendering and the device
  int sample_rate_hz = 48000;
  int device_frames = 0;         // what the device takes at once; 0: unknown
  double slowest_block_s = 0.0;  // measured; 0: unknown
};

inline StreamSizes stream_sizes(const StreamDemand& demand) {
  const double wanted =
      std::clamp(demand.latency_ms, 1.0, 10'000.0) * 1.0e-3 * demand.sample_rate_hz;
  StreamSizes sizes;
  sizes.block_frames = static_cast<int>(
      std::bit_floor(static_cast<unsigned>(std::clamp(wanted / 4.0, 32.0, 1024.0))));
  const int least =
      demand.device_frames + sizes.block_frames +
      static_cast<int>(std::ceil(3.0 * demand.slowest_block_s * demand.sample_rate_hz));
  sizes.ahead_frames =
      std::max({static_cast<int>(std::lround(wanted)), least, 2 * sizes.block_frames});
  return sizes;
}

}  // namespace ondes
