// Which files a player is given: files as they are, folders as the playable files in them, sorted.
// Control thread.
#pragma once
#include <string>
#include <vector>

namespace ondes {

struct PlayItem {
  std::string path;
  bool from_folder = false;  // nobody asked for it by name: it may be passed over
};

// Throws Error{io} for what is not there, Error{bad_input} for a folder without a playable file.
std::vector<PlayItem> play_list(const std::vector<std::string>& inputs);

}  // namespace ondes
