#include "host/traffic.h"

#include "host/text.h"

#include <algorithm>

namespace bhype::host {

Command netstat_interfaces() {
    Command command{.program = Program::netstat,
                    .arguments = {"-ibnW"},
                    .input = std::nullopt,
                    .deadline = std::chrono::seconds(20)};
    command.output_limit = 16 << 20;
    return command;
}

std::vector<Traffic> parse_traffic(const Command& command, const Output& output) {
    expect_success(command, output);
    std::vector<Traffic> found;
    std::vector<std::string> columns; // after the address, which some interfaces lack: counted from the right
    each_line(output.out, [&](std::string_view line) {
        const auto fields = words(line);
        if (fields.size() > 4 && fields[0] == "Name") {
            columns.assign(std::ranges::find(fields, "Address") + 1, fields.end());
            return;
        }
        if (columns.empty() || fields.size() < columns.size() + 3 || !fields[2].starts_with("<Link#"))
            return;
        const auto name = InterfaceName::parse(fields[0].substr(0, fields[0].find('*'))); // em1*: it is down
        if (!name)
            return;
        const auto count = [&](std::string_view column) -> std::int64_t {
            const auto at = std::ranges::find(columns, column);
            if (at == columns.end())
                return 0;
            return number<std::int64_t>(*(fields.end() - (columns.end() - at))).value_or(0);
        };
        found.push_back({*name, count("Ibytes"), count("Ipkts"), count("Ierrs"), count("Idrop"),
                         count("Obytes"), count("Opkts"), count("Oerrs")});
    });
    if (columns.empty())
        unexpected(command.program, "a table of interfaces", output.out.substr(0, 80));
    return found;
}

} // namespace bhype::host
