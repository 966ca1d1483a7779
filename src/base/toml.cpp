#include "base/toml.h"

#include <toml++/toml.h>

#include <fstream>
#include <sstream>

namespace bhype {

namespace {

json::value convert(const toml::node& node) {
    if (const auto* table = node.as_table()) {
        json::object object;
        for (const auto& [key, item] : *table)
            object[std::string(key.str())] = convert(item);
        return object;
    }
    if (const auto* list = node.as_array()) {
        json::array array;
        for (const auto& item : *list)
            array.push_back(convert(item));
        return array;
    }
    if (const auto* text = node.as_string())
        return json::string(text->get());
    if (const auto* integer = node.as_integer())
        return integer->get();
    if (const auto* number = node.as_floating_point())
        return number->get();
    if (const auto* boolean = node.as_boolean())
        return boolean->get();
    std::ostringstream text;
    if (const auto* date = node.as_date())
        text << date->get();
    else if (const auto* time = node.as_time())
        text << time->get();
    else if (const auto* moment = node.as_date_time())
        text << moment->get();
    return json::string(text.str());
}

} // namespace

json::value parse_toml(std::string_view text, std::string_view source) {
    try {
        return convert(toml::parse(text, std::string(source)));
    } catch (const toml::parse_error& error) {
        throw Error(Code::bad_configuration, std::string(source) + " line " +
                                                 std::to_string(error.source().begin.line) + ": " +
                                                 std::string(error.description()));
    }
}

json::value read_toml(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(1 << 20, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.is_open() || file.bad())
        throw Error(Code::bad_configuration, path + ": cannot be read");
    if (!file.eof())
        throw Error(Code::bad_configuration, path + ": is larger than 1 MiB");
    text.resize(static_cast<std::size_t>(file.gcount()));
    return parse_toml(text, path);
}

} // namespace bhype
