#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "engine/deterministic_math.h"
#include "engine/error.h"
#include "engine/plan/dense_network.h"

using namespace ondes;

namespace {

const std::array<float, 6> kFirst{1.0F, -2.0F, 0.5F, 4.0F, -1.0F, 0.25F};  // (3, 2)
const std::array<float, 3> kFirstBias{0.1F, -0.2F, 0.3F};
const std::array<float, 3> kSecond{2.0F, -3.0F, 0.5F};  // (1, 3)
const std::array<float, 1> kSecondBias{-0.5F};

}  // namespace

TEST_CASE("two layers give what the formula gives, computed by hand in double") {
  DenseNetwork network({DenseOp{2, 3, kFirst, kFirstBias, Activation::relu},
                        DenseOp{3, 1, kSecond, kSecondBias, Activation::tanh}});
  const std::array<float, 2> x{0.5F, -0.25F};
  std::array<float, 1> y{};
  network.evaluate(x, y);
  // hidden: 1.1, -0.95 -> 0, -0.2625 -> 0; output: tanh(2 * 1.1 - 0.5) = tanh(1.7)
  CHECK(y[0] == Approx(0.93540907).margin(1e-6));  // exact::tanh states 4e-7
  CHECK(network.inputs() == 2);
  CHECK(network.outputs() == 1);
}

TEST_CASE("accumulation is the fused chain from the bias upwards, bit for bit") {
  const std::array<float, 3> weights{0.1F, 0.7F, -1.3F};
  const std::array<float, 1> bias{1.0F / 3.0F};
  const std::array<float, 3> x{1.0F / 7.0F, 3.1F, 0.01F};
  std::array<float, 1> y{};
  evaluate_dense(DenseOp{3, 1, weights, bias, Activation::none}, x, y);
  const float chain = exact::fma(
      weights[2], x[2], exact::fma(weights[1], x[1], exact::fma(weights[0], x[0], bias[0])));
  CHECK(y[0] == chain);
}

TEST_CASE("vectors of outputs give the bits of the plain loops, for every width and activation") {
  for (const int outputs : {1, 5, 16, 33, 64, 100}) {
    for (const Activation activation : {Activation::none, Activation::relu, Activation::tanh}) {
      const int inputs = 1 + outputs * 7 % 41;
      std::vector<float> weights(static_cast<std::size_t>(inputs * outputs));
      std::vector<float> bias(static_cast<std::size_t>(outputs));
      std::vector<float> x(static_cast<std::size_t>(inputs));
      std::mt19937 engine(static_cast<unsigned>(outputs));
      std::normal_distribution<float> normal;
      for (std::vector<float>* values : {&weights, &bias, &x}) {
        for (float& value : *values) {
          value = normal(engine);
        }
      }
      const DenseOp layer{inputs, outputs, weights, bias, activation};
      std::vector<float> expected(static_cast<std::size_t>(outputs));
      std::vector<float> found(expected.size());
      evaluate_dense(layer, x, expected);
      DenseNetwork({layer}).evaluate(x, found);
      CHECK(found == expected);
    }
  }
}

TEST_CASE("an empty network copies its input") {
  DenseNetwork network({});
  const std::array<float, 2> x{0.5F, -2.0F};
  std::array<float, 2> y{};
  network.evaluate(x, y);
  CHECK(y == x);
  CHECK(network.empty());
}

TEST_CASE("a layer whose sizes contradict each other is refused, naming the layer") {
  const auto refuse = [](std::vector<DenseOp> layers, const std::string& named) {
    try {
      DenseNetwork network(std::move(layers));
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::bad_input);
      CHECK(std::string(error.what()).find(named) != std::string::npos);
    }
  };
  refuse({DenseOp{2, 2, kFirst, kFirstBias, Activation::none}}, "layer 0");
  refuse({DenseOp{2, 3, kFirst, kSecondBias, Activation::none}}, "layer 0");
  refuse({DenseOp{2, 3, kFirst, kFirstBias, Activation::none},
          DenseOp{1, 3, kSecond, kFirstBias, Activation::none}},
         "layer 1");
}
