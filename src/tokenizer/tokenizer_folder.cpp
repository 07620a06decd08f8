// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/tokenizer_folder.h"

#include <charconv>
#include <map>
#include <set>
#include <vector>

#include "icl/base/error.h"
#include "icl/io/files.h"
#include "src/tokenizer/added_tokens.h"
#include "src/tokenizer/json_place.h"

namespace icl::tokenizer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kEndOfText = "<|endoftext|>";

// One of the folder's smaller files: an object; empty when there is no such file.
struct SideFile {
  explicit SideFile(const fs::path& path_) : path(path_.string()) {
    std::error_code ignored;
    if (!fs::exists(path_, ignored)) return;
    json = read_json(path_);
    place().require_object();
  }
  JsonPlace place() const { return {json, path}; }

  std::string path;
  Json json = Json::object();
};

// A special token as these files write it: its text, or an object with its flags.
Json special_token(const JsonPlace& place) {
  Json token = place.value();
  if (!token.is_object()) token = {{"content", place.text()}};
  JsonPlace(token, place.file()).at("content").text();
  token["special"] = true;
  return token;
}

std::string content_of(const Json& token) {
  return token.at("content").get<std::string>();
}

class Folder {
 public:
  explicit Folder(const fs::path& main)
      : main_(main),
        config_(main.parent_path() / "tokenizer_config.json"),
        added_(main.parent_path() / "added_tokens.json"),
        map_(main.parent_path() / "special_tokens_map.json"),
        has_decoder_(!config_.place().find("added_tokens_decoder").is_null()) {}

  Json document() {
    const bool older = main_.filename() == "vocab.json";
    Json document = older ? from_vocabulary() : read_json(main_);
    const JsonPlace place(document, main_.string());
    place.require_object();
    if (!place.find("added_tokens").is_null()) place.find("added_tokens").elements();
    read_special_tokens(older);
    add_tokens(document["added_tokens"]);
    if (older) {
      document["post_processor"] = surroundings(document);
    } else if (own_class() != "" && own_class() != "PreTrainedTokenizer" &&
               own_class() != "TokenizersBackend") {
      set_prefix_space(document);
    }
    return document;
  }

 private:
  // The class of transformers that reads such a folder, without "Fast"; "" when nothing names one.
  std::string own_class() const {
    std::string name = config_.place().text("tokenizer_class", "");
    if (name.ends_with("Fast")) name.resize(name.size() - 4);
    if (!name.empty()) return name;
    const std::string model = model_type();
    if (model == "gpt2" || model == "gptj" || model == "phi") return "GPT2Tokenizer";
    if (model == "gpt_neox" || model == "mamba" || model == "rwkv") return "GPTNeoXTokenizer";
    return model == "llama" ? "LlamaTokenizer" : "";
  }
  // Of the model's config, if that can be read: what is wrong with it is the model's business.
  std::string model_type() const {
    const fs::path path = main_.parent_path() / "config.json";
    std::error_code ignored;
    if (!fs::exists(path, ignored)) return "";
    const Json config = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
    const auto type = config.is_object() ? config.find("model_type") : config.end();
    return type != config.end() && type->is_string() ? type->get<std::string>() : "";
  }
  bool is_neox() const { return own_class() == "GPTNeoXTokenizer"; }

  Json from_vocabulary() const {
    const std::string name = own_class();
    if (name != "" && name != "GPT2Tokenizer" && name != "CodeGenTokenizer" && !is_neox()) {
      throw DataError(str("'", main_.string(), "': vocab.json and merges.txt do not say how ", name,
                          " splits text; expected a tokenizer.json beside them, or the class "
                          "GPT2Tokenizer, GPTNeoXTokenizer or CodeGenTokenizer"));
    }
    const Json level = {{"type", "ByteLevel"},
                        {"add_prefix_space", config_.place().flag("add_prefix_space", false)}};
    return {{"added_tokens", Json::array()},
            {"normalizer", is_neox() ? Json{{"type", "NFC"}} : Json()},
            {"pre_tokenizer", level},
            {"decoder", level},
            {"model", {{"type", "BPE"}, {"vocab", read_json(main_)}, {"merges", read_merges()}}}};
  }

  Json read_merges() const {
    const fs::path path = main_.parent_path() / "merges.txt";
    const std::string text = read_file(path);
    std::string_view rest = text;
    Json merges = Json::array();
    for (int64_t line = 1; !rest.empty(); ++line) {
      std::string_view merge = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(merge.size() + 1, rest.size()));
      if (merge.ends_with('\r')) merge.remove_suffix(1);
      if (merge.starts_with("#version")) continue;
      const size_t space = merge.find(' ');
      if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos) {
        throw DataError(str("'", path.string(), "': line ", line, ": expected two tokens, as a b"));
      }
      merges.push_back(merge);
    }
    return merges;
  }

  // The tokens that have a name (bos_token ...) and those of the further lists.
  void read_special_tokens(bool older) {
    std::map<std::string, JsonPlace> found;
    const auto read = [&](const SideFile& file) {
      for (const auto& [key, value] : file.json.items()) {
        const bool token = key.ends_with("_token") && (value.is_string() || value.is_object());
        const bool list = key == "additional_special_tokens" || key == "extra_special_tokens";
        if (token || list) found.insert_or_assign(key, file.place().find(key));
      }
    };
    read(config_);
    if (!has_decoder_) read(map_);
    const auto take = [&](const std::string& key, const char* otherwise) {
      const auto entry = found.find(key);
      if (entry != found.end()) {
        special_.push_back(special_token(entry->second));
        found.erase(entry);
      } else if (otherwise != nullptr) {
        special_.push_back({{"content", otherwise}, {"special", true}});
      }
    };
    const char* end = older ? kEndOfText : nullptr;
    for (const char* key : {"bos_token", "eos_token", "unk_token"}) take(key, end);
    take("sep_token", nullptr);
    take("pad_token", older && is_neox() ? "<|padding|>" : nullptr);
    for (const char* key : {"cls_token", "mask_token"}) take(key, nullptr);
    for (const auto& [key, place] : found) {
      if (key.ends_with("_token")) special_.push_back(special_token(place));
    }
    for (const auto& [key, place] : found) {
      if (key.ends_with("_token") || place.is_null()) continue;
      if (place.value().is_object()) {
        for (const auto& item : place.value().items()) {
          special_.push_back(special_token(place.find(item.key())));
        }
      } else {
        for (const JsonPlace& item : place.elements()) special_.push_back(special_token(item));
      }
    }
    for (const Json& token : special_) special_texts_.insert(content_of(token));
  }

  // Tokens that a file beside the main one lists with their ids, in the order of these.
  std::map<int64_t, Json> listed_tokens(const std::set<std::string>& known) const {
    std::map<int64_t, Json> tokens;
    if (has_decoder_) {
      const JsonPlace list = config_.place().find("added_tokens_decoder");
      list.require_object();
      for (const auto& item : list.value().items()) {
        const JsonPlace token = list.find(item.key());
        token.at("content").text();
        int64_t id = -1;
        const char* end = item.key().data() + item.key().size();
        const auto [stop, error] = std::from_chars(item.key().data(), end, id);
        if (error != std::errc() || stop != end || id < 0 || id >= kMostTokens) {
          token.fail(str("expected an id 0 .. ", kMostTokens - 1, " for a key"));
        }
        tokens[id] = token.value();
      }
    } else {
      for (const auto& item : added_.json.items()) {
        if (known.contains(item.key())) continue;
        const int64_t id = added_.place().find(item.key()).integer(0, kMostTokens - 1);
        tokens[id] = {{"content", item.key()}, {"special", false}};
      }
    }
    for (auto& [id, token] : tokens) {
      token["id"] = id;
      if (special_texts_.contains(content_of(token))) token["special"] = true;
    }
    return tokens;
  }

  // `list`: the tokens of the main file, which grows.
  void add_tokens(Json& list) const {
    if (list.is_null()) list = Json::array();
    std::set<std::string> known;
    for (size_t i = 0; i < list.size(); ++i) {
      const JsonPlace place(list[i], main_.string(), str("added_tokens[", i, "]"));
      const std::string& content = place.at("content").text();
      known.insert(content);
      if (special_texts_.contains(content)) list[i]["special"] = true;
    }
    for (const auto& [id, token] : listed_tokens(known)) {
      known.insert(content_of(token));
      list.push_back(token);
    }
    for (const Json& token : special_) {
      if (known.insert(content_of(token)).second) list.push_back(token);
    }
  }

  // add_bos_token and add_eos_token, which a tokenizer.json says by its post-processor.
  Json surroundings(const Json& document) const {
    if (!config_.place().flag("add_bos_token", false) &&
        !config_.place().flag("add_eos_token", false)) {
      return {};
    }
    Vocabulary vocabulary;
    for (const auto& item : document["model"]["vocab"].items()) {
      if (item.value().is_number_integer()) {
        vocabulary.emplace(item.key(), item.value().get<int32_t>());
      }
    }
    Json list = document["added_tokens"];
    for (Json& token : list) token.erase("id");
    const auto added = read_added_tokens({list, main_.string()}, vocabulary, nullptr);
    Json single = Json::array(), tokens = Json::object();
    const auto put = [&](const char* flag, const std::string& text) {
      if (!config_.place().flag(flag, false)) return;
      for (const AddedToken& token : added) {
        if (token.content == text) tokens[text] = {{"ids", {token.id}}};
      }
      single.push_back({{"SpecialToken", {{"id", text}}}});
    };
    put("add_bos_token", content_of(special_[0]));
    single.push_back({{"Sequence", {{"id", "A"}}}});
    put("add_eos_token", content_of(special_[1]));
    return {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", tokens}};
  }

  // add_prefix_space of tokenizer_config.json, where the main file says otherwise.
  void set_prefix_space(Json& document) const {
    const JsonPlace place = config_.place().find("add_prefix_space");
    if (place.is_null()) return;
    const bool space = config_.place().flag("add_prefix_space", false);
    const auto set = [&](auto&& self, Json& part) -> void {
      if (!part.is_object()) return;
      const Json type = part.value("type", Json());
      if (type == "ByteLevel") part["add_prefix_space"] = space;
      if (type == "Metaspace" && !space) part["prepend_scheme"] = "never";
      if (type == "Metaspace" && space && part.value("prepend_scheme", Json()) == "never") {
        part["prepend_scheme"] = "first";
      }
      const auto parts = part.find("pretokenizers");
      if (parts == part.end() || !parts->is_array()) return;
      for (Json& inner : *parts) self(self, inner);
    };
    set(set, document["pre_tokenizer"]);
  }

  fs::path main_;
  SideFile config_, added_, map_;
  bool has_decoder_;
  std::vector<Json> special_;  // bos, eos and unk first, where the folder is of the older form
  std::set<std::string> special_texts_;
};

}  // namespace

Json read_tokenizer_folder(const fs::path& main) {
  return Folder(main).document();
}

}  // namespace icl::tokenizer
