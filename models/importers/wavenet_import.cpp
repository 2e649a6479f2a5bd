#include "models/importers/wavenet_import.h"

#include <cmath>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/mel_contract_json.h"
#include "models/importers/wavenet_layouts_internal.h"

namespace ondes {
namespace {

// A layer's matrices, whatever they are called in the file.
struct LayerNames {
  std::string conv;
  std::string residual;
  std::string skip;
};

// Adds the bias `from` to `to`.
void add_bias(const std::vector<float>& from, std::vector<float>* to) {
  for (std::size_t i = 0; i < to->size(); ++i) {
    (*to)[i] += from[i];
  }
}

void scale_all(double scale, std::vector<float>* values) {
  for (float& value : *values) {
    value = static_cast<float>(value * scale);
  }
}

// What both layouts come to before it is written down.
class WavenetBuilder {
 public:
  WavenetBuilder(WavenetSource* source, WavenetConfig* config)
      : source_(*source), config_(*config) {}

  // The convolution of layer l, which sees `seen` times its input, and what it adds, times `added`.
  void add_layer(const LayerNames& names, double seen, double added, double skip_scale) {
    const std::string prefix = "layers." + std::to_string(layers_) + ".";
    const std::int64_t r = config_.residual_channels;
    const std::int64_t g = config_.gate_channels;
    FloatTensor conv = source_.take(names.conv + ".weight", {2 * g, r, config_.taps});
    scale_all(seen, &conv.values);
    result[prefix + "conv.weight"] = std::move(conv);
    result[prefix + "conv.bias"] = source_.take(names.conv + ".bias", {2 * g});
    if (layers_ + 1 < config_.dilations.size()) {
      FloatTensor residual = source_.take(names.residual + ".weight", {r, g, 1});
      FloatTensor bias = source_.take(names.residual + ".bias", {r});
      scale_all(added, &residual.values);
      scale_all(added, &bias.values);
      result[prefix + "residual.weight"] = {{r, g}, std::move(residual.values)};
      result[prefix + "residual.bias"] = std::move(bias);
    } else {
      source_.ignore(names.residual + ".weight");  // nothing reads what the last layer adds
      source_.ignore(names.residual + ".bias");
    }
    FloatTensor skip = source_.take(names.skip + ".weight", {config_.skip_channels, g, 1});
    FloatTensor bias = source_.take(names.skip + ".bias", {config_.skip_channels});
    scale_all(skip_scale, &skip.values);
    scale_all(skip_scale, &bias.values);
    result[prefix + "skip.weight"] = {{config_.skip_channels, g}, std::move(skip.values)};
    if (layers_ == 0) {
      result["skip.bias"] = std::move(bias);
    } else {
      add_bias(bias.values, &result["skip.bias"].values);
    }
    ++layers_;
  }

  // Conditioning (2G, C) of layer l and its bias.
  void add_conditioning(std::size_t layer,
                        std::vector<float> matrix,
                        const std::vector<float>& bias,
                        int bands) {
    const std::string prefix = "layers." + std::to_string(layer) + ".";
    result[prefix + "condition.weight"] = {{2 * config_.gate_channels, bands}, std::move(matrix)};
    add_bias(bias, &result[prefix + "conv.bias"].values);
  }

  FloatTensors result;

 private:
  WavenetSource& source_;
  WavenetConfig& config_;
  std::size_t layers_ = 0;
};

FloatTensor dense(WavenetSource* source, const std::string& name, int outputs, int inputs) {
  return {{outputs, inputs}, source->take(name, {outputs, inputs, 1}).values};
}

FloatTensor zeros(std::int64_t count) {
  return {{count}, std::vector<float>(static_cast<std::size_t>(count), 0.0F)};
}

// --- r9y9/wavenet_vocoder ---

FloatTensors build_r9y9(const R9y9Options& options, WavenetConfig* config, WavenetSource* source) {
  const int r = config->residual_channels;
  WavenetBuilder builder(source, config);
  FloatTensors& result = builder.result;
  const int inputs = config->input == InputKind::embedding ? config->classes : 1;
  FloatTensor first = source->take("first_conv.weight", {r, inputs, 1});
  result["input.bias"] = source->take("first_conv.bias", {r});
  if (config->input == InputKind::embedding) {
    FloatTensor table{{inputs, r}, std::vector<float>(first.values.size())};
    for (int o = 0; o < r; ++o) {
      for (int i = 0; i < inputs; ++i) {
        table.values[static_cast<std::size_t>(i * r + o)] =
            first.values[static_cast<std::size_t>(o * inputs + i)];
      }
    }
    result["input.embedding"] = std::move(table);
    result["input.weight"] = {{r, 0}, {}};
  } else {
    result["input.weight"] = {{r, 1}, std::move(first.values)};
  }
  const double half = std::sqrt(0.5);
  const int layers = static_cast<int>(config->dilations.size());
  for (int l = 0; l < layers; ++l) {
    const std::string prefix = "conv_layers." + std::to_string(l) + ".";
    const double seen = std::pow(half, l);
    // Of late all skips are scaled alike; before, the sum was halved in power at every layer.
    const double skip_scale =
        options.legacy ? std::pow(half, l == 0 ? layers - 1 : layers - l) : std::sqrt(1.0 / layers);
    builder.add_layer({prefix + "conv", prefix + "conv1x1_out", prefix + "conv1x1_skip"}, seen,
                      1.0 / seen, skip_scale);
    const int bands = options.bands;
    const int rows = 2 * config->gate_channels;
    FloatTensor condition = source->take(prefix + "conv1x1c.weight", {rows, bands, 1});
    const FloatTensor bias = source->take_or_zeros(prefix + "conv1x1c.bias", {rows});
    builder.add_conditioning(static_cast<std::size_t>(l), std::move(condition.values), bias.values,
                             bands);
  }
  for (std::size_t i = 0; i < config->upsampling.size(); ++i) {
    const WavenetUpsampling& stage = config->upsampling[i];
    const std::int64_t bands = options.bands;
    const std::string to = "upsample." + std::to_string(i) + ".weight";
    if (stage.kind == WavenetUpsampling::Kind::context) {
      result[to] = source->take(options.upsampling[i], {bands, bands, stage.taps});
    } else {
      FloatTensor filter = source->take(options.upsampling[i], {1, 1, stage.bands, stage.taps});
      result[to] = {{stage.bands, stage.taps}, std::move(filter.values)};
    }
  }
  const int s = config->skip_channels;
  result["head.weight"] = dense(source, "last_conv_layers.1.weight", config->head_channels, s);
  result["head.bias"] = source->take("last_conv_layers.1.bias", {config->head_channels});
  result["output.weight"] =
      dense(source, "last_conv_layers.3.weight", options.outputs, config->head_channels);
  result["output.bias"] = source->take("last_conv_layers.3.bias", {options.outputs});
  return std::move(result);
}

// --- NVIDIA/nv-wavenet ---

// matrix (2G, C) times the upsampling's (in C, out C, taps), where all taps are the same.
std::vector<float> through_upsampling(std::span<const float> matrix, const FloatTensor& upsample) {
  const auto bands = static_cast<std::size_t>(upsample.shape[0]);
  const auto taps = static_cast<std::size_t>(upsample.shape[2]);
  std::vector<float> folded(matrix.size());
  for (std::size_t row = 0; row < matrix.size() / bands; ++row) {
    for (std::size_t in = 0; in < bands; ++in) {
      double sum = 0.0;
      for (std::size_t out = 0; out < bands; ++out) {
        sum += static_cast<double>(matrix[row * bands + out]) *
               static_cast<double>(upsample.values[(in * bands + out) * taps]);
      }
      folded[row * bands + in] = static_cast<float>(sum);
    }
  }
  return folded;
}

// matrix (2G, C) times a vector (C).
std::vector<float> times(std::span<const float> matrix, const std::vector<float>& vector) {
  std::vector<float> result(matrix.size() / vector.size());
  for (std::size_t row = 0; row < result.size(); ++row) {
    double sum = 0.0;
    for (std::size_t i = 0; i < vector.size(); ++i) {
      sum += static_cast<double>(matrix[row * vector.size() + i]) * static_cast<double>(vector[i]);
    }
    result[row] = static_cast<float>(sum);
  }
  return result;
}

FloatTensors build_nv(const NvOptions& options, WavenetConfig* config, WavenetSource* source) {
  const int r = config->residual_channels;
  const int rows = 2 * config->gate_channels;
  const int layers = static_cast<int>(config->dilations.size());
  const int bands = options.bands;
  WavenetBuilder builder(source, config);
  FloatTensors& result = builder.result;
  result["input.embedding"] = source->take("embed.weight", {config->classes, r});
  result["input.weight"] = {{r, 0}, {}};
  result["input.bias"] = zeros(r);
  const FloatTensor condition = source->take("cond_layers.conv.weight", {rows * layers, bands, 1});
  const FloatTensor condition_bias = source->take("cond_layers.conv.bias", {rows * layers});
  FloatTensor upsample;
  FloatTensor upsample_bias;
  if (options.upsample_taps > 0) {
    upsample = source->take("upsample.weight", {bands, bands, options.upsample_taps});
    upsample_bias = source->take("upsample.bias", {bands});
    if (options.upsample_taps < options.hop_samples) {
      throw Error(ErrorCode::bad_input,
                  source->name() + ": tensor 'upsample.weight' " + shape_text(upsample.shape) +
                      ": expected a kernel of the hop, " + std::to_string(options.hop_samples) +
                      ", or more, found less");
    }
  }
  const bool folds = options.upsample_taps > 0 && only_repeats(upsample, options.hop_samples);
  if (options.upsample_taps > 0 && !folds) {
    WavenetUpsampling stage;
    stage.kind = WavenetUpsampling::Kind::transposed;
    stage.rate = options.hop_samples;
    stage.taps = options.upsample_taps;
    config->upsampling.push_back(stage);
    result["upsample.0.weight"] = upsample;
    result["upsample.0.bias"] = upsample_bias;
  }
  for (int l = 0; l < layers; ++l) {
    const std::string number = std::to_string(l) + ".conv";
    builder.add_layer({"dilate_layers." + number, "res_layers." + number, "skip_layers." + number},
                      1.0, 1.0, 1.0);
    const auto size = static_cast<std::size_t>(rows * bands);
    const std::span<const float> matrix(
        condition.values.data() + static_cast<std::size_t>(l) * size, size);
    const auto begin = condition_bias.values.begin() + l * rows;
    std::vector<float> bias(begin, begin + rows);
    std::vector<float> folded(matrix.begin(), matrix.end());
    if (folds) {
      add_bias(times(matrix, upsample_bias.values), &bias);
      folded = through_upsampling(matrix, upsample);
    }
    builder.add_conditioning(static_cast<std::size_t>(l), std::move(folded), bias, bands);
  }
  result["head.weight"] =
      dense(source, "conv_out.conv.weight", config->head_channels, config->skip_channels);
  result["head.bias"] = zeros(config->head_channels);
  result["output.weight"] =
      dense(source, "conv_end.conv.weight", config->classes, config->head_channels);
  result["output.bias"] = zeros(config->classes);
  return std::move(result);
}

}  // namespace

bool looks_like_wavenet(const TensorSource& source) {
  return source.prefix_of(kR9y9Probe).has_value() || source.prefix_of(kNvProbe).has_value() ||
         source.prefix_of(kNvExportProbe).has_value();
}

ImportedVoice import_wavenet(const ImportRequest& request, const TensorSource& source) {
  const bool is_r9y9 = source.prefix_of(kR9y9Probe).has_value();
  if (!is_r9y9 && !source.prefix_of(kNvProbe)) {
    throw Error(ErrorCode::bad_input,
                request.path +
                    ": expected nv-wavenet's state dict, found what export_weights() returns, "
                    "which lacks the conditioning (cond_layers); save model.state_dict() instead");
  }
  if (request.config_text.empty()) {
    throw Error(ErrorCode::bad_input,
                request.path + ": a WaveNet's configuration (" +
                    (is_r9y9 ? "wavenet_vocoder's hparams as JSON" : "nv-wavenet's config.json") +
                    "): expected it beside the file as config.json or by --config, found none");
  }
  const std::string prefix = *source.prefix_of(is_r9y9 ? kR9y9Probe : kNvProbe);
  ImportedVoice voice;
  ImportReport& report = voice.report;
  report.format =
      std::string(is_r9y9 ? "wavenet_vocoder" : "nv-wavenet") + " WaveNet, " + source.kind();
  report.unused = source.left_out(prefix);
  FloatTensors tensors = source.read(prefix);
  report.folded = fold_weight_norm(&tensors, request.path);
  WavenetSource layout(std::move(tensors), request.path);
  const nlohmann::json json = parse_json(request.config_text, request.config_path);
  WavenetConfig config;
  MelContract contract;
  FloatTensors result;
  if (is_r9y9) {
    const R9y9Options options = read_r9y9(json, request.config_path, layout, &config, &contract);
    result = build_r9y9(options, &config, &layout);
    report.assumed.push_back(options.legacy ? "skips scaled at every layer (legacy)"
                                            : "skips scaled by 1/sqrt(layers) (not legacy)");
    report.unknown.emplace_back(
        "the mean and variance its mels were normalised by: give it mels normalised so; sounds, "
        "and mels of an analysis, it refuses");
  } else {
    const NvOptions options = read_nv(json, request.config_path, layout, &config, &contract);
    result = build_nv(options, &config, &layout);
    report.assumed.emplace_back("the mel is Tacotron 2's");
  }
  layout.require_all_used();
  voice.tensors = tensor_data(result);
  voice.description =
      imported_description(request, "wavenet", contract.sample_rate_hz, report.format);
  voice.description["config"] = wavenet_config_to_json(config);
  voice.description["features"] = mel_contract_to_json(contract);
  if (is_r9y9) {
    tell_of_unknown_mel_statistics(&voice.description);
  }
  for (const auto& [key, value] : source.progress()) {
    voice.description["training"]["imported"][key] = value;
  }
  report.unknown.emplace_back("the recordings it was trained on");
  return voice;
}

}  // namespace ondes
