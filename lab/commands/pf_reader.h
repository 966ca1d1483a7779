#pragma once

#include "lab/commands/pf_parser.h"

#include <string>
#include <string_view>
#include <vector>

namespace bhype::lab {

/// The statement is given up; what is wrong has been said.
struct PfAbandoned {};

/// The pieces that statements of pf.conf are made of, read from tokens with one of them ahead. Each throws
/// PfAbandoned after a complaint.
class PfReader {
  public:
    PfReader(PfLexer& lexer, const PfInterfaces& interfaces) : lexer_(lexer), interfaces_(interfaces) {}

  protected:
    const PfToken& peek();
    PfToken take();
    bool is_word(std::string_view word);
    bool is_sign(std::string_view sign);
    bool is_text() { return peek().kind == PfToken::Kind::text; }
    bool accept_word(std::string_view word);
    bool accept_sign(std::string_view sign);
    void expect_word(std::string_view word);
    void expect_sign(std::string_view sign);
    void end_of_statement();
    [[noreturn]] void syntax_error();
    /// A complaint about what was read, as YYERROR after yyerror().
    [[noreturn]] void refuse(const std::string& text);
    /// Skips the rest of the line after PfAbandoned. False at the end of the file.
    bool recover();

    std::string text();         ///< STRING
    std::string joined_text();  ///< string: one or more, with spaces
    long long number();         ///< NUMBER
    long long number_or_text(); ///< number: also a STRING that is one
    std::string number_text();  ///< numberstring
    long long number_within(long long most, const std::string& complaint);

    void newlines(); ///< optnl
    /// "item", or "{ item, item }" over any number of lines.
    template <class Item>
    void one_or_list(Item item);
    template <class Item>
    void rest_of_list(Item item);

    std::string interface_name();
    std::vector<PfLists::Interface> on_interfaces();
    int family();
    std::vector<unsigned> protocols();
    void from_to(PfLists& lists);
    void host_spec(std::vector<PfHost>& hosts);
    std::vector<PfHost> host();
    std::vector<PfPort> port_spec();
    struct Range {
        std::uint16_t first{}, second{};
        bool is_range{false}, open{false};
    };
    Range port_range(bool open_end);
    std::uint16_t service(const std::string& name);

    PfLexer& lexer_;
    const PfInterfaces& interfaces_;

  private:
    PfAddress dynamic_address();
    PfPort port_item();
    std::vector<PfHost> parsed_host(const std::string& text);
    PfOperator unary_operator();

    PfToken ahead_;
    bool has_ahead_{false};
    int recovering_{0}; ///< tokens until a syntax error is told again: yyerrflag
};

template <class Item>
void PfReader::rest_of_list(Item item) {
    newlines();
    item();
    newlines();
    while (!accept_sign("}")) { // a line may end after an item, not after a comma
        accept_sign(",");
        item();
        newlines();
    }
}

template <class Item>
void PfReader::one_or_list(Item item) {
    if (accept_sign("{"))
        rest_of_list(item);
    else
        item();
}

} // namespace bhype::lab
