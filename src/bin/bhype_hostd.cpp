// bhype-hostd: the root side of bHype. Performs operations for bhyped; starts and finds supervisors of VMs.

#include "base/log.h"
#include "hostd/hostd.h"
#include "os/files.h"
#include "os/heap.h"
#include "os/peer.h"

#include <CLI/CLI.hpp>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <syslog.h>

#include <filesystem>

using namespace bhype;

namespace {

struct Options {
    std::string config = "/usr/local/etc/bhype/hostd.toml";
    std::string pid_file = "/var/run/bhype/hostd.pid";
    std::string log;
};

/// The account may come later than we do: it is looked up at each connection.
bool admitted(int socket, const std::string& user) {
    const auto peer = os::peer_of(socket);
    const passwd* entry = ::getpwnam(user.c_str());
    return peer.uid == 0 || (entry && entry->pw_uid == peer.uid);
}

int serve(const Options& options, const hostd::Paths& paths) {
    os::share_heap_among_threads();
    ::umask(022);
    ::openlog("bhype-hostd", LOG_PID, LOG_DAEMON);
    const auto config = hostd::read_config(options.config);
    const group* members = ::getgrnam(config.group.c_str());
    if (!members)
        throw Error(Code::bad_configuration, "there is no group " + config.group);
    const gid_t gid = members->gr_gid;

    if (!options.log.empty())
        log::open(options.log, log::Level::info);
    std::filesystem::create_directories(paths.run);
    // Root's alone: bhyped makes its sockets in a directory of its own.
    if (::chown(paths.run.c_str(), 0, gid) != 0 || ::chmod(paths.run.c_str(), 0755) != 0)
        throw Error(Code::internal, paths.run);
    const os::PidFile pid_file(options.pid_file);

    // Everything that forks without exec, and the signals, before the first thread.
    hostd::Passwords passwords(config.pam_service, config.allow_empty_passwords);
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        ::sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);

    hostd::Hostd hostd(
        config, paths, passwords,
        [](const host::Command& c, const run::Options& o) { return run::run(c, o); },
        [](const run::Start& program) { return run::start(program); },
        [&](int socket) { return admitted(socket, config.user); }, gid);
    log::info("bhype-hostd " BHYPE_VERSION " serves");
    for (;;) {
        int signal = 0;
        ::sigwait(&signals, &signal);
        if (signal != SIGHUP)
            break;
        log::reopen();
    }
    hostd.end();
    log::info("bhype-hostd ends; guests run on");
    return 0;
}

} // namespace

int main(int count, char** arguments) {
    Options options;
    hostd::Paths paths;
    CLI::App app("The root side of bHype");
    app.add_option("--config", options.config, "policy, root's own")->capture_default_str();
    app.add_option("--socket", paths.socket, "where bhyped connects")->capture_default_str();
    app.add_option("--run-directory", paths.run, "sockets and state of guests")->capture_default_str();
    app.add_option("--pid-file", options.pid_file)->capture_default_str();
    app.add_option("--log", options.log, "log file; else standard error");
    app.set_version_flag("--version", "bhype-hostd " BHYPE_VERSION);
    CLI11_PARSE(app, count, arguments);
    try {
        return serve(options, paths);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bhype-hostd: %s\n", error.what());
        ::syslog(LOG_ERR, "%s", error.what());
        return 1;
    }
}
