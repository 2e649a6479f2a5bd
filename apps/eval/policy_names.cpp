#include "apps/eval/policy_names.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ondes {
namespace {

std::string rate_name(const EvaluationPolicies& policies) {
  return policies.rate_mismatch == EvaluationPolicies::RateMismatch::resample ? "resample"
                                                                              : "refuse";
}
std::string channels_name(const EvaluationPolicies& policies) {
  return policies.channels == EvaluationPolicies::Channels::mix ? "mix" : "refuse";
}
bool trims(const EvaluationPolicies& policies) {
  return policies.trim == EvaluationPolicies::Trim::silence;
}
bool aligns(const EvaluationPolicies& policies) {
  return policies.align == EvaluationPolicies::Align::delay;
}

}  // namespace

std::string policy_text(const EvaluationPolicies& policies) {
  std::string text = fmt::format(
      "rates that differ: {}; channels: {}; trim: {}; align: {}", rate_name(policies),
      channels_name(policies),
      trims(policies) ? fmt::format("silence {} dB below peak", policies.trim_below_peak_db)
                      : "none",
      aligns(policies) ? fmt::format("delay up to {} s", policies.max_delay_s) : "none");
  if (!policies.f0_reference_folder.empty()) {
    text += "; F0 of references: imported";
  }
  if (!policies.f0_generated_folder.empty()) {
    text += "; F0 of generated sounds: imported";
  }
  return text;
}

nlohmann::json policies_to_json(const EvaluationPolicies& policies) {
  nlohmann::json json{{"on_rate_mismatch", rate_name(policies)},
                      {"channels", channels_name(policies)},
                      {"trim", trims(policies) ? "silence" : "none"},
                      {"align", aligns(policies) ? "delay" : "none"},
                      {"mcd_profile", policies.mcd_profile}};
  if (trims(policies)) {
    json["trim_below_peak_db"] = policies.trim_below_peak_db;
  }
  if (aligns(policies)) {
    json["max_delay_s"] = policies.max_delay_s;
  }
  if (!policies.f0_reference_folder.empty()) {
    json["f0_reference_folder"] = policies.f0_reference_folder;
  }
  if (!policies.f0_generated_folder.empty()) {
    json["f0_generated_folder"] = policies.f0_generated_folder;
  }
  if (!policies.envelopes_reference_folder.empty()) {
    json["envelopes_reference_folder"] = policies.envelopes_reference_folder;
    json["envelopes_generated_folder"] = policies.envelopes_generated_folder;
  }
  return json;
}

std::string better_name(Better better) {
  switch (better) {
    case Better::lower:
      return "lower";
    case Better::higher:
      return "higher";
    case Better::neither:
      break;
  }
  return "neither";
}

}  // namespace ondes
