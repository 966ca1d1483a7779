#include "lab/commands/pf_statements.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace bhype::lab {

namespace {

constexpr std::size_t tag_size = 64, label_size = 64, label_count = 5; // PF_TAG_NAME_SIZE, PF_RULE_*LABEL*
constexpr unsigned syn = 0x02, syn_ack = 0x12, all_flags = 0xff;

} // namespace

void PfStatements::log(PfRule& rule) {
    rule.log = true;
    if (!accept_sign("("))
        return;
    bool all = false, user = false;
    std::string to;
    do {
        if (accept_word("to")) {
            to = joined_text();
            if (!to.starts_with("pflog"))
                refuse(to + ": should be a pflog interface");
        } else if (accept_word("all")) {
            all = true;
        } else if (accept_word("user") || accept_word("group")) {
            user = true;
        } else {
            syntax_error();
        }
    } while (accept_sign(",") || !is_sign(")"));
    take();
    for (const auto& part : {std::string(all ? "all" : ""), std::string(user ? "user" : ""),
                             to.empty() || to == "pflog0" ? "" : "to " + to})
        if (!part.empty())
            rule.log_options += (rule.log_options.empty() ? "" : ", ") + part;
}

void PfStatements::log_and_quick(PfRule& rule) {
    rule.quick = accept_word("quick");
    if (accept_word("log"))
        log(rule);
    rule.quick = rule.quick || accept_word("quick");
}

void PfStatements::block_answer(PfRule& rule) {
    rule.answer = block_policy_;
    if (accept_word("drop"))
        rule.answer = PfReturn::drop;
    else if (accept_word("return"))
        rule.answer = PfReturn::answer;
    else if (accept_word("return-rst"))
        rule.answer = PfReturn::reset;
    else if (accept_word("return-icmp") || accept_word("return-icmp6"))
        rule.answer = PfReturn::unreachable;
    else
        return;
    if (!accept_sign("("))
        return;
    // What text_of() writes comes back; other codes need their own answer.
    if (rule.answer != PfReturn::unreachable)
        pf_not_provided("'return-rst(ttl ...)'");
    do {
        if (text() != "port-unr")
            pf_not_provided("another code than port-unr with return-icmp");
    } while (accept_sign(",") || !is_sign(")"));
    take();
}

unsigned PfStatements::flag_letters() {
    const auto letters = text();
    unsigned flags = 0;
    for (const char letter : letters) {
        const char* known = std::strchr(pf_tcp_flags, letter);
        if (!known)
            refuse("bad flags " + letters);
        flags |= 1U << (known - pf_tcp_flags);
    }
    return flags ? flags : all_flags;
}

void PfStatements::tcp_flags(PfRule& rule) {
    if (accept_word("any"))
        return;
    if (!is_sign("/"))
        rule.flags = flag_letters();
    expect_sign("/");
    rule.flag_mask = flag_letters();
}

void PfStatements::icmp(PfLists& lists, int family) {
    const std::string kind = family == 6 ? "icmp6" : "icmp";
    one_or_list([&] {
        PfLists::Icmp item;
        item.protocol = family == 6 ? unsigned(IPPROTO_ICMPV6) : unsigned(IPPROTO_ICMP);
        if (is_text()) {
            const auto name = take().text;
            const auto type = icmp_type_number(name, family);
            if (!type)
                refuse(fmt::format("unknown {}-type {}", kind, name));
            item.type = *type;
        } else {
            item.type = static_cast<int>(number());
            if (item.type < 0 || item.type > 255)
                refuse(fmt::format("illegal {}-type {}", kind, item.type));
        }
        if (accept_word("code")) {
            if (is_text()) {
                const auto name = take().text;
                const auto code = icmp_code_number(item.type, name, family);
                if (!code)
                    refuse(fmt::format("unknown {}-code {}", kind, name));
                item.code = *code;
            } else {
                item.code = static_cast<int>(number());
                if (item.code < 0 || item.code > 255)
                    refuse(fmt::format("illegal {}-code {}", kind, item.code));
            }
        }
        lists.icmp.push_back(item);
    });
}

void PfStatements::state_option(PfRule& rule) {
    expect_word("state");
    if (!accept_sign("("))
        return;
    const auto set = [&](bool& flag, const char* twice) {
        if (flag)
            refuse(twice);
        flag = true;
    };
    bool lock_said = false;
    do {
        if (accept_word("no-sync"))
            set(rule.no_sync, "state option 'sync' multiple definitions");
        else if (accept_word("sloppy"))
            set(rule.sloppy, "state sloppy option: multiple definitions");
        else if (is_word("if-bound") || is_word("floating")) {
            set(lock_said, "state locking option: multiple definitions");
            rule.if_bound = take().text == "if-bound";
        } else if (is_text() || peek().kind == PfToken::Kind::word)
            pf_not_provided("'" + peek().text + "' of a state");
        else
            syntax_error();
    } while (accept_sign(",") || !is_sign(")"));
    take();
}

std::string PfStatements::tag_name() {
    const auto name = joined_text();
    if (name.size() >= tag_size)
        refuse(fmt::format("tag too long, max {} chars", tag_size - 1));
    return name;
}

void PfStatements::tagged(PfRule& rule) {
    rule.tagged_not = accept_sign("!");
    expect_word("tagged");
    rule.tagged = tag_name();
}

void PfStatements::label(PfRule& rule) {
    const auto name = text();
    if (rule.labels.size() >= label_count)
        refuse(fmt::format("label can only be used {} times", label_count));
    if (name.size() >= label_size)
        refuse(fmt::format("rule label too long (max {} chars)", label_size - 1));
    rule.labels.push_back(name);
}

bool PfStatements::filter_option(PfRule& rule, PfLists& lists, Said& said) {
    const auto once = [&](bool& flag, const char* twice) {
        if (flag)
            refuse(twice);
        flag = true;
    };
    static constexpr std::pair<const char*, PfState> states[] = {
        {"keep", PfState::keep}, {"modulate", PfState::modulate}, {"synproxy", PfState::synproxy}};
    for (const auto& [word, state] : states)
        if (accept_word(word)) {
            state_option(rule);
            rule.state = state;
            once(said.state, "modulate or keep cannot be redefined");
            return true;
        }
    if (accept_word("no")) {
        expect_word("state");
        once(said.state, "modulate or keep cannot be redefined");
    } else if (accept_word("flags")) {
        tcp_flags(rule);
        once(said.flags, "flags cannot be redefined");
    } else if (is_word("icmp-type") || is_word("icmp6-type")) {
        icmp(lists, take().text == "icmp6-type" ? 6 : 4);
        once(said.icmp, "icmp-type cannot be redefined");
    } else if (accept_word("label")) {
        label(rule);
    } else if (accept_word("ridentifier")) {
        rule.identifier = static_cast<unsigned long>(number_or_text());
    } else if (accept_word("tag")) {
        rule.tag = tag_name();
    } else if (is_word("tagged") || is_sign("!")) {
        tagged(rule);
    } else if (accept_word("allow-opts")) {
        rule.allow_options = true;
    } else if (is_word("nat-to") || is_word("rdr-to")) {
        translate_to(rule);
    } else {
        for (const char* word :
             {"user",    "group",       "tos",    "prio",         "fragment",     "queue",        "dnpipe",
              "dnqueue", "probability", "rtable", "divert-to",    "set",          "scrub",        "binat-to",
              "af-to",   "received-on", "once",   "max-pkt-rate", "max-pkt-size", "allow-related"})
            if (is_word(word))
                pf_not_provided(fmt::format("'{}' in a rule", word));
        if (accept_word("divert-reply"))
            refuse("divert-reply has no meaning in FreeBSD pf(4)");
        return false;
    }
    return true;
}

PfStatements::Said PfStatements::filter_options(PfRule& rule, PfLists& lists) {
    Said said;
    while (filter_option(rule, lists, said)) {
    }
    return said;
}

void PfStatements::check_flags(const PfRule& rule, const PfLists& lists) {
    if ((rule.flags & rule.flag_mask) != rule.flags)
        refuse("flags always false");
    const auto& protocols = lists.protocols;
    if ((rule.flags || rule.flag_mask) && !protocols.empty() &&
        std::find(protocols.begin(), protocols.end(), static_cast<unsigned>(IPPROTO_TCP)) == protocols.end())
        refuse("flags only apply to tcp");
}

void PfStatements::decide_family(const std::vector<PfHost>& hosts, int& family) {
    if (family || hosts.empty())
        return;
    const int first = hosts[0].family();
    if (std::all_of(hosts.begin(), hosts.end(), [&](const auto& host) { return host.family() == first; }))
        family = first;
}

void PfStatements::filter(PfAction action) {
    PfRule rule;
    PfLists lists;
    rule.action = action;
    if (action == PfAction::block)
        block_answer(rule);
    direction(rule);
    log_and_quick(rule);
    lists.interfaces = on_interfaces();
    for (const char* word : {"route-to", "reply-to", "dup-to"})
        if (is_word(word))
            pf_not_provided(fmt::format("'{}'", word));
    accept_word("fastroute");
    rule.family = family();
    lists.protocols = protocols();
    from_to(lists);
    const auto said = filter_options(rule, lists);
    stage(PfStage::filter);
    check_flags(rule, lists);
    if (action == PfAction::pass && rule.state == PfState::none && !said.state)
        rule.state = PfState::keep;
    if (action == PfAction::pass && !said.flags && rule.state != PfState::none) {
        rule.flags = syn;
        rule.flag_mask = syn_ack;
    }
    if (rule.state != PfState::none && if_bound_)
        rule.if_bound = true;
    decide_family(lists.source.hosts, rule.family);
    decide_family(lists.destination.hosts, rule.family);
    expand(rule, lists, lexer_, rules(action));
}

void PfStatements::scrub(PfAction action) {
    PfRule rule;
    PfLists lists;
    rule.action = action;
    direction(rule);
    log_and_quick(rule);
    on_family_protocols(rule, lists);
    from_to(lists);
    const auto once = [&](bool& flag, const char* twice) {
        if (flag)
            refuse(twice);
        flag = true;
    };
    bool fragment = false, more = peek().kind != PfToken::Kind::newline;
    while (more) {
        if (accept_word("no-df")) {
            once(rule.no_df, "no-df cannot be respecified");
        } else if (accept_word("random-id")) {
            once(rule.random_id, "random-id cannot be respecified");
        } else if (accept_word("fragment")) {
            if (is_word("no"))
                pf_not_provided("'fragment no reassemble'");
            expect_word("reassemble");
            once(fragment, "fragcache cannot be respecified");
        } else if (accept_word("reassemble")) {
            if (const auto what = text(); what != "tcp")
                refuse(fmt::format("scrub reassemble supports only tcp, not '{}'", what));
            once(rule.reassemble_tcp, "reassemble tcp cannot be respecified");
        } else {
            for (const char* word : {"min-ttl", "max-mss", "set-tos", "rtable", "tagged"})
                if (is_word(word))
                    pf_not_provided(fmt::format("'{}' of scrub", word));
            syntax_error();
        }
        more = accept_sign(",") || peek().kind != PfToken::Kind::newline;
    }
    stage(PfStage::scrub);
    if (rule.quick)
        refuse("scrub rules do not support 'quick'");
    if (rule.reassemble_tcp && rule.direction)
        refuse("reassemble tcp rules can not specify direction");
    expand(rule, lists, lexer_, rules(action));
}

void PfStatements::anchor() {
    PfRule rule;
    PfLists lists;
    const auto name = is_text() ? take().text : "";
    direction(rule);
    rule.quick = accept_word("quick");
    on_family_protocols(rule, lists);
    from_to(lists);
    filter_options(rule, lists);
    const bool body = is_sign("{");
    std::string called = name;
    if (body) {
        if (name.empty())
            called = fmt::format("_{}", ++unnamed_anchors_);
        anchor_body((path_.empty() ? "" : path_ + "/") + called);
    }
    stage(PfStage::filter);
    if (!options_.reserved_names && (name.starts_with('_') || name.find("/_") != std::string::npos))
        refuse("anchor names beginning with '_' are reserved for internal use");
    if (body && name.find('/') != std::string::npos)
        refuse("anchor paths containing '/' cannot be used for inline anchors.");
    if (!body && name.empty())
        refuse("anchors without explicit rules must specify a name");
    check_flags(rule, lists);
    if (rule.state != PfState::none)
        refuse("cannot specify state handling on anchors");
    rule.anchor = called;
    decide_family(lists.source.hosts, rule.family);
    decide_family(lists.destination.hosts, rule.family);
    expand(rule, lists, lexer_, rules(PfAction::pass));
}

void PfStatements::anchor_body(const std::string& path) {
    const auto outer = path_;
    path_ = path;
    if (parsed_.rulesets.contains(path))
        refuse(fmt::format("inline anchor '{}' already exists", path));
    parsed_.rulesets[path];
    expect_sign("{");
    end_of_statement();
    while (!accept_sign("}")) {
        if (peek().kind != PfToken::Kind::newline && !rule_statement())
            syntax_error();
        end_of_statement();
    }
    path_ = outer;
}

} // namespace bhype::lab
