// The recipe that a rendered file carries: what it takes to make it again, byte for byte.
//
//   { "ondes": "0.1.0", "voice": {"path", "name", "sha256"}, "score": {"path", "sha256"},
//     "options": {...}, "isa": "avx512", "samples": 1234567 }
//
// In place of "score": "mel" or "audio", where that was rendered.
// `isa` stands there for floats only: the integer precisions give the same bytes on every machine.
// `samples` are frames at the voice's rate, before resampling. `options`: apps/render_options.h.
// Where a mel or a sound was not what the voice takes but could be brought to it,
//   "conversions": [{"field": "log", "from": "log10", "to": "ln"}, ...]
// say so; a rerender makes them again.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/file_kind.h"
#include "apps/render_options.h"

namespace ondes {

// What was done to a mel or a sound before it was played.
struct Conversion {
  std::string field;  // of the mel's contract; of sounds "sample_rate" and "channels"
  std::string from;
  std::string to;
};

nlohmann::json conversions_to_json(const std::vector<Conversion>& conversions);

struct Recipe {
  std::string version;
  std::string voice_path;  // as given, or the name it was found by
  std::string voice_name;
  std::string voice_sha256;
  FileKind input = FileKind::score;
  std::string score_path;  // or the mel's, or the sound's
  std::string score_sha256;
  RenderOptions options;
  std::string isa;
  std::int64_t samples = 0;
  std::vector<Conversion> conversions;
};

std::string recipe_to_text(const Recipe& recipe);

// Throws Error{bad_input} naming `file` and the field.
Recipe recipe_from_text(const std::string& text, const std::string& file);

// Whether an audio file's comment is meant to be a recipe.
bool looks_like_recipe(const std::string& text);

}  // namespace ondes
