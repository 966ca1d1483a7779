#include "lab/commands/commands.h"
#include "lab/commands/text.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr const char* defaults_file = "/etc/defaults/rc.conf";

/// A file of NAME="value" lines as sh reads them, in the simple forms that sysrc writes and people use.
struct ConfFile {
    std::string path;
    std::vector<std::string> lines;

    explicit ConfFile(std::string file) : path(std::move(file)) {
        std::ifstream in(path);
        for (std::string line; std::getline(in, line);)
            lines.push_back(line);
    }

    /// The last line that assigns the variable.
    std::optional<std::size_t> find(const std::string& name) const {
        for (std::size_t i = lines.size(); i-- > 0;)
            if (lines[i].starts_with(name + "="))
                return i;
        return std::nullopt;
    }

    std::optional<std::string> get(const std::string& name) const {
        const auto at = find(name);
        if (!at)
            return std::nullopt;
        std::string value = lines[*at].substr(name.size() + 1);
        const char quote = value.empty() ? '\0' : value[0];
        if (quote == '"' || quote == '\'')
            return value.substr(1, value.find(quote, 1) - 1);
        return value.substr(0, value.find_first_of(" \t;#"));
    }

    /// Through a temporary file and a rename, mode and owner kept.
    void save() const {
        struct stat info {};
        const bool existed = stat(path.c_str(), &info) == 0;
        const std::string temporary = path + ".sysrc";
        {
            std::ofstream out(temporary, std::ios::trunc);
            for (const auto& line : lines)
                out << line << '\n';
            if (!out.flush())
                errx(1, path + ": Permission denied");
        }
        if (chmod(temporary.c_str(), existed ? info.st_mode & 07777 : 0644) != 0 ||
            (existed && chown(temporary.c_str(), info.st_uid, info.st_gid) != 0) ||
            rename(temporary.c_str(), path.c_str()) != 0)
            err(1, path, errno);
    }
};

class Configuration {
  public:
    Configuration(std::vector<std::string> files, bool with_defaults) : files_(std::move(files)) {
        if (with_defaults)
            read_.emplace_back(defaults_file);
        for (const auto& file : files_)
            read_.emplace_back(file);
    }

    std::optional<std::string> get(const std::string& name) const {
        std::optional<std::string> value;
        for (const auto& file : read_)
            if (auto here = file.get(name))
                value = std::move(here);
        return value;
    }

    /// Where it is assigned last; the defaults are never written.
    void set(const std::string& name, const std::string& value) {
        const std::string line = name + "=\"" + value + '"';
        for (auto file = read_.rbegin(); file != read_.rend(); ++file) {
            const auto at = file->path == defaults_file ? std::nullopt : file->find(name);
            if (!at)
                continue;
            file->lines[*at] = line;
            file->save();
            return;
        }
        ConfFile& first =
            *std::find_if(read_.begin(), read_.end(), [&](auto& f) { return f.path == files_[0]; });
        first.lines.push_back(line);
        first.save();
    }

    bool remove(const std::string& name) {
        bool removed = false;
        for (auto& file : read_) {
            if (file.path == defaults_file || !file.find(name))
                continue;
            std::erase_if(file.lines, [&](const auto& line) { return line.starts_with(name + "="); });
            file.save();
            removed = true;
        }
        return removed;
    }

    std::map<std::string, std::string> all() const {
        std::map<std::string, std::string> values;
        for (const auto& file : read_)
            for (const auto& line : file.lines) {
                const auto equals = line.find('=');
                const auto name = line.substr(0, equals);
                if (equals != std::string::npos && !name.empty() &&
                    name.find_first_not_of(
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
                        std::string::npos)
                    values[name] = file.get(name).value_or("");
            }
        return values;
    }

  private:
    std::vector<std::string> files_;
    std::vector<ConfFile> read_;
};

/// The separator of += and -=: the value's first character unless that can be part of a word.
char separator_of(const std::string& value) {
    if (value.empty() || std::isalnum(static_cast<unsigned char>(value[0])) || value[0] == '.' ||
        value[0] == '/')
        return ' ';
    return std::isspace(static_cast<unsigned char>(value[0])) ? ' ' : value[0];
}

std::string change_words(const std::string& before, const std::string& words, bool add) {
    const char separator = separator_of(words);
    const auto present = split_at(before, separator), given = split_at(words, separator);
    const auto holds = [](const auto& list, const auto& word) {
        return std::find(list.begin(), list.end(), word) != list.end();
    };
    std::vector<std::string> result;
    for (const auto& word : present)
        if (!word.empty() && (add || !holds(given, word)))
            result.push_back(word);
    if (add)
        for (const auto& word : given)
            if (!word.empty() && !holds(result, word))
                result.push_back(word);
    return fmt::format("{}", fmt::join(result, std::string(1, separator)));
}

int one(Configuration& configuration, const ParsedOptions& options, const std::string& argument) {
    const bool check = options.has('c'), quiet = options.has('q') || options.has('i');
    const auto equals = argument.find('=');
    std::string name = argument.substr(0, equals);
    char mode = '=';
    if (equals != std::string::npos && !name.empty() && (name.back() == '+' || name.back() == '-')) {
        mode = name.back();
        name.pop_back();
    }
    const auto before = configuration.get(name);
    const auto unknown = [&] {
        if (!quiet)
            std::cerr << "sysrc: unknown variable '" << name << "'\n";
        return 1;
    };
    if (options.has('x'))
        return configuration.remove(name) ? 0 : unknown();
    const auto show = [&](const std::string& value) {
        if (options.has('N'))
            std::cout << name << '\n';
        else if (options.has('n'))
            std::cout << value << '\n';
        else if (options.has('e'))
            std::cout << name << "=\"" << value << "\"\n";
        else
            std::cout << name << ": " << value << '\n';
    };
    if (equals == std::string::npos) {
        if (!before)
            return check ? 1 : unknown();
        if (!check)
            show(*before);
        return 0;
    }
    const std::string value = argument.substr(equals + 1);
    const std::string after = mode == '=' ? value : change_words(before.value_or(""), value, mode == '+');
    if (check)
        return before && *before == after ? 0 : 1;
    configuration.set(name, after);
    if (!options.has('q'))
        show(options.has('e') ? after : before.value_or("") + " -> " + after);
    return 0;
}

} // namespace

int sysrc_main(const Arguments& arguments) {
    return with_failures("sysrc", [&] {
        const auto options = parse_options(arguments, "aAcdDeEf:Fhij:lLnNqR:s:vxX");
        if (options.bad() || options.has('h') ||
            (options.rest.empty() && !options.has('a') && !options.has('A'))) {
            complain("sysrc", options);
            std::cerr << "Usage: sysrc [OPTIONS] {name[[+|-]=value] ... | -a | -A | -l | -L [name ...]}\n"
                         "Try `sysrc --help' for more information.\n";
            return 1;
        }
        for (const char letter : {'d', 'D', 'E', 'F', 'j', 'l', 'L', 'R', 's', 'v', 'X'})
            if (options.has(letter))
                throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
        std::vector<std::string> files{"/etc/rc.conf", "/etc/rc.conf.local"};
        if (options.has('f')) {
            files.clear();
            for (const auto& option : options.options)
                if (option.letter == 'f')
                    files.push_back(option.value);
        }
        Configuration configuration(files, !options.has('f') && !options.has('a'));
        if (options.has('a') || options.has('A')) {
            for (const auto& [name, value] : configuration.all())
                std::cout << name << (options.has('e') ? "=\"" + value + '"' : ": " + value) << '\n';
            return 0;
        }
        for (const auto& argument : options.rest) {
            auto name = argument.substr(0, argument.find_first_of("=%#+-"));
            if (name.empty() ||
                name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") !=
                    std::string::npos)
                errx(1, name + ": name contains characters not allowed in shell");
        }
        int status = 0;
        for (const auto& argument : options.rest)
            status |= one(configuration, options, argument);
        return status;
    });
}

} // namespace bhype::lab
