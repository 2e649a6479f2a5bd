#include "models/importers/torch_pickle.h"

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/importers/pickle_machine_internal.h"

namespace ondes {
namespace {

// Turns what the machine built into leaves with paths.
class Flattener {
 public:
  explicit Flattener(const PickleMachine& machine) : machine_(machine) {}

  // Recursion ends at kMaxPickleDepth.
  void walk(PickleNodeId id, const std::string& path, int depth) {
    const PickleNode& node = machine_.node(id);
    switch (node.kind) {
      case PickleKind::tensor:
        count_leaf();
        return keep(&result.tensors, path, machine_.tensor(node));
      case PickleKind::none:
        return keep_scalar(path, std::monostate());
      case PickleKind::boolean:
        return keep_scalar(path, node.integer != 0);
      case PickleKind::integer:
        return keep_scalar(path, node.integer);
      case PickleKind::number:
        return keep_scalar(path, node.number);
      case PickleKind::text:
        return keep_scalar(path, node.text);
      case PickleKind::global:
      case PickleKind::storage:
        machine_.refuse("expected data at " + quote(path) + ", found " +
                        (node.kind == PickleKind::global ? "the global " + quote(node.text)
                                                         : "a storage without a tensor"));
      case PickleKind::tuple:
      case PickleKind::list:
      case PickleKind::dictionary:
        break;
    }
    if (depth >= kMaxPickleDepth) {
      machine_.refuse("expected at most " + std::to_string(kMaxPickleDepth) +
                      " levels of containers, found more at " + quote(path));
    }
    const std::size_t step = node.kind == PickleKind::dictionary ? 2 : 1;
    for (std::size_t i = 0; i < node.items.size(); i += step) {
      count_leaf();  // of empty containers too
      std::string inner = path.empty() ? "" : path + "/";
      inner += step == 2 ? key_text(machine_.node(node.items[i]), path) : std::to_string(i);
      walk(node.items[i + step - 1], inner, depth + 1);
    }
  }

  TorchPickle result;

 private:
  void count_leaf() {
    if (++leaves_ > kMaxPickleLeaves) {
      machine_.refuse("expected at most " + std::to_string(kMaxPickleLeaves) +
                      " values, found more");
    }
  }
  std::string key_text(const PickleNode& key, const std::string& path) const {
    if (key.kind == PickleKind::text) {
      return key.text;
    }
    if (key.kind == PickleKind::integer) {
      return std::to_string(key.integer);
    }
    machine_.refuse("expected texts and integers as keys of " + quote(path) +
                    ", found something else");
  }
  template <typename Map, typename Value>
  void keep(Map* map, const std::string& path, const Value& value) {
    if (result.tensors.contains(path) || result.scalars.contains(path)) {
      machine_.refuse("expected " + quote(path) + " once, found it twice");
    }
    map->emplace(path, value);
  }
  void keep_scalar(const std::string& path, const PickledScalar& value) {
    count_leaf();
    keep(&result.scalars, path, value);
  }

  const PickleMachine& machine_;
  std::size_t leaves_ = 0;
};

}  // namespace

TorchPickle parse_torch_pickle(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() > kMaxPickleBytes) {
    throw Error(ErrorCode::bad_input, name + ": pickle: expected at most " +
                                          std::to_string(kMaxPickleBytes) + " bytes, found " +
                                          std::to_string(bytes.size()));
  }
  PickleMachine machine(bytes, name);
  const PickleNodeId root = machine.run();
  Flattener flattener(machine);
  flattener.walk(root, "", 0);
  return std::move(flattener.result);
}

}  // namespace ondes
