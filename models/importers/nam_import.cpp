#include "models/importers/nam_import.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/nam/nam_lstm.h"
#include "models/nam/nam_wavenet.h"

namespace ondes {
namespace {

using nlohmann::json;

constexpr int kDefaultRateHz = 48000;
constexpr double kMaxWeight = 1e6;
constexpr std::size_t kMaxWeights = 50'000'000;
constexpr double kLstmPrewarmSeconds = 0.5;

// The numbers of a capture, handed out in the order of the file.
class WeightList {
 public:
  WeightList(std::vector<float> values, std::string name)
      : values_(std::move(values)), name_(std::move(name)) {}

  std::span<const float> take(std::size_t count, const std::string& tensor) {
    if (count > values_.size() - next_) {
      throw Error(ErrorCode::bad_input, name_ + ": field 'weights': expected " +
                                            std::to_string(next_ + count) +
                                            " numbers or more (tensor " + tensor + "), found " +
                                            std::to_string(values_.size()));
    }
    next_ += count;
    return {values_.data() + next_ - count, count};
  }
  void require_end() const {
    if (next_ != values_.size()) {
      throw Error(ErrorCode::bad_input, name_ + ": field 'weights': expected " +
                                            std::to_string(next_) + " numbers, found " +
                                            std::to_string(values_.size()));
    }
  }

 private:
  std::vector<float> values_;
  std::string name_;
  std::size_t next_ = 0;
};

std::size_t count_of(const std::vector<std::int64_t>& shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) {
    count *= static_cast<std::size_t>(size);
  }
  return count;
}

void take_wavenet(const NamWavenetConfig& config, WeightList* list, ImportedVoice* voice) {
  for (const auto& [tensor, shape] : nam_wavenet_tensors(config)) {
    voice->tensors[tensor] = tensor_from_floats(list->take(count_of(shape), tensor), shape);
  }
}

// The file has a layer's matrices side by side, a row of both after the other.
void take_lstm(const NamLstmConfig& config, WeightList* list, ImportedVoice* voice) {
  const auto hidden = static_cast<std::size_t>(config.hidden);
  const auto add = [&](const std::string& tensor, std::span<const float> values,
                       std::vector<std::int64_t> shape) {
    voice->tensors[tensor] = tensor_from_floats(values, std::move(shape));
  };
  for (int l = 0; l < config.layers; ++l) {
    const std::string prefix = "layers." + std::to_string(l) + ".";
    const std::size_t inputs = l == 0 ? 1 : hidden;
    const auto both = list->take(4 * hidden * (inputs + hidden), prefix + "weight");
    std::vector<float> input_weight;
    std::vector<float> hidden_weight;
    for (std::size_t row = 0; row < 4 * hidden; ++row) {
      const auto values = both.subspan(row * (inputs + hidden), inputs + hidden);
      input_weight.insert(input_weight.end(), values.begin(),
                          values.begin() + static_cast<std::ptrdiff_t>(inputs));
      hidden_weight.insert(hidden_weight.end(),
                           values.begin() + static_cast<std::ptrdiff_t>(inputs), values.end());
    }
    add(prefix + "input_weight", input_weight, {4 * config.hidden, l == 0 ? 1 : config.hidden});
    add(prefix + "hidden_weight", hidden_weight, {4 * config.hidden, config.hidden});
    add(prefix + "bias", list->take(4 * hidden, prefix + "bias"), {4 * config.hidden});
    add(prefix + "initial_hidden", list->take(hidden, prefix + "initial_hidden"), {config.hidden});
    add(prefix + "initial_cell", list->take(hidden, prefix + "initial_cell"), {config.hidden});
  }
  add("head.weight", list->take(hidden, "head.weight"), {1, config.hidden, 1});
  add("head.bias", list->take(1, "head.bias"), {1});
}

void check_version(JsonFields* fields) {
  const std::string version = fields->text("version", 64);
  for (const char* known : {"0.5.", "0.6.", "0.7."}) {
    if (version.starts_with(known)) {
      return;
    }
  }
  fields->refuse("version", "0.5 to 0.7", quote(version));
}

// What people wrote into the capture that names it: "Microtubes 900 v2, by Steve".
std::string capture_name(const json& metadata) {
  const auto text = [&](const char* key) {
    const auto found = metadata.is_object() ? metadata.find(key) : metadata.end();
    return found != metadata.end() && found->is_string() ? found->get<std::string>()
                                                         : std::string();
  };
  return text("name");
}

}  // namespace

bool looks_like_nam(std::span<const std::byte> bytes) noexcept {
  for (const std::byte byte : bytes.subspan(0, std::min<std::size_t>(bytes.size(), 64))) {
    const char c = std::to_integer<char>(byte);
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
      return c == '{';
    }
  }
  return false;
}

ImportedVoice import_nam(const ImportRequest& request) {
  const json file = parse_json(
      {reinterpret_cast<const char*>(request.bytes.data()), request.bytes.size()}, request.path);
  JsonFields fields(file, request.path);
  check_version(&fields);
  const std::vector<std::string> architectures{"WaveNet", "LSTM"};
  const std::size_t kind = fields.choice("architecture", architectures);
  json config = fields.object("config");
  const bool has_rate = file.contains("sample_rate") && !file["sample_rate"].is_null();
  const int rate =
      has_rate ? static_cast<int>(fields.number("sample_rate", kMinSampleRateHz, kMaxSampleRateHz))
               : kDefaultRateHz;
  if (has_rate && file["sample_rate"].get<double>() != rate) {
    fields.refuse("sample_rate", "a whole number", file["sample_rate"].dump());
  }
  WeightList list(fields.numbers("weights", {1, kMaxWeights}, -kMaxWeight, kMaxWeight),
                  request.path);

  ImportedVoice voice;
  voice.report.format = "Neural Amp Modeler capture, " + architectures[kind];
  const std::string where = request.path + ": config";
  if (kind == 0) {
    take_wavenet(nam_wavenet_config_from_json(config, where), &list, &voice);
  } else {
    // An LSTM without a rate is prewarmed by NAM for one sample.
    config["prewarm_samples"] = has_rate ? static_cast<int>(kLstmPrewarmSeconds * rate) : 1;
    take_lstm(nam_lstm_config_from_json(config, where), &list, &voice);
  }
  list.require_end();

  const json metadata = file.value("metadata", json());
  ImportRequest named = request;
  if (named.name.empty()) {
    named.name = capture_name(metadata);
  }
  voice.description = imported_description(named, kind == 0 ? "nam_wavenet" : "nam_lstm", rate,
                                           voice.report.format);
  voice.description["config"] = config;
  voice.description["features"] = {{"kind", "audio"}, {"sample_rate", rate}};
  if (metadata.is_object()) {
    voice.description["training"]["metadata"] = metadata;
  }
  if (!has_rate) {
    voice.report.assumed.emplace_back("sample rate 48000 Hz, as NAM does: the file names none");
  }
  for (const auto& [key, value] : file.items()) {
    if (key != "version" && key != "architecture" && key != "config" && key != "weights" &&
        key != "sample_rate" && key != "metadata") {
      voice.report.unused.push_back("field " + quote(key));
    }
  }
  voice.report.unknown.emplace_back("the recordings it was trained on");
  return voice;
}

}  // namespace ondes
