#include "models/registry.h"

#include <array>
#include <string_view>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/hifigan/hifigan.h"
#include "models/nam/nam_lstm.h"
#include "models/nam/nam_wavenet.h"
#include "models/note_generator/note_generator.h"
#include "models/wavenet/wavenet.h"

namespace ondes {
namespace {

// One of the two is there.
struct ModelRow {
  std::string_view architecture;
  LanePlan (*compile_lane)(const VoiceFile& voice);
  BlockPlan (*compile_block)(const VoiceFile& voice);
};

LanePlan lane_of_wavenet(const VoiceFile& voice) {
  return compile_wavenet(voice);
}

LanePlan lane_of_note_generator(const VoiceFile& voice) {
  return compile_note_generator(voice);
}

BlockPlan compile_first_speaker(const VoiceFile& voice) {
  return compile_hifigan(voice);
}

constexpr std::array<ModelRow, 5> kModels{{
    {"hifigan", nullptr, compile_first_speaker},
    {"nam_lstm", nullptr, compile_nam_lstm},
    {"nam_wavenet", nullptr, compile_nam_wavenet},
    {"note_generator", lane_of_note_generator, nullptr},
    {"wavenet", lane_of_wavenet, nullptr},
}};

[[noreturn]] void refuse_architecture(const VoiceFile& voice, const std::string& expected) {
  throw Error(ErrorCode::bad_input, voice.weights.name + ": field 'architecture': expected " +
                                        expected + ", found " + quote(voice.architecture));
}

const ModelRow& find_model(const VoiceFile& voice) {
  std::string known;
  for (const ModelRow& model : kModels) {
    if (voice.architecture == model.architecture) {
      return model;
    }
    known += (known.empty() ? "" : ", ") + std::string(model.architecture);
  }
  refuse_architecture(voice, "one of " + known);
}

}  // namespace

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const ModelRow& model : kModels) {
    names.emplace_back(model.architecture);
  }
  return names;
}

bool is_block_voice(const VoiceFile& voice) {
  return find_model(voice).compile_block != nullptr;
}

LanePlan compile_lane_plan(const VoiceFile& voice) {
  const ModelRow& model = find_model(voice);
  if (model.compile_lane == nullptr) {
    refuse_architecture(voice, "one that plays notes");
  }
  return model.compile_lane(voice);
}

StepPlan compile_step_plan(const VoiceFile& voice) {
  LanePlan plan = compile_lane_plan(voice);
  if (!std::holds_alternative<StepPlan>(plan)) {
    refuse_architecture(voice, "one that makes a sample a step");
  }
  return std::get<StepPlan>(std::move(plan));
}

BlockPlan compile_block_plan(const VoiceFile& voice) {
  const ModelRow& model = find_model(voice);
  if (model.compile_block == nullptr) {
    refuse_architecture(voice, "one that makes a block a call");
  }
  return model.compile_block(voice);
}

}  // namespace ondes
