// Which function compiles which architecture. The table in registry.cpp is explicit: a model is in
// the program because its row is there.
//
// Set-up thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "engine/plan/block_plan.h"
#include "engine/plan/lane_plan.h"
#include "engine/plan/step_plan.h"
#include "engine/weights/voice_file.h"

namespace ondes {

std::vector<std::string> architecture_names();

// Whether the voice's architecture compiles to a block plan (and not to one that plays notes). Throws
// Error{bad_input} for an unknown architecture, with the known ones listed.
bool is_block_voice(const VoiceFile& voice);

// Throw Error{bad_input}: an unknown architecture or one of the other kind of plan, or what its
// compiler finds.
LanePlan compile_lane_plan(const VoiceFile& voice);
StepPlan compile_step_plan(const VoiceFile& voice);
// `speaker`: a row of the voice's embedding, for models that have one.
BlockPlan compile_block_plan(const VoiceFile& voice, int speaker = 0);

// What makes conditioning rows of a step voice's mel frames; nothing where they are held.
std::optional<BlockPlan> compile_upsampling(const VoiceFile& voice);

// Rows of the voice's speaker embedding; 0 without one.
int speaker_count(const VoiceFile& voice);

}  // namespace ondes
