#pragma once

// Makes the host look as wanted where VMs are concerned, again and again: after a start, a lost connection,
// the end of a guest, and every minute. The same code runs in every case (rule B).

#include "network/switches.h"
#include "task/task.h"
#include "vm/inventory.h"

#include <condition_variable>
#include <set>
#include <thread>

namespace bhype::vm {

class Keeper {
  public:
    Keeper(wire::Host& host, Inventory& inventory, network::Switches& switches);
    ~Keeper();

    void start();
    void stop();

    /// From hostd's events; any thread.
    void guest_changed(const host::Guest& guest);
    void hostd_connected(bool connected);
    /// From the task queue; any thread. Objects with a task are left alone.
    void task_changed(const task::Task& task);

    /// While it lives, the keeper leaves the VM's taps and its remains in the kernel alone: a tap that was
    /// just made for a start looks like one that was left behind.
    class Claim {
      public:
        Claim(Keeper& keeper, const VmName& name);
        ~Claim();
        Claim(const Claim&) = delete;
        Claim& operator=(const Claim&) = delete;

      private:
        Keeper& keeper_;
        std::string name_;
    };

    /// The task at work on a VM.
    std::optional<TaskId> task_of(const VmName& name) const;
    bool connected() const;
    /// Looks at everything soon.
    void wake();

  private:
    void run();
    void look_at_everything();
    void look_at_network();
    void follow_addresses();
    void clear_ended();

    wire::Host& host_;
    Inventory& inventory_;
    network::Switches& switches_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::map<std::string, TaskId> tasks_;
    std::set<std::string> ended_;
    std::multiset<std::string> claimed_;
    std::string clearing_; ///< the VM whose remains are being removed
    std::string firewall_; ///< what pf was last told for forwards; the thread's own
    bool connected_ = false;
    bool everything_ = true;
    bool stopping_ = false;
    std::thread thread_;
};

/// The VM that a task works on: "vm/web1".
std::optional<VmName> vm_of(const std::string& object);

/// What puts the taps of running guests back into their switches' bridges: a bridge that was made again has
/// no members.
std::vector<host::TapCreate> taps_outside(const std::vector<Record>& records,
                                          const std::vector<host::Interface>& interfaces,
                                          const network::Switches& switches);

} // namespace bhype::vm
