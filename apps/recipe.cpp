#include "apps/recipe.h"

#include <nlohmann/json.hpp>

#include "engine/files/json_fields.h"

namespace ondes {

constexpr std::size_t kMaxConversions = 64;  // more fields than a contract has

nlohmann::json conversions_to_json(const std::vector<Conversion>& conversions) {
  nlohmann::json list = nlohmann::json::array();
  for (const Conversion& conversion : conversions) {
    list.push_back({{"field", conversion.field}, {"from", conversion.from}, {"to", conversion.to}});
  }
  return list;
}

std::string recipe_to_text(const Recipe& recipe) {
  nlohmann::json object = {
      {"ondes", recipe.version},
      {"voice",
       {{"path", recipe.voice_path}, {"name", recipe.voice_name}, {"sha256", recipe.voice_sha256}}},
      {file_kind_name(recipe.input),
       {{"path", recipe.score_path}, {"sha256", recipe.score_sha256}}},
      {"options", render_options_to_json(recipe.options)},
      {"samples", recipe.samples}};
  if (!recipe.isa.empty()) {
    object["isa"] = recipe.isa;
  }
  if (!recipe.conversions.empty()) {
    object["conversions"] = conversions_to_json(recipe.conversions);
  }
  // File names need not be UTF-8; what is not is replaced, and the hash still identifies the file.
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool looks_like_recipe(const std::string& text) {
  return text.starts_with('{') && text.find("\"ondes\"") != std::string::npos;
}

Recipe recipe_from_text(const std::string& text, const std::string& file) {
  const std::string where = file + ": recipe";
  const nlohmann::json object = parse_json(text, where);
  JsonFields fields(object, where);
  Recipe recipe;
  recipe.version = fields.text("ondes");
  JsonFields voice(fields.object("voice"), where + ": voice");
  recipe.voice_path = voice.text("path");
  recipe.voice_name = voice.text("name");
  recipe.voice_sha256 = voice.text("sha256");
  for (const FileKind kind : {FileKind::mel, FileKind::audio}) {
    recipe.input = fields.has(file_kind_name(kind)) ? kind : recipe.input;
  }
  const std::string input = file_kind_name(recipe.input);
  JsonFields score(fields.object(input), where + ": " + input);
  recipe.score_path = score.text("path");
  recipe.score_sha256 = score.text("sha256");
  recipe.options = render_options_from_json(fields.object("options"), where + ": options");
  recipe.isa = fields.text("isa", std::string());
  recipe.samples = static_cast<std::int64_t>(fields.number("samples", 0.0, 1e15));
  if (fields.has("conversions")) {
    for (const nlohmann::json& entry : fields.objects("conversions", {1, kMaxConversions})) {
      JsonFields conversion(entry, where + ": conversions");
      recipe.conversions.push_back(
          {conversion.text("field"), conversion.text("from"), conversion.text("to")});
      conversion.refuse_unknown();
    }
  }
  fields.refuse_unknown();
  return recipe;
}

}  // namespace ondes
