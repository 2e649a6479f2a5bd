// What a mel or audio voice is fed with, frame by frame: a mel file, a sound file analysed into a
// mel on the way, or a sound file itself.
//
// Sounds are summed to mono (the mean of the channels) and brought to the voice's rate first; that
// is reported. Constant memory but for mel files, and for contracts whose top_db needs the whole.
// One thread.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apps/file_kind.h"
#include "apps/recipe.h"
#include "apps/voices.h"
#include "engine/views.h"

namespace ondes {

class FeatureSource {
 public:
  virtual ~FeatureSource() = default;
  // Fills up to out.frames() frames and returns how many; fewer than asked for only at the end.
  // Throws as the file's reader does.
  virtual int read(Frames out) = 0;
  // All of them; for sounds whose file does not say its length, an estimate of 0.
  virtual std::int64_t frames() const = 0;
  // What was done to the input to make it what the voice takes.
  virtual std::vector<Conversion> conversions() const { return {}; }
  // What else the report should say.
  virtual std::vector<std::string> remarks() const { return {}; }
};

// Throws Error{bad_input} where the input is not what the voice takes, naming what it takes; for a
// mel of another contract, the field.
std::unique_ptr<FeatureSource> open_features(const Voice& voice,
                                             const std::string& path,
                                             FileKind kind);

}  // namespace ondes
