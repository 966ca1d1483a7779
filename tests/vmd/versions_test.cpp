// A vmd outlives upgrades of hostd, and a downgrade leaves a newer one. Each side must get on with the
// other's version.

#include "machine.h"

#include "hostd/guests.h"
#include "os/process.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

namespace bhype::vmd::test {
namespace {

using namespace std::chrono_literals;
using hostd::VmdClient;

const VmName web1 = VmName::from("web1");

/// Today's client and the vmd of version 1.
struct Older : testing::Test {
    Machine machine;
    void SetUp() override { ASSERT_TRUE(machine.start({BHYPE_VMD_V1, machine.directory()})); }
};

TEST_F(Older, AnswersTodaysClient) {
    VmdClient client(machine.socket());
    const auto status = Status::from(client.ask(Kind::status, {}, 5s));
    EXPECT_EQ(status.vm, "web1");
    EXPECT_EQ(status.state, State::running);
    EXPECT_EQ(status.last_lines, (std::vector<std::string>{"a\\b", "second"}));
    EXPECT_EQ(status.started, 1700000001);
    EXPECT_EQ(status.reboots, 2);
    EXPECT_EQ(status.bhyve_pid, 4242);
    EXPECT_EQ(status.vmd_pid, machine.pid);
    EXPECT_EQ(status.generation, 7);

    EXPECT_EQ(client.ask(Kind::log, {{"bytes", "100"}}, 5s).text("text"), "first\nsecond\\n\n");
    const auto words = [&](const char* kind, const char* mode) {
        Fd descriptor;
        client.ask(Kind::console, {{"kind", kind}, {"mode", mode}}, 5s, &descriptor);
        char bytes[32];
        const auto got = ::read(descriptor.get(), bytes, sizeof bytes);
        return std::string(bytes, got > 0 ? std::size_t(got) : 0);
    };
    EXPECT_EQ(words("serial", "take-over"), "login: ");
    EXPECT_EQ(words("screen", "watch"), "RFB 003.008\n");
    try {
        words("screen", "control");
        ADD_FAILURE() << "somebody has control";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::console_in_use);
    }
    Fd line;
    client.ask(Kind::line, {}, 5s, &line);
    EXPECT_TRUE(::isatty(line.get()));
    EXPECT_THROW(client.ask(static_cast<Kind>(40), {}, 5s), Error); // it does not know what comes later
    client.ask(Kind::reset, {}, 5s);

    const auto stopping = Status::from(client.ask(Kind::stop, {{"seconds", "33"}}, 5s));
    EXPECT_EQ(stopping.state, State::stopping);
    EXPECT_EQ(stopping.reason, "33");
    bool gone = false;
    const auto event = client.event(gone);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, Kind::changed);
    EXPECT_EQ(Status::from(event->fields).state, State::stopping);
    EXPECT_EQ(Status::from(client.ask(Kind::kill, {}, 5s)).state, State::stopped);
}

/// hostd as it is after its upgrade: finds the guest, follows it to its end.
TEST_F(Older, IsFoundByTodaysHostd) {
    // hostd has written it before it started the vmd; without it there is no guest of this boot.
    std::ofstream(machine.path + "/run/web1/" + run_file);
    const hostd::Tree tree("/", 0);
    std::mutex mutex;
    std::vector<std::string> seen;
    int started = 0;
    hostd::Guests guests(
        machine.path + "/run", tree, [&](const run::Start&) -> pid_t { return ++started, -1; },
        [&](const host::Guest& guest) {
            const std::lock_guard lock(mutex);
            seen.push_back(guest.reason);
        });
    guests.recover();
    guests.begin();
    auto guest = guests.find(web1);
    ASSERT_TRUE(guest);
    EXPECT_EQ(guest->state, host::GuestState::running);
    EXPECT_EQ(guest->vmd_pid, machine.pid);
    Fd descriptor;
    guests.ask(web1, Kind::console, {{"kind", "serial"}, {"mode", "watch"}}, 5s, &descriptor);
    EXPECT_TRUE(descriptor);
    guests.ask(web1, Kind::stop, {{"seconds", "5"}}, 5s);
    EXPECT_TRUE(within(5s, [&] { return guests.find(web1)->state == host::GuestState::stopping; }));
    guests.ask(web1, Kind::kill, {}, 5s);
    // The answer to the kill may come before the last words, which are what is kept.
    EXPECT_TRUE(within(5s, [&] { return guests.find(web1)->reason == "killed"; }));
    EXPECT_EQ(guests.find(web1)->state, host::GuestState::stopped);
    EXPECT_EQ(started, 0);
    // It is told after it is known.
    EXPECT_TRUE(within(5s, [&] {
        const std::lock_guard lock(mutex);
        return seen.back() == "killed";
    }));
}

TEST_F(Older, ThatWasKilledIsReplacedByTodays) {
    ASSERT_EQ(::kill(machine.pid, SIGKILL), 0);
    ::waitpid(machine.pid, nullptr, 0);
    // Its bhyve, which lives on, is a process of ours.
    const char* const arguments[] = {"/bin/sleep", "600", nullptr};
    pid_t bhyve = 0;
    ASSERT_EQ(
        ::posix_spawn(&bhyve, arguments[0], nullptr, nullptr, const_cast<char* const*>(arguments), environ),
        0);
    const auto id = os::process_id(bhyve);
    ASSERT_TRUE(id);
    std::ifstream file(machine.directory() + "/state");
    std::string state{std::istreambuf_iterator<char>(file), {}};
    const auto replace = [&](const std::string& what, const std::string& with) {
        ASSERT_NE(state.find(what), state.npos);
        state.replace(state.find(what), what.size(), with);
    };
    replace("bhyve_pid=4242", "bhyve_pid=" + std::to_string(bhyve));
    replace("bhyve_started=99", "bhyve_started=" + std::to_string(id->started));
    machine.write(state_file, state + "of_a_later_version=1\nno field\n");
    machine.write(run_file, machine.run.fields().print() + "of_a_later_version=1\n");
    ASSERT_TRUE(machine.start({BHYPE_VMD, "--run", machine.directory(), "--attach"}));
    VmdClient client(machine.socket());
    const auto status = Status::from(client.ask(Kind::status, {}, 5s));
    EXPECT_EQ(status.state, State::running);
    EXPECT_EQ(status.bhyve_pid, bhyve);
    EXPECT_EQ(status.reboots, 2);
    EXPECT_EQ(status.generation, 7);
    std::thread reaper([&] { ::waitpid(bhyve, nullptr, 0); });
    const auto end = Status::from(client.ask(Kind::kill, {}, 10s));
    reaper.join();
    EXPECT_EQ(end.state, State::stopped);
    EXPECT_EQ(end.reason, "killed");
}

/// Today's vmd and a hostd that knows more.
struct NewerHostd : testing::Test {
    Machine machine;
    Fd socket;
    Parser parser;

    void SetUp() override {
        ASSERT_TRUE(machine.start());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        machine.socket().copy(address.sun_path, sizeof address.sun_path - 1);
        socket = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    void send(std::string_view bytes) {
        ASSERT_EQ(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
    }
    /// The next message that is no event.
    std::optional<Message> answer() {
        while (true) {
            while (auto message = parser.next())
                if (message->tag != 0)
                    return message;
            char bytes[4096];
            pollfd waiting{socket.get(), POLLIN, 0};
            const auto got =
                ::poll(&waiting, 1, 5000) == 1 ? ::recv(socket.get(), bytes, sizeof bytes, 0) : -1;
            if (got <= 0)
                return std::nullopt;
            parser.feed(bytes, std::size_t(got));
        }
    }
};

TEST_F(NewerHostd, IsUnderstoodAsFarAsItGoes) {
    send(std::string_view("\0\0\0\x1b\0\1\0\0\0\0\0\1version=9\nspeaks=everything\n", 12 + 27));
    auto hello = answer();
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->kind, Kind::done);
    EXPECT_EQ(hello->fields.number("version"), version);

    send(std::string_view("\0\0\0\x06\0\x2a\0\0\0\0\0\2new=1\n", 12 + 6)); // a request of the future
    const auto refused = answer();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->tag, 2u);
    EXPECT_EQ(refused->kind, Kind::failed);
    EXPECT_EQ(refused->fields.text("code"), "api.invalid_request");

    // Keys, a line that is no field, and header bytes that mean nothing yet.
    send(std::string_view("\0\0\0\x14\0\7\xff\xff\0\0\0\3colour=1\nx\nbytes=10\n", 12 + 20));
    const auto log = answer();
    ASSERT_TRUE(log);
    EXPECT_EQ(log->tag, 3u);
    EXPECT_EQ(log->kind, Kind::done);
    EXPECT_TRUE(log->fields.has("text"));

    send(std::string_view("\0\0\0\0\0\2\0\0\0\0\0\4", 12));
    const auto status = answer();
    ASSERT_TRUE(status);
    EXPECT_EQ(Status::from(status->fields).vm, "web1");
}

TEST_F(NewerHostd, GarbageEndsTheConnectionAndNothingElse) {
    send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_FALSE(answer());
    EXPECT_EQ(Status::from(VmdClient(machine.socket()).ask(Kind::status, {}, 5s)).vm, "web1");
}

/// Today's client and a vmd that says more: events and keys of the future, one of them with a descriptor.
TEST(NewerVmd, IsUnderstoodAsFarAsItGoes) {
    Machine machine;
    const auto path = machine.socket();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const Fd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listening.get(), 1), 0);
    std::thread newer([&] {
        const Fd peer(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
        Parser requests;
        const auto reply = [&](std::uint16_t kind, std::uint32_t tag, Fields fields, int descriptor = -1) {
            const auto bytes = print({static_cast<Kind>(kind), tag, std::move(fields)});
            alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
            iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
            msghdr message{};
            message.msg_iov = &piece;
            message.msg_iovlen = 1;
            if (descriptor >= 0) {
                message.msg_control = control;
                message.msg_controllen = sizeof control;
                cmsghdr* header = CMSG_FIRSTHDR(&message);
                header->cmsg_level = SOL_SOCKET;
                header->cmsg_type = SCM_RIGHTS;
                header->cmsg_len = CMSG_LEN(sizeof(int));
                std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
            }
            EXPECT_EQ(::sendmsg(peer.get(), &message, MSG_NOSIGNAL), ssize_t(bytes.size()));
        };
        char bytes[4096];
        for (ssize_t got = 0; (got = ::recv(peer.get(), bytes, sizeof bytes, 0)) > 0;) {
            requests.feed(bytes, std::size_t(got));
            while (const auto request = requests.next()) {
                Fd ends[2];
                int pair[2];
                EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
                ends[0] = Fd(pair[0]);
                ends[1] = Fd(pair[1]);
                reply(200, 0, {{"weather", "fine"}});
                reply(201, 0, {{"fd", "1"}}, listening.get()); // not what anybody asked for
                Fields fields{{"version", "2"}, {"vm", "web1"}, {"state", "running"}, {"mood", "calm"}};
                if (request->kind != Kind::console) {
                    reply(64, request->tag, fields);
                    continue;
                }
                EXPECT_EQ(::write(ends[0].get(), "right", 5), 5);
                fields.add("fd", 1);
                reply(64, request->tag, fields, ends[1].get());
            }
        }
    });
    {
        VmdClient client(path);
        EXPECT_EQ(Status::from(client.ask(Kind::status, {}, 5s)).state, State::running);
        Fd descriptor;
        client.ask(Kind::console, {{"kind", "serial"}, {"mode", "control"}}, 5s, &descriptor);
        char bytes[5] = "";
        EXPECT_EQ(::read(descriptor.get(), bytes, sizeof bytes), 5);
        EXPECT_EQ(std::string_view(bytes, 5), "right");
        bool gone = false;
        int events = 0;
        while (client.event(gone))
            ++events;
        EXPECT_EQ(events, 6);
        EXPECT_FALSE(gone);
    }
    newer.join();
}

} // namespace
} // namespace bhype::vmd::test
