#include "lab/commands/pf_parser.h"

#include "lab/commands/pf_statements.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace bhype::lab {

std::optional<std::string> read_pf_file(const std::string& path) {
    std::ifstream in(path);
    if (!in)
        return {};
    return std::string(std::istreambuf_iterator<char>(in), {});
}

PfParsed parse_pf(PfLexer& lexer, const PfInterfaces& interfaces, const PfParseOptions& options) {
    return PfStatements(lexer, interfaces, options).parse();
}

PfParsed PfStatements::parse() {
    parsed_.rulesets[""];
    while (true) {
        try {
            if (peek().kind == PfToken::Kind::end)
                break;
            if (peek().kind != PfToken::Kind::newline)
                statement();
            end_of_statement();
        } catch (const PfAbandoned&) {
            path_.clear();
            if (!recover())
                break;
        }
    }
    parsed_.good = lexer_.errors() == 0;
    return std::move(parsed_);
}

void PfStatements::statement() {
    if (is_text())
        return macro();
    for (const char* word : {"altq", "queue", "ether", "antispoof"})
        if (is_word(word))
            pf_not_provided(fmt::format("'{}'", word));
    if (accept_word("include"))
        return include();
    if (accept_word("set"))
        return option();
    if (accept_word("table"))
        return table();
    if (accept_word("load"))
        return load_anchor();
    if (!translation_statement() && !rule_statement())
        syntax_error();
}

bool PfStatements::translation_statement() {
    const bool negated = accept_word("no");
    if (accept_word("scrub"))
        scrub(negated ? PfAction::no_scrub : PfAction::scrub);
    else if (accept_word("nat"))
        translation(negated ? PfAction::no_nat : PfAction::nat);
    else if (accept_word("rdr"))
        translation(negated ? PfAction::no_rdr : PfAction::rdr);
    else if (accept_word("binat"))
        binat(negated ? PfAction::no_binat : PfAction::binat);
    else if (negated)
        syntax_error();
    else if (accept_word("nat-anchor"))
        translation_anchor(PfAction::nat);
    else if (accept_word("rdr-anchor"))
        translation_anchor(PfAction::rdr);
    else if (accept_word("binat-anchor"))
        translation_anchor(PfAction::binat);
    else
        return false;
    return true;
}

bool PfStatements::rule_statement() {
    if (accept_word("pass"))
        filter(PfAction::pass);
    else if (accept_word("block"))
        filter(PfAction::block);
    else if (accept_word("match"))
        filter(PfAction::match);
    else if (accept_word("anchor"))
        anchor();
    else
        return false;
    return true;
}

void PfStatements::stage(PfStage wanted) {
    if (require_order_ && stage_ > wanted)
        refuse(
            options_.major_release >= 14
                ? "Rules must be in order: options, ethernet, normalization, queueing, translation, filtering"
                : "Rules must be in order: options, normalization, queueing, translation, filtering");
    stage_ = wanted;
}

void PfStatements::macro() {
    const auto name = text();
    expect_sign("=");
    std::string value = number_text();
    while (is_text() || peek().kind == PfToken::Kind::number)
        value += ' ' + number_text();
    say(fmt::format("{} = \"{}\"", name, value));
    if (name.find_first_of(" \t", 1) != std::string::npos)
        refuse("macro name cannot contain whitespace");
    lexer_.define(name, value);
}

void PfStatements::include() {
    const auto file = text();
    const auto content = read_pf_file(file);
    if (!content) {
        std::cerr << fmt::format("pfctl: {}: {}\n", file, std::strerror(errno));
        refuse("failed to include file " + file);
    }
    lexer_.include(file, *content);
}

void PfStatements::load_anchor() {
    expect_word("anchor");
    const auto anchor = joined_text();
    expect_word("from");
    parsed_.load_anchors.emplace_back(anchor, joined_text());
}

} // namespace bhype::lab
