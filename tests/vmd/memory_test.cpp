#include "machine.h"

#include "vmd/serial.h"
#include "vmd/test_vnc_server.h"

namespace bhype::vmd::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kib = 1024;
constexpr std::size_t most = 3 * 1024 * kib;

/// Of /proc/PID/smaps_rollup, in bytes.
std::size_t pages(pid_t pid, const std::string& which) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(which + ":"))
            return std::stoul(line.substr(which.size() + 1)) * kib;
    return 0;
}

/// One vmd that holds all it can hold of a guest: the whole replay of the serial line, a screen with viewers,
/// a long log that was asked for. All its resident pages count, also those that it shares with other vmds.
TEST(Memory, OfOneGuestIsUnderThreeMebibytes) {
    VncServer server(true, 1024, 768);
    Machine machine;
    machine.run.vnc_port = server.port();
    machine.run.vnc_password = VncServer::password;
    std::ofstream(machine.path + "/set/bhyve.log") << std::string(600 * kib, 'x');
    ASSERT_TRUE(machine.start());
    ASSERT_TRUE(within(10s, [&] { return server.clients() == 1; }));
    const auto fresh = pages(machine.pid, "Rss");

    std::string printed;
    for (int i = 0; printed.size() < 2 * Serial::kept; ++i)
        printed += "line " + std::to_string(i) + "\r\n";
    for (std::size_t at = 0; at < printed.size();) {
        const auto written = ::write(machine.line.slave.get(), printed.data() + at, printed.size() - at);
        ASSERT_GT(written, 0);
        at += static_cast<std::size_t>(written);
    }
    hostd::VmdClient client(machine.socket());
    const auto console = [&](const char* kind, const char* mode) {
        Fd descriptor;
        client.ask(Kind::console, {{"kind", kind}, {"mode", mode}}, 5s, &descriptor);
        return descriptor;
    };
    VncViewer serial(console("serial", "control"));
    EXPECT_TRUE(serial.take(Serial::kept).ends_with(printed.substr(printed.size() - 1000)));
    server.paint(5);
    VncViewer viewers[] = {VncViewer(console("screen", "control")), VncViewer(console("screen", "watch"))};
    for (auto& viewer : viewers) {
        EXPECT_EQ(viewer.handshake(), "web1");
        viewer.ask(false);
        EXPECT_TRUE(viewer.see(5));
    }
    for (int i = 0; i < 5; ++i)
        EXPECT_GT(client.ask(Kind::log, {{"bytes", "262144"}}, 5s).text("text").size(), 60 * kib);

    const auto rss = pages(machine.pid, "Rss"), pss = pages(machine.pid, "Pss");
    std::printf("vmd: %zu KiB resident when started, %zu in use (PSS %zu)\n", fresh / kib, rss / kib,
                pss / kib);
    EXPECT_GT(fresh, 0u);
    EXPECT_LT(rss, most);
}

} // namespace
} // namespace bhype::vmd::test
