#pragma once

// A bhype-vmd as hostd starts it, with shell scripts in the places of bhyve and bhyvectl.

#include "base/error.h"
#include "hostd/vmd_client.h"
#include "os/files.h"
#include "os/tty.h"
#include "vmd/protocol.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace bhype::vmd::test {

inline bool within(std::chrono::milliseconds patience, const std::function<bool()>& what) {
    const auto until = std::chrono::steady_clock::now() + patience;
    do {
        if (what())
            return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    } while (std::chrono::steady_clock::now() < until);
    return false;
}

class Machine {
  public:
    Machine() {
        char name[] = "/tmp/bhype-vmd-XXXXXX";
        path = ::mkdtemp(name);
        for (const auto* part : {"/run", "/run/web1", "/vmm", "/set"})
            std::filesystem::create_directory(path + part);
        run.vm = "web1";
        run.vmm = path + "/vmm";
        run.arguments = {script("bhyve", "touch " + run.vmm + "/web1; exec sleep 600"), "web1"};
        run.bhyvectl = script("bhyvectl", "rm -f " + run.vmm + "/web1");
        run.settle = 200;
        run.kill_patience = 100;
    }
    ~Machine() {
        if (pid > 0) {
            try {
                hostd::VmdClient(socket()).ask(Kind::kill, {}, std::chrono::seconds(10));
            } catch (const Error&) {
                ::kill(pid, SIGKILL);
            }
            ::waitpid(pid, nullptr, 0);
        }
        std::filesystem::remove_all(path);
    }
    Machine(const Machine&) = delete;

    std::string script(const std::string& name, const std::string& text) const {
        const auto file = path + "/" + name;
        std::ofstream(file) << "#!/bin/sh\n" << text << "\n";
        ::chmod(file.c_str(), 0755);
        return file;
    }
    std::string directory() const { return path + "/run/web1"; }
    std::string socket() const { return directory() + "/" + socket_file; }
    void write(const char* name, const std::string& text) const {
        std::ofstream(directory() + "/" + name) << text;
    }

    /// Starts PROGRAM with the three descriptors; true when it answers.
    bool start(const std::vector<std::string>& arguments) {
        const auto dataset = os::open_directory(path + "/set");
        // Out of the way of the numbers that they get.
        std::vector<Fd> away;
        for (const int fd : {dataset.get(), line.master.get(), line.slave.get()})
            away.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 20));
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        for (int i = 0; i < 3; ++i)
            ::posix_spawn_file_actions_adddup2(&actions, away[std::size_t(i)].get(), dataset_descriptor + i);
        std::vector<char*> argv;
        for (const auto& argument : arguments)
            argv.push_back(const_cast<char*>(argument.c_str()));
        argv.push_back(nullptr);
        const int error = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        if (error != 0)
            pid = 0;
        return error == 0 && within(std::chrono::seconds(20), [this] { return answers(); });
    }
    bool start() {
        write(run_file, run.fields().print());
        return start({BHYPE_VMD, "--run", directory()});
    }
    bool answers() const {
        try {
            hostd::VmdClient client(socket());
            return true;
        } catch (const Error&) {
            return false;
        }
    }

    std::string path;
    Run run;
    os::Pty line = os::open_pty();
    pid_t pid = 0;
};

} // namespace bhype::vmd::test
