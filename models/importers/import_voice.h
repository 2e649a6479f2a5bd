// Other projects' weights as voices of Ondes. What a file is follows from its bytes and the names of
// its tensors:
//
//   .nam captures (JSON)                      nam_import.h       -> nam_wavenet, nam_lstm
//   HiFi-GAN, iSTFTNet, BigVGAN generators    hifigan_import.h   -> hifigan
//   WaveNets of wavenet_vocoder, nv-wavenet   wavenet_import.h   -> wavenet
//   voices of Ondes                           voice_reimport.h   -> what they were
//
// generators and WaveNets as PyTorch checkpoints (zip format, never executed) or safetensors, with
// their config.json. Nothing of a file is dropped in silence: what is not used is listed in the
// report, with what the file could not tell.
//
// Set-up thread. Throws Error{bad_input} naming file, field or tensor, expected and found.
#pragma once
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/weights/voice_file.h"

namespace ondes {

struct ImportRequest {
  std::span<const std::byte> bytes;
  std::string path;         // for messages and provenance; its stem names the voice
  std::string config_text;  // of config.json; empty: none
  std::string config_path;
  std::string name;     // of the voice; empty: from the file
  std::string licence;  // empty: unknown
};

struct ImportReport {
  std::string format;  // "HiFi-GAN generator, PyTorch checkpoint"
  std::size_t tensors_used = 0;
  std::size_t parameters = 0;
  std::vector<std::string> folded;   // weights whose norm was folded
  std::vector<std::string> unused;   // what the file has and the voice does not need, and why
  std::vector<std::string> assumed;  // what was taken to be so
  std::vector<std::string> unknown;  // what the file does not say
};

struct ImportedVoice {  // NOLINT(bugprone-exception-escape): nlohmann::json moves without throwing
  nlohmann::json description;  // as voice_file.h says
  std::map<std::string, TensorData> tensors;
  ImportReport report;
};

ImportedVoice import_voice(const ImportRequest& request);

// For programs that play a foreign file at once: the voice in memory of its own.
VoiceFile imported_voice_file(const ImportRequest& request);

// Mels that were normalised, band by band, by a mean and a variance that came with no file: the
// voice's description says so, and frames from an analysis are not what it takes.
void tell_of_unknown_mel_statistics(nlohmann::json* description);
bool tells_of_unknown_mel_statistics(const nlohmann::json& description);

// Whether the file's name says that it is a capture that imported_voice_file takes alone.
bool is_capture_path(const std::string& path);

// The line of ImportReport::unknown that goes when somebody names the speakers.
std::string unknown_speaker_names(int speakers);

// What every import fills in alike: schema, name, architecture, rate, licence, provenance. `features`
// and `config` are the importer's.
nlohmann::json imported_description(const ImportRequest& request,
                                    const std::string& architecture,
                                    int sample_rate_hz,
                                    const std::string& format);

}  // namespace ondes
