// The two pitch tracks of a pair: imported from files of other tools, or our own pYIN.
//
// Any thread. Throws Error{io} or Error{bad_input} for imported tracks.
#pragma once
#include <span>
#include <string>

#include "dsp/pitch_track.h"
#include "dsp/pyin.h"

namespace ondes {

// Frames of 46 to 93 ms (2048 samples at 22.05 kHz, as librosa's), every 10 ms.
PyinOptions eval_pyin_options(int rate_hz);

// In words, for any rate.
std::string eval_f0_parameters();

// `folder`/`id`.csv, .txt, .f0 or .npy; with an empty folder, pYIN of the sound.
PitchTrack f0_track(std::span<const float> x,
                    int rate_hz,
                    const std::string& folder,
                    const std::string& id);

}  // namespace ondes
