#include "host/neighbors.h"

#include "host/text.h"

namespace bhype::host {

namespace {

Command list(Program program) {
    return {.program = program,
            .arguments = {"-an"},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(20),
            .output_limit = 16 << 20};
}

} // namespace

Command arp_list() {
    return list(Program::arp);
}

Command ndp_list() {
    return list(Program::ndp);
}

std::vector<Neighbor> parse_arp(const Command& command, const Output& output) {
    expect_success(command, output);
    std::vector<Neighbor> found;
    // "? (10.77.0.20) at 58:9c:fc:00:00:01 on bh-nat expires in 1187 seconds [bridge]"
    each_line(output.out, [&](std::string_view line) {
        const auto fields = words(line);
        if (fields.size() < 6 || fields[1].size() < 3 || fields[2] != "at" || fields[4] != "on")
            return;
        if (const auto mac = MacAddress::parse(fields[3]))
            found.push_back(
                {*mac, std::string(fields[1].substr(1, fields[1].size() - 2)), std::string(fields[5])});
    });
    return found;
}

std::vector<Neighbor> parse_ndp(const Command& command, const Output& output) {
    expect_success(command, output);
    std::vector<Neighbor> found;
    // "fd00:77::20    58:9c:fc:00:00:01   bh-nat 23h59m58s S R"
    each_line(output.out, [&](std::string_view line) {
        const auto fields = words(line);
        if (fields.size() < 3)
            return;
        if (const auto mac = MacAddress::parse(fields[1]))
            found.push_back(
                {*mac, std::string(fields[0].substr(0, fields[0].find('%'))), std::string(fields[2])});
    });
    return found;
}

} // namespace bhype::host
