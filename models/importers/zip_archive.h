// The entries of a zip archive, read in place: what PyTorch writes, and no more of the format.
//
// PyTorch stores its entries without compression, so an entry is a span of the file. Read are the
// end record (and its 64-bit form), the central directory and each local header's length; anything
// else (compression, encryption, several volumes, duplicate names, an entry outside the file) is
// refused, and so is an entry whose bytes are not those of its CRC-32; a checksum of 0 is one that
// was left out, as PyTorch can be told to. Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3, 4.4.7
// and 4.5.3.
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

// Whether the beginning of a file is that of a zip whose first entry is a .npy: NumPy's .npz.
bool looks_like_npz(std::span<const std::byte> head) noexcept;

// Entry name -> its bytes, which point into `bytes`.
std::map<std::string, std::span<const std::byte>> parse_zip(std::span<const std::byte> bytes,
                                                            const std::string& name);

}  // namespace ondes
