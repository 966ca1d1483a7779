#include "lab/commands/text.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

namespace bhype::lab {

inline namespace command_text {

std::string error_text(int error) {
    // lib/libc/gen/errlst.c where it differs from the machine's.
    switch (error) {
    case EBUSY:
        return "Device busy";
    case ENXIO:
        return "Device not configured";
    case ENODEV:
        return "Operation not supported by device";
    case EOPNOTSUPP:
        return "Operation not supported";
    case EADDRNOTAVAIL:
        return "Can't assign requested address";
    case EXDEV:
        return "Cross-device link";
    case ENOTTY:
        return "Inappropriate ioctl for device";
    case EILSEQ:
        return "Illegal byte sequence";
    case EMSGSIZE:
        return "Message too long";
    case ELOOP:
        return "Too many levels of symbolic links";
    default:
        return std::strerror(error);
    }
}

void errx(int status, const std::string& text) {
    throw CommandFailure{status, text};
}

void err(int status, const std::string& text, int error) {
    throw CommandFailure{status, text + ": " + error_text(error)};
}

void print_failure(std::string_view name, const CommandFailure& failure) {
    std::cout.flush();
    std::cerr << name << ": " << failure.text << '\n';
}

bool ParsedOptions::has(char letter) const {
    for (const auto& option : options)
        if (option.letter == letter)
            return true;
    return false;
}

const std::string* ParsedOptions::value(char letter) const {
    const std::string* found = nullptr;
    for (const auto& option : options)
        if (option.letter == letter)
            found = &option.value;
    return found;
}

ParsedOptions parse_options(const std::vector<std::string>& arguments, std::string_view specification) {
    ParsedOptions result;
    std::size_t i = 0;
    for (; i < arguments.size() && !result.bad(); ++i) {
        const std::string& word = arguments[i];
        if (word == "--") {
            ++i;
            break;
        }
        if (word.size() < 2 || word[0] != '-')
            break;
        for (std::size_t j = 1; j < word.size(); ++j) {
            const auto known = word[j] == ':' ? std::string_view::npos : specification.find(word[j]);
            if (known == std::string_view::npos) {
                result.unknown = word[j];
                break;
            }
            if (known + 1 >= specification.size() || specification[known + 1] != ':') {
                result.options.push_back({word[j], ""});
                continue;
            }
            if (j + 1 < word.size())
                result.options.push_back({word[j], word.substr(j + 1)});
            else if (i + 1 < arguments.size())
                result.options.push_back({word[j], arguments[++i]});
            else
                result.needs_value = word[j];
            break;
        }
    }
    result.rest.assign(arguments.begin() + static_cast<long>(std::min(i, arguments.size())), arguments.end());
    return result;
}

void complain(std::string_view name, const ParsedOptions& options) {
    if (options.unknown)
        std::cerr << name << ": illegal option -- " << options.unknown << '\n';
    else if (options.needs_value)
        std::cerr << name << ": option requires an argument -- " << options.needs_value << '\n';
}

void refuse_libxo(const std::vector<std::string>& arguments) {
    if (!arguments.empty() && arguments[0].starts_with("--libxo"))
        throw std::runtime_error("--libxo is not provided by the lab");
}

std::vector<std::string> split_words(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

std::vector<std::string> split_at(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, separator);)
        parts.push_back(part);
    return parts;
}

std::string read_file(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace command_text
} // namespace bhype::lab
