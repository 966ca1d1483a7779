#include "lab/commands/pf_statements.h"

#include <algorithm>

namespace bhype::lab {

namespace {

/// A translation rule's family is that of the first address it has, whatever others follow.
void take_family(const std::vector<PfHost>& hosts, int& family) {
    if (!family && !hosts.empty())
        family = hosts[0].family();
}

} // namespace

void PfStatements::pass_and_log(PfRule& rule, PfAction action) {
    rule.action = action;
    rule.nat_pass = accept_word("pass");
    if (accept_word("log"))
        log(rule);
    const bool negated =
        action == PfAction::no_nat || action == PfAction::no_rdr || action == PfAction::no_binat;
    if (negated && rule.nat_pass)
        refuse("\"pass\" not valid with \"no\"");
}

PfStatements::Redirection PfStatements::redirection() {
    Redirection to;
    one_or_list([&] {
        const auto found = host();
        to.hosts.insert(to.hosts.end(), found.begin(), found.end());
    });
    if (accept_word("port"))
        to.ports = port_range(true);
    return to;
}

void PfStatements::pool_options(Redirection& to) {
    const auto set_kind = [&](PfPool::Kind kind) {
        if (to.pool.kind != PfPool::Kind::none)
            refuse("pool type cannot be redefined");
        to.pool.kind = kind;
    };
    while (true) {
        if (accept_word("round-robin")) {
            set_kind(PfPool::Kind::round_robin);
        } else if (accept_word("random")) {
            set_kind(PfPool::Kind::random);
        } else if (accept_word("static-port")) {
            if (to.static_port)
                refuse("static-port cannot be redefined");
            to.static_port = true;
        } else {
            for (const char* word :
                 {"bitmask", "source-hash", "sticky-address", "map-e-portset", "endpoint-independent"})
                if (is_word(word))
                    pf_not_provided(fmt::format("'{}' of an address pool", word));
            return;
        }
    }
}

void PfStatements::check_redirection(Redirection& to, int& family) {
    // remove_invalid_hosts(), invalid_redirect()
    std::vector<PfHost> fitting;
    for (const auto& host : to.hosts) {
        if (family && host.family() && host.family() != family)
            continue;
        if (!family)
            family = host.family();
        fitting.push_back(host);
    }
    to.hosts = fitting;
    if (!family && std::any_of(fitting.begin(), fitting.end(), [](const auto& host) {
            return host.address.kind != PfAddress::Kind::table &&
                   host.address.kind != PfAddress::Kind::dynamic;
        }))
        refuse("address family not given and translation address expands to multiple address families");
    if (fitting.empty())
        refuse("no translation address with matching address family found.");
    auto& kind = to.pool.kind;
    if (kind == PfPool::Kind::none && (fitting.size() > 1 || fitting[0].address.several()))
        kind = PfPool::Kind::round_robin;
    if (kind != PfPool::Kind::round_robin) {
        for (const auto& host : fitting)
            if (host.address.kind == PfAddress::Kind::table)
                refuse("tables are only supported in round-robin redirection pools");
        for (const auto& host : fitting)
            if (host.address.several())
                refuse(fmt::format("interface ({}) is only supported in round-robin redirection pools",
                                   host.address.name));
        if (fitting.size() > 1)
            refuse("only round-robin valid for multiple redirection addresses");
    }
    for (const auto& host : fitting)
        to.pool.addresses.push_back(host.address);
}

void PfStatements::nat_ports(Redirection& to) {
    auto& pool = to.pool;
    pool.low = to.ports.first;
    pool.high = to.ports.second;
    if (!pool.low && !pool.high) {
        pool.low = pf_nat_low;
        pool.high = pf_nat_high;
    } else if (!pool.high) {
        pool.high = pool.low;
    }
    if (!to.static_port)
        return;
    if (pool.low != pf_nat_low && pool.high != pf_nat_high)
        refuse("the 'static-port' option can't be used when specifying a port range");
    pool.low = pool.high = 0;
}

void PfStatements::tags(PfRule& rule) {
    if (accept_word("tag"))
        rule.tag = text();
    if (is_word("tagged") || is_sign("!"))
        tagged(rule);
    if (is_word("rtable"))
        pf_not_provided("'rtable'");
}

void PfStatements::translation(PfAction action) {
    PfRule rule;
    PfLists lists;
    pass_and_log(rule, action);
    on_family_protocols(rule, lists);
    from_to(lists);
    tags(rule);
    Redirection to;
    const bool arrow = accept_sign("->");
    if (arrow)
        to = redirection();
    pool_options(to);

    stage(PfStage::translation);
    take_family(lists.source.hosts, rule.family);
    take_family(lists.destination.hosts, rule.family);
    if (action == PfAction::no_nat || action == PfAction::no_rdr) {
        if (arrow)
            refuse("translation rule with 'no' does not need '->'");
    } else {
        if (!arrow || to.hosts.empty())
            refuse("translation rule requires '-> address'");
        take_family(to.hosts, rule.family);
        check_redirection(to, rule.family);
        if (action == PfAction::nat) {
            nat_ports(to);
        } else {
            to.pool.low = to.ports.first;
            to.pool.high = to.ports.second;
            const auto& ports = lists.destination.ports;
            if (to.ports.open && !ports.empty())
                to.pool.high = static_cast<std::uint16_t>(to.ports.first + ports[0].second - ports[0].first);
            if (to.static_port)
                refuse("the 'static-port' option is only valid with nat rules");
        }
        rule.pool = to.pool;
    }
    expand(rule, lists, lexer_, rules(action));
}

void PfStatements::translation_anchor(PfAction action) {
    PfRule rule;
    PfLists lists;
    rule.action = action;
    rule.anchor = joined_text();
    on_family_protocols(rule, lists);
    from_to(lists);
    if (is_word("rtable"))
        pf_not_provided("'rtable'");
    stage(PfStage::translation);
    if (action == PfAction::binat) {
        if (lists.protocols.size() > 1)
            refuse("proto list expansion not supported in binat-anchor");
        if (!lists.source.hosts.empty() || !lists.source.ports.empty() || !lists.destination.hosts.empty() ||
            !lists.destination.ports.empty())
            refuse("fromto parameter not supported in binat-anchor");
    }
    decide_family(lists.source.hosts, rule.family);
    decide_family(lists.destination.hosts, rule.family);
    if (action == PfAction::rdr) {
        const auto& ports = lists.destination.ports;
        if (!lists.source.ports.empty())
            refuse("source port parameter not supported in rdr-anchor");
        if (ports.size() > 1)
            refuse("destination port list expansion not supported in rdr-anchor");
        if (!ports.empty() && ports[0].op != PfOperator::equal)
            refuse("destination port operators not supported in rdr-anchor");
    }
    expand(rule, lists, lexer_, rules(action));
}

void PfStatements::binat(PfAction action) {
    PfRule rule;
    PfLists lists;
    pass_and_log(rule, action);
    on_family_protocols(rule, lists);
    if (!options_.reserved_names || !accept_word("all")) {
        expect_word("from");
        if (options_.major_release >= 14)
            host_spec(lists.source.hosts);
        else
            lists.source.hosts = host();
        if (accept_word("to"))
            host_spec(lists.destination.hosts);
    }
    tags(rule);
    Redirection to;
    const bool arrow = accept_sign("->");
    if (arrow) {
        to.hosts = host();
        if (accept_word("port"))
            to.ports = port_range(true);
    }

    stage(PfStage::translation);
    for (const auto* hosts : {&lists.source.hosts, &lists.destination.hosts, &to.hosts})
        take_family(*hosts, rule.family);
    if (!rule.family)
        refuse("address family (inet/inet6) undefined");
    const auto refuse_several = [&](const std::vector<PfHost>& hosts, const char* role) {
        for (const auto& host : hosts)
            if (host.address.kind == PfAddress::Kind::table)
                refuse(fmt::format("invalid use of table <{}> as the {} address of a binat rule",
                                   host.address.name, role));
        for (const auto& host : hosts)
            if (host.address.several())
                refuse(fmt::format("invalid use of interface ({}) as the {} address of a binat rule",
                                   host.address.name, role));
    };
    refuse_several(lists.source.hosts, "source");
    refuse_several(to.hosts, "redirect");
    for (const auto* hosts : {&lists.source.hosts, &lists.destination.hosts}) {
        if (hosts->size() > 1)
            refuse("multiple binat ip addresses");
        if (!hosts->empty() && (*hosts)[0].family() && (*hosts)[0].family() != rule.family)
            refuse("binat ip versions must match");
    }
    if (action == PfAction::no_binat) {
        if (arrow)
            refuse("'no binat' rule does not need '->'");
    } else {
        if (!arrow || to.hosts.empty())
            refuse("'binat' rule requires '-> address'");
        check_redirection(to, rule.family);
        if (to.hosts.size() > 1)
            refuse("binat rule must redirect to a single address");
        if (!lists.source.hosts.empty() &&
            lists.source.hosts[0].address.network.prefix != to.hosts[0].address.network.prefix)
            refuse("'binat' source mask and redirect mask must be the same");
        rule.pool = to.pool;
        rule.pool.kind = PfPool::Kind::none;
    }
    expand(rule, lists, lexer_, rules(action));
}

void PfStatements::translate_to(PfRule& rule) {
    const bool nat = take().text == "nat-to";
    auto to = redirection();
    pool_options(to);
    auto& pool = nat ? rule.nat_to : rule.rdr_to;
    if (!pool.addresses.empty())
        refuse(nat ? "cannot respecify nat-to/binat-to" : "cannot respecify rdr-to");
    check_redirection(to, rule.family);
    if (nat) {
        nat_ports(to);
    } else {
        to.pool.low = to.ports.first;
        to.pool.high = to.ports.second;
    }
    pool = to.pool;
}

} // namespace bhype::lab
