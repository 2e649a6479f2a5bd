// Nothing but finite numbers reaches a device.
//
// From the first frame on that holds NaN or an infinity, a block becomes silence, with the seam of an
// underrun: the last good frame decays, and the next good block fades in. Good samples between good
// samples pass untouched, bit for bit.
//
// Render thread; nothing allocates.
#pragma once
#include <algorithm>

#include "engine/finite.h"
#include "engine/realtime.h"
#include "engine/stream/seam.h"
#include "engine/views.h"

namespace ondes {

class SoundGuard {
 public:
  explicit SoundGuard(int sample_rate_hz) : seam_(sample_rate_hz) {}

  // Returns the frames that became silence.
  int pass(Frames block) noexcept ONDES_REALTIME {
    if (block.empty()) {
      return 0;
    }
    const int good = finite_frames(block);
    for (int t = good; t < block.frames(); ++t) {
      std::fill_n(block[t].data(), block.channels(), 0.0F);
    }
    const bool breaks = good < block.frames() && (good > 0 || !silent_);  // not again in silence
    seam_.apply(block, good, false, breaks);
    silent_ = good < block.frames();
    return block.frames() - good;
  }
  // What came before is not heard.
  void reset() noexcept ONDES_REALTIME {
    seam_.reset();
    silent_ = false;
  }

 private:
  Seam seam_;
  bool silent_ = false;
};

}  // namespace ondes
