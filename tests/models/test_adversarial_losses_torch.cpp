// Spectral losses, discriminators and the least-squares losses of adversarial training.
#include <torch/torch.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "models/training/discriminators_torch.h"
#include "models/training/spectral_losses_torch.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

constexpr double kRateHz = 22050.0;
constexpr int kSamples = 4096;

torch::Tensor sine(double hz, double amplitude, double turn = 0.0, int samples = kSamples) {
  const torch::Tensor n = torch::arange(samples, torch::kFloat64);
  return (amplitude * torch::sin(2.0 * std::numbers::pi * (n * (hz / kRateHz) + turn)))
      .to(torch::kFloat32)
      .unsqueeze(0);
}

torch::Tensor first_signal() {
  return sine(440.0, 0.5) + sine(3000.0, 0.1, 0.25);
}
torch::Tensor second_signal() {
  return sine(450.0, 0.4) + sine(5000.0, 0.2, 0.25);
}

// Triangles of equal width, as in tests/golden/spectral_losses.
torch::Tensor triangle_basis(int bands, int bins) {
  const double width = (bins - 1.0) / (bands + 1.0);
  const torch::Tensor centres = (torch::arange(bands, torch::kFloat32) + 1.0) * width;
  const torch::Tensor at = torch::arange(bins, torch::kFloat32);
  return (1.0 - (at.unsqueeze(0) - centres.unsqueeze(1)).abs() / width).clamp_min(0.0);
}

bool all_finite(const torch::Tensor& t) {
  return torch::isfinite(t).all().item<bool>();
}

DiscriminatorsConfig small_config() {
  DiscriminatorsConfig config;
  config.periods = {2, 3, 5};
  config.period_channels = 2;
  config.scales = 3;
  config.scale_channels = 16;
  config.resolutions = {{256, 64, 256}, {128, 32, 100}};
  config.resolution_channels = 3;
  return config;
}

}  // namespace

TEST_CASE("the spectral losses are numpy's, computed in double precision") {
  // tests/golden/spectral_losses/make_values.py. Logarithms of bins at the floor of 1e-4 magnify
  // float's rounding of spectra up to 100: 2e-4 was seen to be 6 times what is needed.
  const MultiResolutionStftLoss loss{default_stft_resolutions()};
  const StftDistance d = loss.distance(second_signal(), first_signal());
  CHECK(d.spectral_convergence.item<double>() == Approx(0.5571818).epsilon(1e-5));
  CHECK(d.log_magnitude.item<double>() == Approx(1.3415448).epsilon(2e-4));
  CHECK(loss(second_signal(), first_signal()).item<double>() ==
        Approx(d.spectral_convergence.item<double>() + d.log_magnitude.item<double>()));
  const LogMelLoss mel(LogMelShape{}, triangle_basis(20, 513));
  CHECK(mel(second_signal(), first_signal()).item<double>() == Approx(2.2873015).epsilon(2e-4));
}

TEST_CASE("equal signals have a loss of exactly zero and finite gradients") {
  const MultiResolutionStftLoss stft{default_stft_resolutions()};
  const LogMelLoss mel(LogMelShape{}, triangle_basis(20, 513));
  torch::Tensor y = first_signal().clone().requires_grad_(true);
  const torch::Tensor loss = stft(y, first_signal()) + mel(y, first_signal());
  CHECK(loss.item<double>() == 0.0);
  loss.backward();
  CHECK(all_finite(y.grad()));
}

TEST_CASE("silence on either side, or both, leaves losses and gradients finite") {
  const MultiResolutionStftLoss stft{default_stft_resolutions()};
  LogMelShape bare;
  bare.power_offset = 0.0;
  for (const double target_level : {0.0, 1.0}) {
    for (const double level : {0.0, 1.0}) {
      torch::Tensor y = (level * second_signal()).requires_grad_(true);
      const torch::Tensor x = target_level * first_signal();
      const torch::Tensor loss = stft(y, x) +
                                 LogMelLoss(LogMelShape{}, triangle_basis(20, 513))(y, x) +
                                 LogMelLoss(bare, triangle_basis(20, 513))(y, x);
      INFO("target " << target_level << ", audio " << level);
      CHECK(std::isfinite(loss.item<double>()));
      loss.backward();
      CHECK(all_finite(y.grad()));
      CHECK((loss.item<double>() > 0.0) == (level > 0.0 || target_level > 0.0));
    }
  }
}

TEST_CASE("a gain of g gives the log of g, and |1 - g| of convergence") {
  // Noise, so that every bin stands far above the floor.
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({2, kSamples});
  for (const double gain : {0.5, 0.9, 2.0}) {
    const StftDistance d =
        MultiResolutionStftLoss(default_stft_resolutions()).distance(gain * x, x);
    INFO("gain " << gain);
    CHECK(d.spectral_convergence.item<double>() == Approx(std::fabs(1.0 - gain)).epsilon(1e-5));
    CHECK(d.log_magnitude.item<double>() == Approx(std::fabs(std::log(gain))).epsilon(1e-4));
    CHECK(LogMelLoss(LogMelShape{}, triangle_basis(20, 513))(gain * x, x).item<double>() ==
          Approx(std::fabs(std::log(gain))).epsilon(1e-4));
  }
}

TEST_CASE("a silent segment in a batch does not outweigh the others") {
  const torch::Tensor x = torch::cat({first_signal(), torch::zeros_like(first_signal())});
  const torch::Tensor y = torch::cat({first_signal(), 1e-3 * first_signal()});
  const StftDistance d = MultiResolutionStftLoss(default_stft_resolutions()).distance(y, x);
  CHECK(d.spectral_convergence.item<double>() < 0.01);
}

TEST_CASE("the gradient of the spectral losses is their slope") {
  torch::manual_seed(2);
  const MultiResolutionStftLoss stft({{64, 16, 48}, {128, 32, 128}});
  const torch::Tensor x = torch::randn({1, 300});
  torch::Tensor y = torch::randn({1, 300}).requires_grad_(true);
  const torch::Tensor direction = torch::randn({1, 300});
  stft(y, x).backward();
  const double slope = (y.grad() * direction).sum().item<double>();
  const torch::NoGradGuard no_grad;
  // A step of 1e-3 keeps float's rounding of the loss (1e-7) and the curvature both below 1 %.
  const double found =
      (stft(y + 1e-3 * direction, x) - stft(y - 1e-3 * direction, x)).item<double>() / 2e-3;
  CHECK(found == Approx(slope).epsilon(0.02).margin(2e-3));
}

TEST_CASE("segments too short for a spectrum and bases of another size are usage errors") {
  const std::string message = message_of(ErrorCode::usage, [] {
    const MultiResolutionStftLoss loss{default_stft_resolutions()};
    loss(torch::zeros({1, 700}), torch::zeros({1, 700}));
  });
  check_contains(message, {"2048", "700"});
  message_of(ErrorCode::usage, [] { LogMelLoss(LogMelShape{}, torch::zeros({80, 512})); });
  message_of(ErrorCode::usage, [] { Spectrogram({512, 0, 512}, 0, 1e-8); });
  message_of(ErrorCode::usage, [] { Spectrogram({512, 64, 513}, 0, 1e-8); });
}

TEST_CASE("discriminators judge every segment by itself, in the shapes of the papers") {
  torch::manual_seed(3);
  Discriminators discriminators(small_config());
  const torch::NoGradGuard no_grad;
  const torch::Tensor audio = torch::randn({2, 1001});
  const std::vector<Judgement> both = discriminators(audio);
  REQUIRE(both.size() == 8);
  CHECK(both[0].size() == 6);
  CHECK(both[3].size() == 8);
  CHECK(both[6].size() == 6);
  // 1001 samples, period 3: 334 rows, three layers of stride 3: 112, 38, 13, 13.
  CHECK(both[1][0].sizes() == torch::IntArrayRef({2, 3, 2, 112}));
  CHECK(both[1][3].sizes() == torch::IntArrayRef({2, 3, 64, 5}));
  CHECK(both[1].back().sizes() == torch::IntArrayRef({2, 3, 1, 5}));
  CHECK(both[3][6].sizes() == torch::IntArrayRef({2, 128, 16}));  // 1001, 501, 251, 63, 16
  CHECK(both[6][0].sizes() == torch::IntArrayRef({2, 3, 16, 129}));
  CHECK(both[6].back().sizes() == torch::IntArrayRef({2, 1, 16, 17}));
  const std::vector<Judgement> second = discriminators(audio.slice(0, 1, 2));
  for (std::size_t d = 0; d < both.size(); ++d) {
    for (std::size_t l = 0; l < both[d].size(); ++l) {
      INFO("discriminator " << d << ", layer " << l);
      // Another batch may take another kernel, with sums in another order.
      CHECK(torch::allclose(both[d][l].slice(0, 1, 2), second[d][l], 1e-4, 1e-5));
    }
  }
}

TEST_CASE("a period's discriminator sees its columns alone") {
  torch::manual_seed(4);
  DiscriminatorsConfig config = small_config();
  config.periods = {4};
  config.scales = 0;
  config.resolutions.clear();
  Discriminators discriminators(config);
  const torch::NoGradGuard no_grad;
  torch::Tensor audio = torch::randn({1, 400});
  const torch::Tensor before = discriminators(audio)[0].back().clone();
  audio.index_put_({0, torch::indexing::Slice(2, torch::indexing::None, 4)}, 0.0);
  const torch::Tensor changed = (discriminators(audio)[0].back() - before).abs().amax({0, 2, 3});
  CHECK(changed[0].item<float>() == 0.0F);
  CHECK(changed[1].item<float>() == 0.0F);
  CHECK(changed[2].item<float>() > 0.0F);
  CHECK(changed[3].item<float>() == 0.0F);
}

TEST_CASE("a normed convolution starts as the plain one, and its gain is its weights' length") {
  torch::manual_seed(5);
  DiscriminatorConv conv(DiscriminatorConvImpl::Shape{3, 4, {5}, {1}, 1});
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::randn({1, 3, 20});
  const torch::Tensor plain = torch::conv1d(x, conv->direction, conv->bias, 1, 2);
  CHECK(torch::allclose(conv(x), plain, 1e-5, 1e-6));
  conv->direction.mul_(7.0);  // length is the gain's alone
  CHECK(torch::allclose(conv(x), plain, 1e-5, 1e-6));
  conv->gain.mul_(2.0);
  CHECK(torch::allclose(conv(x) - conv->bias.view({1, 4, 1}),
                        2.0 * (plain - conv->bias.view({1, 4, 1})), 1e-5, 1e-6));
}

TEST_CASE("the least-squares losses of scores worked by hand") {
  const auto scores = [](std::vector<float> values) {
    const auto n = static_cast<std::int64_t>(values.size());
    return torch::tensor(values).view({n, 1});
  };
  // First half recorded: (1 - 0.5)^2 = 0.25; second half generated: 0.25^2 = 0.0625.
  CHECK(discriminator_loss({{scores({0.5F, 0.25F})}}).item<double>() == Approx(0.3125));
  CHECK(discriminator_loss({{scores({1.0F, 0.0F})}, {scores({1.0F, 0.0F})}}).item<double>() == 0.0);
  CHECK(generator_loss({{scores({0.5F})}, {scores({0.0F})}}).item<double>() == Approx(1.25));
  const std::vector<Judgement> a = {{scores({1.0F}), scores({2.0F})}};
  const std::vector<Judgement> b = {{scores({1.5F}), scores({4.0F})}};
  CHECK(feature_matching_loss(a, b).item<double>() == Approx(2.5));
  CHECK(feature_matching_loss(a, a).item<double>() == 0.0);
}

TEST_CASE("gradients of the adversarial losses are finite on silence and reach every weight") {
  torch::manual_seed(6);
  Discriminators discriminators(small_config());
  const torch::Tensor recorded = torch::randn({1, 1024});
  torch::Tensor generated = torch::zeros({1, 1024}).requires_grad_(true);
  discriminator_loss(discriminators(torch::cat({recorded, generated.detach()}))).backward();
  for (const auto& p : discriminators->named_parameters()) {
    INFO(p.key());
    REQUIRE(p.value().grad().defined());
    CHECK(all_finite(p.value().grad()));
    CHECK(p.value().grad().abs().max().item<float>() > 0.0F);
  }
  const std::vector<Judgement> judged = discriminators(generated);
  (generator_loss(judged) + feature_matching_loss(discriminators(recorded), judged)).backward();
  CHECK(all_finite(generated.grad()));
  CHECK(generated.grad().abs().max().item<float>() > 0.0F);
}

TEST_CASE("discriminators learn to tell a sine from noise") {
  torch::manual_seed(7);
  DiscriminatorsConfig config = small_config();
  Discriminators discriminators(config);
  torch::optim::AdamW optimizer(discriminators->parameters(),
                                torch::optim::AdamWOptions(2e-3).betas({0.8, 0.99}));
  double first = 0.0;
  double last = 0.0;
  for (int step = 0; step < 30; ++step) {
    const torch::Tensor recorded = sine(440.0, 0.5, 0.1 * step, 1024);
    optimizer.zero_grad();
    const torch::Tensor loss =
        discriminator_loss(discriminators(torch::cat({recorded, 0.3 * torch::randn({1, 1024})})));
    loss.backward();
    optimizer.step();
    (step == 0 ? first : last) = loss.item<double>();
  }
  CHECK(last < 0.5 * first);
}

TEST_CASE("discriminators that cannot be are refused, naming the field") {
  const auto refused = [](auto change, const std::string& field) {
    DiscriminatorsConfig config = small_config();
    change(config);
    check_contains(message_of(ErrorCode::usage, [&] { Discriminators d(config); }), {field});
  };
  refused([](DiscriminatorsConfig& c) { c.periods = {0}; }, "periods");
  refused([](DiscriminatorsConfig& c) { c.scale_channels = 24; }, "scale_channels");
  refused([](DiscriminatorsConfig& c) { c.period_channels = 0; }, "period_channels");
  refused([](DiscriminatorsConfig& c) { c.scales = -1; }, "scales");
  refused([](DiscriminatorsConfig& c) { c = {{}, 1, 0, 16, {}, 1}; }, "at least one");
}
