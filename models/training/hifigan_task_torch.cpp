#include "models/training/hifigan_task_torch.h"

#include <limits>

#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/json_fields.h"
#include "engine/weights/mel_contract_json.h"
#include "engine/weights/voice_file.h"
#include "models/hifigan/hifigan_torch.h"

namespace ondes {
namespace {

constexpr int kMaxCount = std::numeric_limits<int>::max();

[[noreturn]] void refuse(const std::string& where,
                         const std::string& field,
                         const std::string& expected,
                         const std::string& found) {
  throw Error(ErrorCode::bad_input,
              where + ": field " + quote(field) + ": expected " + expected + ", found " + found);
}

// What the network's configuration says of the analysis must be what the contract says.
void check_analysis(const HifiganConfig& network, const MelContract& c, const std::string& where) {
  const auto same = [&](const char* field, int in_network, int in_contract) {
    if (in_network != 0 && in_network != in_contract) {
      refuse(where, field, std::to_string(in_contract) + ", as in \"features\"",
             std::to_string(in_network));
    }
  };
  same("num_mels", network.mel_bands, c.mels);
  same("upsample_rates", network.hop_samples(), c.hop_samples);
  same("sampling_rate", network.sample_rate_hz, c.sample_rate_hz);
  same("n_fft", network.fft_size, c.fft_size);
  same("win_size", network.window_samples, c.window_samples);
  if (network.max_hz > 0.0 && (network.max_hz != c.fmax_hz || network.min_hz != c.fmin_hz)) {
    refuse(where, "fmax", "fmin and fmax as in \"features\"", std::to_string(network.max_hz));
  }
  if (network.speakers > 0) {
    refuse(where, "num_speakers", "0: recordings carry no speaker",
           std::to_string(network.speakers));
  }
}

torch::Tensor loss_basis(const MelContract& contract) {
  const MelFilterbank bank({contract.sample_rate_hz, contract.fft_size, contract.mels, 0.0,
                            0.5 * contract.sample_rate_hz, MelBankConfig::Scale::slaney,
                            MelBankConfig::Norm::slaney});
  const std::vector<float> dense = bank.dense();
  return torch::tensor(dense).view({bank.mels(), bank.bins()});
}

class HifiganTask : public AdversarialTask {
 public:
  HifiganTask(const HifiganRecipe& recipe, const ClipCorpus& corpus)
      : recipe_(recipe),
        batches_(corpus, recipe.contract, recipe.batches),
        mel_loss_(
            {recipe.contract.fft_size, recipe.contract.hop_samples, recipe.contract.window_samples},
            loss_basis(recipe.contract)) {
    if (corpus.sample_rate_hz != recipe.contract.sample_rate_hz) {
      refuse("corpus", "sample_rate", std::to_string(recipe.contract.sample_rate_hz),
             std::to_string(corpus.sample_rate_hz));
    }
  }

  std::shared_ptr<torch::nn::Module> make_generator() const override {
    return std::make_shared<HifiganModuleImpl>(recipe_.network);
  }

  TensorMap draw(Split split, std::int64_t step) const override {
    MelBatch batch = batches_.draw(split, step);
    return {{"mel", std::move(batch.mel)}, {"audio", std::move(batch.audio)}};
  }

  std::string batch_name(Split split, std::int64_t step) const override {
    return batches_.names(split, step);
  }

  torch::Tensor generate(torch::nn::Module& generator, const TensorMap& batch) const override {
    return module_of(generator).forward(batch.at("mel")).squeeze(1);
  }

  torch::Tensor target(const TensorMap& batch) const override { return batch.at("audio"); }

  std::int64_t batch_samples() const override {
    return std::int64_t{recipe_.batches.segments} * recipe_.batches.segment_samples;
  }

  const LogMelLoss* mel_loss() const override { return &mel_loss_; }

  void load_voice(torch::nn::Module* generator, const std::string& path) const override {
    const VoiceFile voice = open_voice(path);
    if (voice.architecture != "hifigan") {
      refuse(path, "architecture", "\"hifigan\"", quote(voice.architecture));
    }
    const MelContract theirs =
        mel_contract_from_json(voice.description->at("features"), path + ": features");
    for (const MelDifference& difference : mel_differences(recipe_.contract, theirs)) {
      refuse(path + ": features", difference.field, difference.left, difference.right);
    }
    const HifiganConfig config =
        hifigan_config_from_json(voice.description->at("config"), path + ": config");
    check_same_network(config, path);
    module_of(*generator).load_tensors(voice.weights);
  }

  void write_voice(torch::nn::Module& generator,
                   const nlohmann::json& training,
                   const std::string& path) const override {
    const nlohmann::json description = {{"schema", kVoiceSchema},
                                        {"name", recipe_.name},
                                        {"architecture", "hifigan"},
                                        {"sample_rate", recipe_.contract.sample_rate_hz},
                                        {"config", hifigan_config_to_json(recipe_.network)},
                                        {"features", mel_contract_to_json(recipe_.contract)},
                                        {"training", training},
                                        {"licence", recipe_.licence}};
    write_file_atomically(path, write_voice_bytes(description, generator));
  }

  nlohmann::json recipe() const override { return recipe_.source; }

 private:
  static HifiganModuleImpl& module_of(torch::nn::Module& generator) {
    return dynamic_cast<HifiganModuleImpl&>(generator);
  }

  static std::vector<std::byte> write_voice_bytes(const nlohmann::json& description,
                                                  torch::nn::Module& generator) {
    return ondes::write_voice(description, module_of(generator).export_tensors());
  }

  // What shapes the network; the tensors themselves are checked by load_tensors.
  void check_same_network(const HifiganConfig& theirs, const std::string& path) const {
    const nlohmann::json mine = hifigan_config_to_json(recipe_.network);
    const nlohmann::json found = hifigan_config_to_json(theirs);
    for (const char* key :
         {"resblock", "upsample_rates", "upsample_kernel_sizes", "upsample_initial_channel",
          "resblock_kernel_sizes", "resblock_dilation_sizes", "activation", "snake_logscale",
          "use_tanh_at_final", "use_bias_at_final", "gen_istft_n_fft", "gen_istft_hop_size",
          "num_speakers"}) {
      const std::string a = mine.contains(key) ? mine.at(key).dump() : "nothing";
      const std::string b = found.contains(key) ? found.at(key).dump() : "nothing";
      if (a != b) {
        refuse(path + ": config", key, a + ", as in the recipe", b);
      }
    }
  }

  const HifiganRecipe& recipe_;
  MelBatches batches_;
  LogMelLoss mel_loss_;
};

}  // namespace

HifiganRecipe hifigan_recipe_from_json(const nlohmann::json& json, const std::string& file) {
  HifiganRecipe recipe;
  recipe.source = json;
  JsonFields fields(json, file);
  recipe.name = fields.text("name");
  recipe.licence = fields.text("licence");
  recipe.network = hifigan_config_from_json(fields.object("network"), file + ": network");
  recipe.contract = mel_contract_from_json(fields.object("features"), file + ": features");
  check_analysis(recipe.network, recipe.contract, file + ": network");
  recipe.corpus.sample_rate_hz = recipe.contract.sample_rate_hz;
  if (fields.has("corpus")) {
    JsonFields c(fields.object("corpus"), file + ": corpus");
    recipe.corpus.validation_share =
        c.number("validation_share", 0.0, 1.0, recipe.corpus.validation_share);
    recipe.corpus.resamples = c.boolean("resample", recipe.corpus.resamples);
    recipe.corpus.seed = static_cast<std::uint64_t>(c.integer("seed", 0, kMaxCount, 1));
    c.refuse_unknown();
  }
  JsonFields t(fields.object("training"), file + ": training");
  recipe.training = adversarial_options_from_json(fields.object("training"), file + ": training",
                                                  {"segments", "segment_samples"});
  recipe.batches.segments = t.integer("segments", 1, 4096, recipe.batches.segments);
  recipe.batches.segment_samples =
      t.integer("segment_samples", 1, 1 << 24, recipe.batches.segment_samples);
  recipe.batches.seed = recipe.training.seed;
  const int least = std::max(min_segment_samples(recipe.training), recipe.contract.fft_size);
  if (recipe.batches.segment_samples < least ||
      recipe.batches.segment_samples % recipe.contract.hop_samples != 0) {
    t.refuse("segment_samples",
             "at least " + std::to_string(least) + " and a multiple of the hop of " +
                 std::to_string(recipe.contract.hop_samples),
             std::to_string(recipe.batches.segment_samples));
  }
  fields.text("comment", "");
  fields.refuse_unknown();
  return recipe;
}

std::unique_ptr<AdversarialTask> make_hifigan_task(const HifiganRecipe& recipe,
                                                   const ClipCorpus& corpus) {
  return std::make_unique<HifiganTask>(recipe, corpus);
}

}  // namespace ondes
