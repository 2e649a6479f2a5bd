#include <charconv>
#include <set>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/files/npy_header_internal.h"

namespace ondes {
namespace {

class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  NpyHeader read() {
    NpyHeader header;
    std::set<std::string_view> seen;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      if (!seen.insert(key).second) {
        fail("expected every key once, found " + quote(key) + " twice");
      }
      expect(':');
      if (key == "descr") {
        header.type = type();
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
      } else if (key == "shape") {
        header.shape = tuple();
      } else {
        fail("expected the keys descr, fortran_order and shape, found " + quote(key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    for (const std::string_view key : {"descr", "fortran_order", "shape"}) {
      if (!seen.contains(key)) {
        fail("expected the key '" + std::string(key) + "', found none");
      }
    }
    skip_blanks();
    if (position_ != text_.size()) {
      fail("expected nothing after the dictionary, found " + quote(text_.substr(position_)));
    }
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::bad_input, name_ + ": npy header: " + what);
  }

  void skip_blanks() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) {
      ++position_;
    }
  }

  bool accept(char wanted) {
    skip_blanks();
    if (position_ < text_.size() && text_[position_] == wanted) {
      ++position_;
      return true;
    }
    return false;
  }

  void expect(char wanted) {
    if (!accept(wanted)) {
      fail(std::string("expected '") + wanted + "' at byte " + std::to_string(position_) +
           ", found " + found());
    }
  }

  std::string found() const {
    return position_ < text_.size() ? quote(text_.substr(position_, 16)) : "its end";
  }

  // Without escapes: no name NumPy writes here has one.
  std::string_view string() {
    skip_blanks();
    const char mark = position_ < text_.size() ? text_[position_] : '\0';
    const std::size_t end =
        mark == '\'' || mark == '"' ? text_.find(mark, position_ + 1) : std::string_view::npos;
    if (end == std::string_view::npos) {
      fail("expected a string at byte " + std::to_string(position_) + ", found " + found());
    }
    const std::string_view value = text_.substr(position_ + 1, end - position_ - 1);
    position_ = end + 1;
    return value;
  }

  NpyType type() {
    skip_blanks();
    if (position_ < text_.size() && text_[position_] == '[') {
      fail("descr: expected floats ('<f2', '<f4' or '<f8'), found a structured type");
    }
    const std::string_view descr = string();
    if (descr == "<f2") {
      return NpyType::float16;
    }
    if (descr == "<f4") {
      return NpyType::float32;
    }
    if (descr == "<f8") {
      return NpyType::float64;
    }
    const bool is_pickle = descr.ends_with('O');
    fail("descr: expected floats ('<f2', '<f4' or '<f8'), found " + quote(descr) +
         (is_pickle ? " (objects are stored as a pickle, which is never read)" : ""));
  }

  bool boolean() {
    skip_blanks();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(position_).starts_with(word)) {
        position_ += word.size();
        return value;
      }
    }
    fail("fortran_order: expected True or False, found " + found());
  }

  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> sizes;
    bool had_comma = false;
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      std::int64_t size = 0;
      const char* begin = text_.data() + position_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) {
        fail("shape: expected sizes from 0 to 2^63 - 1, found " + found());
      }
      position_ += static_cast<std::size_t>(end - begin);
      sizes.push_back(size);
      if (sizes.size() > kMaxNpyDimensions) {
        fail("shape: expected at most " + std::to_string(kMaxNpyDimensions) +
             " dimensions, found more");
      }
      had_comma = accept(',');
      if (!had_comma) {
        expect(')');
        break;
      }
    }
    if (sizes.size() == 1 && !had_comma) {
      fail("shape: expected a tuple such as (3,), found a number in brackets");
    }
    return sizes;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t position_ = 0;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const std::string& name) {
  return HeaderReader(text, name).read();
}

}  // namespace ondes
