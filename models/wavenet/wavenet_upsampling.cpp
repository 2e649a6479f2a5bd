#include "models/wavenet/wavenet_upsampling.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/mel_contract_json.h"
#include "models/wavenet/wavenet.h"

namespace ondes {
namespace {

using Kind = WavenetUpsampling::Kind;

constexpr std::size_t kMaxStages = 16;
constexpr int kMaxTaps = 65536;
// Written out for all bands; without this bound a small file could ask for gigabytes.
constexpr std::size_t kMaxFilter = std::size_t{1} << 24U;
constexpr const char* kKey = "upsampling";
const std::vector<std::string> kKindNames{"context", "stretch", "transposed"};

std::string stage_name(std::size_t stage, const char* tensor = "") {
  return "upsample." + std::to_string(stage) + tensor;
}

void require_odd(const JsonFields& fields, const char* key, int value) {
  if (value % 2 == 0) {
    fields.refuse(key, "an odd number", std::to_string(value));
  }
}

WavenetUpsampling stage_from_json(const nlohmann::json& object, const std::string& where) {
  JsonFields fields(object, where);
  WavenetUpsampling stage;
  stage.kind = static_cast<Kind>(fields.choice("kind", kKindNames));
  if (stage.kind != Kind::context) {
    stage.rate = fields.integer("rate", 1, kMaxHopSamples);
  }
  if (stage.kind == Kind::stretch) {
    stage.taps = 2 * stage.rate + 1;
    stage.bands = fields.integer("bands", 1, kMaxTaps, 1);
    stage.slope = static_cast<float>(fields.number("slope", 0.0, 1.0, 1.0));
    require_odd(fields, "bands", stage.bands);
  } else {
    stage.taps = fields.integer("taps", stage.rate, kMaxTaps);
  }
  if (stage.kind == Kind::context) {
    require_odd(fields, "taps", stage.taps);
  }
  fields.refuse_unknown();
  return stage;
}

// Its memory, and the plan while it grows.
class Compiler {
 public:
  Compiler(const SafetensorsFile& file, std::map<std::string, std::vector<std::int64_t>> shapes)
      : file_(file), shapes_(std::move(shapes)) {
    storage_->file = file.storage;
  }

  BlockPlan compile(const std::vector<WavenetUpsampling>& stages, int mels, int rate_hz) {
    plan_.sample_rate_hz = rate_hz;
    BlockValueId x = value("mel", mels);
    plan_.inputs = {x};
    for (std::size_t i = 0; i < stages.size(); ++i) {
      switch (stages[i].kind) {
        case Kind::context:
          x = context(i, stages[i], x);
          break;
        case Kind::stretch:
          x = stretch(i, stages[i], x);
          break;
        case Kind::transposed:
          x = transposed(i, stages[i], x);
          break;
      }
    }
    plan_.output = x;
    plan_.storage = storage_;
    validate(plan_);
    return std::move(plan_);
  }

 private:
  struct Storage {
    std::shared_ptr<const void> file;
    std::deque<std::vector<float>> made;  // a deque: growing must not move what spans point to
  };

  BlockValueId value(const std::string& name, int channels) {
    plan_.values.push_back({channels, {rate_, 1}, name});
    return static_cast<BlockValueId>(plan_.values.size()) - 1;
  }
  int channels(BlockValueId id) const {
    return plan_.values[static_cast<std::size_t>(id)].channels;
  }
  std::span<const float> tensor(const std::string& name) const {
    return require_f32(file_, name, shapes_.at(name));
  }

  BlockValueId context(std::size_t i, const WavenetUpsampling& stage, BlockValueId x) {
    BlockConv op;
    op.input = x;
    op.taps = stage.taps;
    op.pad_left = op.pad_right = (stage.taps - 1) / 2;
    op.padding = BlockPadding::replicate;
    op.weights = tensor(stage_name(i, ".weight"));
    op.to.output = value(stage_name(i), channels(x));
    plan_.ops.emplace_back(op);
    return op.to.output;
  }

  BlockValueId stretch(std::size_t i, const WavenetUpsampling& stage, BlockValueId x) {
    const int bands = channels(x);
    BlockTransposedConv repeat;
    repeat.input = x;
    repeat.taps = repeat.stride = stage.rate;
    repeat.groups = bands;
    repeat.weights =
        storage_->made.emplace_back(static_cast<std::size_t>(bands * stage.rate), 1.0F);
    rate_ *= stage.rate;
    repeat.to.output = value(stage_name(i, ".stretch"), bands);
    plan_.ops.emplace_back(repeat);

    BlockConv smooth;
    smooth.input = repeat.to.output;
    smooth.taps = stage.taps;
    smooth.pad_left = smooth.pad_right = stage.rate;
    smooth.groups = stage.bands == 1 ? bands : 1;
    smooth.weights = storage_->made.emplace_back(filter(i, stage, bands));
    if (stage.slope == 1.0F) {
      smooth.to.output = value(stage_name(i), bands);
    } else {
      smooth.to.map.kind = MapKind::leaky_relu;
      smooth.to.map.slope = stage.slope;
      smooth.to.mapped = value(stage_name(i), bands);
    }
    plan_.ops.emplace_back(smooth);
    return stage.slope == 1.0F ? smooth.to.output : smooth.to.mapped;
  }

  // The filter for every output band: alone (C, 1, K), or with its neighbours (C, C, K).
  std::vector<float> filter(std::size_t i, const WavenetUpsampling& stage, int bands) const {
    const std::span<const float> one = tensor(stage_name(i, ".weight"));
    const auto taps = static_cast<std::size_t>(stage.taps);
    const int inputs = stage.bands == 1 ? 1 : bands;
    if (static_cast<std::size_t>(bands) * static_cast<std::size_t>(inputs) * taps > kMaxFilter) {
      throw Error(ErrorCode::bad_input,
                  file_.name + ": config: field '" + kKey + "': expected a filter of at most " +
                      std::to_string(kMaxFilter) + " numbers for all bands, found one of more");
    }
    std::vector<float> all(static_cast<std::size_t>(bands * inputs) * taps, 0.0F);
    for (int o = 0; o < bands; ++o) {
      for (int b = 0; b < stage.bands; ++b) {
        const int input = stage.bands == 1 ? 0 : o + b - (stage.bands - 1) / 2;
        if (input >= 0 && input < inputs) {
          const auto from = one.begin() + static_cast<std::ptrdiff_t>(b) * stage.taps;
          std::copy(from, from + stage.taps,
                    all.begin() + static_cast<std::ptrdiff_t>(o * inputs + input) * stage.taps);
        }
      }
    }
    return all;
  }

  BlockValueId transposed(std::size_t i, const WavenetUpsampling& stage, BlockValueId x) {
    BlockTransposedConv op;
    op.input = x;
    op.taps = stage.taps;
    op.stride = stage.rate;
    op.trim_right = stage.taps - stage.rate;
    op.weights = tensor(stage_name(i, ".weight"));
    op.bias = tensor(stage_name(i, ".bias"));
    rate_ *= stage.rate;
    op.to.output = value(stage_name(i), channels(x));
    plan_.ops.emplace_back(op);
    return op.to.output;
  }

  const SafetensorsFile& file_;
  const std::map<std::string, std::vector<std::int64_t>> shapes_;
  std::shared_ptr<Storage> storage_ = std::make_shared<Storage>();
  BlockPlan plan_;
  int rate_ = 1;
};

}  // namespace

std::vector<WavenetUpsampling> wavenet_upsampling_from_json(const nlohmann::json& config,
                                                            const std::string& where) {
  std::vector<WavenetUpsampling> stages;
  JsonFields fields(config, where);
  if (!fields.has(kKey)) {
    return stages;
  }
  for (const nlohmann::json& object : fields.objects(kKey, {0, kMaxStages})) {
    stages.push_back(stage_from_json(object, where + ": " + kKey));
  }
  return stages;
}

nlohmann::json wavenet_upsampling_to_json(const std::vector<WavenetUpsampling>& stages) {
  nlohmann::json array = nlohmann::json::array();
  for (const WavenetUpsampling& stage : stages) {
    nlohmann::json object = {{"kind", kKindNames.at(static_cast<std::size_t>(stage.kind))}};
    if (stage.kind != Kind::context) {
      object["rate"] = stage.rate;
    }
    if (stage.kind == Kind::stretch) {
      object["bands"] = stage.bands;
      object["slope"] = stage.slope;
    } else {
      object["taps"] = stage.taps;
    }
    array.push_back(object);
  }
  return array;
}

void add_wavenet_upsampling_shapes(const std::vector<WavenetUpsampling>& stages,
                                   int mels,
                                   std::map<std::string, std::vector<std::int64_t>>* shapes) {
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const WavenetUpsampling& stage = stages[i];
    auto& weight = (*shapes)[stage_name(i, ".weight")];
    if (stage.kind == Kind::stretch) {
      weight = {stage.bands, stage.taps};
    } else {
      weight = {mels, mels, stage.taps};
    }
    if (stage.kind == Kind::transposed) {
      (*shapes)[stage_name(i, ".bias")] = {mels};
    }
  }
}

int upsampling_rate(const std::vector<WavenetUpsampling>& stages) {
  long long rate = 1;
  for (const WavenetUpsampling& stage : stages) {
    rate = std::min<long long>(rate * stage.rate, kMaxHopSamples + 1);
  }
  return static_cast<int>(rate);
}

std::optional<BlockPlan> compile_wavenet_upsampling(const VoiceFile& voice) {
  const std::string& file = voice.weights.name;
  const WavenetConfig config = wavenet_config_from_json(voice.description->at("config"), file);
  if (config.upsampling.empty()) {
    return std::nullopt;
  }
  const nlohmann::json& features = voice.description->at("features");
  if (features.at("kind") != "mel") {
    throw Error(ErrorCode::bad_input, file + ": config: field '" + kKey +
                                          "': expected none in a voice that takes no mels, found " +
                                          std::to_string(config.upsampling.size()) + " stages");
  }
  const MelContract mel = mel_contract_from_json(features, file);
  if (upsampling_rate(config.upsampling) != mel.hop_samples) {
    throw Error(ErrorCode::bad_input, file + ": config: field '" + kKey +
                                          "': expected rates whose product is the hop, " +
                                          std::to_string(mel.hop_samples) + ", found " +
                                          std::to_string(upsampling_rate(config.upsampling)));
  }
  std::map<std::string, std::vector<std::int64_t>> shapes;
  add_wavenet_upsampling_shapes(config.upsampling, mel.mels, &shapes);
  return Compiler(voice.weights, std::move(shapes))
      .compile(config.upsampling, mel.mels, voice.sample_rate_hz);
}

}  // namespace ondes
