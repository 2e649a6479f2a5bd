#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/safetensors_header_internal.h"
#include "engine/weights/tensor_type_internal.h"

namespace ondes {
namespace {

constexpr std::string_view kMetadataKey = "__metadata__";

// nlohmann's SAX interface. Every event is legal in few states; the rest ends in unexpected().
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { unexpected("null"); }
  bool boolean(bool value) override { unexpected(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { unexpected(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { unexpected(text); }
  bool binary(binary_t&) override { unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ == State::in_shape) {
      if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
        unexpected(std::to_string(value));
      }
      entry_.shape.push_back(static_cast<std::int64_t>(value));
    } else if (state_ == State::in_offsets && offsets_.size() < 2) {
      offsets_.push_back(value);
    } else {
      unexpected(std::to_string(value));
    }
    return true;
  }

  bool string(string_t& value) override {
    if (state_ == State::metadata_value) {
      header_.metadata[key_] = value;
      state_ = State::in_metadata;
    } else if (state_ == State::dtype) {
      const std::optional<TensorType> type = tensor_type_from_name(value);
      if (!type) {
        unexpected(quote(value));
      }
      entry_.type = *type;
      state_ = State::in_tensor;
    } else {
      unexpected(quote(value));
    }
    return true;
  }

  bool start_object(std::size_t) override {
    switch (state_) {
      case State::start:
        state_ = State::in_header;
        break;
      case State::metadata:
        state_ = State::in_metadata;
        break;
      case State::tensor:
        state_ = State::in_tensor;
        break;
      default:
        unexpected("an object");
    }
    return true;
  }

  bool key(string_t& value) override {
    key_ = value;
    if (state_ == State::in_header) {
      tensor_ = value;
      entry_ = {};
      seen_ = {};
      const bool is_metadata = value == kMetadataKey;
      if (is_metadata ? has_metadata_ : header_.tensors.contains(value)) {
        refuse(quote(value) + ": expected once, found twice");
      }
      has_metadata_ = has_metadata_ || is_metadata;
      state_ = is_metadata ? State::metadata : State::tensor;
    } else if (state_ == State::in_metadata) {
      if (header_.metadata.contains(value)) {
        refuse("__metadata__ key " + quote(value) + ": expected once, found twice");
      }
      state_ = State::metadata_value;
    } else {  // in_tensor: the parser lets keys appear in objects only
      tensor_field(value);
    }
    return true;
  }

  bool end_object() override {
    if (state_ == State::in_tensor) {
      for (std::size_t field = 0; field < kFields.size(); ++field) {
        if (!seen_[field]) {
          refuse("tensor " + quote(tensor_) + ": expected a field '" + std::string(kFields[field]) +
                 "', found none");
        }
      }
      header_.tensors.emplace(tensor_, std::move(entry_));
      state_ = State::in_header;
    } else {
      state_ = state_ == State::in_metadata ? State::in_header : State::end;
    }
    return true;
  }

  bool start_array(std::size_t) override {
    switch (state_) {
      case State::shape:
        state_ = State::in_shape;
        break;
      case State::offsets:
        state_ = State::in_offsets;
        offsets_.clear();
        break;
      default:
        unexpected("an array");
    }
    return true;
  }

  bool end_array() override {
    if (state_ == State::in_offsets) {
      if (offsets_.size() != 2) {
        unexpected(std::to_string(offsets_.size()) + " numbers");
      }
      entry_.begin_bytes = offsets_[0];
      entry_.end_bytes = offsets_[1];
    }
    state_ = State::in_tensor;
    return true;
  }

  bool parse_error(std::size_t position,
                   const std::string&,
                   const nlohmann::detail::exception&) override {
    refuse("expected JSON, found an error at byte " + std::to_string(position) + " of the header");
  }

 private:
  enum class State {
    start,      // before the header's object
    in_header,  // a tensor's name or __metadata__ may come
    metadata,   // its object must come
    in_metadata,
    metadata_value,
    tensor,  // its object must come
    in_tensor,
    dtype,
    shape,
    in_shape,
    offsets,
    in_offsets,
    end,
  };
  static constexpr std::array<std::string_view, 3> kFields{"dtype", "shape", "data_offsets"};

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::bad_input, file_ + ": safetensors header: " + what);
  }

  [[noreturn]] void unexpected(const std::string& found) const {
    std::string expected;
    switch (state_) {
      case State::start:
        expected = "an object";
        break;
      case State::metadata:
        expected = "__metadata__: expected an object";
        break;
      case State::metadata_value:
        expected = "__metadata__ key " + quote(key_) + ": expected a text";
        break;
      case State::dtype:
        expected = "tensor " + quote(tensor_) + ": dtype: expected one of " + tensor_type_names();
        break;
      case State::shape:
      case State::in_shape:
        expected = "tensor " + quote(tensor_) +
                   ": shape: expected an array of non-negative 63-bit integers";
        break;
      case State::offsets:
      case State::in_offsets:
        expected = "tensor " + quote(tensor_) +
                   ": data_offsets: expected an array of two non-negative integers";
        break;
      default:
        expected = "tensor " + quote(tensor_) + ": expected an object";
        break;
    }
    refuse(expected + ", found " + found);
  }

  void tensor_field(const std::string& field) {
    constexpr std::array<State, 3> kStates{State::dtype, State::shape, State::offsets};
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      if (field == kFields[i]) {
        if (seen_[i]) {
          refuse("tensor " + quote(tensor_) + ": field " + quote(field) +
                 ": expected once, found twice");
        }
        seen_[i] = true;
        state_ = kStates[i];
        return;
      }
    }
    refuse("tensor " + quote(tensor_) + ": unknown field " + quote(field));
  }

  const std::string& file_;
  SafetensorsHeader header_;
  State state_ = State::start;
  std::string key_;
  std::string tensor_;
  TensorEntry entry_;
  std::array<bool, 3> seen_{};
  std::vector<std::uint64_t> offsets_;
  bool has_metadata_ = false;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& name) {
  // nlohmann takes a NUL for the end of its input and skips a byte order mark: both would let bytes
  // pass that nobody has looked at.
  const std::size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    throw Error(ErrorCode::bad_input,
                name + ": safetensors header: expected JSON, found a NUL at byte " +
                    std::to_string(nul) + " of the header");
  }
  if (!text.starts_with('{')) {
    throw Error(ErrorCode::bad_input, name + ": safetensors header: expected '{' first, found " +
                                          quote(text.substr(0, 1)));
  }
  HeaderReader reader(name);
  nlohmann::json::sax_parse(text, &reader);
  return reader.take();
}

}  // namespace ondes
