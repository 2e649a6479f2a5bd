// The mel a voice's contract describes, made from audio: the bridge between the contract
// (engine/conditioning/mel_contract.h) and the analysis (dsp/log_mel.h), which do not know each
// other. Both ways, field by field, exactly.
//
// Set-up thread.
#pragma once
#include "dsp/log_mel.h"
#include "engine/conditioning/mel_contract.h"

namespace ondes {

MelConfig mel_config_of(const MelContract& contract);
MelContract mel_contract_of(const MelConfig& config);

}  // namespace ondes
