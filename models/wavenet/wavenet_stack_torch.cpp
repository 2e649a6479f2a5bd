// The gated stack's forward and backward pass for the CPU, written by hand.
//
// Autograd over separate operations spends most of its time moving (T, 2G) tensors through memory
// that is long out of cache. Here a segment belongs to one thread; each layer walks it in tiles
// that stay in L2, with single-threaded sgemm on the tiles and the gate fused between them.
// Measured against stack_plain by tests/models/test_wavenet_torch.cpp (values and gradients).
//
// Gradients of the weights are summed over segments in order, so a step's result does not depend
// on the number of threads.
#include <ATen/Parallel.h>
#include <dnnl.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/deterministic_math.h"
#include "models/training/signals_held_back.h"
#include "models/wavenet/wavenet_torch.h"

namespace ondes {
namespace {

constexpr std::int64_t kTileSamples = 512;

// C (m, n) = op(A) op(B) + beta C, row-major, leading dimensions given: BLAS's own list of
// arguments, which every reader knows. Only under SignalsHeldBack.
// Nothing to do where a tap reaches back beyond the whole tile (m or k not positive).
void sgemm(char trans_a,
           char trans_b,
           std::int64_t m,
           std::int64_t n,
           std::int64_t k,
           const float* a,
           std::int64_t lda,
           const float* b,
           std::int64_t ldb,
           float beta,
           float* c,
           std::int64_t ldc) {
  if (m > 0 && k > 0) {
    dnnl_sgemm(trans_a, trans_b, m, n, k, 1.0F, a, lda, b, ldb, beta, c, ldc);
  }
}

// a (rows, 2G) becomes [tanh | sigmoid]; z (rows, G, stride) = their product.
__attribute__((target_clones("avx512f", "avx2,fma", "default"))) void gate_forward(
    float* a, float* z, std::int64_t rows, std::int64_t gates, std::int64_t z_stride) {
  for (std::int64_t t = 0; t < rows; ++t) {
    float* filter = a + t * 2 * gates;
    float* sigma = filter + gates;
    float* out = z + t * z_stride;
    for (std::int64_t i = 0; i < gates; ++i) {
      const float th = exact::tanh(filter[i]);
      const float sg = exact::sigmoid(sigma[i]);
      filter[i] = th;
      sigma[i] = sg;
      out[i] = th * sg;
    }
  }
}

// gated (rows, 2G) = [tanh | sigmoid], dz (rows, G) -> da (rows, 2G).
__attribute__((target_clones("avx512f", "avx2,fma", "default"))) void gate_backward(
    const float* gated, const float* dz, float* da, std::int64_t rows, std::int64_t gates) {
  for (std::int64_t t = 0; t < rows; ++t) {
    const float* th = gated + t * 2 * gates;
    const float* sg = th + gates;
    const float* d = dz + t * gates;
    float* out = da + t * 2 * gates;
    for (std::int64_t i = 0; i < gates; ++i) {
      out[i] = d[i] * sg[i] * (1.0F - th[i] * th[i]);
      out[gates + i] = d[i] * th[i] * sg[i] * (1.0F - sg[i]);
    }
  }
}

__attribute__((target_clones("avx512f", "avx2,fma", "default"))) void add_into(float* sum,
                                                                               const float* x,
                                                                               std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    sum[i] += x[i];
  }
}

struct Shape {
  std::int64_t segments, samples, residual, gates, skip, rows, layers, taps;
};

// What forward passes leave for backward passes lives in buffers that are kept and reused, because
// faulting in a quarter of a gigabyte a step costs more than the arithmetic on it.
class BufferPool {
 public:
  // Never destroyed: a tensor that outlives main() still gives its memory back.
  static BufferPool& instance() {
    static auto* const pool = new BufferPool;
    return *pool;
  }
  // A tensor of uninitialised floats whose memory comes back here when it dies.
  torch::Tensor take(std::int64_t size) {
    auto buffer = std::make_unique<std::vector<float>>();
    {
      const std::lock_guard lock(mutex_);
      const auto fits = std::find_if(free_.begin(), free_.end(), [size](const auto& b) {
        return static_cast<std::int64_t>(b->size()) == size;
      });
      if (fits != free_.end()) {
        buffer = std::move(*fits);
        free_.erase(fits);
      }
    }
    buffer->resize(static_cast<std::size_t>(size));
    std::vector<float>* owned = buffer.release();
    return torch::from_blob(owned->data(), {size}, [this, owned](void*) {
      const std::lock_guard lock(mutex_);
      free_.emplace_back(owned);
    });
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<std::vector<float>>> free_;
};

// The three buffers of a pass over B segments.
struct Workspace {
  torch::Tensor hidden;  // (B, L, T, R)
  torch::Tensor gated;   // (B, L, T, 2G)
  torch::Tensor z;       // (B, T, L*G)
};

struct Segment {
  Shape n;
  const float* rows;      // (W, L, 2G)
  const int* row_index;   // (T)
  const float* conv;      // (L, K, 2G, R)
  const float* residual;  // (L-1, R, G)
  const float* residual_bias;
  const float* skip;  // (S, L*G)
  const int* dilations;
  float* hidden;  // (L, T, R)
  float* gated;   // (L, T, 2G)
  float* z;       // (T, L*G)
};

void segment_forward(const Segment& s, const float* h0, float* out) {
  const Shape& n = s.n;
  const std::int64_t g2 = 2 * n.gates;
  const std::int64_t z_stride = n.layers * n.gates;
  std::copy(h0, h0 + n.samples * n.residual, s.hidden);
  for (std::int64_t l = 0; l < n.layers; ++l) {
    const float* h = s.hidden + l * n.samples * n.residual;
    float* next = s.hidden + (l + 1) * n.samples * n.residual;
    for (std::int64_t t0 = 0; t0 < n.samples; t0 += kTileSamples) {
      const std::int64_t count = std::min(kTileSamples, n.samples - t0);
      float* a = s.gated + (l * n.samples + t0) * g2;
      for (std::int64_t t = 0; t < count; ++t) {
        const float* row = s.rows + (s.row_index[t0 + t] * n.layers + l) * g2;
        std::copy(row, row + g2, a + t * g2);
      }
      for (std::int64_t k = 0; k < n.taps; ++k) {
        const std::int64_t delay = (n.taps - 1 - k) * s.dilations[l];
        const std::int64_t first = std::max<std::int64_t>(0, delay - t0);  // before it: zeros
        sgemm('N', 'T', count - first, g2, n.residual, h + (t0 + first - delay) * n.residual,
              n.residual, s.conv + (l * n.taps + k) * g2 * n.residual, n.residual, 1.0F,
              a + first * g2, g2);
      }
      float* z = s.z + t0 * z_stride + l * n.gates;
      gate_forward(a, z, count, n.gates, z_stride);
      if (l + 1 < n.layers) {
        float* y = next + t0 * n.residual;
        const float* bias = s.residual_bias + l * n.residual;
        for (std::int64_t t = 0; t < count; ++t) {
          for (std::int64_t i = 0; i < n.residual; ++i) {
            y[t * n.residual + i] = h[(t0 + t) * n.residual + i] + bias[i];
          }
        }
        sgemm('N', 'T', count, n.residual, n.gates, z, z_stride,
              s.residual + l * n.residual * n.gates, n.gates, 1.0F, y, n.residual);
      }
    }
  }
  sgemm('N', 'T', n.samples, n.skip, z_stride, s.z, z_stride, s.skip, z_stride, 0.0F, out, n.skip);
}

// Gradients of one segment; weight gradients are of this segment alone.
struct SegmentGradients {
  float* h0;             // (T, R), also the running gradient of h_l
  float* rows;           // (W, L, 2G)
  float* conv;           // (L, K, 2G, R)
  float* residual;       // (L-1, R, G)
  float* residual_bias;  // (L-1, R)
  float* skip;           // (S, L*G)
};

void segment_backward(const Segment& s, const float* dout, const SegmentGradients& d) {
  const Shape& n = s.n;
  const std::int64_t g2 = 2 * n.gates;
  const std::int64_t z_stride = n.layers * n.gates;
  std::vector<float> dz(static_cast<std::size_t>(kTileSamples * n.gates));
  std::vector<float> da(static_cast<std::size_t>(kTileSamples * g2));
  for (std::int64_t l = n.layers - 1; l >= 0; --l) {
    const float* h = s.hidden + l * n.samples * n.residual;
    // Ascending tiles: a tile adds to its own gradient of h_l and to earlier ones, which have been
    // used.
    for (std::int64_t t0 = 0; t0 < n.samples; t0 += kTileSamples) {
      const std::int64_t count = std::min(kTileSamples, n.samples - t0);
      const float* z = s.z + t0 * z_stride + l * n.gates;
      const float* ds = dout + t0 * n.skip;
      float* dh = d.h0 + t0 * n.residual;
      sgemm('N', 'N', count, n.gates, n.skip, ds, n.skip, s.skip + l * n.gates, z_stride, 0.0F,
            dz.data(), n.gates);
      sgemm('T', 'N', n.skip, n.gates, count, ds, n.skip, z, z_stride, 1.0F, d.skip + l * n.gates,
            z_stride);
      if (l + 1 < n.layers) {
        sgemm('N', 'N', count, n.gates, n.residual, dh, n.residual,
              s.residual + l * n.residual * n.gates, n.gates, 1.0F, dz.data(), n.gates);
        sgemm('T', 'N', n.residual, n.gates, count, dh, n.residual, z, z_stride, 1.0F,
              d.residual + l * n.residual * n.gates, n.gates);
        for (std::int64_t t = 0; t < count; ++t) {
          add_into(d.residual_bias + l * n.residual, dh + t * n.residual, n.residual);
        }
      }
      gate_backward(s.gated + (l * n.samples + t0) * g2, dz.data(), da.data(), count, n.gates);
      for (std::int64_t t = 0; t < count; ++t) {
        add_into(d.rows + (s.row_index[t0 + t] * n.layers + l) * g2, da.data() + t * g2, g2);
      }
      for (std::int64_t k = 0; k < n.taps; ++k) {
        const std::int64_t delay = (n.taps - 1 - k) * s.dilations[l];
        const std::int64_t first = std::max<std::int64_t>(0, delay - t0);
        const std::int64_t w = (l * n.taps + k) * g2 * n.residual;
        sgemm('T', 'N', g2, n.residual, count - first, da.data() + first * g2, g2,
              h + (t0 + first - delay) * n.residual, n.residual, 1.0F, d.conv + w, n.residual);
        sgemm('N', 'N', count - first, n.residual, g2, da.data() + first * g2, g2, s.conv + w,
              n.residual, 1.0F, dh + (first - delay) * n.residual, n.residual);
      }
    }
  }
}

class StackFunction : public torch::autograd::Function<StackFunction> {
 public:
  // Autograd tracks tensors only where each is an argument of its own, hence no StackArguments.
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& h0,
                               const torch::Tensor& rows,
                               const torch::Tensor& row_index,
                               const torch::Tensor& conv,
                               const torch::Tensor& residual,
                               const torch::Tensor& residual_bias,
                               const torch::Tensor& skip,
                               const std::vector<std::int64_t>& dilations) {
    const Shape n{h0.size(0),   h0.size(1),   h0.size(2),   conv.size(2) / 2,
                  skip.size(0), rows.size(1), conv.size(0), conv.size(1)};
    const std::int64_t volume = n.segments * n.layers * n.samples;
    BufferPool& pool = BufferPool::instance();
    const Workspace workspace = {pool.take(volume * n.residual), pool.take(volume * 2 * n.gates),
                                 pool.take(volume * n.gates)};
    torch::Tensor out = torch::empty({n.segments, n.samples, n.skip});
    const std::vector<int> delays(dilations.begin(), dilations.end());
    const std::vector<torch::Tensor> inputs = {h0,       rows,          row_index, conv,
                                               residual, residual_bias, skip};
    at::parallel_for(0, n.segments, 1, [&](std::int64_t first, std::int64_t last) {
      const SignalsHeldBack held;
      for (std::int64_t b = first; b < last; ++b) {
        segment_forward(segment(n, inputs, delays, workspace, b),
                        h0.data_ptr<float>() + b * n.samples * n.residual,
                        out.data_ptr<float>() + b * n.samples * n.skip);
      }
    });
    context->save_for_backward({h0, rows, row_index, conv, residual, residual_bias, skip});
    context->saved_data["dilations"] = dilations;
    context->saved_data["hidden"] = workspace.hidden;
    context->saved_data["gated"] = workspace.gated;
    context->saved_data["z"] = workspace.z;
    return out;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               const torch::autograd::tensor_list& gradients) {
    const auto inputs = context->get_saved_variables();
    const auto dilations = context->saved_data["dilations"].toIntVector();
    const Workspace workspace = {context->saved_data["hidden"].toTensor(),
                                 context->saved_data["gated"].toTensor(),
                                 context->saved_data["z"].toTensor()};
    const torch::Tensor dout = gradients[0].contiguous();
    const Shape n{inputs[0].size(0), inputs[0].size(1), inputs[0].size(2), inputs[3].size(2) / 2,
                  inputs[6].size(0), inputs[1].size(1), inputs[3].size(0), inputs[3].size(1)};
    const std::vector<int> delays(dilations.begin(), dilations.end());
    torch::Tensor dh0 = torch::zeros_like(inputs[0]);
    torch::Tensor drows = torch::zeros_like(inputs[1]);
    // One gradient a segment, summed in order below.
    const auto each = [&](const torch::Tensor& t) {
      std::vector<std::int64_t> shape = t.sizes().vec();
      shape.insert(shape.begin(), n.segments);
      return torch::zeros(shape);
    };
    std::array<torch::Tensor, 4> dw = {each(inputs[3]), each(inputs[4]), each(inputs[5]),
                                       each(inputs[6])};
    at::parallel_for(0, n.segments, 1, [&](std::int64_t first, std::int64_t last) {
      const SignalsHeldBack held;
      for (std::int64_t b = first; b < last; ++b) {
        const auto at_segment = [b](torch::Tensor& t) {
          return t.data_ptr<float>() + b * t.stride(0);
        };
        segment_backward(segment(n, inputs, delays, workspace, b),
                         dout.data_ptr<float>() + b * n.samples * n.skip,
                         {at_segment(dh0), at_segment(drows), at_segment(dw[0]), at_segment(dw[1]),
                          at_segment(dw[2]), at_segment(dw[3])});
      }
    });
    return {dh0,          drows,        torch::Tensor(), dw[0].sum(0),
            dw[1].sum(0), dw[2].sum(0), dw[3].sum(0),    torch::Tensor()};
  }

 private:
  static Segment segment(const Shape& n,
                         const std::vector<torch::Tensor>& inputs,
                         const std::vector<int>& delays,
                         const Workspace& w,
                         std::int64_t b) {
    return {n,
            inputs[1].data_ptr<float>() + b * n.rows * n.layers * 2 * n.gates,
            inputs[2].data_ptr<int>() + b * n.samples,
            inputs[3].data_ptr<float>(),
            inputs[4].data_ptr<float>(),
            inputs[5].data_ptr<float>(),
            inputs[6].data_ptr<float>(),
            delays.data(),
            w.hidden.data_ptr<float>() + b * n.layers * n.samples * n.residual,
            w.gated.data_ptr<float>() + b * n.layers * n.samples * 2 * n.gates,
            w.z.data_ptr<float>() + b * n.samples * n.layers * n.gates};
  }
};

}  // namespace

torch::Tensor stack_fused(const StackArguments& in) {
  return StackFunction::apply(in.h0.contiguous(), in.rows.contiguous(),
                              in.row_index.to(torch::kInt).contiguous(), in.conv, in.residual,
                              in.residual_bias, in.skip,
                              std::vector<std::int64_t>(in.dilations.begin(), in.dilations.end()));
}

}  // namespace ondes
