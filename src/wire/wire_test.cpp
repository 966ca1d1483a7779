#include "base/test_directory.h"
#include "wire/frame.h"
#include "wire/host.h"
#include "wire/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <thread>

namespace bhype::wire {
namespace {

struct Directory : test::Directory {
    std::string socket() const { return path + "/hostd.sock"; }
};

std::pair<Fd, Fd> pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

Fd pipe_with(std::string_view text) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    return Fd(ends[0]);
}

std::string read_all(int fd) {
    std::string text;
    char buffer[256];
    for (ssize_t got; (got = ::read(fd, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    return text;
}

/// Answers with what it was asked; a few names do something else.
struct Double {
    Directory directory;
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::atomic<bool> admit = true;
    std::condition_variable released;
    bool release = false;
    std::vector<host::Guest> guests;
    std::vector<std::string> cancelled;
    std::unique_ptr<Server> server;

    void start() { server = std::make_unique<Server>(listen_at(directory.socket(), 0600, -1), handlers()); }
    Server::Handlers handlers() {
        return {[this](int) { return admit.load(); },
                [this](Request request, const std::shared_ptr<Reply>& reply) {
                    const std::lock_guard lock(mutex);
                    threads.emplace_back([this, request = std::make_shared<Request>(std::move(request)),
                                          reply] { answer(*request, *reply); });
                },
                [] {
                    return std::vector<std::string>{"t1.1", "t1.2"};
                },
                [this](const std::string& id) {
                    const std::lock_guard lock(mutex);
                    cancelled.push_back(id);
                    release = true;
                    released.notify_all();
                },
                [this] { return guests; }};
    }
    void answer(Request& request, Reply& reply) {
        if (request.operation == "test.fail") {
            reply.ran({"zfs list", 1, "no", 3});
            reply.error(Error(Code::no_space, "pool is full", {{"a", "b"}}));
        } else if (request.operation == "test.wait") {
            reply.progress(0.1);
            std::unique_lock lock(mutex);
            released.wait(lock, [this] { return release; });
            reply.result({});
        } else if (request.operation == "test.big") {
            reply.result(json::string(std::string(longest_answer, 'x')));
        } else if (request.operation == "test.fd") {
            Fd out = pipe_with("from hostd, after " + read_all(request.descriptor.get()));
            reply.result("done", out.get());
        } else {
            reply.ran({"zfs create tank/a", 0, "", 12});
            reply.progress(0.5);
            reply.result({{"arguments", request.arguments}, {"id", request.id}});
        }
    }
    void stop() {
        {
            const std::lock_guard lock(mutex);
            release = true;
        }
        released.notify_all();
        server.reset();
        for (auto& thread : threads)
            thread.join();
        threads.clear();
        release = false;
    }
    ~Double() { stop(); }
};

Code code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return Code::internal;
}

TEST(Frame, CarriesDescriptorsInOrder) {
    auto [a, b] = pair();
    Channel left(std::move(a), 1000, 1000);
    Channel right(std::move(b), 1000, 1000);
    Fd one = pipe_with("one");
    Fd two = pipe_with("two");
    EXPECT_TRUE(left.send({{"n", 1}}, one.get()));
    EXPECT_TRUE(left.send({{"n", 2}}));
    EXPECT_TRUE(left.send({{"n", 3}}, two.get()));
    EXPECT_EQ(read_all(right.receive()->descriptor.get()), "one");
    EXPECT_FALSE(right.receive()->descriptor);
    auto third = right.receive();
    EXPECT_EQ(third->body.at("n").as_int64(), 3);
    EXPECT_EQ(read_all(third->descriptor.get()), "two");
    left.shut_down();
    EXPECT_FALSE(right.receive());
}

TEST(Frame, RefusesWhatIsNoFrame) {
    const std::string too_long("\x7f\xff\xff\xff{}", 6);
    const std::string empty("\0\0\0\0", 4);
    const std::string no_json("\0\0\0\x03{{{", 7);
    const std::string no_object("\0\0\0\x02[]", 6);
    const std::string cut("\0\0\0\x09{\"a\"", 8);
    const std::string head("\0\0", 2);
    const std::string no_descriptor = std::string("\0\0\0\x0b", 4) + "{\"fd\":true}";
    const std::string deep = std::string("\0\0\0\xc8", 4) + std::string(200, '[');
    for (const auto& text : {too_long, empty, no_json, no_object, cut, head, no_descriptor, deep}) {
        auto [a, b] = pair();
        Channel channel(std::move(a), 1000, 1000);
        ASSERT_EQ(::write(b.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
        b.reset();
        EXPECT_THROW(channel.receive(), Error) << text;
    }
}

TEST(Frame, DoesNotSendWhatIsTooLong) {
    auto [a, b] = pair();
    Channel channel(std::move(a), 100, 100);
    EXPECT_THROW(channel.send({{"text", std::string(200, 'x')}}), Error);
    b.reset();
    EXPECT_FALSE(channel.send({{"n", 1}}));
}

TEST(Frame, ReplacesAnOldSocketButNothingElse) {
    Directory directory;
    { Fd first = listen_at(directory.socket(), 0660, -1); }
    Fd second = listen_at(directory.socket(), 0660, -1);
    EXPECT_TRUE(connect_to(directory.socket()));
    EXPECT_EQ(std::filesystem::status(directory.socket()).permissions(), std::filesystem::perms(0660));
    const auto file = directory.path + "/file";
    const Fd made(::open(file.c_str(), O_CREAT | O_WRONLY, 0600));
    EXPECT_THROW(listen_at(file, 0660, -1), Error);
}

TEST(Wire, AnswersWithCommandsAndProgress) {
    Double host;
    host.start();
    const auto client = connect_host(host.directory.socket(), {}, {});
    double fraction = 0;
    std::vector<Ran> ran;
    CallOptions options;
    options.id = "t1.1";
    options.progress = [&](double f) { fraction = f; };
    options.ran = [&](const Ran& r) { ran.push_back(r); };
    const auto answer = client->perform("test.echo", {{"a", "\u00e9\n"}}, std::chrono::seconds(5), options);
    EXPECT_EQ(answer.result.at("arguments").at("a").as_string(), "\u00e9\n");
    EXPECT_EQ(answer.result.at("id").as_string(), "t1.1");
    ASSERT_EQ(ran.size(), 1u);
    EXPECT_EQ(ran[0].milliseconds, 12);
    ASSERT_EQ(answer.commands.size(), 1u);
    EXPECT_EQ(answer.commands[0].command, "zfs create tank/a");
    EXPECT_EQ(fraction, 0.5);
    EXPECT_EQ(client->in_flight(), (std::vector<std::string>{"t1.1", "t1.2"}));
}

TEST(Wire, CarriesErrorsWhole) {
    Double host;
    host.start();
    const auto client = connect_host(host.directory.socket(), {}, {});
    int commands = 0;
    CallOptions options;
    options.ran = [&](const Ran& r) { commands += r.exit_status; };
    try {
        client->perform("test.fail", {}, std::chrono::seconds(5), options);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::no_space);
        EXPECT_EQ(error.detail(), "pool is full");
        EXPECT_EQ(error.problems(), (std::vector<FieldProblem>{{"a", "b"}}));
    }
    EXPECT_EQ(commands, 1);
    EXPECT_EQ(code_of([&] { client->perform("test.big", {}, std::chrono::seconds(5), {}); }),
              Code::too_large);
    EXPECT_EQ(code_of([&] {
                  client->perform("test.echo", json::string(std::string(longest_request, 'x')),
                                  std::chrono::seconds(5), {});
              }),
              Code::too_large);
}

TEST(Wire, PassesDescriptorsBothWays) {
    Double host;
    host.start();
    const auto client = connect_host(host.directory.socket(), {}, {});
    Fd secret = pipe_with("secret");
    CallOptions options;
    options.descriptor = secret.get();
    const auto answer = client->perform("test.fd", {}, std::chrono::seconds(5), options);
    ASSERT_TRUE(answer.descriptor);
    EXPECT_EQ(read_all(answer.descriptor.get()), "from hostd, after secret");
}

TEST(Wire, TwoHundredAtOnce) {
    Double host;
    host.start();
    const auto client = connect_host(host.directory.socket(), {}, {});
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 200; ++i)
        threads.emplace_back([&, i] {
            const bool with_descriptor = i % 4 == 0;
            Fd pipe = pipe_with(std::to_string(i));
            CallOptions options;
            options.descriptor = with_descriptor ? pipe.get() : -1;
            const auto answer = client->perform(with_descriptor ? "test.fd" : "test.echo", {{"i", i}},
                                                std::chrono::seconds(20), options);
            if (with_descriptor)
                right += read_all(answer.descriptor.get()) == "from hostd, after " + std::to_string(i);
            else
                right += answer.result.at("arguments").at("i").as_int64() == i;
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(right, 200);
}

TEST(Wire, AsksToEndAnOperationFromItsProgress) {
    Double hostd;
    hostd.start();
    const auto host = connect_host(hostd.directory.socket(), {}, {});
    CallOptions options;
    options.id = "t1.7";
    options.progress = [&](double) { host->cancel("t1.7"); };
    host->perform("test.wait", {}, std::chrono::seconds(10), options);
    EXPECT_EQ(hostd.cancelled, std::vector<std::string>{"t1.7"});
    hostd.stop();
    EXPECT_NO_THROW(host->cancel("t1.8")) << "nobody is there to be asked";
}

TEST(Wire, NobodyListening) {
    Directory directory;
    const auto client = connect_host(directory.socket(), {}, {});
    EXPECT_EQ(code_of([&] { client->perform("test.echo", {}, std::chrono::seconds(1), {}); }),
              Code::hostd_away);
}

TEST(Wire, BreakAfterSendingIsUnknownAndTheNextCallConnectsAgain) {
    Double host;
    host.start();
    std::atomic<int> connects = 0;
    const auto client =
        connect_host(host.directory.socket(), {}, [&](bool connected) { connects += connected; });
    std::atomic<bool> asked = false;
    Code code = Code::internal;
    std::thread caller([&] {
        code = code_of([&] {
            asked = true;
            client->perform("test.wait", {}, std::chrono::seconds(20), {});
        });
    });
    for (int i = 0; i < 500; ++i) {
        {
            const std::lock_guard lock(host.mutex);
            if (!host.threads.empty())
                break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    host.server->stop();
    caller.join();
    EXPECT_EQ(code, Code::result_unknown);
    host.stop();
    EXPECT_EQ(code_of([&] {
                  std::filesystem::remove(host.directory.socket());
                  client->perform("test.echo", {}, std::chrono::seconds(1), {});
              }),
              Code::hostd_away);
    host.start();
    EXPECT_NO_THROW(client->perform("test.echo", {}, std::chrono::seconds(5), {}));
    EXPECT_EQ(connects, 2);
}

TEST(Wire, TellsGuestsAfterConnectingAndWhenTheyChange) {
    Double host;
    host::Guest guest;
    guest.vm = VmName::from("web1");
    guest.state = host::GuestState::running;
    host.guests = {guest};
    host.start();
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<host::GuestState> seen;
    const auto client = connect_host(host.directory.socket(),
                                     [&](const host::Guest& g) {
                                         const std::lock_guard lock(mutex);
                                         seen.push_back(g.state);
                                         changed.notify_all();
                                     },
                                     {});
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(5), [&] { return seen.size() == 1; }));
    guest.state = host::GuestState::stopped;
    host.server->guest_changed(guest);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(5), [&] { return seen.size() == 2; }));
    EXPECT_EQ(seen.back(), host::GuestState::stopped);
}

TEST(Wire, OtherProtocolVersionIsRefusedWithWords) {
    Double host;
    host.start();
    Channel channel(connect_to(host.directory.socket()), longest_answer, longest_request);
    channel.send({{"hello", {{"protocol", 99}, {"version", "9"}}}});
    const auto frame = channel.receive();
    ASSERT_TRUE(frame);
    EXPECT_TRUE(frame->body.contains("refused"));
    EXPECT_FALSE(channel.receive());
}

TEST(Wire, RequestWithoutHelloOrOfAnotherShapeEndsTheConnection) {
    Double host;
    host.start();
    for (const json::object& body :
         {json::object{{"request", {{"number", 1}}}}, json::object{{"unknown", 1}}, json::object{}}) {
        Channel channel(connect_to(host.directory.socket()), longest_answer, longest_request);
        channel.send({{"hello", {{"protocol", protocol_version}, {"version", "x"}}}});
        ASSERT_TRUE(channel.receive());
        channel.send(body);
        EXPECT_FALSE(channel.receive());
    }
    Channel channel(connect_to(host.directory.socket()), longest_answer, longest_request);
    channel.send({{"request", {{"number", 1}}}});
    EXPECT_TRUE(channel.receive()->body.contains("refused"));
}

TEST(Wire, WhoIsNotAdmittedGetsNoByte) {
    Double host;
    host.admit = false;
    host.start();
    Channel channel(connect_to(host.directory.socket()), longest_answer, longest_request);
    channel.send({{"hello", {{"protocol", protocol_version}, {"version", "x"}}}});
    try {
        EXPECT_FALSE(channel.receive());
    } catch (const Error&) { // reset instead of a clean end
    }
}

} // namespace
} // namespace bhype::wire
