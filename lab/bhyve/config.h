#pragma once

#include <iosfwd>
#include <list>
#include <optional>
#include <string>
#include <string_view>

namespace bhype::lab {

/// bhyve's configuration: variables in a tree, named by paths such as "pci.0.4.0.path"; bhyve_config(5),
/// config.c. What bhyve refuses is printed and leaves by Exit.
class Config {
  public:
    /// A variable has a value, anything else children. Nodes stay where they are.
    struct Node {
        std::string name;
        std::optional<std::string> value;
        std::list<Node> children;

        const Node* child(std::string_view wanted) const;
        Node* child(std::string_view wanted);
    };

    Node* find(std::string_view path) { return lookup(root_, path, false); }
    Node* create(std::string_view path) { return lookup(root_, path, true); }
    static Node* create(Node& parent, std::string_view path) { return lookup(parent, path, true); }
    static Node* find(Node& parent, std::string_view path) { return lookup(parent, path, false); }

    void set(std::string_view path, std::string_view value);
    static void set(Node& parent, std::string_view name, std::string_view value);

    /// "VAR=VALUE"; false if there is no "=" or nothing behind it.
    bool set_option(std::string_view option);

    /// Each line of a file as an option, for -k.
    void load_file(const std::string& path);

    /// Values as devices see them, with %(references) replaced.
    std::optional<std::string> get(std::string_view path) const;
    std::optional<std::string> get(const Node& parent, std::string_view name) const;
    bool get_bool(std::string_view path, bool fallback) const;
    bool get_bool(const Node& parent, std::string_view name, bool fallback) const;

    /// All variables as "path=value", unexpanded, for config.dump.
    void dump(std::ostream& out) const;

  private:
    static Node* lookup(Node& parent, std::string_view path, bool make);
    std::optional<std::string> raw(std::string_view path) const;
    std::string expand(const std::string& value, int depth) const;

    Node root_;
};

} // namespace bhype::lab
