#include "models/importers/zip_archive.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/importers/crc32.h"

namespace ondes {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kLocalHeader = 0x04034B50;
constexpr std::uint32_t kDirectoryHeader = 0x02014B50;
constexpr std::uint32_t kEndRecord = 0x06054B50;
constexpr std::uint32_t kEndRecord64 = 0x06064B50;
constexpr std::uint32_t kEndLocator64 = 0x07064B50;
constexpr std::size_t kLocalHeaderBytes = 30;
constexpr std::size_t kDirectoryHeaderBytes = 46;
constexpr std::size_t kEndRecordBytes = 22;
constexpr std::size_t kEndRecord64Bytes = 56;
constexpr std::size_t kEndLocator64Bytes = 20;
constexpr std::size_t kMaxCommentBytes = 65535;
constexpr std::uint64_t kIn64BitField = 0xFFFFFFFF;

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::bad_input, name + ": zip archive: " + what);
}

// Little-endian numbers at checked places.
class Reader {
 public:
  Reader(Bytes bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::uint64_t number(std::uint64_t offset, std::size_t size, const char* what) const {
    const Bytes field = part(offset, size, what);
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) {
      value = value << 8U | std::to_integer<std::uint64_t>(field[i]);
    }
    return value;
  }
  Bytes part(std::uint64_t offset, std::uint64_t size, const std::string& what) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      refuse(name_, what + ": expected " + std::to_string(size) + " bytes at offset " +
                        std::to_string(offset) + ", found the end of the file at " +
                        std::to_string(bytes_.size()) + " (truncated?)");
    }
    return bytes_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }
  bool has(std::uint64_t offset, std::uint32_t signature) const {
    return offset + 4 <= bytes_.size() && number(offset, 4, "signature") == signature;
  }

 private:
  Bytes bytes_;
  const std::string& name_;
};

struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t offset = 0;
};

std::optional<std::size_t> find_end_record(Bytes bytes, const Reader& reader) {
  if (bytes.size() < kEndRecordBytes) {
    return std::nullopt;
  }
  const std::size_t last = bytes.size() - kEndRecordBytes;
  const std::size_t first = last - std::min(last, kMaxCommentBytes);
  for (std::size_t at = last + 1; at-- > first;) {
    if (reader.has(at, kEndRecord) &&
        reader.number(at + 20, 2, "end record") == bytes.size() - at - kEndRecordBytes) {
      return at;
    }
  }
  return std::nullopt;
}

Directory find_directory(Bytes bytes, const Reader& reader, const std::string& name) {
  const std::optional<std::size_t> end = find_end_record(bytes, reader);
  if (!end) {
    refuse(name, "expected an end record, found none (truncated?)");
  }
  Directory directory;
  directory.entries = reader.number(*end + 10, 2, "end record");
  directory.offset = reader.number(*end + 16, 4, "end record");
  std::uint64_t disks = reader.number(*end + 4, 4, "end record");
  if (*end >= kEndLocator64Bytes && reader.has(*end - kEndLocator64Bytes, kEndLocator64)) {
    const std::uint64_t at = reader.number(*end - kEndLocator64Bytes + 8, 8, "64-bit locator");
    static_cast<void>(reader.part(at, kEndRecord64Bytes, "64-bit end record"));
    if (!reader.has(at, kEndRecord64)) {
      refuse(name, "expected a 64-bit end record at offset " + std::to_string(at) + ", found none");
    }
    disks = reader.number(at + 16, 8, "64-bit end record");
    directory.entries = reader.number(at + 32, 8, "64-bit end record");
    directory.offset = reader.number(at + 48, 8, "64-bit end record");
  }
  if (disks != 0) {
    refuse(name, "expected a single volume, found several");
  }
  if (directory.entries > kMaxZipEntries) {
    refuse(name, "expected at most " + std::to_string(kMaxZipEntries) + " entries, found " +
                     std::to_string(directory.entries));
  }
  return directory;
}

struct Entry {
  std::uint64_t size = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t header_offset = 0;
};

// Sizes beyond 32 bits stand in extra field 1, in this order, those that did not fit.
void read_extra(Bytes extra, const std::string& name, const std::string& what, Entry* entry) {
  const Reader reader(extra, name);
  for (std::uint64_t at = 0; at + 4 <= extra.size();) {
    const std::uint64_t id = reader.number(at, 2, "extra field");
    const std::uint64_t size = reader.number(at + 2, 2, "extra field");
    const Bytes field = reader.part(at + 4, size, what + ": extra field");
    if (id == 1) {
      const Reader wide(field, name);
      std::uint64_t next = 0;
      for (std::uint64_t* value : {&entry->size, &entry->packed_size, &entry->header_offset}) {
        if (*value == kIn64BitField) {
          *value = wide.number(next, 8, "64-bit extra field");
          next += 8;
        }
      }
    }
    at += 4 + size;
  }
}

Bytes entry_bytes(const Reader& reader, const std::string& name, const std::string& what, Entry e) {
  static_cast<void>(reader.part(e.header_offset, kLocalHeaderBytes, what + ": local header"));
  if (!reader.has(e.header_offset, kLocalHeader)) {
    refuse(name, what + ": expected a local header at offset " + std::to_string(e.header_offset) +
                     ", found none");
  }
  const std::uint64_t begin = e.header_offset + kLocalHeaderBytes +
                              reader.number(e.header_offset + 26, 2, "local header") +
                              reader.number(e.header_offset + 28, 2, "local header");
  return reader.part(begin, e.size, what);
}

std::string hex_text(std::uint64_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "%08llx", static_cast<unsigned long long>(value));
  return text;
}

// A stored checksum of 0 is one left out; that an entry's own is 0 happens once in 4 billion.
void check_sum(Bytes bytes,
               std::uint64_t stored,
               const std::string& name,
               const std::string& what) {
  if (stored == 0) {
    return;
  }
  const std::uint32_t found = crc32(bytes);
  if (found != stored) {
    refuse(name, what + ": expected bytes whose CRC-32 is " + hex_text(stored) + ", found " +
                     hex_text(found) + " (damaged in transfer?)");
  }
}

}  // namespace

bool looks_like_zip(Bytes bytes) noexcept {
  constexpr std::byte kStart[] = {std::byte{'P'}, std::byte{'K'}, std::byte{3}, std::byte{4}};
  return bytes.size() >= 4 && std::equal(std::begin(kStart), std::end(kStart), bytes.begin());
}

bool looks_like_npz(Bytes head) noexcept {
  if (!looks_like_zip(head) || head.size() < kLocalHeaderBytes) {
    return false;
  }
  const auto name_bytes =
      std::to_integer<std::size_t>(head[26]) | std::to_integer<std::size_t>(head[27]) << 8U;
  const std::string_view rest(reinterpret_cast<const char*>(head.data()) + kLocalHeaderBytes,
                              head.size() - kLocalHeaderBytes);
  return rest.size() >= name_bytes && rest.substr(0, name_bytes).ends_with(".npy");
}

std::map<std::string, Bytes> parse_zip(Bytes bytes, const std::string& name) {
  const Reader reader(bytes, name);
  const Directory directory = find_directory(bytes, reader, name);
  std::map<std::string, Bytes> entries;
  std::uint64_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    static_cast<void>(reader.part(at, kDirectoryHeaderBytes, "central directory"));
    if (!reader.has(at, kDirectoryHeader)) {
      refuse(name, "expected entry " + std::to_string(i) + " of the central directory at offset " +
                       std::to_string(at) + ", found none");
    }
    const std::uint64_t name_bytes = reader.number(at + 28, 2, "central directory");
    const std::uint64_t extra_bytes = reader.number(at + 30, 2, "central directory");
    const Bytes text = reader.part(at + kDirectoryHeaderBytes, name_bytes, "entry name");
    const std::string entry_name(reinterpret_cast<const char*>(text.data()), text.size());
    const std::string what = "entry " + quote(entry_name);
    if ((reader.number(at + 8, 2, "flags") & 1U) != 0) {
      refuse(name, what + ": expected no encryption, found some");
    }
    const std::uint64_t method = reader.number(at + 10, 2, "method");
    if (method != 0) {
      refuse(name, what + ": expected it stored, as PyTorch does, found compression method " +
                       std::to_string(method));
    }
    Entry entry{reader.number(at + 24, 4, "size"), reader.number(at + 20, 4, "packed size"),
                reader.number(at + 42, 4, "offset")};
    read_extra(reader.part(at + kDirectoryHeaderBytes + name_bytes, extra_bytes, "extra field"),
               name, what, &entry);
    if (entry.size != entry.packed_size) {
      refuse(name, what + ": expected as many bytes stored as " + std::to_string(entry.size) +
                       ", found " + std::to_string(entry.packed_size));
    }
    const Bytes content = entry_bytes(reader, name, what, entry);
    check_sum(content, reader.number(at + 16, 4, "checksum"), name, what);
    if (!entries.emplace(entry_name, content).second) {
      refuse(name, what + ": expected once, found twice");
    }
    at += kDirectoryHeaderBytes + name_bytes + extra_bytes +
          reader.number(at + 32, 2, "central directory");
  }
  return entries;
}

}  // namespace ondes
