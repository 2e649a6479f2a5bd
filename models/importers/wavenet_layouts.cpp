#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/voice_file.h"
#include "models/importers/wavenet_layouts_internal.h"

namespace ondes {
namespace {

using nlohmann::json;

constexpr int kMaxFftSize = 1 << 16;
constexpr int kMaxLayers = 256;
constexpr int kMaxDilation = 65536;

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::bad_input, name + ": " + what);
}

void check_taps(const WavenetSource& source, const std::string& tensor, int taps) {
  if (taps != 2 && taps != 3) {
    refuse(source.name(), "tensor " + quote(tensor) + ": expected a kernel of 2 or 3, found " +
                              std::to_string(taps));
  }
}

int even_half(const WavenetSource& source, const std::string& tensor) {
  const int rows = source.size(tensor, 0);
  if (rows % 2 != 0) {
    refuse(source.name(), "tensor " + quote(tensor) + ": expected an even number of rows, found " +
                              std::to_string(rows));
  }
  return rows / 2;
}

// null or absent: half the rate.
double upper_hz(const json& object, JsonFields* fields, const char* key, int rate_hz) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? 0.5 * rate_hz
                                                   : fields->number(key, 1.0, 0.5 * rate_hz);
}

constexpr const char* kUpsampleNet = "upsample_net.";

// The slope of the leaky ReLU between wavenet_vocoder's stages; 1 without one.
float upsampling_slope(JsonFields* params, const std::string& path) {
  const std::string activation = params->text("upsample_activation", std::string("none"));
  if (activation == "none") {
    return 1.0F;
  }
  if (activation == "ReLU") {
    return 0.0F;
  }
  if (activation != "LeakyReLU") {
    params->refuse("upsample_activation", "'none', 'ReLU' or 'LeakyReLU'", quote(activation));
  }
  if (!params->has("upsample_activation_params")) {
    return 0.01F;  // PyTorch's
  }
  JsonFields inner(params->object("upsample_activation_params"),
                   path + ": upsample_params: upsample_activation_params");
  return static_cast<float>(inner.number("negative_slope", 0.0, 1.0, 0.01));
}

// wavenet_vocoder's UpsampleNetwork, with or without its ConvIn.
void read_upsample_net(const json& object,
                       const std::string& path,
                       const WavenetSource& source,
                       int hop_samples,
                       WavenetConfig* config,
                       R9y9Options* options) {
  if (!source.has_below(kUpsampleNet)) {
    return;
  }
  JsonFields fields(object, path);
  JsonFields params(fields.object("upsample_params"), path + ": upsample_params");
  const std::string conv_in = std::string(kUpsampleNet) + "conv_in.weight";
  std::string layers = std::string(kUpsampleNet) + "up_layers.";
  if (source.has(conv_in)) {
    layers = std::string(kUpsampleNet) + "upsample.up_layers.";
    WavenetUpsampling context;
    context.kind = WavenetUpsampling::Kind::context;
    context.taps = source.size(conv_in, 2);
    if (context.taps % 2 == 0) {
      refuse(source.name(), "tensor " + quote(conv_in) + ": expected an odd kernel, found " +
                                std::to_string(context.taps));
    }
    config->upsampling.push_back(context);
    options->upsampling.push_back(conv_in);
  } else if (fields.integer("cin_pad", 0, kMaxFftSize, 0) != 0) {
    fields.refuse("cin_pad", "0 where the upsampling has no conv_in", "another number");
  }
  if (params.text("mode", std::string("nearest")) != "nearest") {
    params.refuse("mode", "'nearest'", "another");
  }
  const float slope = upsampling_slope(&params, path);
  const std::vector<int> scales = params.integers("upsample_scales", {1, 8}, 1, kMaxHopSamples);
  for (std::size_t i = 0; i < scales.size(); ++i) {
    WavenetUpsampling stage;
    stage.rate = scales[i];
    stage.taps = 2 * scales[i] + 1;
    stage.slope = slope;
    // A stretch, its convolution, its activation.
    const std::size_t index = (slope == 1.0F ? 2 : 3) * i + 1;
    const std::string tensor = layers + std::to_string(index) + ".weight";
    stage.bands = source.size(tensor, 2);
    if (stage.bands % 2 == 0) {
      refuse(source.name(), "tensor " + quote(tensor) +
                                ": expected a filter over an odd number "
                                "of bands, found " +
                                std::to_string(stage.bands));
    }
    config->upsampling.push_back(stage);
    options->upsampling.push_back(tensor);
  }
  if (upsampling_rate(config->upsampling) != hop_samples) {
    params.refuse("upsample_scales", "factors of the hop, " + std::to_string(hop_samples),
                  "a product of " + std::to_string(upsampling_rate(config->upsampling)));
  }
}

}  // namespace

WavenetSource::WavenetSource(FloatTensors tensors, std::string name)
    : tensors_(std::move(tensors)), name_(std::move(name)) {}

bool WavenetSource::has_below(const std::string& prefix) const {
  const auto found = tensors_.lower_bound(prefix);
  return found != tensors_.end() && found->first.starts_with(prefix);
}

FloatTensor WavenetSource::take(const std::string& tensor, const std::vector<std::int64_t>& shape) {
  const auto found = tensors_.find(tensor);
  if (found == tensors_.end()) {
    refuse(name_, "tensor " + quote(tensor) + ": expected " + shape_text(shape) + ", found none");
  }
  if (found->second.shape != shape) {
    refuse(name_, "tensor " + quote(tensor) + ": expected " + shape_text(shape) + ", found " +
                      shape_text(found->second.shape));
  }
  used_.insert(tensor);
  return found->second;
}

FloatTensor WavenetSource::take_or_zeros(const std::string& tensor,
                                         const std::vector<std::int64_t>& shape) {
  return has(tensor) ? take(tensor, shape)
                     : FloatTensor{shape, std::vector<float>(element_count(shape), 0.0F)};
}

int WavenetSource::size(const std::string& tensor, std::size_t dimension) const {
  const auto found = tensors_.find(tensor);
  if (found == tensors_.end() || found->second.shape.size() <= dimension) {
    refuse(name_, "tensor " + quote(tensor) + ": expected it with " +
                      std::to_string(dimension + 1) + " dimensions or more, found " +
                      (found == tensors_.end() ? "none" : shape_text(found->second.shape)));
  }
  return static_cast<int>(
      std::min<std::int64_t>(found->second.shape[dimension], std::int64_t{1} << 20));
}

int WavenetSource::count(const std::string& prefix, const std::string& suffix) const {
  const auto has_layer = [&](int layer) { return has(prefix + std::to_string(layer) + suffix); };
  int count = 0;
  while (count < kMaxLayers && has_layer(count)) {
    ++count;
  }
  return count;
}

void WavenetSource::require_all_used() const {
  for (const auto& [tensor, value] : tensors_) {
    if (!used_.contains(tensor)) {
      refuse(name_, "tensor " + quote(tensor) + " " + shape_text(value.shape) +
                        ": expected nothing of this name in the network its config describes");
    }
  }
}

R9y9Options read_r9y9(const json& object,
                      const std::string& path,
                      const WavenetSource& source,
                      WavenetConfig* config,
                      MelContract* contract) {
  JsonFields fields(object, path);
  R9y9Options options;
  if (source.has_below("embed_speakers.")) {
    refuse(source.name(),
           "tensors 'embed_speakers.*': expected one speaker, found a speaker "
           "embedding, which a step plan does not express");
  }
  const std::string input = fields.text("input_type", std::string("raw"));
  if (input != "raw" && input != "mulaw-quantize") {
    fields.refuse("input_type", "'raw' or 'mulaw-quantize'", quote(input));
  }
  options.legacy = fields.boolean("legacy", false);
  const std::string conv = "conv_layers.0.conv.weight";
  config->residual_channels = source.size("first_conv.weight", 0);
  config->gate_channels = even_half(source, conv);
  config->taps = source.size(conv, 2);
  check_taps(source, conv, config->taps);
  config->skip_channels = source.size("last_conv_layers.1.weight", 1);
  config->head_channels = source.size("last_conv_layers.1.weight", 0);
  options.outputs = source.size("last_conv_layers.3.weight", 0);
  options.bands = source.size("conv_layers.0.conv1x1c.weight", 1);
  const int layers = source.count("conv_layers.", ".conv.weight");
  const int stacks = fields.integer("stacks", 1, layers);
  if (fields.integer("layers", 1, kMaxLayers, layers) != layers || layers % stacks != 0) {
    fields.refuse("layers", std::to_string(layers) + " as the file has, in whole stacks",
                  "another number");
  }
  for (int l = 0; l < layers; ++l) {
    config->dilations.push_back(1 << std::min(l % (layers / stacks), 24));
  }
  config->input = input == "raw" ? InputKind::scalar : InputKind::embedding;
  config->log_scale_floor = static_cast<float>(fields.number("log_scale_min", -30.0, 0.0, -7.0));
  if (input != "raw") {
    config->distribution = Distribution::mu_law_categorical;
    config->classes = options.outputs;
  } else if (fields.text("output_distribution", std::string("Logistic")) == "Normal") {
    config->distribution = Distribution::gaussian;
  } else {
    config->distribution = Distribution::logistic_mixture;
    config->mixture_components = std::max(options.outputs / 3, 1);
  }
  contract->sample_rate_hz = fields.integer("sample_rate", kMinSampleRateHz, kMaxSampleRateHz);
  contract->hop_samples = fields.integer("hop_size", 1, kMaxHopSamples);
  read_upsample_net(object, path, source, contract->hop_samples, config, &options);
  contract->fft_size = fields.integer("fft_size", 2, kMaxFftSize);
  contract->window_samples = fields.integer("win_length", 1, kMaxFftSize, contract->fft_size);
  contract->mels = options.bands;
  contract->fmin_hz = fields.number("fmin", 0.0, kMaxSampleRateHz, 0.0);
  contract->fmax_hz = upper_hz(object, &fields, "fmax", contract->sample_rate_hz);
  contract->log = MelLog::decimal;
  contract->magnitude_epsilon = 0.0;
  contract->floor = 1e-10;
  contract->padding = MelPadding::centre_zero;
  return options;
}

NvOptions read_nv(const json& object,
                  const std::string& path,
                  const WavenetSource& source,
                  WavenetConfig* config,
                  MelContract* contract) {
  JsonFields sections(object, path);
  JsonFields data(sections.object("data_config"), path + ": data_config");
  JsonFields net(sections.object("wavenet_config"), path + ": wavenet_config");
  const json& data_object = object["data_config"];
  NvOptions options;
  const std::string conv = "dilate_layers.0.conv.weight";
  config->residual_channels = source.size(conv, 1);
  config->gate_channels = even_half(source, conv);
  config->taps = source.size(conv, 2);
  check_taps(source, conv, config->taps);
  config->skip_channels = source.size("conv_out.conv.weight", 1);
  config->head_channels = source.size("conv_out.conv.weight", 0);
  config->classes = source.size("conv_end.conv.weight", 0);
  config->input = InputKind::embedding;
  config->distribution = Distribution::mu_law_categorical;
  options.bands = source.size("cond_layers.conv.weight", 1);
  options.hop_samples = data.integer("hop_length", 1, kMaxHopSamples);
  options.upsample_taps = source.has("upsample.weight") ? source.size("upsample.weight", 2) : 0;
  const int layers = source.count("dilate_layers.", ".conv.weight");
  if (net.integer("n_layers", 1, kMaxLayers, layers) != layers) {
    net.refuse("n_layers", std::to_string(layers) + " as the file has", "another number");
  }
  if (net.integer("upsamp_stride", 1, kMaxHopSamples, options.hop_samples) != options.hop_samples) {
    net.refuse("upsamp_stride", "the hop of " + std::to_string(options.hop_samples),
               "another number");
  }
  const int largest = net.integer("max_dilation", 1, kMaxDilation);
  int dilation = 1;
  for (int l = 0; l < layers; ++l) {
    config->dilations.push_back(dilation);
    dilation = 2 * dilation > largest ? 1 : 2 * dilation;
  }
  contract->sample_rate_hz = data.integer("sampling_rate", kMinSampleRateHz, kMaxSampleRateHz);
  contract->hop_samples = options.hop_samples;
  contract->fft_size = data.integer("filter_length", 2, kMaxFftSize);
  contract->window_samples = data.integer("win_length", 1, kMaxFftSize, contract->fft_size);
  contract->mels = options.bands;
  contract->fmin_hz = data.number("mel_fmin", 0.0, kMaxSampleRateHz, 0.0);
  contract->fmax_hz = data_object.contains("mel_fmax")
                          ? upper_hz(data_object, &data, "mel_fmax", contract->sample_rate_hz)
                          : std::min(8000.0, 0.5 * contract->sample_rate_hz);
  contract->magnitude_epsilon = 0.0;
  contract->padding = MelPadding::centre_reflect;
  return options;
}

bool only_repeats(const FloatTensor& upsample, int hop_samples) {
  const auto taps = static_cast<std::size_t>(upsample.shape[2]);
  bool repeats = upsample.shape[2] == hop_samples;
  for (std::size_t i = 0; i < upsample.values.size() && repeats; ++i) {
    repeats = upsample.values[i] == upsample.values[i - i % taps];
  }
  return repeats;
}

}  // namespace ondes
