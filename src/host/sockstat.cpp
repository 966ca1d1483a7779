#include "host/sockstat.h"

#include "host/text.h"

namespace bhype::host {

Command sockstat_listening(const std::vector<Ranged<1, 65535>>& ports) {
    std::string list;
    for (const auto& port : ports)
        list += (list.empty() ? "" : ",") + std::to_string(port.value);
    if (list.empty())
        throw Error(Code::invalid_field, {}, {{"ports", "are missing"}});
    return {.program = Program::sockstat,
            .arguments = {"-46lnq", "-p", list},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(20)};
}

std::vector<Listener> parse_sockstat(const Command& command, const Output& output) {
    expect_success(command, output);
    std::vector<Listener> found;
    // "53       dnsmasq    4711  5   udp4   10.77.0.1:53          *:*": a command's name may hold spaces, and
    // widths differ between releases, so the fields are counted from the right.
    each_line(output.out, [&](std::string_view line) {
        const auto fields = words(line);
        const auto count = fields.size();
        if (count == 0)
            return;
        const auto local = count < 7 ? std::string_view() : fields[count - 2];
        const auto colon = local.rfind(':');
        const auto port = colon == local.npos ? std::nullopt : number<std::int64_t>(local.substr(colon + 1));
        if (!port)
            unexpected(command.program, "a socket with its address and port", line);
        Listener listener{std::string(fields[1]), number<std::int64_t>(fields[count - 5]).value_or(0),
                          std::string(fields[count - 3]), std::string(local.substr(0, colon)), *port};
        for (std::size_t i = 2; i + 5 < count; ++i)
            listener.command += ' ' + std::string(fields[i]);
        found.push_back(std::move(listener));
    });
    return found;
}

} // namespace bhype::host
