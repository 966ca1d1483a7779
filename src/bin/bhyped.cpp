// bhyped: API, accounts, tasks and consoles of bHype, without privileges. What it wants done to the host it
// asks of bhype-hostd.

#include "base/log.h"
#include "bin/bhyped_daemon.h"
#include "os/files.h"
#include "os/heap.h"

#include <CLI/CLI.hpp>

#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

using namespace bhype;

namespace {

int serve(const std::string& config_file, const std::string& log_file) {
    os::share_heap_among_threads();
    ::umask(027);
    const auto config = bin::read_config(config_file);
    log::open(log_file, static_cast<log::Level>(config.log_level));

    // Before the first thread: threads inherit the mask.
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        ::sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);

    // A restart by FreeBSD 13's daemon(8) does not wait for the one that ends; daemon(8) tries again every
    // second.
    const os::PidFile alone(std::filesystem::path(config.cache.str()).parent_path() / "bhyped.pid");
    bin::Daemon daemon(config);
    daemon.start();
    log::info("bhyped " BHYPE_VERSION " serves");
    for (;;) {
        int signal = 0;
        ::sigwait(&signals, &signal);
        if (signal != SIGHUP)
            break;
        log::reopen();
    }
    log::info("bhyped ends; tasks at work go on at the next start");
    daemon.stop();
    return 0;
}

} // namespace

int main(int count, char** arguments) {
    std::string config = "/usr/local/etc/bhype/bhype.toml";
    std::string log_file;
    bool print_openapi = false;
    bool print_kinds = false;
    CLI::App app("bHype's daemon: API, tasks, consoles");
    app.add_option("--config", config)->capture_default_str();
    app.add_option("--log", log_file, "log file; else standard error");
    app.add_flag("--openapi", print_openapi, "print the OpenAPI document and end");
    app.add_flag("--kinds", print_kinds, "print the kinds of task, a line each, and end");
    app.set_version_flag("--version", "bhyped " BHYPE_VERSION);
    CLI11_PARSE(app, count, arguments);
    try {
        if (print_openapi) {
            std::fputs(bin::openapi().c_str(), stdout);
            return 0;
        }
        if (print_kinds) {
            for (const auto& kind : bin::kinds())
                std::puts(kind.c_str());
            return 0;
        }
        return serve(config, log_file);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bhyped: %s\n", error.what());
        return 1;
    }
}
