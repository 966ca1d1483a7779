#include "hostd/context.h"

#include "host/ifconfig.h"

#include <syslog.h>

#include <csignal>
#include <future>
#include <map>

namespace bhype::hostd {

namespace {

constexpr std::size_t enough_log = 16384;

} // namespace

host::Output Context::command(const host::Command& command, const run::Options& options) {
    auto result = house.run(command, with_flight(options));
    ran({host::display(command), result.exit_status, result.log.substr(0, enough_log), result.took.count()});
    return result;
}

run::Options Context::with_flight(const run::Options& options) const {
    auto all = options;
    all.keep = flight.file.get();
    if (cancellable)
        all.cancel = flight.wish.get();
    return all;
}

host::Output Context::pipe(const host::Command& from, const host::Command& to,
                           const std::function<void(std::string_view)>& on_line) {
    Pipe ends;
    // Each end is closed as soon as its command has ended: the other one notices.
    auto sent = std::async(std::launch::async, [&] {
        run::Options options;
        options.output = ends.writing.get();
        options.on_line = on_line;
        const auto close = [&] { ends.writing.reset(); };
        try {
            auto first = house.run(from, with_flight(options));
            close();
            return first;
        } catch (...) {
            close();
            throw;
        }
    });
    host::Output received;
    try {
        run::Options options;
        options.input = ends.reading.get();
        received = house.run(to, with_flight(options));
    } catch (...) {
        ends.reading.reset();
        sent.wait();
        throw;
    }
    ends.reading.reset();
    auto first = sent.get();
    // When the second one fails, the first one ends by SIGPIPE and has nothing to say.
    const bool firsts_fault = first.exit_status != 0 && first.exit_status != 128 + SIGPIPE;
    auto& told = firsts_fault ? first : received;
    told.log = (first.log + received.log).substr(0, enough_log);
    told.cancelled = first.cancelled || received.cancelled;
    ran({host::display(from) + " | " + host::display(to), told.exit_status, told.log, received.took.count()});
    return std::move(told);
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

/// A line of our own for whatever changes the host or hands out a guest's console or file: bhyped cannot
/// leave it out.
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
    context.cancellable = found->second.effect == host::Effect::aside;
    const bool changes = found->second.effect != host::Effect::reads;
    try {
        auto result = found->second.perform(context, arguments);
        if (changes || context.output)
            audit(operation, arguments, "done");
        return result;
    } catch (const Error& error) {
        if (changes || error.code() == Code::policy)
            audit(operation, arguments, error.what());
        throw;
    }
}

} // namespace bhype::hostd
