// What render and rerender print alike.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "apps/feature_renderer.h"
#include "apps/renderer.h"

namespace ondes {

// Renders a score, a mel or a sound, by what the voice takes. Throws Error.
RenderSummary render_input(const FeatureRequest& request);

// The report on standard error: file, speed, level, and everything that was not played as written.
void print_summary(const RenderSummary& summary);

nlohmann::json summary_to_json(const RenderSummary& summary);

}  // namespace ondes
