#include "lab/bhyve/config.h"

#include "lab/bhyve/failure.h"

#include <cerrno>
#include <fstream>
#include <ostream>

#include <strings.h>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

bool truth(std::string_view name, const std::string& value) {
    for (const char* yes : {"true", "on", "yes", "1"})
        if (strcasecmp(value.c_str(), yes) == 0)
            return true;
    for (const char* no : {"false", "off", "no", "0"})
        if (strcasecmp(value.c_str(), no) == 0)
            return false;
    bhyve_err(4, fmt::format("Invalid value {} for boolean variable {}", value, name), 0);
}

void dump_tree(std::ostream& out, const std::string& prefix, const Config::Node& node) {
    for (const auto& child : node.children) {
        if (child.value)
            out << prefix << child.name << '=' << *child.value << '\n';
        else
            dump_tree(out, prefix + child.name + '.', child);
    }
}

} // namespace

const Config::Node* Config::Node::child(std::string_view wanted) const {
    for (const Node& node : children)
        if (node.name == wanted)
            return &node;
    return nullptr;
}

Config::Node* Config::Node::child(std::string_view wanted) {
    return const_cast<Node*>(static_cast<const Node*>(this)->child(wanted));
}

Config::Node* Config::lookup(Node& parent, std::string_view path, bool make) {
    Node* node = &parent;
    for (std::size_t at = 0; at <= path.size();) {
        const auto dot = std::min(path.find('.', at), path.size());
        const auto name = path.substr(at, dot - at);
        if (name.empty()) {
            bhyve_warnx(fmt::format("Invalid configuration node: {}", path));
            return nullptr;
        }
        Node* next = node->child(name);
        if (next && next->value) {
            bhyve_warnx(fmt::format("Configuration node {} is a child of existing variable {}", path,
                                    path.substr(0, dot)));
            return nullptr;
        }
        if (!next) {
            if (!make)
                return nullptr;
            next = &node->children.emplace_back(Node{std::string(name), {}, {}});
        }
        node = next;
        at = dot + 1;
    }
    return node;
}

void Config::set(Node& parent, std::string_view name, std::string_view value) {
    if (name.find('.') != std::string_view::npos)
        bhyve_errx(4, fmt::format("Invalid config node name {}", name));
    if (const Node* old = parent.child(name)) {
        if (!old->value)
            bhyve_errx(4, fmt::format("Attempting to add value {} to existing node {} of list {}", value,
                                      name, fmt::ptr(&parent)));
        parent.children.remove_if([&](const Node& node) { return node.name == name; });
    }
    parent.children.push_back({std::string(name), std::string(value), {}});
}

void Config::set(std::string_view path, std::string_view value) {
    const auto dot = path.rfind('.');
    Node* parent = &root_;
    if (dot != std::string_view::npos) {
        parent = create(path.substr(0, dot));
        if (!parent)
            bhyve_errx(4, fmt::format("Failed to create configuration node {}", path.substr(0, dot)));
    }
    const auto name = dot == std::string_view::npos ? path : path.substr(dot + 1);
    if (const Node* old = parent->child(name); old && !old->value)
        bhyve_errx(4, fmt::format("Attempting to add value {} to existing node {}", value, path));
    set(*parent, name, value);
}

bool Config::set_option(std::string_view option) {
    const auto equals = option.find('=');
    if (equals == std::string_view::npos || equals + 1 == option.size())
        return false;
    set(option.substr(0, equals), option.substr(equals + 1));
    return true;
}

void Config::load_file(const std::string& path) {
    errno = 0;
    std::ifstream in(path);
    if (!in)
        bhyve_err(4, "Failed to open configuration file " + path, errno);
    std::string line;
    for (unsigned number = 1; std::getline(in, line); ++number) {
        if (line.empty() || line[0] == '#')
            continue;
        if (!set_option(line))
            bhyve_errx(4, fmt::format("{} line {}: invalid config option '{}'", path, number, line));
    }
}

std::optional<std::string> Config::raw(std::string_view path) const {
    const Node* node = &root_;
    for (std::size_t at = 0; node && at <= path.size();) {
        const auto dot = std::min(path.find('.', at), path.size());
        node = node->child(path.substr(at, dot - at));
        at = dot + 1;
    }
    if (!node)
        return std::nullopt;
    if (!node->value)
        bhyve_warnx(fmt::format("Attempting to fetch value of node {}", path));
    return node->value;
}

std::string Config::expand(const std::string& value, int depth) const {
    // Without a reference nothing is special, not even a backslash.
    if (depth == 0 && value.find('%') == std::string::npos)
        return value;
    std::string out;
    for (std::size_t i = 0; i < value.size();) {
        if (value[i] == '\\') {
            if (++i == value.size())
                bhyve_warnx(fmt::format("Trailing \\ in configuration value \"{}\"", value));
            else
                out += value[i++];
            continue;
        }
        if (value[i] != '%') {
            out += value[i++];
            continue;
        }
        if (depth > 15) {
            bhyve_warnx("Too many recursive references in configuration value");
            out += value[i++];
            continue;
        }
        const auto close =
            i + 2 < value.size() && value[i + 1] == '(' ? value.find(')', i + 2) : std::string::npos;
        if (close == std::string::npos) {
            bhyve_warnx(fmt::format("Invalid reference in configuration value \"{}\"", value));
            out += value[i++];
            continue;
        }
        if (close == i + 2) {
            bhyve_warnx(fmt::format("Empty reference in configuration value \"{}\"", value));
            i = close + 1;
            continue;
        }
        const auto path = value.substr(i + 2, close - i - 2);
        i = close + 1;
        if (const auto found = raw(path))
            out += expand(*found, depth + 1);
        else
            bhyve_warnx("Failed to fetch referenced configuration variable " + path);
    }
    return out;
}

std::optional<std::string> Config::get(std::string_view path) const {
    const auto value = raw(path);
    return value ? std::optional(expand(*value, 0)) : std::nullopt;
}

std::optional<std::string> Config::get(const Node& parent, std::string_view name) const {
    const Node* node = parent.child(name);
    return node && node->value ? std::optional(expand(*node->value, 0)) : std::nullopt;
}

bool Config::get_bool(std::string_view path, bool fallback) const {
    const auto value = get(path);
    return value ? truth(path, *value) : fallback;
}

bool Config::get_bool(const Node& parent, std::string_view name, bool fallback) const {
    const auto value = get(parent, name);
    return value ? truth(name, *value) : fallback;
}

void Config::dump(std::ostream& out) const {
    dump_tree(out, "", root_);
}

} // namespace bhype::lab
