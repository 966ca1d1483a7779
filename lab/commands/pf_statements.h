#pragma once

#include "lab/commands/pf_reader.h"

#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace bhype::lab {

[[noreturn]] inline void pf_not_provided(const std::string& what) {
    throw std::runtime_error(what + " is not provided by the lab");
}

/// The order that "set require-order" asks for: PFCTL_STATE_*.
enum class PfStage { none, option, ethernet, scrub, queue, translation, filter };

/// The statements of pf.conf(5): one member for each rule of the grammar, with its checks in their order.
class PfStatements : PfReader {
  public:
    PfStatements(PfLexer& lexer, const PfInterfaces& interfaces, const PfParseOptions& options)
        : PfReader(lexer, interfaces), options_(options) {}

    PfParsed parse();

  private:
    void statement();
    bool translation_statement();
    bool rule_statement();
    void macro();
    void include();
    void load_anchor();

    /// check_rulestate()
    void stage(PfStage wanted);
    void say(const std::string& line) {
        if (options_.verbose)
            std::cout << line << '\n';
    }
    /// What every rule begins with after its own words.
    void on_family_protocols(PfRule& rule, PfLists& lists) {
        lists.interfaces = on_interfaces();
        rule.family = family();
        lists.protocols = protocols();
    }
    std::vector<PfRule>& rules(PfAction action) {
        return parsed_.rulesets[path_][static_cast<std::size_t>(part_of(action))];
    }

    // pf_options.cpp
    void option();
    void set_timeout();
    void set_limit();
    void set_skip();
    void block_policy();
    void table();
    void table_entries(PfTable& table);

    // pf_filter.cpp
    void scrub(PfAction action);
    void filter(PfAction action);
    void anchor();
    void anchor_body(const std::string& path);
    void log_and_quick(PfRule& rule);
    void log(PfRule& rule);
    void direction(PfRule& rule) {
        rule.direction = accept_word("in") ? 'i' : accept_word("out") ? 'o' : '\0';
    }
    void block_answer(PfRule& rule);
    struct Said {
        bool state{false}, flags{false}, icmp{false};
    };
    Said filter_options(PfRule& rule, PfLists& lists);
    bool filter_option(PfRule& rule, PfLists& lists, Said& said);
    void state_option(PfRule& rule);
    void tcp_flags(PfRule& rule);
    unsigned flag_letters();
    void icmp(PfLists& lists, int family);
    std::string tag_name();
    void tagged(PfRule& rule);
    void label(PfRule& rule);
    void check_flags(const PfRule& rule, const PfLists& lists);
    void decide_family(const std::vector<PfHost>& hosts, int& family);

    // pf_translation.cpp
    void translation(PfAction action);
    void translation_anchor(PfAction action);
    void binat(PfAction action);
    void translate_to(PfRule& rule);
    void pass_and_log(PfRule& rule, PfAction action);
    void tags(PfRule& rule);
    struct Redirection {
        std::vector<PfHost> hosts;
        Range ports;
        PfPool pool;
        bool static_port{false};
    };
    Redirection redirection();
    void pool_options(Redirection& to);
    void check_redirection(Redirection& to, int& family);
    void nat_ports(Redirection& to);

    PfParseOptions options_;
    PfParsed parsed_;
    std::string path_; ///< of the anchor that is written out here
    int unnamed_anchors_{0};
    PfStage stage_{PfStage::none};
    bool require_order_{true};
    PfReturn block_policy_{PfReturn::drop};
    bool if_bound_{false};
};

} // namespace bhype::lab
