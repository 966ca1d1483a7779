#include "hostd/context.h"

#include "host/ifconfig.h"

#include <syslog.h>

#include <map>

namespace bhype::hostd {

host::Output Context::command(const host::Command& command, const run::Options& options) {
    auto all = options;
    all.keep = flight.get();
    auto result = house.run(command, all);
    constexpr std::size_t enough = 16384;
    ran({host::display(command), result.exit_status, result.log.substr(0, enough), result.took.count()});
    return result;
}

std::vector<host::Interface> Context::interfaces() {
    const auto list = host::ifconfig_list();
    return host::parse_ifconfig_list(list, command(list));
}

std::map<std::string, std::string> Context::rc_conf() {
    const auto list = host::sysrc_all();
    return host::parse_sysrc(list, command(list));
}

namespace {

struct Performer {
    host::Effect effect;
    std::chrono::seconds deadline;
    std::function<json::value(Context&, const json::value&)> perform;
};

const std::map<std::string_view, Performer>& performers() {
    static const auto table = [] {
        std::map<std::string_view, Performer> found;
        boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, host::Operations>>(
            [&](auto identity) {
                using Operation = typename decltype(identity)::type;
                found[Operation::operation] = {Operation::effect, Operation::deadline,
                                               [](Context& context, const json::value& arguments) {
                                                   return encode(
                                                       perform(context, decode<Operation>(arguments)));
                                               }};
            });
        return found;
    }();
    return table;
}

/// A line of our own for whatever changes the host: bhyped cannot leave it out.
void audit(std::string_view operation, const json::value& arguments, const char* outcome) {
    const auto text = json::serialize(arguments).substr(0, 800);
    ::syslog(LOG_AUTHPRIV | LOG_NOTICE, "%.*s %s: %s", static_cast<int>(operation.size()), operation.data(),
             text.c_str(), outcome);
}

} // namespace

bool is_slow(std::string_view operation) {
    const auto found = performers().find(operation);
    return found != performers().end() && found->second.deadline > std::chrono::seconds(60);
}

json::value dispatch(Context& context, std::string_view operation, const json::value& arguments) {
    const auto found = performers().find(operation);
    if (found == performers().end())
        throw Error(Code::policy, "there is no such operation");
    const bool changes = found->second.effect != host::Effect::reads;
    try {
        auto result = found->second.perform(context, arguments);
        if (changes)
            audit(operation, arguments, "done");
        return result;
    } catch (const Error& error) {
        if (changes || error.code() == Code::policy)
            audit(operation, arguments, error.what());
        throw;
    }
}

} // namespace bhype::hostd
