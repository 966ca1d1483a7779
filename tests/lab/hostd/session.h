#pragma once

// A connection to the lab's bhype-hostd as bhyped has one, and what the tests of one lab have in common: they
// run one after the other, in programs of their own, with hostd or vmd killed in between.

#include "wire/host.h"

#include <gmock/gmock.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace bhype::test {

using namespace std::chrono_literals;

inline const VmName vm = VmName::from("web1");
inline const DeviceName nic = DeviceName::from("net0");
inline const SwitchName nat = SwitchName::from("nat");
inline const PoolName tank = PoolName::from("tank");
inline const DatasetName dataset = DatasetName::from("tank/bhype/vm/web1");
inline const MacAddress mac = MacAddress::from("58:9c:fc:00:00:01");

/// True before `patience` has passed.
template <class Condition>
bool soon(std::chrono::milliseconds patience, Condition condition) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until)
            return false;
        std::this_thread::sleep_for(50ms);
    }
    return true;
}

/// Code of the Error that `body` throws; absent when it throws none.
template <class Body>
std::optional<Code> code_of(Body body) {
    try {
        body();
    } catch (const Error& error) {
        return error.code();
    }
    return std::nullopt;
}

class Session {
  public:
    /// Performs it and notes that this operation has worked once.
    template <class Operation>
    typename Operation::Result perform(const Operation& operation, wire::CallOptions options = {}) {
        auto result = host_->call(operation, options);
        std::ofstream(notes, std::ios::app) << Operation::operation << '\n';
        return result;
    }
    template <class Operation>
    wire::Answer answer(const Operation& operation, const wire::CallOptions& options = {}) {
        auto answer = host_->perform(Operation::operation, encode(operation), Operation::deadline, options);
        std::ofstream(notes, std::ios::app) << Operation::operation << '\n';
        return answer;
    }
    wire::Host& host() { return *host_; }

    std::optional<host::Guest> guest(const VmName& name = vm) {
        for (const auto& one : perform(host::GuestList{}))
            if (one.vm == name)
                return one;
        return std::nullopt;
    }
    /// What hostd's events have told last.
    std::optional<host::Guest> told(const VmName& name = vm) {
        const std::lock_guard lock(mutex_);
        const auto found = guests_.find(name.str());
        return found == guests_.end() ? std::nullopt : std::optional(found->second);
    }
    /// A conversation with the guest's serial line.
    Fd serial(host::ConsoleMode mode = host::ConsoleMode::take_over) {
        return answer(host::ConsoleOpen{vm, host::ConsoleKind::serial, mode}).descriptor;
    }

    /// Operations that have worked, of all programs of this lab.
    static std::set<std::string> performed() {
        std::set<std::string> names;
        std::ifstream in(notes);
        for (std::string line; std::getline(in, line);)
            names.insert(line);
        return names;
    }

  private:
    static constexpr const char* notes = "/tmp/operations-performed";
    std::mutex mutex_;
    std::map<std::string, host::Guest> guests_;
    std::unique_ptr<wire::Host> host_ = wire::connect_host("/var/run/bhype/hostd.sock",
                                                           [this](const host::Guest& guest) {
                                                               const std::lock_guard lock(mutex_);
                                                               guests_[guest.vm.str()] = guest;
                                                           },
                                                           {});
};

/// Sends text and reads until `wanted` has come; everything that was read.
std::string talk(int socket, const std::string& text, const std::string& wanted,
                 std::chrono::seconds patience);
/// Logs in as root, if that is not done yet.
void log_in(int serial);
/// The answer to GET / of port 80 there; empty when there is none.
std::string http_get(const std::string& address);
/// Address of the lease for `mac`; empty when there is none yet.
std::string leased(Session& session);

} // namespace bhype::test
