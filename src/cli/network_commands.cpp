#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

namespace bhype::cli {

namespace {

std::string network_of(const json::value& item) {
    const auto first = text(item, "address");
    const auto second = text(item, "address6");
    return first + (first.empty() || second.empty() ? "" : ",") + second;
}

std::string switches_table(const json::value& switches, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& item : switches.as_array())
        rows.push_back({text(item, "name"), text(item, "kind"), text(item, "interface"), network_of(item),
                        text(item, "uplink") + (text(item, "vlan").empty() ? "" : "." + text(item, "vlan")),
                        std::to_string(item.at("guests").as_array().size()), text(item, "state")});
    return table({"NAME", "KIND", "BRIDGE", "ADDRESS", "UPLINK", "VMS", "STATE"}, rows, plain);
}

std::string switch_text(const json::value& item) {
    std::string out;
    const auto line = [&](const std::string& key, const std::string& value) {
        if (!value.empty())
            out += fact(key, 12, value);
    };
    for (const auto* key : {"name", "kind", "state", "note", "interface", "uplink", "vlan", "mtu", "address",
                            "address6", "first", "last", "lease", "domain"})
        line(key, text(item, key));
    const bool served = !network_of(item).empty();
    for (const auto* key : {"isolated", "reach_host", "dhcp"})
        if (served || std::string_view(key) == "isolated")
            line(key, item.at(key).as_bool() ? "yes" : "no");
    for (const auto* key : {"dns", "members", "guests"})
        line(key, joined(item.at(key)));
    for (const auto& option : item.at("options").as_array())
        line("option " + text(option, "code"), text(option, "value"));
    for (const auto& drift : item.at("drift").as_array())
        line("drift", std::string(drift.as_string()));
    return out;
}

std::string plan_text(const json::value& plan) {
    std::string out;
    for (const auto& step : plan.at("steps").as_array())
        out += std::string(step.as_string()) + '\n';
    for (const auto& problem : plan.at("problems").as_array())
        out += "problem: " + std::string(problem.as_string()) + '\n';
    return out;
}

std::string leases_table(const json::value& leases, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& lease : leases.as_array())
        rows.push_back({text(lease, "address"), text(lease, "mac"), text(lease, "hostname"),
                        text(lease, "vm"), text(lease, "nic"), text(lease, "switch"),
                        lease.at("fixed").as_bool() ? "yes" : "no",
                        number(lease, "expires") == 0 ? "never" : moment(number(lease, "expires"))});
    return table({"ADDRESS", "MAC", "HOSTNAME", "VM", "NIC", "SWITCH", "FIXED", "EXPIRES"}, rows, plain);
}

std::string neighbors_table(const json::value& neighbors, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : neighbors.as_array())
        rows.push_back({text(one, "address"), text(one, "mac"), text(one, "vm"), text(one, "nic"),
                        text(one, "switch"), text(one, "interface")});
    return table({"ADDRESS", "MAC", "VM", "NIC", "SWITCH", "SEEN ON"}, rows, plain);
}

std::string forwards_table(const json::value& forwards, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& forward : forwards.as_array())
        rows.push_back(
            {text(forward, "name"), text(forward, "protocol"), text(forward, "from"), text(forward, "port"),
             text(forward, "vm"), text(forward, "nic"),
             text(forward, "to").empty() ? "-" : text(forward, "to") + ':' + text(forward, "to_port"),
             text(forward, "state"),
             text(forward, "reason").empty() ? text(forward, "note") : text(forward, "reason")});
    return table({"NAME", "PROTOCOL", "FROM", "PORT", "VM", "NIC", "TO", "STATE", "NOTE"}, rows, plain);
}

std::string firewall_text(const json::value& view) {
    std::string out;
    for (const auto* key : {"loaded", "enabled", "called", "ipfw"})
        out += fact(key, 12, view.at(key).as_bool() ? "yes" : "no");
    out += fact("pf.conf", 12, text(view, "conf"));
    for (const auto& todo : view.at("todo").as_array())
        out += "\n" + std::string(todo.as_string()) + '\n';
    out += "\nLines for pf.conf:\n" + text(view, "lines");
    if (const auto rules = text(view, "rules"); !rules.empty())
        out += "\nIn anchor bhype/guests:\n" + rules;
    return out;
}

/// Whose each interface is: "web1 net0" of a tap, "switch nat" of a bridge, "uplink".
std::map<std::string, std::string> owners_of_interfaces(Context& context) {
    std::map<std::string, std::string> owners;
    const auto vms = context.api().send("GET", "/api/v1/vms");
    const auto switches = context.api().send("GET", "/api/v1/switches");
    for (const auto& vm : vms.as_array())
        for (const auto& nic : vm.at("nics").as_array())
            if (const auto tap = text(nic, "tap"); !tap.empty())
                owners[tap] = text(vm, "name") + ' ' + text(nic, "name");
    for (const auto& item : switches.as_array())
        owners[text(item, "interface")] = "switch " + text(item, "name");
    return owners;
}

int traffic(Context& context) {
    const auto owners = context.json ? std::map<std::string, std::string>() : owners_of_interfaces(context);
    return context.print("/api/v1/traffic", [&](const json::value& all) {
        std::vector<std::vector<std::string>> rows;
        for (const auto& one : all.as_array()) {
            const auto owner = owners.find(text(one, "name"));
            std::vector<std::string> row{text(one, "name"), owner == owners.end() ? "" : owner->second};
            for (const auto* key : {"received_bytes", "received_packets", "received_errors",
                                    "received_dropped", "sent_bytes", "sent_packets", "sent_errors"})
                row.push_back(text(one, key));
            rows.push_back(std::move(row));
        }
        return table({"INTERFACE", "OF", "IN BYTES", "IN PACKETS", "IN ERRORS", "IN DROPPED", "OUT BYTES",
                      "OUT PACKETS", "OUT ERRORS"},
                     rows, context.plain);
    });
}

std::string diagnosis_text(const json::value& findings) {
    std::string out;
    for (const auto& finding : findings.as_array()) {
        const auto state = text(finding, "state");
        out += (state == "good"  ? "ok       "
                : state == "bad" ? "problem  "
                                 : "unknown  ") +
               text(finding, "check") + ": " + text(finding, "found") + '\n';
        if (const auto todo = text(finding, "todo"); !todo.empty())
            out += "         " + todo + '\n';
    }
    return out;
}

/// `failed` when something is wrong, as bhype doctor ends.
int diagnose(Context& context, const std::string& vm, const std::string& nic) {
    const auto path =
        "/api/v1/vms/" + escaped(vm) + (nic.empty() ? "" : "/nics/" + escaped(nic)) + "/diagnosis";
    bool bad = false;
    const auto shown = [&](const json::value& findings) {
        for (const auto& finding : findings.as_array())
            bad = bad || text(finding, "state") == "bad";
        return diagnosis_text(findings);
    };
    const auto answer = context.api().get_text(path);
    std::string out;
    if (const auto all = parse_json(answer); !nic.empty())
        out = shown(all);
    else
        for (const auto& one : all.as_array())
            out += (out.empty() ? "" : "\n") + text(one, "nic") + ":\n" + shown(one.at("findings"));
    std::cout << (context.json ? answer + '\n' : out.empty() ? vm + " has no NIC.\n" : out);
    return bad ? failed : done;
}

/// A setting as typed: what is no number, list or yes-or-no goes as text, and the server names the rule.
json::value setting(const std::string& key, const std::string& value) {
    if (key == "isolated" || key == "reach_host" || key == "dhcp")
        return value == "yes" || value == "true"   ? json::value(true)
               : value == "no" || value == "false" ? json::value(false)
                                                   : json::value(value);
    if (key == "dns" || key == "options") {
        json::array list;
        for (std::size_t at = 0; at < value.size();) {
            const auto end = std::min(value.find(key == "dns" ? ',' : ';', at), value.size());
            const auto part = value.substr(at, end - at);
            const auto colon = part.find(':');
            if (key == "dns")
                list.push_back(json::string(part));
            else
                list.push_back({{"code", setting("", part.substr(0, colon))},
                                {"value", colon == part.npos ? "" : part.substr(colon + 1)}});
            at = end + 1;
        }
        return list;
    }
    return number_or_text(value);
}

/// KEY=VALUE words into a body; an empty value takes the key out.
bool apply(const std::vector<std::string>& settings, json::object& body) {
    for (const auto& word : settings) {
        const auto equals = word.find('=');
        if (equals == word.npos || equals == 0) {
            std::cerr << "bhype: " << word << " is not of the form KEY=VALUE\n";
            return false;
        }
        const auto key = word.substr(0, equals);
        if (equals + 1 == word.size())
            body.erase(key);
        else
            body[key] = setting(key, word.substr(equals + 1));
    }
    return true;
}

struct SwitchOptions {
    std::string name;
    std::string kind = "nat";
    std::vector<std::string> settings;
    bool plan = false;
};

int print_plan(const Context& context, const json::value& plan) {
    std::cout << (context.json ? json::serialize(plan) + "\n" : plan_text(plan));
    return plan.at("problems").as_array().empty() ? done : refused;
}

int send(Context& context, const std::string& method, const std::string& path, json::object body, bool plan,
         const std::map<std::string, std::string>& headers = {}) {
    if (!plan)
        return context.run_task(method, path, body, headers);
    body["plan"] = true;
    return print_plan(context, context.api().send(method, path, body, headers));
}

int create(Context& context, const SwitchOptions& options) {
    json::object body{{"name", options.name}, {"kind", options.kind}};
    if (!apply(options.settings, body))
        return usage;
    return send(context, "POST", "/api/v1/switches", body, options.plan);
}

int change(Context& context, const SwitchOptions& options) {
    const auto path = "/api/v1/switches/" + escaped(options.name);
    const auto response = context.api().request("GET", path);
    if (response.status != 200)
        refuse(response);
    auto body = parse_json(response.body).as_object();
    for (const auto* key : {"name", "kind", "interface", "state", "drift", "members", "guests"})
        body.erase(key);
    if (!apply(options.settings, body))
        return usage;
    return send(context, "PUT", path, body, options.plan, {{"If-Match", response.headers.at("etag")}});
}

struct NicOptions {
    std::string vm, nic;
    std::vector<std::string> settings;
};

int change_nic(Context& context, const NicOptions& options, const std::string& method) {
    json::object body;
    for (const auto& word : options.settings) {
        const auto equals = word.find('=');
        if (equals == word.npos || equals == 0) {
            std::cerr << "bhype: " << word << " is not of the form KEY=VALUE\n";
            return usage;
        }
        body[word.substr(0, equals)] = word.substr(equals + 1);
    }
    const auto path = "/api/v1/vms/" + escaped(options.vm) + "/nics";
    if (method == "POST")
        return context.run_task(method, path, body);
    return context.run_task(method, path + '/' + escaped(options.nic),
                            method == "PATCH" ? std::optional<json::value>(body) : std::nullopt);
}

struct ForwardOptions {
    std::string name;
    std::string protocol = "tcp";
    std::string from, port, vm, nic, to, note;
};

int forward(Context& context, const ForwardOptions& options) {
    json::object body{
        {"protocol", options.protocol}, {"port", setting("", options.port)}, {"vm", options.vm}};
    for (const auto& [key, value] :
         {std::pair("from", &options.from), std::pair("nic", &options.nic), std::pair("note", &options.note)})
        if (!value->empty())
            body[key] = *value;
    if (!options.to.empty())
        body["to_port"] = setting("", options.to);
    return context.run_task("POST", "/api/v1/forwards", body);
}

void add_switch(CLI::App& app, Context& context) {
    const auto options = std::make_shared<SwitchOptions>();
    const auto list = [&context] {
        return context.print("/api/v1/switches",
                             [&](const json::value& all) { return switches_table(all, context.plain); });
    };
    auto& switches = *noun(app, context, "switch", "Switches: what guests' NICs are connected to", list);
    const auto named = [&](CLI::App* command) {
        command->add_option("NAME", options->name, "the switch")->required();
        return command;
    };
    const auto changing = [&](CLI::App* command) {
        command->add_option("SETTING", options->settings, "KEY=VALUE; an empty value takes the key out");
        command->add_flag("--plan,--dry-run", options->plan, "tell what would be done, do nothing");
        return command;
    };
    verb(switches, context, "list", "List the switches", list);
    named(verb(switches, context, "show", "Show a switch", [&context, options] {
        return context.print("/api/v1/switches/" + escaped(options->name), switch_text);
    }));
    auto* making = named(verb(switches, context, "create", "Create a switch",
                              [&context, options] { return create(context, *options); }));
    making->add_option("-k,--kind", options->kind, "public, nat, private or manual")->capture_default_str();
    changing(making);
    changing(named(verb(switches, context, "set", "Change settings of a switch",
                        [&context, options] { return change(context, *options); })));
    verb(switches, context, "traffic", "Count what went through taps, bridges and uplinks",
         [&context] { return traffic(context); });
    auto* deleting =
        named(verb(switches, context, "delete", "Delete a switch that no VM uses", [&context, options] {
            const auto path = "/api/v1/switches/" + escaped(options->name);
            return options->plan ? print_plan(context, context.api().send("DELETE", path + "?plan=1"))
                                 : context.run_task("DELETE", path);
        }));
    deleting->add_flag("--plan,--dry-run", options->plan, "tell what would be done, do nothing");
}

void add_nics(CLI::App& vm, Context& context) {
    const auto options = std::make_shared<NicOptions>();
    const auto make = [&](const char* name, const char* summary, const char* method, bool one,
                          bool settings) {
        auto* command = verb(vm, context, name, summary,
                             [&context, options, method] { return change_nic(context, *options, method); });
        command->add_option("NAME", options->vm, "the VM")->required();
        if (one)
            command->add_option("NIC", options->nic, "such as net0")->required();
        if (settings)
            command->add_option(
                "SETTING", options->settings,
                "switch=NAME fixed=ADDRESS kind=virtio-net mac=MAC; fixed= takes any address");
    };
    make("add-nic", "Add a NIC", "POST", false, true);
    make("set-nic", "Change a NIC; another switch takes effect at once", "PATCH", true, true);
    make("remove-nic", "Remove a NIC", "DELETE", true, false);
    auto* diagnosing = verb(vm, context, "diagnose", "Tell why a VM has no network",
                            [&context, options] { return diagnose(context, options->vm, options->nic); });
    diagnosing->add_option("NAME", options->vm, "the VM")->required();
    diagnosing->add_option("NIC", options->nic, "all of them when missing");
}

void add_forward(CLI::App& app, Context& context) {
    const auto options = std::make_shared<ForwardOptions>();
    const auto list = [&context] {
        return context.print("/api/v1/forwards",
                             [&](const json::value& all) { return forwards_table(all, context.plain); });
    };
    auto& forwards = *noun(app, context, "forward", "Ports of the host that lead to guests", list);
    verb(forwards, context, "list", "List the forwards", list);
    auto* making = verb(forwards, context, "create", "Forward a port of the host to a VM",
                        [&context, options] { return forward(context, *options); });
    making->add_option("VM", options->vm, "the VM")->required();
    making->add_option("--port", options->port, "port of the host")->required();
    making->add_option("--to", options->to, "port of the guest; the same when missing");
    making->add_option("--protocol", options->protocol, "tcp or udp")->capture_default_str();
    making->add_option("--from", options->from, "address of the host; all of the way out when missing");
    making->add_option("--nic", options->nic, "the VM's NIC; its first when missing");
    making->add_option("--note", options->note, "words about it");
    verb(forwards, context, "delete", "Stop forwarding a port",
         [&context, options] {
             return context.run_task("DELETE", "/api/v1/forwards/" + escaped(options->name));
         })
        ->add_option("NAME", options->name, "the forward, such as tcp-8080")
        ->required();
}

} // namespace

void add_network_commands(CLI::App& app, Context& context) {
    add_switch(app, context);
    add_nics(*app.get_subcommand("vm"), context);
    add_forward(app, context);
    const auto leases = [&context] {
        return context.print("/api/v1/leases",
                             [&](const json::value& all) { return leases_table(all, context.plain); });
    };
    auto& lease = *noun(app, context, "lease", "Addresses that guests have by DHCP", leases);
    verb(lease, context, "list", "List the leases", leases);
    verb(
        lease, context, "neighbors", "List the MACs and addresses that were seen, leased or not", [&context] {
            return context.print("/api/v1/neighbors",
                                 [&](const json::value& all) { return neighbors_table(all, context.plain); });
        });
    const auto show = [&context] { return context.print("/api/v1/firewall", firewall_text); };
    auto& firewall = *noun(app, context, "firewall", "pf, and bHype's rules in it", show);
    verb(firewall, context, "show", "What pf does for guests, and what pf.conf needs", show);
    verb(firewall, context, "install", "Put bHype's lines into pf.conf and turn pf on", [&context] {
        return context.run_task("POST", "/api/v1/firewall", json::object{{"present", true}});
    });
    verb(firewall, context, "remove", "Take bHype's lines out of pf.conf", [&context] {
        return context.run_task("POST", "/api/v1/firewall", json::object{{"present", false}});
    });
    add_uplink_commands(app, context);
}

} // namespace bhype::cli
