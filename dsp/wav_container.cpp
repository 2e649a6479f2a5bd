#include "dsp/wav_container.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace ondes {

namespace {

constexpr std::uint32_t kUnknownLength = 0xFFFFFFFFU;
// Programs that cannot seek back write lengths of about 2 or 4 GiB, each its own.
constexpr std::uint64_t kStreamedLengthFrom = 0x7FFF0000U;
constexpr std::size_t kDs64Bytes = 28;

class ByteWriter {
 public:
  void tag(std::string_view four) {
    for (const char c : four) {
      bytes_.push_back(static_cast<std::byte>(c));
    }
  }
  void u16(std::uint64_t value) { little_endian(value, 2); }
  void u32(std::uint64_t value) { little_endian(value, 4); }
  void u64(std::uint64_t value) { little_endian(value, 8); }
  void zeros(std::size_t count) { bytes_.insert(bytes_.end(), count, std::byte{0}); }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void little_endian(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) {
      bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
  }
  std::vector<std::byte> bytes_;
};

constexpr std::uint64_t even(std::uint64_t bytes) {
  return bytes + (bytes & 1U);
}

void write_format(ByteWriter& out, const AudioWriteOptions& options) {
  constexpr std::uint64_t kPcm = 1;
  constexpr std::uint64_t kFloat = 3;
  constexpr std::uint64_t kExtensible = 0xFFFE;
  const bool is_float = options.format == SampleFormat::float32;
  const auto sample_bytes = static_cast<std::uint64_t>(bytes_per_sample(options.format));
  const auto channels = static_cast<std::uint64_t>(options.channels);
  const auto rate = static_cast<std::uint64_t>(options.sample_rate_hz);
  const std::uint64_t tag = is_float ? kFloat : kPcm;
  // 24 bits in one or two channels go out as plain PCM: the extensible form is the letter of the
  // law, but some readers (Python's wave before 3.12) know only the plain one, and all know that.
  const bool extensible = options.channels > 2;
  out.tag("fmt ");
  out.u32(extensible ? 40 : (is_float ? 18 : 16));
  out.u16(extensible ? kExtensible : tag);
  out.u16(channels);
  out.u32(rate);
  out.u32(rate * channels * sample_bytes);
  out.u16(channels * sample_bytes);
  out.u16(8 * sample_bytes);
  if (extensible) {
    out.u16(22);                // bytes that follow
    out.u16(8 * sample_bytes);  // valid bits
    out.u32(0);                 // which loudspeaker is which: unsaid
    out.u16(tag);               // the sub-format: the tag and the fixed rest of its GUID
    for (const int byte :
         {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71}) {
      out.tag(std::string(1, static_cast<char>(byte)));
    }
  } else if (is_float) {
    out.u16(0);
  }
}

void write_text(ByteWriter& out, const std::string& text) {
  const std::uint64_t bytes = text.size() + 1;  // with its NUL
  out.tag("LIST");
  out.u32(4 + 8 + even(bytes));
  out.tag("INFO");
  out.tag("ICMT");
  out.u32(bytes);
  out.tag(text);
  out.zeros(static_cast<std::size_t>(even(bytes) - text.size()));
}

std::uint64_t number(std::span<const std::byte> bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count && at + i < bytes.size(); ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8 * i);
  }
  return value;
}

bool has_tag(std::span<const std::byte> bytes, std::size_t at, std::string_view tag) {
  return at + tag.size() <= bytes.size() &&
         std::equal(tag.begin(), tag.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

// The ICMT entry of the payload of a LIST chunk, "" if there is none.
std::string text_of_list(std::span<const std::byte> list) {
  if (!has_tag(list, 0, "INFO")) {
    return "";
  }
  std::size_t at = 4;
  while (at + 8 <= list.size()) {
    const std::size_t bytes = std::min<std::size_t>(number(list, at + 4, 4), list.size() - at - 8);
    if (has_tag(list, at, "ICMT")) {
      const auto* first = reinterpret_cast<const char*>(list.data() + at + 8);
      return {first, std::find(first, first + bytes, '\0')};
    }
    at += 8 + even(bytes);
  }
  return "";
}

}  // namespace

int bytes_per_sample(SampleFormat format) noexcept {
  switch (format) {
    case SampleFormat::pcm16:
      return 2;
    case SampleFormat::pcm24:
      return 3;
    case SampleFormat::float32:
      return 4;
  }
  return 0;
}

std::vector<std::byte> wav_header(const AudioWriteOptions& options,
                                  std::optional<std::int64_t> frames) {
  ByteWriter body;
  write_format(body, options);
  const bool is_float = options.format == SampleFormat::float32;
  const auto frame_count = static_cast<std::uint64_t>(frames.value_or(0));
  if (is_float) {
    body.tag("fact");
    body.u32(4);
    body.u32(frames ? std::min<std::uint64_t>(frame_count, kUnknownLength) : kUnknownLength);
  }
  if (!options.text.empty()) {
    write_text(body, options.text);
  }
  const std::vector<std::byte> chunks = body.take();
  const std::uint64_t data_bytes =
      frame_count * static_cast<std::uint64_t>(options.channels * bytes_per_sample(options.format));
  const std::uint64_t riff_bytes = 4 + 8 + kDs64Bytes + chunks.size() + 8 + even(data_bytes);
  const bool big = riff_bytes > kUnknownLength - 1;
  const bool lengths_elsewhere = big || !frames;

  ByteWriter out;
  out.tag(big ? "RF64" : "RIFF");
  out.u32(lengths_elsewhere ? kUnknownLength : riff_bytes);
  out.tag("WAVE");
  out.tag(big ? "ds64" : "JUNK");
  out.u32(kDs64Bytes);
  if (big) {
    out.u64(riff_bytes);
    out.u64(data_bytes);
    out.u64(frame_count);
    out.u32(0);  // no table of further long chunks
  } else {
    out.zeros(kDs64Bytes);
  }
  std::vector<std::byte> header = out.take();
  header.insert(header.end(), chunks.begin(), chunks.end());
  ByteWriter data;
  data.tag("data");
  data.u32(lengths_elsewhere ? kUnknownLength : data_bytes);
  const std::vector<std::byte> data_head = data.take();
  header.insert(header.end(), data_head.begin(), data_head.end());
  return header;
}

WavScan scan_wav(const ReadAt& read_at, std::int64_t file_bytes) {
  constexpr int kMaxChunks = 4096;
  WavScan scan;
  std::array<std::byte, 36> head{};
  const std::size_t head_bytes = read_at(0, head);
  const std::span<const std::byte> start(head.data(), head_bytes);
  const bool is_rf64 = has_tag(start, 0, "RF64");
  scan.is_wav = (is_rf64 || has_tag(start, 0, "RIFF")) && has_tag(start, 8, "WAVE");
  if (!scan.is_wav) {
    return scan;
  }
  const std::uint64_t long_data_bytes = has_tag(start, 12, "ds64") ? number(start, 28, 8) : 0;
  const auto total = static_cast<std::uint64_t>(file_bytes);
  std::uint64_t at = 12;
  for (int i = 0; i < kMaxChunks && at + 8 <= total; ++i) {
    std::array<std::byte, 8> chunk{};
    if (read_at(static_cast<std::int64_t>(at), chunk) != chunk.size()) {
      break;
    }
    std::uint64_t bytes = number(chunk, 4, 4);
    const std::uint64_t room = total - at - 8;
    if (has_tag(chunk, 0, "data")) {
      scan.has_data = true;
      const bool is_long = is_rf64 && bytes == kUnknownLength;
      bytes = is_long ? long_data_bytes : bytes;
      if (bytes > room && (is_long || bytes < kStreamedLengthFrom)) {
        scan.missing_bytes = static_cast<std::int64_t>(
            std::min<std::uint64_t>(bytes - room, std::uint64_t{1} << 62U));
      }
    } else if (has_tag(chunk, 0, "LIST") && scan.text.empty()) {
      // Text of ours is bounded; a longer list is someone else's and is looked at no further.
      std::vector<std::byte> list(static_cast<std::size_t>(
          std::min<std::uint64_t>({bytes, room, kMaxAudioTextBytes + 4096})));
      list.resize(read_at(static_cast<std::int64_t>(at + 8), list));
      scan.text = text_of_list(list);
    }
    if (even(bytes) > room) {
      break;
    }
    at += 8 + even(bytes);
  }
  return scan;
}

}  // namespace ondes
