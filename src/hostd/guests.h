#pragma once

// The guests of this host: their vmds, found again after a restart, replaced when they die.

#include "base/fd.h"
#include "hostd/config.h"
#include "hostd/tree.h"
#include "hostd/vmd_client.h"
#include "run/runner.h"

#include <condition_variable>
#include <map>
#include <thread>

namespace bhype::hostd {

using StartProgram = std::function<pid_t(const run::Start&)>;

/// What hostd keeps of a running guest so that a new vmd can have it.
struct Keepsakes {
    Fd dataset;
    Fd master;
    Fd slave;
};

class Guests {
  public:
    Guests(std::string run_directory, const Tree& tree, StartProgram start,
           std::function<void(const host::Guest&)> changed);
    ~Guests();
    Guests(const Guests&) = delete;

    /// Finds what runs from an earlier life. Call once, before anybody may ask.
    void recover();
    /// Watches from now on. Call once.
    void begin();
    std::vector<host::Guest> list() const;
    std::optional<host::Guest> find(const VmName& vm) const;
    /// bhyve, its vmd or its cleaning up is still there.
    bool alive(const VmName& vm) const;
    /// Whether we have started it since the host did: rc.d/cleanvar removes the file.
    bool has_run(const VmName& vm) const;
    std::string directory(const VmName& vm) const { return run_ + "/" + vm.str(); }

    /// Starts a vmd in a run directory that holds its `run` file; waits until bhyve lives or has failed.
    host::Guest start(const VmName& vm, const DatasetName& dataset, Keepsakes keepsakes);
    /// Asks a running guest's vmd. Throws Error(vm_not_running) when there is none.
    vmd::Fields ask(const VmName& vm, vmd::Kind kind, vmd::Fields fields, std::chrono::milliseconds patience,
                    Fd* descriptor = nullptr) const;
    /// Takes what the guest's vmd has just answered. Nothing when the guest was forgotten meanwhile.
    std::optional<host::Guest> put(const VmName& vm, vmd::Status status);
    /// Forgets an ended guest and removes its run directory.
    void forget(const VmName& vm);

  private:
    struct Entry {
        vmd::Status status;
        std::int64_t change = 0;
        DatasetName dataset;
        Keepsakes kept;
        VmdClient events;
        pid_t child = 0;
        Fd lock;           ///< of a run directory in which no vmd may begin any more
        bool held = false; ///< start() or forget() is at work on it
        int attempts = 0;  ///< vmds started in vain since the last one was lost
        std::chrono::steady_clock::time_point next_attempt;
    };
    static host::Guest picture(const Entry& entry);
    pid_t spawn(const std::string& name, const Entry& entry, bool attach);
    bool connect(const std::string& name, Entry& entry, std::chrono::milliseconds patience) const;
    Fd lock_free(const std::string& name) const;
    bool vmd_there(const std::string& name) const;
    void adopt(const std::string& name);
    void fetch_line(const std::string& name, Entry& entry) const;
    void renew_line(const std::string& name, Entry& entry) const;
    void watch();
    void hear(std::unique_lock<std::mutex>& lock, const std::string& name, int socket);
    void find_vmd(std::unique_lock<std::mutex>& lock, const std::string& name);
    void replace(const std::string& name, Entry& entry);
    void take(std::unique_lock<std::mutex>& lock, const std::string& name, vmd::Status status);
    std::optional<vmd::Status> saved(const std::string& name) const;
    void wake() const;

    const std::string run_;
    const Tree& tree_;
    const StartProgram start_;
    const std::function<void(const host::Guest&)> changed_;
    mutable std::mutex mutex_;
    std::condition_variable settled_;
    std::map<std::string, Entry> entries_;
    std::int64_t changes_; ///< begins with the clock, so that it grows over restarts
    Pipe wake_{O_NONBLOCK};
    bool stopping_ = false;
    std::thread watcher_;
};

} // namespace bhype::hostd
