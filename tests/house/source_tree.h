// The project's own files as the house tests see them: path from the root and content.
//
// Hidden folders and build/ are not part of it (.ci/ is). Read from the disk, not from git, so that
// a file that was forgotten in a commit, or an unpacked archive, is judged too.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace ondes::house {

struct SourceFile {
  std::string path;  // from the root, with '/'
  std::string text;  // all bytes of it
};

// All files, sorted by path. Throws Error{io} when the root cannot be read.
std::vector<SourceFile> read_tree(const std::filesystem::path& root);

// "engine/score/midi_file.h" -> "engine/score"; a file at the root -> "".
std::string folder_of(const std::string& path);
// -> "engine"; a file at the root -> "".
std::string top_folder_of(const std::string& path);
// -> "midi_file.h"
std::string name_of(const std::string& path);

// Sources and headers of C++ and CUDA.
bool is_code(const std::string& path);

// One line a finding, for a failing test to print.
std::string join_lines(const std::vector<std::string>& lines);

}  // namespace ondes::house
