// The two layouts of wavenet_import: their tensors taken by name, their configurations.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "engine/conditioning/mel_contract.h"
#include "models/importers/float_tensors.h"
#include "models/wavenet/wavenet.h"

namespace ondes {

inline constexpr const char* kR9y9Probe = "first_conv.bias";
inline constexpr const char* kNvProbe = "cond_layers.conv.bias";
inline constexpr const char* kNvExportProbe = "embedding_curr";

// A checkpoint's tensors, each to be taken once.
class WavenetSource {
 public:
  WavenetSource(FloatTensors tensors, std::string name);

  const std::string& name() const { return name_; }
  bool has(const std::string& tensor) const { return tensors_.contains(tensor); }
  bool has_below(const std::string& prefix) const;
  // Throws Error{bad_input} if it is missing or has another shape.
  FloatTensor take(const std::string& tensor, const std::vector<std::int64_t>& shape);
  FloatTensor take_or_zeros(const std::string& tensor, const std::vector<std::int64_t>& shape);
  void ignore(const std::string& tensor) { used_.insert(tensor); }
  // The size of a dimension; throws where the tensor or the dimension is missing.
  int size(const std::string& tensor, std::size_t dimension) const;
  // Layers <prefix>0<suffix>, <prefix>1<suffix>, ...
  int count(const std::string& prefix, const std::string& suffix) const;
  // Throws Error{bad_input} naming a tensor nobody took.
  void require_all_used() const;

 private:
  FloatTensors tensors_;
  std::set<std::string> used_;
  std::string name_;
};

struct R9y9Options {
  int bands = 0;
  int outputs = 0;
  bool legacy = false;
  std::vector<std::string> upsampling;  // the tensors of config.upsampling
};

struct NvOptions {
  int bands = 0;
  int hop_samples = 0;
  int upsample_taps = 0;  // 0: none
};

// Throw Error{bad_input} naming what a step plan cannot express.
R9y9Options read_r9y9(const nlohmann::json& json,
                      const std::string& path,
                      const WavenetSource& source,
                      WavenetConfig* config,
                      MelContract* contract);
NvOptions read_nv(const nlohmann::json& json,
                  const std::string& path,
                  const WavenetSource& source,
                  WavenetConfig* config,
                  MelContract* contract);

// Whether an upsampling (C, C, taps) holds a frame for a hop: as many taps, all the same.
bool only_repeats(const FloatTensor& upsample, int hop_samples);

}  // namespace ondes
