// Makes a note corpus from recorded notes: a folder of sound files whose names say what they are
// (recording_names.h), or an SFZ instrument (sfz_file.h).
//
// Every file is read at its own rate, summed to mono, resampled to the corpus rate, and trimmed
// (recording_trim.h); its tuning is compared with what the name says. Files that cannot be used are
// listed with the reason, and the others make the corpus.
//
// Splits are drawn by note (instrument, pitch, velocity): all takes of a note fall on one side. A
// split whose share is above zero gets one note at least, where there are three. A test note's
// neighbour is the recording of the same pitch with the nearest other velocity, where there is one;
// it is taken out of training.
//
// Set-up thread. Throws Error{io} if the recordings are not there, Error{bad_input} if none can be
// used, Error{usage} if an option makes no sense.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "models/training/note_corpus.h"
#include "models/training/note_split.h"

namespace ondes {

struct RecordingsCorpusSpec {
  std::filesystem::path recordings;  // a folder (searched with those in it), or a .sfz file
  std::string licence;
  // As the files name them, in the voice's order; an SFZ is the one that is listed.
  std::vector<CorpusInstrument> instruments;
  int sample_rate_hz = 24000;
  double longest_s = 8.0;  // of a note; what follows is left out
  SplitShares shares = {0.08, 0.05};
  std::uint64_t seed = 1;
};

struct RecordingsReport {
  struct Remark {
    std::string file;
    std::string text;
  };
  int notes = 0;
  std::vector<Remark> left_out;      // files and regions, with the reason
  std::vector<Remark> warnings;      // used all the same: out of tune by more than 30 cents
  std::vector<std::string> ignored;  // SFZ opcodes without effect
};

// progress(done, total) is called after every file.
RecordingsReport make_recordings_corpus(const RecordingsCorpusSpec& spec,
                                        const std::filesystem::path& folder,
                                        const std::function<void(int, int)>& progress);

}  // namespace ondes
