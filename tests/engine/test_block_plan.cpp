// Block plans: every operation of the judge against a case worked by hand, lengths, look-ahead, and
// what validate() refuses.
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "engine/plan/block_plan.h"
#include "engine/plan/block_runner.h"
#include "tests/support/thrown_error.h"

namespace ondes {
namespace {

using Numbers = std::vector<float>;

// A plan of one operation on one input; spans point into the test's own vectors.
BlockPlan plan_of(BlockOp op, int in_channels, int out_channels, BlockRate out_rate = {}) {
  BlockPlan plan;
  plan.sample_rate_hz = 8000;
  plan.values = {{in_channels, {}, "in"}, {out_channels, out_rate, "out"}};
  plan.inputs = {0};
  plan.output = 1;
  plan.ops = {std::move(op)};
  return plan;
}

Numbers evaluate(const BlockPlan& plan, const Numbers& input) {
  const int channels = plan.values[0].channels;
  const ConstFrames frames(input.data(), static_cast<int>(input.size()) / channels, channels);
  return evaluate_block_plan(plan, {{frames}});
}

BlockConv conv(int taps, const Numbers& weights, BlockValueId output = 1) {
  BlockConv op;
  op.input = 0;
  op.taps = taps;
  op.weights = weights;
  op.to.output = output;
  return op;
}

TEST_CASE("a convolution is the sum over taps and channels, padded with zeros") {
  const Numbers w{1.0F, 10.0F, 100.0F};
  const Numbers bias{0.5F};
  BlockConv op = conv(3, w);
  op.bias = bias;
  op.pad_left = 1;
  op.pad_right = 1;
  CHECK(evaluate(plan_of(op, 1, 1), {1, 2, 3}) == Numbers{210.5F, 321.5F, 32.5F});
}

TEST_CASE("dilation and stride pick every other frame") {
  const Numbers w{1.0F, 10.0F};
  BlockConv op = conv(2, w);
  op.dilation = 2;
  CHECK(evaluate(plan_of(op, 1, 1), {1, 2, 3, 4}) == Numbers{31, 42});
  op.dilation = 1;
  op.stride = 2;
  CHECK(evaluate(plan_of(op, 1, 1, {1, 2}), {1, 2, 3, 4, 5}) == Numbers{21, 43});
}

TEST_CASE("padding replicates or reflects the edges") {
  const Numbers w{1.0F, 10.0F, 100.0F};
  BlockConv op = conv(3, w);
  op.pad_left = 2;
  op.padding = BlockPadding::replicate;
  CHECK(evaluate(plan_of(op, 1, 1), {1, 2, 3}) == Numbers{111, 211, 321});
  op.padding = BlockPadding::reflect;
  CHECK(evaluate(plan_of(op, 1, 1), {1, 2, 3}) == Numbers{123, 212, 321});
}

TEST_CASE("groups see their own channels only") {
  const Numbers w{2.0F, 3.0F};
  BlockConv op = conv(1, w);
  op.groups = 2;
  CHECK(evaluate(plan_of(op, 2, 2), {1, 10, 2, 20}) == Numbers{2, 30, 4, 60});
}

TEST_CASE("weights are read in PyTorch's order: output, input, tap") {
  const Numbers w{1, 2, 3, 4, 5, 6, 7, 8};  // (2 outputs, 2 inputs, 2 taps)
  const BlockConv op = conv(2, w);
  // y0 = 1 a0 + 2 b0 + 3 a1 + 4 b1 for frames a = (1, 10), b = (100, 1000).
  CHECK(evaluate(plan_of(op, 2, 2), {1, 10, 100, 1000}) == Numbers{4231, 8675});
}

TEST_CASE("a transposed convolution spreads frames and leaves its edges out") {
  const Numbers w{1, 10, 100, 1000};
  BlockTransposedConv op;
  op.input = 0;
  op.taps = 4;
  op.stride = 2;
  op.weights = w;
  op.to.output = 1;
  CHECK(evaluate(plan_of(op, 1, 1, {2, 1}), {1, 2}) == Numbers{1, 10, 102, 1020, 200, 2000});
  op.trim_left = 1;
  op.trim_right = 1;
  CHECK(evaluate(plan_of(op, 1, 1, {2, 1}), {1, 2}) == Numbers{10, 102, 1020, 200});
  op.replicate_left = 1;
  op.trim_left = 2;
  CHECK(evaluate(plan_of(op, 1, 1, {2, 1}), {1, 2}) == Numbers{101, 1010, 102, 1020, 200});
}

TEST_CASE("an epilogue adds, scales, writes and maps") {
  const Numbers w{1, 1, 1, 1};  // (2, 2, 1)
  BlockPlan plan = plan_of(conv(1, w), 2, 2);
  plan.values.push_back({2, {}, "mapped"});
  auto& to = std::get<BlockConv>(plan.ops[0]).to;
  to.residual = 0;
  to.scale = 0.5F;
  to.map = {MapKind::leaky_relu, 0.25F, {}, {}};
  to.mapped = 2;
  CHECK(evaluate(plan, {1, 3, -4, 0}) == Numbers{2.5F, 3.5F, -4, -2});
  plan.output = 2;
  CHECK(evaluate(plan, {1, 3, -4, 0}) == Numbers{2.5F, 3.5F, -1, -0.5F});
}

TEST_CASE("a sum scales all of its inputs, a gate multiplies two halves") {
  BlockPlan plan = plan_of(BlockSum{{0, 0}, 0.25F, 1, {}, kNoValue}, 1, 1);
  CHECK(evaluate(plan, {2, -6}) == Numbers{1, -3});
  BlockGate gate;
  gate.input = 0;
  gate.first.kind = MapKind::relu;
  gate.second.kind = MapKind::hard_tanh;
  gate.output = 1;
  CHECK(evaluate(plan_of(gate, 2, 1), {3, 5, 4, -0.5F, -1, 1}) == Numbers{3, -2, 0});
}

TEST_CASE("maps are the functions of their names") {
  const Numbers alpha{2.0F};
  const Numbers inverse_beta{0.5F};
  const Numbers x{-1.5F, -0.25F, 0.0F, 0.75F, 3.0F};
  const auto check = [&](BlockMap map, auto expected) {
    BlockSum op{{0}, 1.0F, kNoValue, map, 1};
    const Numbers found = evaluate(plan_of(op, 1, 1), x);
    REQUIRE(found.size() == x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      CAPTURE(static_cast<int>(map.kind), x[i]);
      // The largest of the errors that engine/deterministic_math.h states, relative for exp.
      CHECK(found[i] == Approx(expected(static_cast<double>(x[i]))).epsilon(1e-6).margin(5e-7));
    }
  };
  check({MapKind::none, 0, {}, {}}, [](double v) { return v; });
  check({MapKind::relu, 0, {}, {}}, [](double v) { return std::max(v, 0.0); });
  check({MapKind::leaky_relu, 0.1F, {}, {}}, [](double v) { return v < 0 ? 0.1 * v : v; });
  check({MapKind::tanh, 0, {}, {}}, [](double v) { return std::tanh(v); });
  check({MapKind::sigmoid, 0, {}, {}}, [](double v) { return 1 / (1 + std::exp(-v)); });
  check({MapKind::silu, 0, {}, {}}, [](double v) { return v / (1 + std::exp(-v)); });
  check({MapKind::gelu, 0, {}, {}},
        [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); });
  check({MapKind::hard_tanh, 0, {}, {}}, [](double v) { return std::clamp(v, -1.0, 1.0); });
  check({MapKind::snake, 0, alpha, inverse_beta},
        [](double v) { return v + 0.5 * std::sin(2 * v) * std::sin(2 * v); });
  check({MapKind::exp, 0, {}, {}}, [](double v) { return std::exp(v); });
}

TEST_CASE("a layer norm leaves mean 0 and deviation 1 to gain and bias") {
  const Numbers gain{1, 1, 2};
  const Numbers bias{0, 10, 0};
  BlockLayerNorm op;
  op.input = 0;
  op.output = 1;
  op.gain = gain;
  op.bias = bias;
  const Numbers y = evaluate(plan_of(op, 3, 3), {1, 4, 1});
  CHECK(y[0] == Approx(-std::sqrt(0.5)).epsilon(1e-5));
  CHECK(y[1] == Approx(10 + std::sqrt(2.0)).epsilon(1e-5));
  CHECK(y[2] == Approx(-2 * std::sqrt(0.5)).epsilon(1e-5));
}

TEST_CASE("an LSTM follows its equations for two steps") {
  const Numbers in{0.5F, -1.0F, 2.0F, 1.5F};
  const Numbers back{0.25F, 0.5F, -0.75F, 1.0F};
  const Numbers bias{0.1F, 0.2F, -0.1F, 0.0F};
  const Numbers h0{0.3F};
  const Numbers c0{-0.2F};
  BlockLstm op;
  op.input = 0;
  op.output = 1;
  op.layers = {{1, 1, in, back, bias, h0, c0}};
  const Numbers x{0.7F, -0.4F};
  const Numbers y = evaluate(plan_of(op, 1, 1), x);
  double h = 0.3;
  double c = -0.2;
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  for (std::size_t t = 0; t < 2; ++t) {
    const auto gate = [&](std::size_t g) {
      return static_cast<double>(in[g]) * static_cast<double>(x[t]) +
             static_cast<double>(back[g]) * h + static_cast<double>(bias[g]);
    };
    const double i = gate(0);
    const double f = gate(1);
    const double g = gate(2);
    const double o = gate(3);
    c = sigmoid(f) * c + sigmoid(i) * std::tanh(g);
    h = sigmoid(o) * std::tanh(c);
    CHECK(y[t] == Approx(h).margin(2e-6));  // some four roundings of the functions' 4e-7
  }
}

TEST_CASE("an inverse STFT of frames of a constant is that constant, edges included") {
  const int n = GENERATE(4, 6, 16);  // 6: not a power of two
  const int hop = n / 2;
  Numbers window(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < window.size(); ++i) {
    window[i] = 0.5F - 0.5F * std::cos(6.2831853F * static_cast<float>(i) / static_cast<float>(n));
  }
  // A constant 1 under the window has the window's own spectrum: DC n/2, first bin -n/4.
  Numbers frame(static_cast<std::size_t>(n + 2), 0.0F);
  for (int k = 0; k <= n / 2; ++k) {
    frame[static_cast<std::size_t>(k)] = -60.0F;  // ln magnitude of nothing
  }
  frame[0] = std::log(static_cast<float>(n) / 2);
  frame[1] = std::log(static_cast<float>(n) / 4);
  frame[static_cast<std::size_t>(n / 2 + 2)] = 3.14159265F;
  Numbers input;
  for (int f = 0; f < 5; ++f) {
    input.insert(input.end(), frame.begin(), frame.end());
  }
  BlockInverseStft op;
  op.input = 0;
  op.output = 1;
  op.fft_size = n;
  op.hop_samples = hop;
  op.window = window;
  const Numbers y = evaluate(plan_of(op, n + 2, 1, {hop, 1}), input);
  REQUIRE(y.size() == static_cast<std::size_t>(4 * hop));
  for (const float sample : y) {
    CHECK(sample == Approx(1.0).margin(1e-5));  // window and logarithms are rounded to float
  }
}

TEST_CASE("an inverse STFT knows magnitude, sign of phase and the limit") {
  const int n = GENERATE(8, 12);
  const Numbers window(static_cast<std::size_t>(n), 1.0F);
  Numbers frame(static_cast<std::size_t>(n + 2), -100.0F);
  const auto bins = static_cast<std::size_t>(n / 2 + 1);
  frame[2] = std::log(3.0F);
  frame[bins + 2] = 0.5F;
  BlockInverseStft op;
  op.input = 0;
  op.output = 1;
  op.fft_size = n;
  op.hop_samples = n;
  op.window = window;
  op.centred = false;
  const auto expect = [&](double magnitude, double phase) {
    const Numbers y = evaluate(plan_of(op, n + 2, 1, {n, 1}), frame);
    REQUIRE(y.size() == static_cast<std::size_t>(n));
    for (int t = 0; t < n; ++t) {
      const double x = 2.0 * magnitude / n * std::cos(2 * 3.14159265358979 * 2 * t / n + phase);
      CHECK(y[static_cast<std::size_t>(t)] == Approx(x).margin(2e-6));
    }
  };
  expect(3.0, 0.5);
  op.magnitude_limit = 2.0F;
  expect(2.0, 0.5);
  op.form = BlockInverseStft::Form::log_polar_sine;
  expect(2.0, std::sin(0.5));
}

TEST_CASE("prewarmed plans start behind silence") {
  const Numbers w{1.0F, 1.0F};
  const Numbers bias{1.0F};
  BlockConv op = conv(2, w);
  op.bias = bias;
  op.pad_left = 1;
  BlockPlan plan = plan_of(op, 1, 1);
  plan.values.push_back({1, {}, "second"});
  BlockConv second = conv(2, w, 2);
  second.input = 1;
  second.pad_left = 1;
  plan.ops.emplace_back(second);
  plan.output = 2;
  CHECK(evaluate(plan, {5}) == Numbers{6});
  plan.prewarm_frames = 2;
  CHECK(evaluate(plan, {5}) == Numbers{7});  // the first layer's bias has passed by
  CHECK(output_frames(plan, 9) == 9);
}

TEST_CASE("look-ahead and lengths count through rates") {
  const Numbers w(16, 1.0F);
  BlockTransposedConv up;
  up.input = 0;
  up.taps = 8;
  up.stride = 4;
  up.trim_left = 2;
  up.trim_right = 2;
  up.weights = std::span(w).first(8);
  up.to.output = 1;
  BlockPlan plan = plan_of(up, 1, 1, {4, 1});
  CHECK(latency_frames(plan) == 1);
  CHECK(output_frames(plan, 10) == 40);
  BlockConv wide = conv(9, w, 2);
  wide.weights = std::span(w).first(9);
  wide.input = 1;
  wide.pad_left = 4;
  wide.pad_right = 4;
  plan.values.push_back({1, {4, 1}, "wide"});
  plan.ops.emplace_back(wide);
  plan.output = 2;
  CHECK(latency_frames(plan) == 2);  // two late from above and four more are less than eight
  CHECK(output_frames(plan, 10) == 40);
  CHECK(macs_per_frame(plan) == 8 + 9 * 4);
  std::get<BlockConv>(plan.ops[1]).pad_left = 8;
  std::get<BlockConv>(plan.ops[1]).pad_right = 0;
  CHECK(latency_frames(plan) == 1);
}

TEST_CASE("what is inconsistent is refused with operation, field, expected and found") {
  const Numbers w{1.0F, 10.0F, 100.0F};
  BlockPlan plan = plan_of(conv(3, w), 1, 1);
  auto& op = std::get<BlockConv>(plan.ops[0]);
  op.pad_left = 1;
  op.pad_right = 1;
  CHECK_NOTHROW(validate(plan));
  const auto message = [&] { return message_of(ErrorCode::bad_input, [&] { validate(plan); }); };
  SECTION("taps") {
    op.taps = 0;
    CHECK(message() == "block plan: ops[0] (conv): taps: expected 1..16777216, found 0");
  }
  SECTION("weights") {
    op.taps = 2;
    CHECK(message() == "block plan: ops[0] (conv): weights: expected 2 values, found 3");
  }
  SECTION("an output of another rate") {
    op.stride = 2;
    CHECK(message() == "block plan: ops[0] (conv): output ('out').rate: expected 1/2, found 1/1");
  }
  SECTION("a value written twice") {
    plan.ops.push_back(plan.ops[0]);
    CHECK(message() ==
          "block plan: ops[1] (conv): output: expected a value not yet written, found 'out'");
  }
  SECTION("a value read before it is written") {
    plan.values.push_back({1, {}, "later"});
    op.input = 2;
    CHECK(message() ==
          "block plan: ops[0] (conv): input: expected a value written before, found 'later'");
  }
  SECTION("a residual of another length") {
    op.pad_right = 0;
    op.to.residual = 0;
    CHECK(message().find("length of 'in' that is added") != std::string::npos);
  }
  SECTION("a snake without its parameters") {
    op.to.mapped = 2;
    op.to.map.kind = MapKind::snake;
    plan.values.push_back({1, {}, "mapped"});
    CHECK(message() == "block plan: ops[0] (conv): map.alpha: expected 1 values, found 0");
  }
  SECTION("prewarming what looks ahead") {
    plan.prewarm_frames = 5;
    CHECK(message().find("prewarm_frames: expected 0, because") != std::string::npos);
  }
  SECTION("an output nobody writes") {
    plan.values.push_back({1, {}, "void"});
    plan.output = 2;
    CHECK(message() == "block plan: output: expected a value that is written, found 'void'");
  }
  SECTION("signals of another shape") {
    const Numbers x{1, 2, 3, 4};
    const std::vector<ConstFrames> stereo{ConstFrames(x.data(), 2, 2)};
    CHECK(message_of(ErrorCode::bad_input, [&] { evaluate_block_plan(plan, stereo); }) ==
          "block plan: signal of 'in': channels: expected 1, found 2");
  }
}

}  // namespace
}  // namespace ondes
