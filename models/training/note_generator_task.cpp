#include "models/training/note_generator_task.h"

#include <utility>

#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/weights/voice_file.h"

namespace ondes {
namespace {

constexpr double kAmplitudeFloor = 1e-5;
constexpr double kNoiseScale = 3.4641016;  // a uniform number of variance 1 spans sqrt(12)
constexpr int kValidationSeed = 1;         // added: one fixed set of segments, whatever the step

NoteGeneratorModuleImpl& as_generator(torch::nn::Module& module) {
  return dynamic_cast<NoteGeneratorModuleImpl&>(module);
}

// Copies a voice's tensors over parameters of the same place; they must be there and of their shape.
void load_layers(const SafetensorsFile& file,
                 const std::string& network,
                 const char* kind,
                 std::vector<torch::Tensor>* layers) {
  for (std::size_t i = 0; i < layers->size(); ++i) {
    torch::Tensor& layer = (*layers)[i];
    const std::span<const float> values =
        require_f32(file, network + "." + std::to_string(i) + kind, layer.sizes().vec());
    // from_blob asks for a writable pointer; copy_ only reads it.
    layer.copy_(torch::from_blob(const_cast<float*>(values.data()), layer.sizes()));
  }
}

}  // namespace

NoteGeneratorTask::NoteGeneratorTask(const NoteGeneratorRecipe& recipe,
                                     const NoteCorpus& corpus,
                                     std::function<void(const std::string&)> message)
    : recipe_(recipe), message_(std::move(message)), batches_(corpus, recipe.contract) {
  if (recipe.network.has_detune) {
    detune_ = fit_detune_network(batches_, recipe.network.partials, recipe.detune,
                                 [this](int step, double cents) {
                                   say("detune network: step " + std::to_string(step) + ", error " +
                                       std::to_string(cents) + " cents");
                                 });
  }
  for (const SpectrogramShape& shape : recipe.resolutions) {
    spectrograms_.emplace_back(shape, shape.fft_size / 2, 0.0, 1e-14);
  }
}

void NoteGeneratorTask::say(const std::string& text) const {
  if (message_) {
    message_(text);
  }
}

std::shared_ptr<torch::nn::Module> NoteGeneratorTask::make_generator() const {
  auto generator = std::make_shared<NoteGeneratorModuleImpl>(recipe_.network, recipe_.contract);
  for (std::size_t i = 0; i < detune_.weights.size(); ++i) {
    generator->detune_weights.push_back(detune_.weights[i].clone());
    generator->detune_biases.push_back(detune_.biases[i].clone());
  }
  return generator;
}

TensorMap NoteGeneratorTask::draw(Split split, std::int64_t step) const {
  NoteBatchOptions options = recipe_.batches;
  options.seed += split == Split::train ? 0 : kValidationSeed;
  const WavenetBatch b = batches_.draw(options, split, step);
  const std::int64_t segments = b.target.size(0);
  const std::int64_t samples = b.target.size(1);
  const std::int64_t last_feature = b.sample_features.size(2) - 1;
  return {{"rows", b.rows},
          {"row_index", b.row_index},
          {"phase", b.sample_features.select(2, last_feature).contiguous()},
          {"mask", b.mask},
          {"target", b.target * b.mask},
          // A segment that begins amid its note has its first samples masked.
          {"starts_fresh", (b.mask.select(1, 0) > 0).to(torch::kInt).contiguous()},
          {"noise",
           (torch::rand({segments, samples + recipe_.network.noise_taps}) - 0.5) * kNoiseScale}};
}

std::string NoteGeneratorTask::batch_name(Split split, std::int64_t step) const {
  std::string name = "notes";
  for (const int note : batches_.notes(recipe_.batches, split, step)) {
    name += " " + std::to_string(note);
  }
  return name;
}

torch::Tensor NoteGeneratorTask::generate(torch::nn::Module& generator,
                                          const TensorMap& batch) const {
  // The synthesizer's loops run on the CPU; what surrounds them runs where the batch is.
  const torch::Device device = batch.at("rows").device();
  NoteSynthInput input;
  input.phase = batch.at("phase").cpu();
  input.row_index = batch.at("row_index").cpu();
  input.noise = batch.at("noise").cpu();
  input.starts_fresh = batch.at("starts_fresh").cpu();
  input.hop_samples = recipe_.contract.hop_samples;
  return as_generator(generator).forward(batch.at("rows"), input).to(device) * batch.at("mask");
}

torch::Tensor NoteGeneratorTask::target(const TensorMap& batch) const {
  return batch.at("target");
}

std::int64_t NoteGeneratorTask::batch_samples() const {
  return std::int64_t{recipe_.batches.segments} * recipe_.batches.segment_samples;
}

torch::Tensor NoteGeneratorTask::further_loss(const torch::Tensor& audio,
                                              const TensorMap& batch) const {
  torch::Tensor sum = torch::zeros({}, audio.options());
  for (const Spectrogram& spectrogram : spectrograms_) {
    const double scale = 4.0 / spectrogram.shape().window_samples;
    const torch::Tensor y = spectrogram(audio) * scale;
    torch::Tensor x;
    {
      const torch::NoGradGuard no_grad;
      x = spectrogram(target(batch)) * scale;
    }
    const torch::Tensor log_difference =
        (torch::log(y + kAmplitudeFloor) - torch::log(x + kAmplitudeFloor)).abs().mean();
    const torch::Tensor relative = ((y - x).abs().sum({1, 2}) / (x.sum({1, 2}) + 1e-3)).mean();
    sum = sum + log_difference + relative;
  }
  return sum / static_cast<double>(spectrograms_.size());
}

void NoteGeneratorTask::load_voice(torch::nn::Module* generator, const std::string& path) const {
  const VoiceFile voice = open_voice(path);
  if (voice.architecture != "note_generator") {
    throw Error(ErrorCode::bad_input, path +
                                          ": field 'architecture': expected 'note_generator', "
                                          "found '" +
                                          voice.architecture + "'");
  }
  const torch::NoGradGuard no_grad;
  NoteGeneratorModuleImpl& module = as_generator(*generator);
  load_layers(voice.weights, "controls", ".weight", &module.control_weights);
  load_layers(voice.weights, "controls", ".bias", &module.control_biases);
  load_layers(voice.weights, "detune", ".weight", &module.detune_weights);
  load_layers(voice.weights, "detune", ".bias", &module.detune_biases);
}

void NoteGeneratorTask::write_voice(torch::nn::Module& generator,
                                    const nlohmann::json& training,
                                    const std::string& path) const {
  std::vector<float> rows;
  std::vector<float> targets;
  batches_.level_examples(Split::train, &rows, &targets);
  const auto count = static_cast<std::int64_t>(targets.size());
  const LevelNetwork level = fit_level_network(
      torch::from_blob(rows.data(), {count, recipe_.contract.row_features()}),
      torch::from_blob(targets.data(), {count}), recipe_.level, [this](int step, double rms_db) {
        say("level network: step " + std::to_string(step) + ", error " + std::to_string(rms_db) +
            " dB RMS");
      });
  std::map<std::string, TensorData> tensors = as_generator(generator).export_tensors();
  tensors.merge(level.export_tensors());
  nlohmann::json provenance = training;
  provenance["corpus"] = batches_.corpus().provenance;
  const nlohmann::json description = {{"schema", kVoiceSchema},
                                      {"name", recipe_.name},
                                      {"architecture", "note_generator"},
                                      {"temperature", recipe_.temperature},
                                      {"sample_rate", recipe_.contract.sample_rate_hz},
                                      {"config", note_generator_config_to_json(recipe_.network)},
                                      {"features", note_contract_to_json(recipe_.contract)},
                                      {"training", provenance},
                                      {"licence", recipe_.licence}};
  write_file_atomically(path, ondes::write_voice(description, tensors));
}

nlohmann::json NoteGeneratorTask::recipe() const {
  return recipe_.source;
}

}  // namespace ondes
