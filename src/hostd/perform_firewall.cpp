#include "hostd/context.h"

#include "host/facts.h"
#include "host/pf.h"
#include "host/routes.h"
#include "os/files.h"

#include <fcntl.h>

namespace bhype::hostd {

namespace {

constexpr const char* pf_conf_directory = "/etc";
constexpr const char* pf_conf_name = "pf.conf";
constexpr const char* pf_conf_new = "pf.conf.bhype-new";
constexpr const char* pf_conf_old = "pf.conf.bhype-old";

bool loaded(Context& context, std::string_view module) {
    return context.command(host::kldstat_module(module)).exit_status == 0;
}

bool is_on(Context& context, const std::string& name) {
    const auto get = host::sysctl_get({name});
    const auto values = host::parse_sysctl(get, context.command(get));
    const auto found = values.find(name);
    return found != values.end() && found->second != "0";
}

host::WaysOut ways_out(Context& context, const host::FirewallEnsure& wanted) {
    bool inet = !wanted.forwards.empty();
    bool inet6 = false;
    for (const auto& item : wanted.switches) {
        inet = inet || item.nat;
        inet6 = inet6 || (item.nat && item.address6);
    }
    const auto way = [&](bool needed, bool v6) {
        return needed ? host::parse_route_interface(context.command(host::route_default(v6))) : std::nullopt;
    };
    return {way(inet, false), way(inet6, true)};
}

/// Without the counters, which change.
std::string shown(Context& context) {
    std::string text;
    for (const auto what : {host::PfShow::nat, host::PfShow::rules}) {
        const auto show = host::pfctl_show(what, true);
        const auto output = context.command(show);
        for (std::size_t at = 0; at < output.out.size();) {
            const auto end = std::min(output.out.find('\n', at), output.out.size());
            if (output.out[at] != ' ')
                text += output.out.substr(at, end - at) + '\n';
            at = end + 1;
        }
    }
    return text;
}

bool is_enabled(Context& context) {
    return context.command(host::pfctl_running()).exit_status == 0;
}

host::PfCalls calls_of(Context& context) {
    return host::parse_pf_calls(context.command(host::pfctl_show(host::PfShow::nat, false)).out,
                                context.command(host::pfctl_show(host::PfShow::rules, false)).out);
}

void run(Context& context, const host::Command& command) {
    host::expect_success(command, context.command(command));
}

} // namespace

BHYPE_PERFORM(RoutingEnsure) {
    const auto ensure = [&](bool wanted, const std::string& sysctl, const std::string& variable) {
        if (!wanted || is_on(context, sysctl))
            return;
        run(context, host::sysctl_set(sysctl, "1"));
        run(context, host::sysrc_set(variable, "YES"));
    };
    ensure(operation.inet, "net.inet.ip.forwarding", "gateway_enable");
    ensure(operation.inet6, "net.inet6.ip6.forwarding", "ipv6_gateway_enable");
    return {};
}

BHYPE_PERFORM(FirewallEnsure) {
    auto& firewall = context.house.firewall;
    const std::lock_guard lock(firewall.mutex);
    const auto text = host::pf_rules(operation, ways_out(context, operation));
    if (!loaded(context, "pf"))
        return {false, text};
    if (text != firewall.wanted || shown(context) != firewall.shown) {
        run(context, host::pfctl_test(text));
        run(context, host::pfctl_load(text));
        firewall.wanted = text;
        firewall.shown = shown(context);
    }
    const auto calls = calls_of(context);
    return {true, text, is_enabled(context), calls.nat && calls.rdr && calls.filter};
}

BHYPE_PERFORM(FirewallShow) {
    static_cast<void>(operation);
    host::FirewallShowResult result;
    result.ipfw = loaded(context, "ipfw");
    result.forwarding = is_on(context, "net.inet.ip.forwarding");
    result.way_out = host::parse_route_interface(context.command(host::route_default(false)));
    const Fd directory = os::open_directory(pf_conf_directory);
    const auto conf = os::read_file(directory.get(), pf_conf_name, 1 << 20);
    result.conf_exists = conf.has_value();
    result.conf = host::pf_conf_state(conf.value_or(""));
    result.own_rules = host::pf_conf_has_own_rules(conf.value_or(""));
    const auto rc = context.rc_conf();
    const auto named = rc.find("pf_rules");
    result.rules_file = named == rc.end() ? "/etc/pf.conf" : named->second;
    result.loaded = loaded(context, "pf");
    if (!result.loaded)
        return result;
    result.enabled = is_enabled(context);
    const auto calls = calls_of(context);
    result.nat = calls.nat;
    result.rdr = calls.rdr;
    result.filter = calls.filter;
    result.text = context.command(host::pfctl_show(host::PfShow::nat, true)).out +
                  context.command(host::pfctl_show(host::PfShow::rules, true)).out;
    return result;
}

BHYPE_PERFORM(FirewallInstall) {
    const Fd directory = os::open_directory(pf_conf_directory);
    const auto before = os::read_file(directory.get(), pf_conf_name, 1 << 20);
    const auto candidate = host::pf_conf_candidate(before.value_or(""), operation.present);
    if (operation.present && !loaded(context, "pf"))
        run(context, host::kldload_module("pf")); // 15 cannot check rules without it
    if (candidate != before.value_or("")) {
        os::write_file(directory.get(), pf_conf_new, candidate, 0600);
        try {
            run(context,
                host::pfctl_test_file(HostPath::from(std::string(pf_conf_directory) + '/' + pf_conf_new)));
        } catch (const Error&) {
            ::unlinkat(directory.get(), pf_conf_new, 0);
            throw;
        }
        if (before)
            os::write_file(directory.get(), pf_conf_old, *before, 0600);
        if (::renameat(directory.get(), pf_conf_new, directory.get(), pf_conf_name) != 0)
            throw Error(Code::command_failed, "/etc/pf.conf");
    }
    if (operation.present) {
        run(context, host::sysrc_set("pf_enable", "YES"));
        // 13 filters what bridges carry as well, 14 and 15 do not: bHype's rules are for what is routed.
        for (const auto* sysctl : host::bridge_filters)
            if (is_on(context, sysctl))
                run(context, host::sysctl_set(sysctl, "0"));
    }
    if (!loaded(context, "pf"))
        return {};
    run(context, host::pfctl_load_file(HostPath::from(std::string(pf_conf_directory) + '/' + pf_conf_name)));
    if (operation.present && context.command(host::pfctl_running()).exit_status != 0)
        run(context, host::pfctl_enable());
    return {};
}

} // namespace bhype::hostd
