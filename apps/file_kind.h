// What a file that a user names is, by its first bytes; by its name where they do not tell.
//
// Set-up thread.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ondes {

// A checkpoint: another project's tensors (.pt, .safetensors), for `ondes import`.
enum class FileKind { score, mel, audio, voice, checkpoint };

inline constexpr std::size_t kFileHeadBytes = 12;

// "score", "mel", "audio", "voice", "checkpoint": in recipes.
std::string file_kind_name(FileKind kind);

// The same for people: a file whose bytes are audio is "a sound".
std::string file_kind_text(FileKind kind);

// By the first kFileHeadBytes alone; nothing where they do not tell. A .safetensors file is a mel:
// which of three it is, its header says.
std::optional<FileKind> file_kind_of_head(std::string_view head) noexcept;

// A .safetensors file that describes itself as Ondes's is a voice where it says which architecture,
// else a mel; others are checkpoints. What nothing tells is audio: libsndfile knows. Throws
// Error{io}, or Error{bad_input} from a safetensors header and for NumPy archives (.npz).
FileKind file_kind_of(const std::string& path);

}  // namespace ondes
