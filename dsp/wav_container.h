// The WAV container: building a header and scanning a file's chunks.
//
// Layout written: RIFF | JUNK (28 bytes, becomes ds64) | fmt | fact (float) | LIST INFO ICMT | data
// Past 4 GiB the same bytes become RF64 with the lengths in ds64 (EBU Tech 3306). A length that is
// unknown when the header goes out (pipes) is written as 0xFFFFFFFF, which readers take as "to the
// end".
//
// Any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dsp/audio_file.h"

namespace ondes {

int bytes_per_sample(SampleFormat format) noexcept;

// Without `frames`: length unknown. The header's size does not depend on `frames`.
std::vector<std::byte> wav_header(const AudioWriteOptions& options,
                                  std::optional<std::int64_t> frames);

struct WavScan {
  bool is_wav = false;
  bool has_data = false;           // the data chunk was reached
  std::int64_t missing_bytes = 0;  // how much shorter the file is than its data chunk claims
  std::string text;                // ICMT
};

// Fills the span from an absolute position; returns the bytes read.
using ReadAt = std::function<std::size_t(std::int64_t position, std::span<std::byte> bytes)>;

// Walks the chunks of a RIFF or RF64 WAVE file; never throws on content.
WavScan scan_wav(const ReadAt& read_at, std::int64_t file_bytes);

}  // namespace ondes
