#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bhype::lab {

// Other rooms of the lab have functions of these names with other ways to leave.
inline namespace command_text {

/// strerror(3) as FreeBSD says it, for an errno of this machine.
std::string error_text(int error);

/// Ends a command as err(3) and errx(3) do: the text follows the command's name on standard error.
struct CommandFailure {
    int status;
    std::string text;
};

[[noreturn]] void errx(int status, const std::string& text);
[[noreturn]] void err(int status, const std::string& text, int error);

/// Runs a command's body; a CommandFailure is printed as "NAME: TEXT" and becomes the exit status.
template <class Body>
int with_failures(std::string_view name, Body body);

/// Options as getopt(3) reads them: clusters, attached or separate values, "--" ends.
struct ParsedOption {
    char letter;
    std::string value;
};
struct ParsedOptions {
    std::vector<ParsedOption> options;
    std::vector<std::string> rest;
    char unknown{0};     ///< the first letter that is not in the specification
    char needs_value{0}; ///< the first letter whose value is missing
    bool bad() const { return unknown || needs_value; }
    bool has(char letter) const;
    const std::string* value(char letter) const; ///< the last one; null if not given
};
ParsedOptions parse_options(const std::vector<std::string>& arguments, std::string_view specification);

/// Prints what getopt(3) says about a bad option.
void complain(std::string_view name, const ParsedOptions& options);
/// libxo(3)'s own options, which stand first, are not provided by the lab.
void refuse_libxo(const std::vector<std::string>& arguments);

std::vector<std::string> split_words(const std::string& text);
std::vector<std::string> split_at(const std::string& text, char separator);
std::string read_file(const std::string& path);

void print_failure(std::string_view name, const CommandFailure& failure);

template <class Body>
int with_failures(std::string_view name, Body body) {
    try {
        return body();
    } catch (const CommandFailure& failure) {
        print_failure(name, failure);
        return failure.status;
    }
}

} // namespace command_text
} // namespace bhype::lab
