// Text, numbers and binary data in the form that an HTML page wants.
//
// Any thread.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ondes::report {

// For content and for attributes in double quotes: & < > " ' become references. File names need not
// be UTF-8: a byte that is part of no character becomes U+FFFD, control characters do too.
std::string escape_html(std::string_view text);

// RFC 4648, with padding.
std::string base64(std::span<const std::byte> bytes);
std::string data_uri(std::string_view media_type, std::span<const std::byte> bytes);

// "6.20"; an en dash where there is none. -0.00 is 0.00.
std::string number_text(std::optional<double> value, int decimals);
// As short as six digits allow, for labels of axes and coordinates: "0.25", "-40".
std::string short_number(double value);
// "9.1 s", "2 min 05 s".
std::string duration_text(double seconds);
// "1 pair", "3 pairs".
std::string counted(std::size_t count, std::string_view one, std::string_view many);
// The last component of a path, whatever follows it in slashes: "runs/melgan/" is "melgan".
std::string last_component(const std::string& path);

}  // namespace ondes::report
