// What a checkpoint's pickle calls: none of it is called here, a tensor becomes a description of where
// its numbers lie.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/importers/pickle_machine_internal.h"

namespace ondes {
namespace {

struct StorageRow {
  std::string_view global;
  TensorType type;
};

constexpr std::array<StorageRow, 10> kStorages{{
    {"torch.FloatStorage", TensorType::f32},
    {"torch.DoubleStorage", TensorType::f64},
    {"torch.HalfStorage", TensorType::f16},
    {"torch.BFloat16Storage", TensorType::bf16},
    {"torch.LongStorage", TensorType::i64},
    {"torch.IntStorage", TensorType::i32},
    {"torch.ShortStorage", TensorType::i16},
    {"torch.CharStorage", TensorType::i8},
    {"torch.ByteStorage", TensorType::u8},
    {"torch.BoolStorage", TensorType::boolean},
}};

constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kSize = "torch.Size";

std::optional<TensorType> storage_type(std::string_view global) {
  for (const StorageRow& row : kStorages) {
    if (row.global == global) {
      return row.type;
    }
  }
  return std::nullopt;
}

bool is_known_global(std::string_view global) {
  return global == kOrderedDict || global == kRebuildTensor || global == kRebuildParameter ||
         global == kSize || storage_type(global).has_value();
}

}  // namespace

void PickleMachine::push_global() {
  const std::string module = line();
  PickleNode node;
  node.kind = PickleKind::global;
  node.text = module + "." + line();
  if (!is_known_global(node.text)) {
    refuse("expected nothing but tensors and plain containers, found the global " +
           quote(node.text) + ", which is not loaded; save a plain state_dict instead");
  }
  push(std::move(node));
}

const PickleNode& PickleMachine::argument(const std::vector<PickleNodeId>& items,
                                          std::size_t index,
                                          PickleKind kind,
                                          const char* what) {
  if (index >= items.size() || nodes_[items[index]].kind != kind) {
    refuse(std::string("expected ") + what + " as item " + std::to_string(index) +
           " of a tensor's description, found " +
           (index >= items.size() ? "nothing" : "something else"));
  }
  return nodes_[items[index]];
}

std::vector<std::int64_t> PickleMachine::integers(const PickleNode& tuple, const char* what) {
  if (tuple.items.size() > kMaxTensorRank) {
    refuse(std::string("expected ") + what + " of at most " + std::to_string(kMaxTensorRank) +
           " numbers, found " + std::to_string(tuple.items.size()));
  }
  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i < tuple.items.size(); ++i) {
    values.push_back(argument(tuple.items, i, PickleKind::integer, what).integer);
    if (values.back() < 0) {
      refuse(std::string("expected ") + what + " without negative numbers, found " +
             std::to_string(values.back()));
    }
  }
  return values;
}

// ('storage', torch.FloatStorage, '0', 'cpu', 1234)
void PickleMachine::persistent_load() {
  const PickleNodeId id = pop();
  if (nodes_[id].kind != PickleKind::tuple) {
    refuse("expected a storage's description, found something else");
  }
  const std::vector<PickleNodeId> items = nodes_[id].items;
  if (argument(items, 0, PickleKind::text, "the word 'storage'").text != "storage") {
    refuse("expected a storage, found " + quote(nodes_[items[0]].text));
  }
  const std::optional<TensorType> type =
      storage_type(argument(items, 1, PickleKind::global, "a storage type").text);
  if (!type) {
    refuse("expected a storage type, found " + quote(nodes_[items[1]].text));
  }
  PickleNode node;
  node.kind = PickleKind::storage;
  node.type = *type;
  node.text = argument(items, 2, PickleKind::text, "a storage's key").text;
  node.integer = argument(items, 4, PickleKind::integer, "a storage's size").integer;
  if (node.integer < 0) {
    refuse("expected a storage's size, found " + std::to_string(node.integer));
  }
  push(std::move(node));
}

// Elements reach from the offset to offset + sum of (size - 1) * stride; a tensor must not have more
// of them than its storage, or a few bytes could ask for any amount of memory.
void PickleMachine::check_bounds(const PickledTensor& tensor) {
  if (tensor.shape.size() != tensor.strides.size()) {
    refuse("expected as many strides as sizes, found " + std::to_string(tensor.strides.size()) +
           " and " + std::to_string(tensor.shape.size()));
  }
  if (std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end()) {
    return;
  }
  const std::int64_t limit = tensor.storage_elements;
  std::int64_t count = 1;
  std::int64_t last = tensor.offset;
  bool inside = last < limit;
  for (std::size_t i = 0; i < tensor.shape.size() && inside; ++i) {
    inside = tensor.shape[i] <= limit / count;
    count *= inside ? tensor.shape[i] : 0;
    const std::int64_t steps = tensor.shape[i] - 1;
    inside = inside && (steps == 0 || tensor.strides[i] <= (limit - 1 - last) / steps);
    last += inside ? steps * tensor.strides[i] : 0;
  }
  if (!inside) {
    refuse("expected a tensor within its storage of " + std::to_string(limit) +
           " elements, found one that reaches beyond it");
  }
}

// (storage, offset, shape, strides, requires_grad, backward_hooks)
void PickleMachine::rebuild_tensor(const std::vector<PickleNodeId>& arguments) {
  const PickleNode& storage = argument(arguments, 0, PickleKind::storage, "a storage");
  PickledTensor tensor;
  tensor.type = storage.type;
  tensor.storage = storage.text;
  tensor.storage_elements = storage.integer;
  tensor.offset = argument(arguments, 1, PickleKind::integer, "an offset").integer;
  if (tensor.offset < 0) {
    refuse("expected an offset, found " + std::to_string(tensor.offset));
  }
  tensor.shape = integers(argument(arguments, 2, PickleKind::tuple, "a shape"), "a shape");
  tensor.strides = integers(argument(arguments, 3, PickleKind::tuple, "strides"), "strides");
  check_bounds(tensor);
  PickleNode node;
  node.kind = PickleKind::tensor;
  node.tensor = tensors_.size();
  tensors_.push_back(std::move(tensor));
  push(std::move(node));
}

void PickleMachine::reduce() {
  const PickleNodeId tuple = pop();
  const PickleNodeId callee = pop();
  if (nodes_[tuple].kind != PickleKind::tuple || nodes_[callee].kind != PickleKind::global) {
    refuse("expected a global and its arguments on the stack, found something else");
  }
  const std::vector<PickleNodeId> arguments = nodes_[tuple].items;
  const std::string_view global = nodes_[callee].text;
  if (global == kRebuildTensor) {
    rebuild_tensor(arguments);
  } else if (global == kRebuildParameter) {
    static_cast<void>(argument(arguments, 0, PickleKind::tensor, "a tensor"));
    stack_.push_back(arguments[0]);
  } else if (global == kSize) {
    static_cast<void>(argument(arguments, 0, PickleKind::tuple, "a shape"));
    stack_.push_back(arguments[0]);
  } else if (global == kOrderedDict && arguments.empty()) {
    push_constant('}');
  } else {
    refuse("expected a call PyTorch writes, found one of " + quote(global));
  }
}

// Only an OrderedDict's attributes (the state_dict's version numbers), which mean nothing here.
void PickleMachine::build() {
  const PickleNodeId state = pop();
  static_cast<void>(top(PickleKind::dictionary, "a dictionary whose state is set"));
  if (nodes_[state].kind != PickleKind::dictionary) {
    refuse("expected a dictionary as state, found something else");
  }
}

}  // namespace ondes
