// What a file that a user names is, by its first bytes; by its name where they do not tell.
//
// Set-up thread.
#pragma once
#include <string>

namespace ondes {

enum class FileKind { score, mel, audio, voice };

// "score", "mel", "audio", "voice": in recipes and messages.
std::string file_kind_name(FileKind kind);

// "-" is a score. A .safetensors file is a voice where it says which architecture, else a mel. What
// nothing tells is audio: libsndfile knows. Throws Error{io}, or Error{bad_input} from a safetensors
// header.
FileKind file_kind_of(const std::string& path);

}  // namespace ondes
