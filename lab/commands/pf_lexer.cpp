#include "lab/commands/pf_lexer.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iostream>
#include <string_view>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

// lookup() of sbin/pfctl/parse.y: the words, by the major release that has them first.
constexpr std::string_view words_of_13 =
    " all allow-opts altq anchor antispoof any bandwidth binat binat-anchor bitmask block block-policy "
    "buckets "
    "cbq code codelq debug divert-reply divert-to dnpipe dnqueue drop dup-to fail-policy fairq fastroute "
    "file "
    "fingerprints flags floating flush for fragment from global group hfsc hogs hostid icmp-type icmp6-type "
    "if-bound in include inet inet6 interval keep keepcounters label limit linkshare load log loginterface "
    "map-e-portset max max-mss max-src-conn max-src-conn-rate max-src-nodes max-src-states min-ttl modulate "
    "nat "
    "nat-anchor no no-df no-route no-sync on optimization os out overload pass port prio priority priq "
    "probability proto qlimit queue quick random random-id rdr rdr-anchor realtime reassemble reply-to "
    "require-order return return-icmp return-icmp6 return-rst ridentifier round-robin route route-to rtable "
    "rule "
    "ruleset-optimization scrub set set-tos skip sloppy source-hash source-track state state-defaults "
    "state-policy static-port sticky-address syncookies synproxy table tag tagged target tbrsize timeout to "
    "tos "
    "ttl upperlimit urpf-failed user ";
constexpr std::string_view words_since_14 = " bridge-to ether l3 match ";
constexpr std::string_view words_since_15 =
    " af-to allow-related binat-to endpoint-independent max-pkt-rate max-pkt-size nat-to once "
    "prefer-ipv6-nexthop rdr-to received-on ";

bool in_list(std::string_view list, const std::string& word) {
    return list.find(' ' + word + ' ') != std::string_view::npos;
}

bool ends_number(int c) {
    return c < 0 || std::isspace(c) ||
           std::string_view("),/}=").find(static_cast<char>(c)) != std::string_view::npos;
}

bool goes_on_in_string(int c) {
    return c >= 0 && (std::isalnum(c) ||
                      (std::ispunct(c) &&
                       std::string_view("(){}<>!=/#,").find(static_cast<char>(c)) == std::string_view::npos));
}

constexpr std::size_t longest_string = 8095;

} // namespace

PfLexer::PfLexer(std::string name, std::string text, int major_release)
    : sources_{{std::move(name), std::move(text)}}, release_(major_release) {}

std::string PfLexer::place() const {
    return fmt::format("{}:{}", sources_.back().name, token_line_);
}

void PfLexer::complain(const std::string& text) {
    ++errors_;
    std::cerr << place() << ": " << text << '\n';
}

void PfLexer::define(const std::string& macro, const std::string& value, bool from_command_line) {
    const auto known = macros_.find(macro);
    if (known == macros_.end() || !known->second.from_command_line)
        macros_[macro] = {value, false, from_command_line};
}

std::vector<std::string> PfLexer::unused_macros() const {
    std::vector<std::string> names;
    for (const auto& [name, macro] : macros_)
        if (!macro.used)
            names.push_back(name);
    return names;
}

void PfLexer::include(std::string name, std::string text) {
    sources_.push_back({std::move(name), std::move(text)});
    unget('\n');
}

int PfLexer::read(Source& source) {
    return source.at < source.text.size() ? static_cast<unsigned char>(source.text[source.at++])
                                          : end_of_file;
}

int PfLexer::get(bool quoted) {
    if (expanding_) {
        if (expansion_at_ < expansion_.size())
            return static_cast<unsigned char>(expansion_[expansion_at_++]);
        expanding_ = false;
    }
    if (!pushed_back_.empty()) {
        const int c = pushed_back_.back();
        pushed_back_.pop_back();
        return c;
    }
    if (quoted) {
        const int c = read(sources_.back());
        if (c == end_of_file)
            complain("reached end of file while parsing quoted string");
        return c;
    }
    int c = 0;
    while ((c = read(sources_.back())) == '\\') {
        c = read(sources_.back());
        if (c != '\n')
            break;
        token_line_ = sources_.back().line++;
    }
    while (c == end_of_file && sources_.size() > 1) {
        sources_.pop_back();
        c = read(sources_.back());
    }
    return c;
}

void PfLexer::unget(int c) {
    if (c == end_of_file)
        return;
    if (expanding_ && expansion_at_ > 0)
        --expansion_at_;
    else
        pushed_back_.push_back(c);
}

PfToken PfLexer::give_up_line() {
    expanding_ = false;
    for (int c = 0; (c = get(false)) != end_of_file;)
        if (c == '\n') {
            ++sources_.back().line;
            break;
        }
    return {PfToken::Kind::bad};
}

PfToken PfLexer::quoted(char quote) {
    std::string text;
    while (true) {
        int c = get(true);
        if (c == end_of_file)
            return {PfToken::Kind::end};
        if (c == '\n') {
            ++sources_.back().line;
            continue;
        }
        if (c == '\\') {
            const int following = get(true);
            if (following == end_of_file)
                return {PfToken::Kind::end};
            if (following == quote) {
                c = following;
            } else if (following == '\n') {
                ++sources_.back().line;
                continue;
            } else {
                unget(following);
            }
        } else if (c == quote) {
            return {PfToken::Kind::text, text};
        }
        if (text.size() >= longest_string) {
            complain("string too long");
            return give_up_line();
        }
        text += static_cast<char>(c);
    }
}

/// "-" and digits; false with `first` as it was if they turn out to be the start of something else.
bool PfLexer::number(int& first, PfToken& token) {
    std::string text;
    int c = first;
    do
        text += static_cast<char>(c);
    while ((c = get(false)) != end_of_file && std::isdigit(c));
    unget(c);
    if (text == "-" || !ends_number(c)) {
        while (text.size() > 1) {
            unget(static_cast<unsigned char>(text.back()));
            text.pop_back();
        }
        return false;
    }
    token = {PfToken::Kind::number, text};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), token.number);
    if (error != std::errc()) {
        complain(fmt::format("\"{}\" invalid number: {}", text, text[0] == '-' ? "too small" : "too large"));
        token = give_up_line();
    }
    return true;
}

PfToken PfLexer::word(int first) {
    std::string text;
    int c = first;
    do {
        if (text.size() > longest_string) {
            complain("string too long");
            return give_up_line();
        }
        text += static_cast<char>(c);
    } while (goes_on_in_string(c = get(false)));
    unget(c);
    const bool known = in_list(words_of_13, text) || (release_ >= 14 && in_list(words_since_14, text)) ||
                       (release_ >= 15 && in_list(words_since_15, text));
    return {known ? PfToken::Kind::word : PfToken::Kind::text, text};
}

PfToken PfLexer::next() {
    while (true) {
        int c = 0;
        while ((c = get(false)) == ' ' || c == '\t') {
        }
        token_line_ = sources_.back().line;
        if (c == '#')
            while ((c = get(false)) != '\n' && c != end_of_file) {
            }
        if (c == '$' && !expanding_) {
            std::string name;
            while ((c = get(false)) != end_of_file && (std::isalnum(c) || c == '_'))
                name += static_cast<char>(c);
            if (c == end_of_file)
                return {PfToken::Kind::end};
            unget(c);
            const auto macro = macros_.find(name);
            if (macro == macros_.end()) {
                complain(fmt::format("macro '{}' not defined", name));
                return give_up_line();
            }
            macro->second.used = true;
            expansion_ = macro->second.value;
            expansion_at_ = 0;
            expanding_ = true;
            continue;
        }
        if (c == '\'' || c == '"')
            return quoted(static_cast<char>(c));
        for (const std::string_view sign : {"<>", "><", "->"}) {
            if (c != sign[0])
                continue;
            const int following = get(false);
            if (following == sign[1])
                return {PfToken::Kind::sign, std::string(sign)};
            unget(following);
        }
        PfToken token;
        if ((c == '-' || std::isdigit(c)) && number(c, token))
            return token;
        if (std::isalnum(c) || c == ':' || c == '_')
            return word(c);
        if (c == end_of_file)
            return {PfToken::Kind::end};
        if (c == '\n') {
            ++sources_.back().line;
            return {PfToken::Kind::newline};
        }
        return {PfToken::Kind::sign, std::string(1, static_cast<char>(c))};
    }
}

} // namespace bhype::lab
