#include "models/training/detune_network_torch.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <numbers>

#include "models/training/partial_analysis.h"

namespace ondes {
namespace {

constexpr double kShortestNoteS = 0.2;   // shorter ones do not tell a partial from its neighbours
constexpr double kUnfoundWeight = 0.02;  // what the stretch predicts counts a little
constexpr double kLowestCents = -150.0;
constexpr double kHighestCents = 300.0;
constexpr double kOutputScale = 10.0;  // so that an output of order 1 is a usual detuning

struct Examples {
  torch::Tensor rows;    // (notes, F) at the onset
  torch::Tensor cents;   // (notes, H)
  torch::Tensor weight;  // (notes, H)
};

Examples examples_of(const NoteBatches& batches, int partials) {
  const NoteCorpus& corpus = batches.corpus();
  const NoteContract& contract = batches.contract();
  std::vector<int> notes;
  for (std::size_t i = 0; i < corpus.notes.size(); ++i) {
    const CorpusNote& note = corpus.notes[i];
    if (note.split == Split::train && note.samples > kShortestNoteS * contract.sample_rate_hz) {
      notes.push_back(static_cast<int>(i));
    }
  }
  const auto count = static_cast<std::int64_t>(notes.size());
  Examples e = {torch::zeros({count, contract.row_features()}), torch::zeros({count, partials}),
                torch::zeros({count, partials})};
  const auto features = static_cast<std::size_t>(contract.row_features());
  at::parallel_for(0, count, 8, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first; k < last; ++k) {
      const int index = notes[static_cast<std::size_t>(k)];
      const CorpusNote& note = corpus.notes[static_cast<std::size_t>(index)];
      const PartialDetune found = analyse_partials(
          corpus.audio(note), note, batches.analysis(index), contract.sample_rate_hz, partials);
      std::vector<float> instrument(contract.instruments.size(), 0.0F);
      instrument[static_cast<std::size_t>(note.instrument)] = 1.0F;
      NoteInstant onset;
      onset.pitch_semitones = note.pitch_semitones;
      onset.velocity = static_cast<float>(note.velocity) / 127.0F;
      onset.instrument_weights = instrument;
      write_row(contract, onset,
                {e.rows.data_ptr<float>() + k * contract.row_features(), features});
      std::copy(found.cents.begin(), found.cents.end(), e.cents.data_ptr<float>() + k * partials);
      std::copy(found.weight.begin(), found.weight.end(),
                e.weight.data_ptr<float>() + k * partials);
    }
  });
  e.cents.clamp_(kLowestCents, kHighestCents);
  return e;
}

// 1 for features that do not change while a note lasts.
torch::Tensor constant_features(const NoteContract& contract) {
  torch::Tensor keep = torch::ones({contract.row_features()});
  const auto names = contract.row_feature_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == "gate" || names[i].find("_decay_") != std::string::npos) {
      keep[static_cast<std::int64_t>(i)] = 0.0;
    }
  }
  return keep;
}

}  // namespace

DetuneNetwork fit_detune_network(const NoteBatches& batches,
                                 int partials,
                                 const DetuneFitOptions& options,
                                 const std::function<void(int, double)>& progress) {
  const Examples e = examples_of(batches, partials);
  const torch::Tensor weight = e.weight + kUnfoundWeight;
  const torch::Tensor keep = constant_features(batches.contract());
  torch::manual_seed(options.seed);
  DetuneNetwork network;
  std::vector<int> channels = options.channels;
  channels.push_back(partials);
  std::vector<torch::Tensor> parameters;
  std::int64_t inputs = e.rows.size(1);
  for (const int outputs : channels) {
    network.weights.push_back(
        (torch::randn({outputs, inputs}) / std::sqrt(static_cast<double>(inputs)))
            .requires_grad_());
    network.biases.push_back(torch::zeros({outputs}).requires_grad_());
    parameters.push_back(network.weights.back());
    parameters.push_back(network.biases.back());
    inputs = outputs;
  }
  const auto predict = [&] {
    torch::Tensor x = e.rows * keep;
    for (std::size_t i = 0; i < network.weights.size(); ++i) {
      x = torch::linear(x, network.weights[i], network.biases[i]);
      x = i + 1 < network.weights.size() ? torch::tanh(x) : x;
    }
    return x * kOutputScale;
  };
  torch::optim::Adam adam(parameters, torch::optim::AdamOptions(options.learning_rate));
  for (int step = 0; step < options.steps; ++step) {
    const double rate =
        options.learning_rate * 0.5 * (1.0 + std::cos(std::numbers::pi * step / options.steps));
    static_cast<torch::optim::AdamOptions&>(adam.param_groups()[0].options()).lr(rate);
    const torch::Tensor cents = predict();
    const torch::Tensor loss =
        (torch::huber_loss(cents, e.cents, at::Reduction::None, 10.0) * weight).sum() /
        weight.sum();
    adam.zero_grad();
    loss.backward();
    adam.step();
    if (step % 500 == 499 || step + 1 == options.steps) {
      const torch::Tensor error = (cents - e.cents).abs() * e.weight;
      progress(step + 1, error.sum().item<double>() / e.weight.sum().item<double>());
    }
  }
  const torch::NoGradGuard no_grad;
  network.weights.front().mul_(keep);
  network.weights.back().mul_(kOutputScale);
  network.biases.back().mul_(kOutputScale);
  for (torch::Tensor& p : parameters) {
    p.requires_grad_(false);
  }
  return network;
}

}  // namespace ondes
