// What a source needs of a voice: its plan's level network, its contract, a runner of its own, and
// something that keeps both alive.
#pragma once
#include <memory>
#include <string>

#include "engine/conditioning/note_contract.h"
#include "engine/plan/lane_runner.h"
#include "engine/plan/note_plan.h"

namespace ondes {

struct SynthVoice {
  std::shared_ptr<const void> owner;  // of plan and contract; may be empty if they live anyway
  const NotePlan* plan = nullptr;
  const NoteContract* contract = nullptr;
  std::unique_ptr<LaneRunner> runner;
  std::string name;  // for people; may be empty
};

}  // namespace ondes
