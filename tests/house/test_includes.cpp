#include <catch2/catch.hpp>

#include "tests/house/include_rules.h"

namespace ondes::house {
namespace {

// A tree that keeps the rules, with one more file in it.
std::vector<std::string> judge(const std::string& path, const std::string& text) {
  std::vector<SourceFile> tree = {
      {"engine/error.h", "#include <stdexcept>\n"},
      {"engine/realtime.h", ""},
      {"engine/views.h", "#include <span>\n"},
      {"engine/score/midi_file.h", "#include \"engine/error.h\"\n"},
      {"engine/ops/table_internal.h", ""},
      {"dsp/stft.h", "#include \"engine/error.h\"\n#include <fftw3.h>\n"},
      {"models/registry.h", "#include \"engine/error.h\"\n#include \"dsp/stft.h\"\n"},
      {"models/wavenet/wavenet_torch.h", "#include <torch/torch.h>\n"},
      {"models/training/loop.h", "#include <c10/core/Device.h>\n"},
      {"cuda/backend.h", "#include \"engine/error.h\"\n"},
      {"cuda/backend.cu", "#include <cuda_runtime.h>\n#include \"cuda/backend.h\"\n"},
      {"apps/main.cpp", "#include <CLI/CLI.hpp>\n#include \"models/registry.h\"\n"},
      {"tests/support/data.h", "#include <catch2/catch.hpp>\n"},
  };
  tree.push_back({path, text});
  return include_violations(tree);
}

TEST_CASE("every include in the project follows the table of the design") {
  const std::vector<SourceFile> tree = read_tree(ONDES_SOURCE_DIR);
  REQUIRE(tree.size() > 20);  // an empty tree would pass everything
  const std::vector<std::string> findings = include_violations(tree);
  INFO(join_lines(findings));
  CHECK(findings.empty());
}

TEST_CASE("a tree that keeps the rules is accepted") {
  CHECK(judge("tests/engine/test_x.cpp", "#include \"engine/error.h\"\n").empty());
  CHECK(judge("engine/ops/x.cpp", "#include \"engine/ops/table_internal.h\"\n").empty());
  CHECK(judge("tests/engine/x.cpp", "#include \"engine/ops/table_internal.h\"\n").empty());
  CHECK(judge("tests/models/parity_torch.cpp", "#include <torch/torch.h>\n").empty());
}

TEST_CASE("each forbidden arrow is refused, once, with its place") {
  struct Bad {
    std::string path;
    std::string text;
    std::string says;
  };
  const Bad bad = GENERATE(
      Bad{"engine/x.cpp", "\n#include \"dsp/stft.h\"", "engine/x.cpp:2: engine/ may not"},
      Bad{"engine/x.cpp", "#include \"models/registry.h\"", "may not include models/"},
      Bad{"engine/x.cpp", "#include \"cuda/backend.h\"", "may not include cuda/"},
      Bad{"engine/x.cpp", "#include \"tests/support/data.h\"", "may not include tests/"},
      Bad{"dsp/x.cpp", "#include \"engine/score/midi_file.h\"", "may not include engine/"},
      Bad{"models/x.cpp", "#include \"cuda/backend.h\"", "may not include cuda/"},
      Bad{"models/x.cpp", "  #  include \"apps/main.cpp\"", "may not include apps/"},
      Bad{"cuda/x.cpp", "#include \"dsp/stft.h\"", "may not include dsp/"},
      Bad{"apps/x.cpp", "#include \"tests/support/data.h\"", "may not include tests/"},
      Bad{"engine/x.cpp", "#include \"engine/ops/table_internal.h\"", "internal to engine/ops/"},
      Bad{"tests/dsp/x.cpp", "#include \"engine/ops/table_internal.h\"", "internal to engine/ops/"},
      Bad{"engine/x.cpp", "#include \"error.h\"", "not a file's path from the root"},
      Bad{"engine/x.cpp", "#include \"hwy/highway.h\"", "not a file's path from the root"},
      Bad{"engine/x.cpp", "#include <engine/error.h>", "include it in quotes"},
      Bad{"engine/x_torch.cpp", "#include <torch/torch.h>", "LibTorch"},
      Bad{"models/wavenet/x.cpp", "#include <ATen/ATen.h>", "LibTorch"},
      Bad{"apps/x.cpp", "#include <c10/core/Device.h>", "LibTorch"},
      Bad{"engine/x.cpp", "#include <catch2/catch.hpp>", "Catch2 belongs in tests/"},
      Bad{"engine/x.cpp", "#include <CLI/CLI.hpp>", "CLI11 belongs in apps/"},
      Bad{"engine/x.cpp", "#include <cuda_runtime.h>", "belongs in cuda/"},
      Bad{"samples/x.cpp", "", "code outside the folders"}, Bad{"x.h", "", "code outside"});
  const std::vector<std::string> findings = judge(bad.path, bad.text);
  INFO(bad.path << " with " << bad.text << join_lines(findings));
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings.front(), Catch::StartsWith(bad.path) && Catch::Contains(bad.says));
}

TEST_CASE("a vocabulary header that leaves std is refused") {
  const auto judge_views = [](const std::string& include) {
    return include_violations({{"engine/views.h", include}, {"engine/error.h", ""}});
  };
  CHECK(judge_views("#include <span>").empty());
  CHECK(judge_views("#include \"engine/error.h\"").size() == 1);
  CHECK(judge_views("#include <nlohmann/json.hpp>").size() == 1);
}

}  // namespace
}  // namespace ondes::house
