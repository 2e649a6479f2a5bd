#include "models/registry.h"

#include <array>
#include <string_view>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/wavenet/wavenet.h"

namespace ondes {
namespace {

struct ModelRow {
  std::string_view architecture;
  StepPlan (*compile)(const VoiceFile& voice);
};

constexpr std::array<ModelRow, 1> kModels{{
    {"wavenet", compile_wavenet},
}};

}  // namespace

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const ModelRow& model : kModels) {
    names.emplace_back(model.architecture);
  }
  return names;
}

StepPlan compile_step_plan(const VoiceFile& voice) {
  std::string known;
  for (const ModelRow& model : kModels) {
    if (voice.architecture == model.architecture) {
      return model.compile(voice);
    }
    known += (known.empty() ? "" : ", ") + std::string(model.architecture);
  }
  throw Error(ErrorCode::bad_input, voice.weights.name +
                                        ": field 'architecture': expected one of " + known +
                                        ", found " + quote(voice.architecture));
}

}  // namespace ondes
