// Which function compiles which architecture. The table in registry.cpp is explicit: a model is in
// the program because its row is there.
//
// Set-up thread.
#pragma once
#include <string>
#include <vector>

#include "engine/plan/step_plan.h"
#include "engine/weights/voice_file.h"

namespace ondes {

std::vector<std::string> architecture_names();

// Throws Error{bad_input}: an unknown architecture, with the known ones listed, or what its
// compiler finds.
StepPlan compile_step_plan(const VoiceFile& voice);

}  // namespace ondes
