// The entries of a zip archive, read in place: what PyTorch writes, and no more of the format.
//
// PyTorch stores its entries without compression, so an entry is a span of the file. Read are the
// end record (and its 64-bit form), the central directory and each local header's length; anything
// else (compression, encryption, several volumes, duplicate names, an entry outside the file) is
// refused. Checksums are not compared: PyTorch can be told to leave them out. Source: PKWARE's
// APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3.
//
// Set-up thread. Throws Error{bad_input} naming `name`, the entry, what was expected and found.
#pragma once
#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace ondes {

inline constexpr std::size_t kMaxZipEntries = 100'000;

// Whether the bytes begin as a zip archive does.
bool looks_like_zip(std::span<const std::byte> bytes) noexcept;

// Entry name -> its bytes, which point into `bytes`.
std::map<std::string, std::span<const std::byte>> parse_zip(std::span<const std::byte> bytes,
                                                            const std::string& name);

}  // namespace ondes
