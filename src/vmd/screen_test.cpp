#include "vmd/des.h"
#include "vmd/screen.h"
#include "vmd/test_vnc_server.h"

#include <gtest/gtest.h>

#include <future>
#include <random>

namespace bhype::vmd {
namespace {

using test::VncServer;
using test::VncViewer;

TEST(Vnc, AnswerIsWhatOpenSslMakes) {
    const auto answer = [](std::string_view password) {
        const auto bytes =
            vnc_answer(password, std::span<const std::uint8_t, 16>(
                                     reinterpret_cast<const std::uint8_t*>(VncServer::challenge.data()), 16));
        return std::string(bytes.begin(), bytes.end());
    };
    EXPECT_EQ(answer("swordfish"), VncServer::answer);
    EXPECT_EQ(answer("abc"), "\x9c\x22\xb4\xf2\x08\x8c\x34\x65\xa1\x56\x2c\x4b\x9d\x6e\xdb\x04");
}

/// A Screen whose loop runs in a thread of its own, and a server in bhyve's place.
struct ScreenTest : testing::Test {
    std::unique_ptr<VncServer> server = std::make_unique<VncServer>();
    vmd::Run run;
    Loop loop;
    std::unique_ptr<Screen> screen;
    std::thread thread;
    Fd wake_read, wake_write;
    std::mutex mutex;
    std::vector<std::function<void()>> calls;

    void SetUp() override {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        wake_read = Fd(ends[0]);
        wake_write = Fd(ends[1]);
        run.vm = "web1";
        run.vnc_port = server->port();
        run.vnc_password = VncServer::password;
        screen = std::make_unique<Screen>(loop, run);
        loop.watch(wake_read.get(), POLLIN, [this](short) {
            char byte;
            ASSERT_EQ(::read(wake_read.get(), &byte, 1), 1);
            std::vector<std::function<void()>> due;
            {
                const std::lock_guard lock(mutex);
                due.swap(calls);
            }
            for (const auto& call : due)
                call();
        });
        thread = std::thread([this] { loop.run(); });
    }
    void TearDown() override {
        in_loop([this] {
            screen.reset();
            loop.stop();
        });
        thread.join();
        EXPECT_EQ(server->complaints(), std::vector<std::string>{});
    }
    void in_loop(const std::function<void()>& what) {
        std::promise<void> done;
        {
            const std::lock_guard lock(mutex);
            calls.emplace_back([&] {
                what();
                done.set_value();
            });
        }
        ASSERT_EQ(::write(wake_write.get(), "", 1), 1);
        done.get_future().wait();
    }
    void power_on() {
        in_loop([this] { screen->powered(); });
        ASSERT_TRUE(within([this] { return server->clients() == 1; }));
    }
    Opened open(Mode mode) {
        Opened opened;
        in_loop([&] { opened = screen->open(mode); });
        return opened;
    }
    VncViewer view(Mode mode) {
        VncViewer viewer(open(mode).descriptor);
        EXPECT_EQ(viewer.handshake(), "web1");
        return viewer;
    }
    static bool within(const std::function<bool()>& what) {
        for (int i = 0; i < 500; ++i) {
            if (what())
                return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }
    bool typed(const std::vector<std::string>& wanted) {
        return within([&] { return server->input() == wanted; });
    }
};

TEST_F(ScreenTest, HoldsTheOnlyPlaceBeforeAnybodyAsks) {
    power_on();
    // Somebody else's connection hangs in the queue and is in nobody's way.
    const Fd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(server->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(other.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    server->paint(0x112233);
    auto viewer = view(Mode::control);
    EXPECT_EQ(viewer.width, 64);
    EXPECT_EQ(viewer.height, 48);
    viewer.ask(false);
    EXPECT_TRUE(viewer.see(0x112233));
    pollfd silent{other.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&silent, 1, 0), 0);
    viewer.close();
    EXPECT_EQ(server->clients(), 1);
}

TEST_F(ScreenTest, ServerWithoutPassword) {
    server = std::make_unique<VncServer>(false);
    run.vnc_port = server->port();
    power_on();
    server->paint(7);
    auto viewer = view(Mode::control);
    viewer.ask(false);
    EXPECT_TRUE(viewer.see(7));
}

TEST_F(ScreenTest, ViewerBeforeTheServerWaits) {
    VncViewer viewer(open(Mode::control).descriptor);
    EXPECT_EQ(viewer.take(12), "RFB 003.008\n");
    viewer.send("RFB 003.008\n");
    EXPECT_EQ(viewer.take(2), "\1\1");
    viewer.send("\1\1");
    EXPECT_EQ(viewer.take(4), std::string(4, '\0'));
    EXPECT_EQ(viewer.take(1, 100), ""); // what size is not known yet
    power_on();
    EXPECT_EQ(viewer.take(24 + 4).substr(24), "web1");
}

TEST_F(ScreenTest, OldVersionsOfTheProtocol) {
    power_on();
    VncViewer v33(open(Mode::watch).descriptor);
    v33.take(12);
    v33.send("RFB 003.003\n\1");
    EXPECT_EQ(v33.take(4), std::string("\0\0\0\1", 4)); // the server says which security
    EXPECT_EQ(v33.take(24 + 4).substr(24), "web1");
    VncViewer v37(open(Mode::watch).descriptor);
    v37.take(12);
    v37.send("RFB 003.007\n\1\1");
    EXPECT_EQ(v37.take(2), "\1\1");
    EXPECT_EQ(v37.take(24 + 4).substr(24), "web1"); // no SecurityResult
}

TEST_F(ScreenTest, ChangesReachAllAndOneTypes) {
    power_on();
    server->paint(1);
    auto first = view(Mode::control);
    first.ask(false);
    ASSERT_TRUE(first.see(1));
    EXPECT_TRUE(open(Mode::control).in_use);
    auto second = view(Mode::watch);
    second.ask(false);
    ASSERT_TRUE(second.see(1));
    first.ask(true);
    second.ask(true);
    server->paint(2);
    EXPECT_TRUE(first.see(2));
    EXPECT_TRUE(second.see(2));
    second.send(VncViewer::key('b', true));
    second.send({"\5\1\0\1\0\1", 6});
    first.send(VncViewer::key('a', true));
    EXPECT_TRUE(typed({VncViewer::key('a', true)}));
}

TEST_F(ScreenTest, TakingOverLetsTheKeysGo) {
    power_on();
    auto first = view(Mode::control);
    const auto down = VncViewer::key('a', true), up = VncViewer::key('a', false);
    const std::string press("\5\1\0\3\0\4", 6), release("\5\0\0\3\0\4", 6);
    first.send(down + press);
    EXPECT_TRUE(typed({down, press}));
    auto second = view(Mode::take_over);
    EXPECT_TRUE(typed({down, press, up, release}));
    EXPECT_TRUE(first.gone());
    second.send(VncViewer::key('y', true));
    EXPECT_TRUE(typed({down, press, up, release, VncViewer::key('y', true)}));
    second.close(); // so does leaving
    EXPECT_TRUE(typed({down, press, up, release, VncViewer::key('y', true), VncViewer::key('y', false)}));
    EXPECT_FALSE(open(Mode::control).in_use);
}

TEST_F(ScreenTest, OtherColours) {
    power_on();
    server->paint(0x00aabbcc);
    auto viewer = view(Mode::watch);
    std::string format{0, 0, 0, 0};
    PixelFormat{true, 0, 8, 16}.print(format);
    viewer.send(format);
    viewer.ask(false);
    EXPECT_TRUE(viewer.see(0xaabbcc00)); // big endian 0x00ccbbaa, read as little endian
    auto narrow = view(Mode::watch);
    format[4] = 16;
    narrow.send(format);
    EXPECT_TRUE(narrow.gone());
}

TEST_F(ScreenTest, GuestChangesItsResolution) {
    power_on();
    auto able = view(Mode::watch);
    auto unable = view(Mode::watch);
    able.send({"\2\0\0\2\0\0\0\0\xff\xff\xff\x21", 12});
    for (auto* viewer : {&able, &unable})
        viewer->ask(false);
    ASSERT_TRUE(able.see(0));
    ASSERT_TRUE(unable.see(0));
    able.ask(true);
    server->resize(80, 60);
    server->paint(9);
    EXPECT_TRUE(able.see(9));
    EXPECT_EQ(able.width, 80);
    EXPECT_EQ(able.height, 60);
    EXPECT_TRUE(unable.gone()); // it would draw outside its picture
}

TEST_F(ScreenTest, BadViewersHarmNobody) {
    power_on();
    auto good = view(Mode::control);
    for (const auto* banner : {"GET / HTTP/1", "RFB 004.008\n", "RFB 003.008x"}) {
        VncViewer bad(open(Mode::watch).descriptor);
        bad.send(banner);
        EXPECT_TRUE(bad.gone()) << banner;
    }
    {
        VncViewer bad(open(Mode::watch).descriptor);
        bad.send("RFB 003.008\n\2"); // security that was not offered
        EXPECT_TRUE(bad.gone());
    }
    for (const auto& bytes :
         {std::string("\x63garbage"), std::string("\0\0\0\0\x08\x08\0\1", 8) + std::string(12, '\0')}) {
        auto bad = view(Mode::watch);
        bad.send(bytes);
        EXPECT_TRUE(bad.gone());
    }
    // In the middle of a message: half a key, half a banner, 65535 encodings, a text of 4 GiB.
    const std::string half_key("\4\1\0", 3), encodings("\2\0\xff\xff\0\0\0\0\0", 9),
        text("\6\0\0\0\xff\xff\xff\xffsome", 12);
    for (const auto& bytes : {half_key, encodings, text})
        view(Mode::watch).send(bytes);
    VncViewer(open(Mode::watch).descriptor).send("RFB 0");
    {
        auto flooding = view(Mode::watch);
        flooding.send(text);
        const std::string much(1 << 20, 'x');
        std::size_t sent = 0;
        while (sent < much.size()) {
            const auto now = ::send(flooding.socket(), much.data(), much.size() - sent, MSG_NOSIGNAL);
            ASSERT_GT(now, 0);
            sent += static_cast<std::size_t>(now);
        }
        flooding.send(VncViewer::key('q', true)); // still inside that text
    }
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        auto bad = round % 2 ? view(Mode::watch) : VncViewer(open(Mode::watch).descriptor);
        ASSERT_TRUE(bad);
        std::string noise(random() % 300, '\0');
        for (auto& byte : noise)
            byte = static_cast<char>(random() % (random() % 2 ? 7 : 256));
        bad.send(noise);
        bad.close();
        ASSERT_TRUE(within([&] { return open(Mode::watch).viewers < 3; }));
    }
    EXPECT_EQ(server->input(), std::vector<std::string>{});
    good.send(VncViewer::key('a', true));
    EXPECT_TRUE(typed({VncViewer::key('a', true)}));
    server->paint(5);
    good.ask(false);
    EXPECT_TRUE(good.see(5));
    EXPECT_EQ(server->clients(), 1);
}

TEST_F(ScreenTest, NotMoreThanSomeViewers) {
    power_on();
    std::vector<VncViewer> viewers;
    for (std::size_t i = 0; i < Screen::most_viewers; ++i)
        viewers.push_back(view(Mode::watch));
    EXPECT_FALSE(open(Mode::watch).descriptor);
    viewers.pop_back();
    EXPECT_TRUE(within([&] { return bool(open(Mode::watch).descriptor); }));
}

TEST_F(ScreenTest, SlowViewerIsLeftBehindAndCatchesUp) {
    server->resize(640, 480);
    power_on();
    auto slow = view(Mode::watch);
    auto quick = view(Mode::watch);
    slow.ask(false);
    for (std::uint32_t colour = 1; colour < 20; ++colour) {
        server->paint(colour);
        quick.ask(colour > 1);
        ASSERT_TRUE(quick.see(colour)) << colour;
    }
    EXPECT_TRUE(slow.see(19));
    // It lacks pictures, but no part of the last one.
    EXPECT_LT(slow.pixels, 10u * 640 * 480);
}

TEST_F(ScreenTest, ServerGoesAndComesBack) {
    power_on();
    server->paint(1);
    auto viewer = view(Mode::control);
    viewer.ask(false);
    ASSERT_TRUE(viewer.see(1));
    viewer.ask(true);
    server->drop();
    ASSERT_TRUE(within([&] { return server->clients() == 2; }));
    server->paint(2);
    EXPECT_TRUE(viewer.see(2)); // the same viewer, on the new connection
    viewer.send(VncViewer::key('a', true));
    EXPECT_TRUE(typed({VncViewer::key('a', true)}));
    in_loop([this] { screen.reset(); });
    EXPECT_TRUE(viewer.gone());
}

TEST_F(ScreenTest, ServerThatSpeaksNonsenseIsLeftAndTriedAgain) {
    power_on();
    auto viewer = view(Mode::control);
    int clients = 1;
    const std::string rectangle("\0\0\0\1\0\0\0\0", 8);
    for (const auto& bytes : {std::string("\x63"),                            // no such message
                              rectangle + std::string("\0\1\0\1\0\0\0\7", 8), // an encoding nobody asked for
                              rectangle + std::string("\xff\xff\0\1\0\0\0\0", 8), // wider than any screen
                              rectangle + std::string("\xff\xff\0\1\xff\xff\xff\x21", 8)}) {
        server->send_raw(bytes);
        ++clients;
        ASSERT_TRUE(within([&] { return server->clients() == clients; }));
    }
    server->send_raw({"\3\0\0\0\0\0\0\4text\2", 13}); // a text and a bell are nothing bad
    EXPECT_EQ(viewer.take(1), "\2");
    server->paint(3);
    viewer.ask(false);
    EXPECT_TRUE(viewer.see(3));
}

} // namespace
} // namespace bhype::vmd
