#include "models/registry.h"

#include <array>
#include <nlohmann/json.hpp>
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

// One of the two compilers is there; `speakers` counts them where a model may have several.
struct ModelRow {
  std::string_view architecture;
  LanePlan (*compile_lane)(const VoiceFile& voice) = nullptr;
  BlockPlan (*compile_block)(const VoiceFile& voice, int speaker) = nullptr;
  int (*speakers)(const VoiceFile& voice) = nullptr;
  std::optional<BlockPlan> (*compile_upsampling)(const VoiceFile& voice) = nullptr;
};

LanePlan lane_of_wavenet(const VoiceFile& voice) {
  return compile_wavenet(voice);
}

LanePlan lane_of_note_generator(const VoiceFile& voice) {
  return compile_note_generator(voice);
}

BlockPlan block_of_hifigan(const VoiceFile& voice, int speaker) {
  return compile_hifigan(voice, speaker);
}

template <BlockPlan (*compile)(const VoiceFile&)>
BlockPlan block_without_speakers(const VoiceFile& voice, int /*speaker*/) {
  return compile(voice);
}

int speakers_of_hifigan(const VoiceFile& voice) {
  return hifigan_config_from_json(voice.description->at("config"), voice.weights.name).speakers;
}

constexpr std::array<ModelRow, 5> kModels{{
    {"hifigan", nullptr, block_of_hifigan, speakers_of_hifigan},
    {"nam_lstm", nullptr, block_without_speakers<compile_nam_lstm>},
    {"nam_wavenet", nullptr, block_without_speakers<compile_nam_wavenet>},
    {"note_generator", lane_of_note_generator},
    {"wavenet", lane_of_wavenet, nullptr, nullptr, compile_wavenet_upsampling},
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

BlockPlan compile_block_plan(const VoiceFile& voice, int speaker) {
  const ModelRow& model = find_model(voice);
  if (model.compile_block == nullptr) {
    refuse_architecture(voice, "one that makes a block a call");
  }
  return model.compile_block(voice, speaker);
}

std::optional<BlockPlan> compile_upsampling(const VoiceFile& voice) {
  const ModelRow& model = find_model(voice);
  return model.compile_upsampling == nullptr ? std::nullopt : model.compile_upsampling(voice);
}

int speaker_count(const VoiceFile& voice) {
  const ModelRow& model = find_model(voice);
  return model.speakers == nullptr ? 0 : model.speakers(voice);
}

}  // namespace ondes
