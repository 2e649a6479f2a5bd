// The products of the step kernel: matrices of a layer and of the head by the vectors of a block's
// lanes, in any precision.
//
// A product's inputs are cut into slices so that its outputs occupy the block; slice sums end in
// scratch and are added in ascending order. Integers: exact in any order, so i8 and i16 give the
// CPU's bytes. f32: slice 0 begins at the product's start value; with one slice a product is the
// CPU's sum to the last bit, with more it differs by rounding. f16: weights and vectors are halves,
// h itself, sums and what begins them f32. Any thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/step/lanes_internal.h"

namespace ondes::gpu {

// kResidual > 0: R and G are this number, known to the compiler.
template <typename Arithmetic, int kLanes, int kResidual, typename Block>
class StepProducts : public StepLanes<Arithmetic, kLanes, kResidual, Block> {
  using Base = StepLanes<Arithmetic, kLanes, kResidual, Block>;

 public:
  ONDES_HOST_DEVICE StepProducts(Block& block,
                                 const StepModelView& model,
                                 const StepCall& call,
                                 const ScratchMap& map)
      : Base(block, model, call, map) {}

 protected:
  using Sum = typename Arithmetic::Sum;
  using Base::block_;
  using Base::call_;
  using Base::conditioning;
  using Base::floats;
  using Base::gate;
  using Base::lanes_;
  using Base::map_;
  using Base::model_;
  using Base::quads;
  using Base::quads_r;
  using Base::residual;

  struct Product {
    MatrixView matrix;
    int x = 0;                      // scratch offset of the inputs
    int slices = 1;                 // of a segment
    const float* starts = nullptr;  // (outputs) of lane 0
    int starts_stride = 0;          // from lane to lane
    const Quad* weights = nullptr;  // where the caller holds them; null: in the image
  };

  // The two products of a layer: the current tap of its convolution, and what h gains.
  ONDES_HOST_DEVICE Product tap_of(int l, const Quad* held = nullptr) const {
    const MatrixView matrix = matrix_of_layer(model_.current, l);
    const float* starts = floats(0, map_.acc) + l * 2 * gate();
    return {matrix, map_.x, call_.slicing.current, starts, map_.quads * 4, held};
  }
  ONDES_HOST_DEVICE Product update_of(int l, const Quad* held = nullptr) const {
    const MatrixView matrix = matrix_of_layer(model_.update, l);
    const float* starts = this->template at<float>(model_.residual_bias) + l * residual();
    const int z = map_.z + l * model_.quads_g;
    return {matrix, z, call_.slicing.residual, starts, 0, held};
  }

  ONDES_HOST_DEVICE static int segments_of(const MatrixView& m) {
    return (m.quads + m.segment_quads - 1) / m.segment_quads;
  }

  // Partial sums of every slice and output. A phase.
  template <typename A>
  ONDES_HOST_DEVICE void multiply(const Product& product) {
    block_.phase([&](int thread) {
      const MatrixView& m = product.matrix;
      const int slices = segments_of(m) * product.slices;
      for (int i = thread; i < slices * m.outputs; i += block_.threads()) {
        slice_sum<A>(product, i / m.outputs, i % m.outputs);
      }
    });
  }

  template <typename A>
  ONDES_HOST_DEVICE void slice_sum(const Product& product, int slice, int o) {
    const MatrixView& m = product.matrix;
    const int segment_first = slice / product.slices * m.segment_quads;
    const int length = smaller(m.segment_quads, m.quads - segment_first);
    const int part = slice % product.slices;
    const int first = segment_first + part * length / product.slices;
    const int end = segment_first + (part + 1) * length / product.slices;
    typename A::Sum sums[static_cast<std::size_t>(kLanes)];
    ONDES_UNROLL
    for (int j = 0; j < kLanes; ++j) {
      sums[j] = A::kInteger || slice > 0
                    ? typename A::Sum{0}
                    : static_cast<typename A::Sum>(product.starts[j * product.starts_stride + o]);
    }
    const Quad* weights =
        (product.weights != nullptr ? product.weights : this->template at<Quad>(m.weights)) + o;
    ONDES_UNROLL_4
    for (int q = first; q < end; ++q) {
      const Quad w = weights[static_cast<std::size_t>(q) * static_cast<std::size_t>(m.outputs)];
      ONDES_UNROLL
      for (int j = 0; j < kLanes; ++j) {
        sums[j] = A::dot(w, quads(j, product.x)[q], sums[j]);
      }
    }
    ONDES_UNROLL
    for (int j = 0; j < kLanes; ++j) {
      reinterpret_cast<typename A::Sum*>(quads(j, map_.partials))[slice * m.outputs + o] = sums[j];
    }
  }

  // The end of a product for one lane and output. x_scale: of the integers it read.
  template <typename A>
  ONDES_HOST_DEVICE float finished(const Product& product, int j, int o, float x_scale) const {
    const MatrixView& m = product.matrix;
    const auto* partials = reinterpret_cast<const typename A::Sum*>(quads(j, map_.partials)) + o;
    if constexpr (A::kInteger) {
      float value = product.starts[j * product.starts_stride + o];
      const float* scales = this->template at<float>(m.scales) + o;
      for (int segment = 0; segment < segments_of(m); ++segment) {
        std::int32_t sum = 0;
        for (int s = 0; s < product.slices; ++s) {
          sum += partials[(segment * product.slices + s) * m.outputs];
        }
        value = exact::fma(static_cast<float>(sum), scales[segment * m.outputs] * x_scale, value);
      }
      return value;
    } else {
      float sum = partials[0];
      for (int s = 1; s < segments_of(m) * product.slices; ++s) {
        sum += partials[s * m.outputs];
      }
      return sum;
    }
  }

  // acc of a layer's output: conditioning and past taps, in the CPU's order. `held`: its weights
  // where the caller holds them.
  ONDES_HOST_DEVICE void past_output(int l, int o, const Quad* held) {
    const int rows = 2 * gate();
    const int older = model_.taps - 1;
    float values[static_cast<std::size_t>(kLanes)];
    ONDES_UNROLL
    for (int j = 0; j < kLanes; ++j) {
      values[j] = j < lanes_ ? conditioning(j)[l * rows + o] : 0.0F;
    }
    const MatrixView matrix = matrix_of_layer(model_.past, l);
    const Quad* weights = (held != nullptr ? held : this->template at<Quad>(matrix.weights)) + o;
    for (int k = 0; k < older; ++k) {
      Sum sums[static_cast<std::size_t>(kLanes)];
      ONDES_UNROLL
      for (int j = 0; j < kLanes; ++j) {
        sums[j] = Arithmetic::kInteger ? Sum{0} : static_cast<Sum>(values[j]);
      }
      const int first = (l * older + k) * quads_r();
      ONDES_UNROLL_4
      for (int q = 0; q < quads_r(); ++q) {
        const Quad w = weights[(k * quads_r() + q) * rows];
        ONDES_UNROLL
        for (int j = 0; j < kLanes; ++j) {
          sums[j] = Arithmetic::dot(w, quads(j, map_.past)[first + q], sums[j]);
        }
      }
      ONDES_UNROLL
      for (int j = 0; j < kLanes; ++j) {
        if constexpr (Arithmetic::kInteger) {
          const float scale = this->template at<float>(matrix.scales)[k * rows + o] *
                              floats(j, map_.past_scale)[l * older + k];
          values[j] = exact::fma(static_cast<float>(sums[j]), scale, values[j]);
        } else {
          values[j] = sums[j];
        }
      }
    }
    for (int j = 0; j < lanes_; ++j) {
      floats(j, map_.acc)[l * rows + o] = values[j];
    }
  }
};

}  // namespace ondes::gpu
