#include "host/routes.h"

#include "host/text.h"

#include <algorithm>

namespace bhype::host {

namespace {

Command change(const char* verb, const GatewayRoute& route) {
    return {.program = Program::route,
            .arguments = {"-n", verb, route.inet6 ? "-inet6" : "-inet", route.destination, route.gateway},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(20)};
}

} // namespace

Command netstat_routes(bool inet6) {
    return {.program = Program::netstat,
            .arguments = {"-rnW", "-f", inet6 ? "inet6" : "inet"},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(20)};
}

std::vector<GatewayRoute> parse_routes(const Command& command, const Output& output, bool inet6) {
    expect_success(command, output);
    std::vector<GatewayRoute> found;
    std::ptrdiff_t column = 0; // of the interface; releases have other columns before it
    each_line(output.out, [&](std::string_view line) {
        const auto fields = words(line);
        if (fields.size() >= 4 && fields[0] == "Destination")
            column = std::ranges::find(fields, "Netif") - fields.begin();
        if (column <= 2 || std::ssize(fields) <= column)
            return;
        const auto flag = [&](char c) { return fields[2].find(c) != line.npos; };
        const bool advertised =
            inet6 && fields[0] == "default" && std::ranges::none_of("123DS", flag) && flag('U');
        if (flag('G') && (flag('S') || advertised))
            found.push_back({inet6, std::string(fields[0]), std::string(fields[1]),
                             std::string(fields[static_cast<std::size_t>(column)]), advertised});
    });
    return found;
}

Command route_add(const GatewayRoute& route) {
    return change("add", route);
}

Command route_delete(const GatewayRoute& route) {
    return change("delete", route);
}

Command route_default(bool inet6) {
    Command command{.program = Program::route,
                    .arguments = {"-n", "get"},
                    .input = std::nullopt,
                    .deadline = std::chrono::seconds(10)};
    if (inet6)
        command.arguments.emplace_back("-inet6");
    command.arguments.emplace_back("default");
    return command;
}

std::optional<InterfaceName> parse_route_interface(const Output& output) {
    std::optional<InterfaceName> found;
    if (output.exit_status != 0)
        return found;
    each_line(output.out, [&](std::string_view line) {
        const auto fields = words(line);
        if (fields.size() == 2 && fields[0] == "interface:")
            found = InterfaceName::parse(fields[1]);
    });
    return found;
}

} // namespace bhype::host
