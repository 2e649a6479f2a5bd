// What `ondes eval --nearest` searches: a folder of sounds, or a corpus that `ondes train` trained on.
//
//   a folder with corpus.json   notes (models/training/note_corpus.h): those of the training split
//   a folder with clips.json    clips (models/training/clip_corpus.h): those of the training split
//   any other folder, or a file the sounds in it
//
// A voice can only have copied what it was trained on, so held-out notes and clips are left out.
//
// Set-up thread: open_search_corpus(), which throws Error. Any thread: load.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace ondes {

struct SearchClip {
  std::string name;         // for people: "cello key 48 velocity 80, held 0.53 s (note 123)"
  double duration_s = 0.0;  // 0: not known before it is loaded
  // Mono, at kFingerprintRateHz. Throws Error.
  std::function<std::vector<float>()> load;
};

struct SearchCorpus {
  std::string path;
  std::string kind;  // "sounds", "training notes", "training clips"
  std::vector<SearchClip> clips;
};

SearchCorpus open_search_corpus(const std::string& path);

}  // namespace ondes
