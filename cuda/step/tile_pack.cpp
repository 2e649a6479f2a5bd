#include "cuda/step/tile_pack.h"

#include <cstring>

#include "engine/half.h"

namespace ondes::gpu {
namespace {

// weight(layer, row, input) for rows of whole tiles and inputs of whole stretches, 0 where the plan
// has none.
template <typename Weight>
TileMatrix append(
    int layers, int row_tiles, int stretches, std::vector<std::byte>& image, const Weight& weight) {
  TileMatrix matrix{static_cast<std::uint32_t>(image.size()), row_tiles, stretches};
  std::vector<Quad> quads;
  quads.reserve(static_cast<std::size_t>(layers) * static_cast<std::size_t>(matrix_quads(matrix)));
  for (int l = 0; l < layers; ++l) {
    for (int r = 0; r < row_tiles; ++r) {
      for (int tile = 0; tile < stretches * kStretchTiles; ++tile) {
        for (int place = 0; place < kWarpThreads; ++place) {
          Quad quad{};
          for (int i = 0; i < 8; ++i) {
            const float value =
                weight(l, r * kTileRows + a_at(place, i).row,
                       tile / kStretchTiles * kStretch + input_of(place, tile % kStretchTiles, i));
            quad.words[i / 2] |= static_cast<std::uint32_t>(float_to_half(value)) << (i % 2 * 16);
          }
          quads.push_back(quad);
        }
      }
    }
  }
  const std::size_t bytes = quads.size() * sizeof(Quad);
  image.resize(image.size() + bytes);
  std::memcpy(image.data() + matrix.weights, quads.data(), bytes);
  return matrix;
}

float element(std::span<const float> matrix, int rows, int inputs, int row, int input) {
  return row < rows && input < inputs && !matrix.empty()
             ? matrix[static_cast<std::size_t>(row) * static_cast<std::size_t>(inputs) +
                      static_cast<std::size_t>(input)]
             : 0.0F;
}

class TilePacker {
 public:
  TilePacker(const StepPlan& plan, std::vector<std::byte>& image) : plan_(plan), image_(image) {}

  TileModel pack() {
    const int l = plan_.layer_count();
    const int r = plan_.residual_channels;
    const int g = plan_.gate_channels;
    const int s = plan_.skip_channels;
    const int a = plan_.head_channels;
    const int gate_tiles = tiles_of(g, kGateChannels);
    const int each = tiles_of(r, kStretch);
    TileModel model;
    model.current = append(l, gate_tiles, each, image_, [&](int layer, int row, int input) {
      return tap(layer, plan_.taps - 1, row, input);
    });
    model.past =
        append(l, gate_tiles, (plan_.taps - 1) * each, image_, [&](int layer, int row, int input) {
          return tap(layer, input / (each * kStretch), row, input % (each * kStretch));
        });
    model.update = append(l, tiles_of(r, kTileRows), tiles_of(g, kStretch), image_,
                          [&](int layer, int row, int input) {
                            return element(at(layer).residual, r, g, row, input);
                          });
    model.skip = append(
        l, tiles_of(s, kTileRows), tiles_of(g, kStretch), image_,
        [&](int layer, int row, int input) { return element(at(layer).skip, s, g, row, input); });
    model.head = append(
        1, tiles_of(a, kTileRows), tiles_of(s, kStretch), image_,
        [&](int, int row, int input) { return element(plan_.head.weights, a, s, row, input); });
    model.output =
        append(1, tiles_of(plan_.output.outputs, kTileRows), tiles_of(a, kStretch), image_,
               [&](int, int row, int input) {
                 return element(plan_.output.weights, plan_.output.outputs, a, row, input);
               });
    return model;
  }

 private:
  const GatedLayer& at(int layer) const { return plan_.layers[static_cast<std::size_t>(layer)]; }

  // A tile's rows are 8 filters above the gatings of the same channels.
  float tap(int layer, int k, int row, int input) const {
    const int g = plan_.gate_channels;
    const int c = row / kTileRows * kGateChannels + row % kGateChannels;
    if (c >= g) {
      return 0.0F;
    }
    const int rows = 2 * g;
    const int within = row % kTileRows < kGateChannels ? c : g + c;
    const auto taps = static_cast<std::size_t>(rows * plan_.residual_channels);
    return element(at(layer).conv.subspan(static_cast<std::size_t>(k) * taps, taps), rows,
                   plan_.residual_channels, within, input);
  }

  const StepPlan& plan_;
  std::vector<std::byte>& image_;
};

}  // namespace

TileModel append_tiles(const StepPlan& plan, std::vector<std::byte>& image) {
  return TilePacker(plan, image).pack();
}

}  // namespace ondes::gpu
