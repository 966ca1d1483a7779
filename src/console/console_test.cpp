#include "api/dispatch.h"
#include "console/consoles.h"
#include "http/server.h"
#include "http/test_client.h"
#include "http/websocket.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace bhype::console {
namespace {

using http::Opcode;

class FakeHost : public wire::Host {
  public:
    wire::Answer perform(std::string_view, const json::value& arguments, std::chrono::seconds,
                         const wire::CallOptions&) override {
        const auto open = decode<host::ConsoleOpen>(arguments);
        if (open.vm.str() == "taken" && open.mode == host::ConsoleMode::control)
            throw Error(Code::console_in_use);
        int pair[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
            throw Error(Code::internal);
        guest = Fd(pair[0]);
        return {encode(host::ConsoleOpenResult{2}), {}, Fd(pair[1])};
    }
    std::vector<std::string> in_flight() override { return {}; }
    Fd guest; ///< the guest's side of the last one
};

class FakeGate : public api::Gate {
  public:
    Glance glance(std::string_view cookie, const http::Client&) override {
        access::Caller caller;
        if (!UserName::accepts(cookie))
            return {};
        caller.user = UserName::from(cookie);
        caller.role = access::Role::member;
        caller.session = cookie;
        return {caller, true};
    }
    std::optional<access::Caller> identify(std::string_view, const http::Client&) override { return {}; }
    bool still(const access::Caller&) override { return alive; }
    LogIn log_in(const std::string&, const Secret&, const http::Client&) override {
        throw Error(Code::bad_credentials);
    }
    void log_out(const access::Caller&) override {}
    std::atomic<bool> alive = true;
};

std::string frame(Opcode opcode, std::string payload, bool final = true, bool masked = true) {
    http::FrameHeader header{
        .final = final, .opcode = opcode, .length = payload.size(), .mask = std::nullopt};
    if (masked)
        header.mask = {0x12, 0xab, 0x00, 0xff};
    std::array<std::uint8_t, http::longest_frame_header> bytes{};
    const auto length = http::write_frame_header(header, bytes);
    if (masked)
        for (std::size_t i = 0; i < payload.size(); ++i)
            payload[i] = static_cast<char>(payload[i] ^ (*header.mask)[i % 4]);
    return std::string(reinterpret_cast<const char*>(bytes.data()), length) + payload;
}

std::string pattern(std::size_t size) {
    std::string text(size, 0);
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

class ConsoleTest : public testing::Test {
  protected:
    explicit ConsoleTest(Limits limits = {.look_every = std::chrono::milliseconds(20)},
                         std::chrono::milliseconds life = std::chrono::seconds(30))
        : consoles(
              host,
              [this](const auto& caller, const VmName& vm) {
                  return gate.still(caller) && vm.str() == "web1" && may_use;
              },
              limits, life) {
        consoles.declare(router);
        server.listen_web(directory.path + "/http.sock");
        server.start();
    }
    std::string ticket(const char* user = "dev1") {
        access::Caller caller;
        caller.user = UserName::from(user);
        caller.session = user;
        return consoles
            .ticket(caller, VmName::from("web1"), host::ConsoleKind::serial, host::ConsoleMode::control)
            .ticket;
    }
    http::test::Answer open(http::test::Client& client, const std::string& ticket_text,
                            const std::string& user = "dev1", const std::string& early = {},
                            const std::string& origin = "https://h:1") {
        client.send(
            "GET /api/v1/console HTTP/1.1\r\nHost: h:1\r\nOrigin: " + origin +
            "\r\nCookie: __Host-bhype=" + user +
            "\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: binary, "
            "bhype.console." +
            ticket_text + "\r\n\r\n" + early);
        return client.answer();
    }
    std::string guest_reads(std::size_t size) {
        std::string got;
        while (got.size() < size) {
            char bytes[65536];
            pollfd wanted{host.guest.get(), POLLIN, 0};
            if (::poll(&wanted, 1, 5000) != 1)
                break;
            const auto count = ::recv(host.guest.get(), bytes, std::min(sizeof bytes, size - got.size()), 0);
            if (count <= 0)
                break;
            got.append(bytes, static_cast<std::size_t>(count));
        }
        return got;
    }
    void guest_says(std::string_view text) {
        while (!text.empty()) {
            const auto count = ::send(host.guest.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0)
                return;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    /// Payload of binary frames until so much has come; other frames are checked to be pings.
    static std::string browser_reads(http::test::Client& client, std::size_t size) {
        std::string got;
        while (got.size() < size) {
            const auto start = client.exactly(2);
            if (start.size() < 2)
                break;
            std::size_t length = static_cast<unsigned char>(start[1]);
            EXPECT_LT(length, 128U) << "a server does not mask";
            const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
            if (extra > 0) {
                length = 0;
                for (const char c : client.exactly(extra))
                    length = length << 8 | static_cast<unsigned char>(c);
            }
            const auto payload = client.exactly(length);
            if ((start[0] & 0x0f) == static_cast<int>(Opcode::binary))
                got += payload;
        }
        return got;
    }
    static int close_code_of(http::test::Client& client) {
        const auto bytes = client.exactly(4);
        if (bytes.size() < 4 || static_cast<unsigned char>(bytes[0]) != 0x88 || bytes[1] != 2)
            return 0;
        return static_cast<unsigned char>(bytes[2]) << 8 | static_cast<unsigned char>(bytes[3]);
    }

    http::test::Directory directory;
    FakeHost host;
    FakeGate gate;
    std::atomic<bool> may_use = true;
    Consoles consoles;
    api::Router router;
    api::Dispatch dispatch{router, gate};
    http::Server server{dispatch, {}};
};

TEST_F(ConsoleTest, CarriesBytesBothWays) {
    http::test::Client client(directory.path + "/http.sock");
    const auto answer = open(client, ticket(), "dev1", frame(Opcode::binary, "early"));
    ASSERT_EQ(answer.status, 101);
    EXPECT_EQ(answer.field("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_EQ(answer.field("Sec-WebSocket-Protocol"), "binary");
    EXPECT_EQ(guest_reads(5), "early");
    guest_says("login: ");
    EXPECT_EQ(client.exactly(9), "\x82\x07login: ");
    client.send(frame(Opcode::binary, "ro", false) + frame(Opcode::ping, "hi") +
                frame(Opcode::continuation, "", false) + frame(Opcode::continuation, "ot\n"));
    EXPECT_EQ(guest_reads(5), "root\n");
    EXPECT_EQ(client.exactly(4), "\x8a\x02hi");
}

TEST_F(ConsoleTest, TakesFramesInAnyPieces) {
    http::test::Client client(directory.path + "/http.sock");
    ASSERT_EQ(open(client, ticket()).status, 101);
    std::string bytes;
    std::string wanted;
    for (const std::size_t size : {0, 1, 125, 126, 127, 300, 1000, 5}) {
        bytes += frame(Opcode::binary, pattern(size));
        wanted += pattern(size);
    }
    for (std::size_t at = 0, step = 1; at < bytes.size(); at += step, step = step % 17 + 1)
        client.send(bytes.substr(at, step));
    EXPECT_EQ(guest_reads(wanted.size()), wanted);
}

TEST_F(ConsoleTest, WaitsForWhoeverIsSlow) {
    http::test::Client client(directory.path + "/http.sock");
    ASSERT_EQ(open(client, ticket()).status, 101);
    const auto data = pattern(8 << 20);
    std::thread guest([&] { guest_says(data); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(browser_reads(client, data.size()) == data);
    guest.join();
    std::thread browser([&] { client.send(frame(Opcode::binary, data)); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(guest_reads(data.size()) == data);
    browser.join();
}

TEST_F(ConsoleTest, ClosesOnWhatNoBrowserSends) {
    const std::vector<std::pair<std::string, int>> bad = {
        {frame(Opcode::binary, "x", true, false), 1002},
        {frame(Opcode::continuation, "x"), 1002},
        {frame(Opcode::binary, "x", false) + frame(Opcode::binary, "x"), 1002},
        {frame(Opcode::ping, "x", false), 1002},
        {frame(Opcode::ping, std::string(126, 'x')), 1002},
        {frame(static_cast<Opcode>(3), "x"), 1002},
        {std::string("\xc2\x81xxxxx"), 1002},
        {std::string("\x82\xfe\x00\x01xxxxx", 9), 1002},
        {std::string("\x82\xff\xff\x00\x00\x00\x00\x00\x00\x00xxxx", 14), 1002},
        {std::string("\x82\xff\x00\x00\x01\x00\x00\x00\x00\x00xxxx", 14), 1009},
        {frame(Opcode::text, "x"), 1003}};
    for (std::size_t i = 0; i < bad.size(); ++i) {
        http::test::Client client(directory.path + "/http.sock");
        ASSERT_EQ(open(client, ticket()).status, 101);
        client.send(bad[i].first);
        if (bad[i].second == 1002 && i == 2) {
            EXPECT_EQ(close_code_of(client), 1002) << i;
            continue;
        }
        EXPECT_EQ(close_code_of(client), bad[i].second) << i;
        EXPECT_TRUE(client.closed()) << i;
    }
}

TEST_F(ConsoleTest, EndsWithEitherSide) {
    http::test::Client client(directory.path + "/http.sock");
    ASSERT_EQ(open(client, ticket()).status, 101);
    guest_says("bye");
    host.guest.reset();
    EXPECT_EQ(browser_reads(client, 3), "bye");
    EXPECT_EQ(close_code_of(client), 1000);
    http::test::Client other(directory.path + "/http.sock");
    ASSERT_EQ(open(other, ticket()).status, 101);
    other.send(frame(Opcode::close, "\x03\xe8"));
    EXPECT_EQ(close_code_of(other), 1000);
    EXPECT_TRUE(other.closed());
    EXPECT_EQ(guest_reads(1), "");
    http::test::Client third(directory.path + "/http.sock");
    ASSERT_EQ(open(third, ticket()).status, 101);
    third.end();
    EXPECT_EQ(guest_reads(1), "");
}

TEST_F(ConsoleTest, TakesATicketOnceFromItsOwner) {
    http::test::Client first(directory.path + "/http.sock");
    const auto used = ticket();
    ASSERT_EQ(open(first, used).status, 101);
    http::test::Client second(directory.path + "/http.sock");
    const auto again = open(second, used);
    EXPECT_EQ(again.status, 403);
    EXPECT_EQ(again.code(), "console.bad_ticket");
    const auto stolen = ticket("dev1");
    http::test::Client third(directory.path + "/http.sock");
    EXPECT_EQ(open(third, stolen, "dev2").status, 403);
    http::test::Client fourth(directory.path + "/http.sock");
    EXPECT_EQ(open(fourth, stolen, "dev1").status, 403);
    http::test::Client fifth(directory.path + "/http.sock");
    EXPECT_EQ(open(fifth, ticket(), "dev1", {}, "https://evil").code(), "access.bad_origin");
    http::test::Client sixth(directory.path + "/http.sock");
    EXPECT_EQ(open(sixth, "").status, 403);
}

TEST_F(ConsoleTest, BoundsTickets) {
    for (int i = 0; i < 15; ++i)
        ticket();
    EXPECT_EQ(consoles.waiting(), 15U);
    ticket();
    EXPECT_THROW(ticket(), Error);
    consoles.end_session("dev1");
    EXPECT_EQ(consoles.waiting(), 0U);
    access::Caller caller;
    try {
        consoles.ticket(caller, VmName::from("taken"), host::ConsoleKind::serial, host::ConsoleMode::control);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::console_in_use);
    }
    EXPECT_EQ(
        consoles.ticket(caller, VmName::from("taken"), host::ConsoleKind::serial, host::ConsoleMode::watch)
            .viewers,
        2);
}

TEST_F(ConsoleTest, EndsWithTheSessionAndTheRole) {
    http::test::Client client(directory.path + "/http.sock");
    ASSERT_EQ(open(client, ticket()).status, 101);
    guest_says("x");
    EXPECT_EQ(browser_reads(client, 1), "x");
    consoles.end_session("other");
    consoles.end_session("dev1");
    EXPECT_EQ(close_code_of(client), 1008);
    http::test::Client second(directory.path + "/http.sock");
    ASSERT_EQ(open(second, ticket()).status, 101);
    gate.alive = false;
    EXPECT_EQ(close_code_of(second), 1008);
}

TEST_F(ConsoleTest, EndsWhenTheVmMayNotBeUsedAnyMore) {
    http::test::Client client(directory.path + "/http.sock");
    ASSERT_EQ(open(client, ticket()).status, 101);
    guest_says("x");
    EXPECT_EQ(browser_reads(client, 1), "x");
    may_use = false;
    EXPECT_EQ(close_code_of(client), 1008);
    may_use = true;
    const auto unused = ticket();
    may_use = false;
    http::test::Client second(directory.path + "/http.sock");
    EXPECT_EQ(open(second, unused).status, 403);
}

class ShortTicketTest : public ConsoleTest {
  protected:
    ShortTicketTest() : ConsoleTest({.look_every = std::chrono::hours(1)}, std::chrono::milliseconds(50)) {}
};

TEST_F(ShortTicketTest, RefusesLateTickets) {
    const auto late = ticket();
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    http::test::Client client(directory.path + "/http.sock");
    EXPECT_EQ(open(client, late).status, 403);
    EXPECT_EQ(guest_reads(1), "") << "the guest's side is closed";
}

class ImpatientTest : public ConsoleTest {
  protected:
    ImpatientTest()
        : ConsoleTest({.idle = std::chrono::milliseconds(150),
                       .ping_every = std::chrono::milliseconds(40),
                       .look_every = std::chrono::milliseconds(10)}) {}
};

TEST_F(ImpatientTest, PingsAndEndsIdleConsoles) {
    http::test::Client client(directory.path + "/http.sock");
    ASSERT_EQ(open(client, ticket()).status, 101);
    EXPECT_EQ(client.exactly(2), std::string("\x89\x00", 2));
    const auto rest = client.until("\x03\xe8");
    EXPECT_EQ(rest.substr(rest.size() - 4), "\x88\x02\x03\xe8");
}

} // namespace
} // namespace bhype::console
