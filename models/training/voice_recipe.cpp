#include "models/training/voice_recipe.h"

#include <cmath>
#include <limits>

#include "engine/files/json_fields.h"
#include "engine/weights/voice_file.h"

namespace ondes {
namespace {

constexpr int kMaxCount = std::numeric_limits<int>::max();

NoteBatchOptions batch_options(JsonFields& t, const WavenetConfig& network) {
  NoteBatchOptions b;
  b.segments = t.integer("segments", 1, 4096, b.segments);
  b.segment_samples = t.integer("segment_samples", 1, 1 << 24, b.segment_samples);
  b.onset_share = t.number("onset_share", 0.0, 1.0, b.onset_share);
  b.release_share = t.number("release_share", 0.0, 1.0, b.release_share);
  b.quietest_rms = std::pow(10.0, t.number("quietest_dbfs", -200.0, 0.0, -200.0) / 20.0);
  b.input_noise = t.number("input_noise", 0.0, 1.0, b.input_noise);
  b.input_gain_deviation = t.number("input_gain_deviation", 0.0, 1.0, b.input_gain_deviation);
  b.context_samples = 0;
  for (const int dilation : network.dilations) {
    b.context_samples += (network.taps - 1) * dilation;
  }
  if (b.segment_samples <= b.context_samples) {
    t.refuse("segment_samples",
             "more than the receptive field of " + std::to_string(b.context_samples) + " samples",
             std::to_string(b.segment_samples));
  }
  return b;
}

TrainingOptions training_options(JsonFields t, const WavenetConfig& network) {
  TrainingOptions o;
  o.steps = t.integer("steps", 1, kMaxCount);
  o.seed = static_cast<std::uint64_t>(t.integer("seed", 0, kMaxCount, 1));
  o.learning_rate = t.number("learning_rate", 0.0, 1e38, o.learning_rate);
  o.final_learning_rate = t.number("final_learning_rate", 0.0, 1e38, o.final_learning_rate);
  o.warmup_steps = t.integer("warmup_steps", 0, kMaxCount, static_cast<int>(o.warmup_steps));
  o.gradient_clip = t.number("gradient_clip", 0.0, 1e38, o.gradient_clip);
  o.ema_decay = t.number("ema_decay", 0.0, 1.0, o.ema_decay);
  o.validate_every = t.integer("validate_every", 1, kMaxCount, static_cast<int>(o.validate_every));
  o.validation_batches = t.integer("validation_batches", 1, 1 << 20, o.validation_batches);
  o.batches = batch_options(t, network);
  o.batches.seed = o.seed;
  t.refuse_unknown();
  return o;
}

}  // namespace

VoiceRecipe voice_recipe_from_json(const nlohmann::json& json, const std::string& file) {
  VoiceRecipe recipe;
  recipe.source = json;
  JsonFields fields(json, file);
  recipe.name = fields.text("name");
  recipe.licence = fields.text("licence");
  recipe.temperature = fields.number("temperature", 0.0, 4.0, recipe.temperature);
  recipe.contract = note_contract_from_json(fields.object("features"), file);
  recipe.network = wavenet_config_from_json(fields.object("network"), file);
  if (fields.has("level")) {
    JsonFields level(fields.object("level"), file + ": level");
    recipe.level.steps = level.integer("steps", 1, kMaxCount, recipe.level.steps);
    recipe.level.batch_rows = level.integer("batch_rows", 1, 1 << 24, recipe.level.batch_rows);
    recipe.level.learning_rate =
        level.number("learning_rate", 0.0, 1e38, recipe.level.learning_rate);
    level.refuse_unknown();
  }
  recipe.training =
      training_options(JsonFields(fields.object("training"), file + ": training"), recipe.network);
  // For others: ondes-train reads "corpus" where it makes one, people read how a voice came about.
  if (fields.has("corpus")) {
    fields.object("corpus");
  }
  fields.text("history", "");
  fields.text("comment", "");
  fields.refuse_unknown();
  return recipe;
}

}  // namespace ondes
