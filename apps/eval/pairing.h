// Which files are measured against each other.
//
//   two files    one pair
//   two folders  recursively: sounds whose paths below their folders agree up to the extension.
//                Exactly: clip1 is not clip10, and case counts. Files that are no sounds by their
//                extension and hidden files are left out; links to folders are followed, but not
//                back into a folder that they lie in.
//                A reference folder without sounds but with scores (.mid, .midi) pairs by those.
//   a manifest   a pair a line, CSV or JSON lines; paths are seen from the manifest's folder.
//
// A sound without a partner is listed, never dropped silently.
//
// Set-up thread. Throws Error{io} for what is not there, Error{bad_input} for what cannot be paired.
#pragma once
#include <string>
#include <vector>

namespace ondes {

struct PairFiles {
  std::string id;  // the common stem: "speaker1/clip3"
  std::string reference;
  std::string generated;
  std::string refused = {};  // why it cannot be measured: two sounds have this stem; "" if it can
};

struct Pairing {
  std::vector<PairFiles> pairs;  // sorted by id; a manifest keeps its order
  std::vector<std::string> only_in_reference;
  std::vector<std::string> only_in_generated;
};

// The sounds of a folder as above, sorted by stem; a file is itself. Throws Error{io}, and
// Error{bad_input} for a folder without sounds.
std::vector<std::string> sounds_at(const std::string& path);

// By its extension: .mid or .midi.
bool is_score(const std::string& path);

// Two files or two folders. Two sounds of one stem in one folder (a.wav and a.flac) make that pair
// refused, and no other. Throws Error{usage} for one of each, and for a render given as the
// reference of its score; Error{bad_input} where nothing pairs: with the counts and some stems of
// either side.
Pairing pair_sounds(const std::string& reference, const std::string& generated);

// Columns (or keys) ref and gen, and id if wanted; without it `gen` up to its extension is the id.
// A .jsonl file has one object a line, any other is CSV (RFC 4180) with those names in its first
// line. Throws Error{bad_input} naming the line; the files themselves are not looked at.
Pairing read_manifest(const std::string& path);

}  // namespace ondes
