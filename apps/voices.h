// Voices as programs find and load them: by name in the voice folders, or by file.
//
// Folders, in this order: $ONDES_VOICES, ./samples/voices, <program>/../share/ondes/voices,
// <program>/../../../samples/voices (a build tree inside the source tree).
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/conditioning/mel_contract.h"
#include "engine/conditioning/note_contract.h"
#include "engine/plan/block_plan.h"
#include "engine/plan/lane_plan.h"
#include "engine/weights/voice_file.h"

namespace ondes {

inline constexpr const char* kDefaultVoice = "chamber";

enum class VoiceKind { notes, mel, audio };  // what it takes

struct Voice {
  std::string path;
  VoiceFile file;
  VoiceKind kind = VoiceKind::notes;
  NoteContract contract;                   // notes
  LanePlan plan;                           // notes, and autoregressive voices
  MelContract mel;                         // mel
  bool mel_statistics_unknown = false;     // mel: normalised by a mean and variance nobody told
  BlockPlan blocks;                        // mel and audio; of speaker 0, where there are several
  bool autoregressive = false;             // mel: a sample a step; `plan` instead of `blocks`
  std::optional<BlockPlan> upsampling;     // autoregressive: rows of frames; nothing: held
  int speakers = 0;                        // rows of the embedding; 0: none
  std::vector<std::string> speaker_names;  // as many, or none
};

std::vector<std::filesystem::path> voice_folders();
std::filesystem::path program_folder();  // where this executable lies

// Every voice file in the folders, first folder first; a name met twice counts where it is met
// first. A $ONDES_VOICES that is no folder is said on standard error, once.
std::vector<std::filesystem::path> find_voices();

// The file that `name` means: a path, a name, or (empty) the default voice: `chamber`, else the
// only one. Throws Error{bad_input}, listing the voices there are.
std::filesystem::path locate_voice(const std::string& name);

// Of mel and audio voices: samples for an input frame, and multiplications for a sample.
double samples_per_frame(const Voice& voice);
double macs_per_sample(const Voice& voice);
int latency_frames(const Voice& voice);  // of look-ahead

// Compiles a voice file. Throws Error{bad_input} for features that this Ondes does not know.
Voice make_voice(VoiceFile file, const std::string& path);

// The row that a name, or a number in digits, means. Throws Error{usage} naming --speaker and what
// the voice has.
int speaker_index(const Voice& voice, const std::string& speaker);

// Opens, checks and compiles; a capture (.nam) is imported on the way. Throws Error{bad_input} for
// features that this Ondes does not know.
Voice load_voice(const std::filesystem::path& path);

}  // namespace ondes
