#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/print.h"
#include "apps/voices.h"
#include "engine/error.h"

namespace ondes {
namespace {

nlohmann::json describe_voice(const std::filesystem::path& path) {
  nlohmann::json row = {{"path", path.string()}, {"name", path.stem().string()}};
  try {
    const Voice voice = load_voice(path);
    row["architecture"] = voice.file.architecture;
    row["rate"] = voice.file.sample_rate_hz;
    row["takes"] = voice.file.feature_kind;
    if (voice.kind == VoiceKind::notes) {
      row["instruments"] = voice.contract.instruments;
      row["macs_per_sample"] = macs_per_sample(voice.plan);
    } else {
      row["macs_per_sample"] = std::llround(macs_per_sample(voice));
    }
    row["licence"] = voice.file.description->value("licence", "");
    row["sha256"] = voice.file.sha256;
  } catch (const Error& error) {
    row["error"] = error.what();  // one broken file must not hide the others
  }
  return row;
}

std::string text_row(const nlohmann::json& row) {
  if (row.contains("error")) {
    return fmt::format("{:<16} broken: {}\n", row["name"].get<std::string>(),
                       row["error"].get<std::string>());
  }
  std::string takes;
  if (!row.contains("instruments")) {
    takes =
        row["takes"] == "mel" ? "(takes mels, or sound to be resynthesized)" : "(processes sound)";
  } else {
    for (const auto& name : row["instruments"]) {
      takes += (takes.empty() ? "" : ", ") + name.get<std::string>();
    }
  }
  return fmt::format("{:<16} {:<9} {:>6} Hz  {:>8} MAC  {}\n{:<16} {}\n",
                     row["name"].get<std::string>(), row["architecture"].get<std::string>(),
                     row["rate"].get<int>(), row["macs_per_sample"].get<long long>(), takes, "",
                     row["path"].get<std::string>());
}

int run_voices(bool json) {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& path : find_voices()) {
    rows.push_back(describe_voice(path));
  }
  if (json) {
    print_json({{"voices", rows}});
    return kExitDone;
  }
  for (const auto& row : rows) {
    std::fputs(text_row(row).c_str(), stdout);
  }
  if (rows.empty()) {
    std::string folders;
    for (const auto& folder : voice_folders()) {
      folders += "  " + folder.string() + "\n";
    }
    std::fputs(("no voices in\n" + folders).c_str(), stderr);
  }
  return kExitDone;
}

}  // namespace

void add_voices_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("voices", "List the voices that --voice finds by name");
  auto json = std::make_shared<bool>(false);
  sub->add_flag("--json", *json, "As JSON");
  sub->callback([json, &action] { action = [json] { return run_voices(*json); }; });
}

}  // namespace ondes
