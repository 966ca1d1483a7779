#include "vmd/des.h"
#include "vmd/loop.h"
#include "vmd/protocol.h"
#include "vmd/serial.h"
#include "vmd/supervisor.h"

#include "os/files.h"
#include "os/tty.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace bhype::vmd {
namespace {

TEST(Des, Fips46) {
    using Block = std::array<std::uint8_t, 8>;
    EXPECT_EQ(des_encrypt(Block{0x13, 0x34, 0x57, 0x79, 0x9b, 0xbc, 0xdf, 0xf1},
                          Block{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}),
              (Block{0x85, 0xe8, 0x13, 0x54, 0x0f, 0x0a, 0xb4, 0x05}));
    EXPECT_EQ(des_encrypt(Block{}, Block{}), (Block{0x8c, 0xa6, 0x4d, 0xe9, 0xc1, 0xb1, 0x23, 0xa7}));
}

TEST(Protocol, FieldsKeepAnyText) {
    const Fields fields{{"text", "a\nb\\n=c\\"}, {"n", "7"}, {"text", ""}};
    const auto again = Fields::parse(fields.print());
    EXPECT_EQ(again.text("text"), "a\nb\\n=c\\");
    EXPECT_EQ(again.all("text").size(), 2u);
    EXPECT_EQ(again.number("n"), 7);
    EXPECT_EQ(again.number("text", 5), 5);
    EXPECT_EQ(again.text("none"), "");
}

/// The bytes of version 1, kept: a later version must read and write the same.
TEST(Protocol, VersionOneOnTheWire) {
    const std::string bytes("\0\0\0\x0b\0\x03\0\0\0\0\0\x05seconds=30\n", 23);
    EXPECT_EQ(print({Kind::stop, 5, {{"seconds", "30"}}}), bytes);
    Parser parser;
    for (const char c : bytes.substr(0, 22)) {
        parser.feed(&c, 1);
        EXPECT_FALSE(parser.next());
    }
    parser.feed("\n", 1);
    const auto message = parser.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, Kind::stop);
    EXPECT_EQ(message->tag, 5u);
    EXPECT_EQ(message->fields.number("seconds"), 30);
    parser.feed("\xff\xff\xff\xff 12345678", 13);
    EXPECT_FALSE(parser.next());
    EXPECT_TRUE(parser.broken());
}

/// A supervisor with a shell script in bhyve's place.
struct Life : testing::Test {
    std::string path;
    Fd directory;
    vmd::Run run;
    Loop loop;
    std::unique_ptr<Supervisor> supervisor;
    std::vector<std::string> serial{"from the guest"};

    void SetUp() override {
        char name[] = "/tmp/bhype-vmd-XXXXXX";
        path = ::mkdtemp(name);
        directory = os::open_directory(path);
        std::filesystem::create_directory(path + "/vmm");
        run.vm = "web1";
        run.vmm = path + "/vmm";
        run.settle = 300;
        run.quick = 5000;
        run.press_interval = 100;
        run.kill_patience = 300;
        run.ifconfig = script("ifconfig", "echo \"ifconfig $*\" >> $0.calls");
        run.bhyvectl = script("bhyvectl", "echo \"$*\" >> $0.calls; rm -f " + path + "/vmm/web1");
        run.taps = {"tap3"};
    }
    void TearDown() override { std::filesystem::remove_all(path); }
    std::string script(const std::string& name, const std::string& text) {
        auto file = path + "/" + name;
        std::ofstream(file) << "#!/bin/sh\n" << text << "\n";
        ::chmod(file.c_str(), 0755);
        return file;
    }
    std::string calls(const std::string& name) {
        std::ifstream file(path + "/" + name + ".calls");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    Status live(const std::string& bhyve, const std::function<void()>& meanwhile = {}) {
        run.arguments = {script("bhyve", bhyve), "-c", "1", "web1"};
        supervisor = std::make_unique<Supervisor>(
            loop, run, directory.get(), directory.get(),
            Supervisor::Events{[] {}, [] {}, [this] { loop.stop(); }, [this] { return serial; }});
        if (meanwhile)
            loop.after(std::chrono::milliseconds(400), meanwhile);
        loop.after(std::chrono::seconds(20), [this] {
            ADD_FAILURE() << "it did not end";
            loop.stop();
        });
        supervisor->power_on();
        loop.run();
        const auto saved = os::read_file(directory.get(), state_file, 1 << 20);
        return Status::from(Fields::parse(saved.value_or("")));
    }
};

TEST_F(Life, PowerOff) {
    const auto status = live("touch " + path + "/vmm/web1; sleep 0.5; exit 1");
    EXPECT_EQ(status.state, State::stopped);
    EXPECT_EQ(status.reason, "powered off by the guest");
    EXPECT_EQ(calls("bhyvectl"), "--vm=web1 --destroy\n");
    EXPECT_FALSE(std::filesystem::exists(path + "/vmm/web1"));
}

TEST_F(Life, DoesNotStart) {
    for (const auto& [text, code] : {std::pair("bad option", "1"), std::pair("device emulation", "4"),
                                     std::pair("invalid memsize", "64"), std::pair("no cpu", "71")}) {
        loop = Loop();
        const auto status = live(std::string("echo '") + text + "' >&2; exit " + code);
        EXPECT_EQ(status.state, State::failed);
        EXPECT_TRUE(status.reason.starts_with("bhyve did not start")) << status.reason;
        EXPECT_EQ(status.last_lines, std::vector<std::string>{text});
    }
}

TEST_F(Life, Faults) {
    for (const auto& [end, words] :
         {std::pair("exit 3", "triple fault"), std::pair("exit 100", "exit status 100"),
          std::pair("kill -6 $$", "signal 6"), std::pair("kill -9 $$", "signal 9")}) {
        loop = Loop();
        const auto status =
            live(std::string("touch ") + path + "/vmm/web1; sleep 0.4; echo words >&2; " + end);
        EXPECT_EQ(status.state, State::failed);
        EXPECT_NE(status.reason.find(words), std::string::npos) << status.reason;
        EXPECT_EQ(status.last_lines.front(), "words");
    }
}

TEST_F(Life, RebootsWithItsTap) {
    const auto status = live("n=$(cat " + path + "/n 2>/dev/null || echo 0); echo $((n+1)) > " + path +
                             "/n; touch " + path + "/vmm/web1; [ $n = 2 ] && { sleep 0.4; exit 1; }; exit 0");
    EXPECT_EQ(status.state, State::stopped);
    EXPECT_EQ(status.reboots, 2);
    EXPECT_EQ(calls("ifconfig"), "ifconfig tap3 up\nifconfig tap3 up\n");
}

TEST_F(Life, ResetsAtOnce) {
    const auto status = live("exit 0");
    EXPECT_EQ(status.state, State::failed);
    EXPECT_NE(status.reason.find("reset 6 times"), std::string::npos) << status.reason;
    EXPECT_EQ(status.last_lines, serial);
}

TEST_F(Life, PowerButtonIsPressedAgain) {
    const auto status = live("trap 'echo x >> " + path + "/p; [ $(wc -l < " + path +
                                 "/p) -ge 3 ] && exit 1' TERM; while :; do sleep 0.02; done",
                             [this] { supervisor->stop(10); });
    EXPECT_EQ(status.state, State::stopped);
    EXPECT_EQ(status.reason, "powered off when asked to");
}

TEST_F(Life, DeafGuestIsTold) {
    bool told = false;
    const auto status = live("trap '' TERM; while :; do sleep 0.02; done", [&] {
        supervisor->stop(1);
        loop.after(std::chrono::milliseconds(1500), [&] {
            told = supervisor->status().state == State::running &&
                   supervisor->status().reason.starts_with("did not react");
            supervisor->kill();
        });
    });
    EXPECT_TRUE(told);
    EXPECT_EQ(status.state, State::stopped);
    EXPECT_EQ(status.reason, "killed");
}

TEST_F(Life, MissingProgram) {
    live("exit 1");
    loop = Loop();
    run.arguments = {"/nowhere/bhyve"};
    supervisor = std::make_unique<Supervisor>(
        loop, run, directory.get(), directory.get(),
        Supervisor::Events{[] {}, [] {}, [this] { loop.stop(); }, [this] { return serial; }});
    supervisor->power_on();
    loop.run();
    EXPECT_EQ(supervisor->status().reason, "bhyve cannot be executed");
}

TEST(SerialLine, ReplaysAndLetsOneType) {
    Loop loop;
    auto pty = os::open_pty();
    Fd guest(::open(pty.path.c_str(), O_RDWR | O_NOCTTY));
    Serial serial(loop, std::move(pty.master), std::move(pty.slave));
    ASSERT_EQ(::write(guest.get(), "login: ", 7), 7);
    const auto turn = [&] {
        loop.after(std::chrono::milliseconds(50), [&] { loop.stop(); });
        loop.run();
        auto again = Loop();
        static_cast<void>(again);
    };
    turn();
    auto first = serial.open(Mode::control);
    ASSERT_TRUE(first.descriptor);
    EXPECT_TRUE(serial.open(Mode::control).in_use);
    EXPECT_EQ(serial.last_lines(5), std::vector<std::string>{"login: "});
}

} // namespace
} // namespace bhype::vmd
