// One dense layer as plain data: what plans hold, engine/plan/dense_network.h evaluates. Any thread.
#pragma once
#include <span>

namespace ondes {

enum class Activation { none, relu, tanh };

// y = activation(W x + b).  weights (outputs, inputs) row-major, bias (outputs).
struct DenseOp {
  int inputs = 0;
  int outputs = 0;
  std::span<const float> weights;
  std::span<const float> bias;
  Activation activation = Activation::none;
};

}  // namespace ondes
