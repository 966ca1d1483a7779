#pragma once

// The host itself: what it is, what is wrong with it (doctor), and its first steps (setup).

#include "api/tasks.h"
#include "network/switches.h"
#include "task/task.h"
#include "vm/plan.h"

namespace bhype::system {

enum class CheckState { ok, warning, failed };
BOOST_DESCRIBE_ENUM(CheckState, ok, warning, failed)

/// One check of the host, with what to do.
struct Check {
    std::string id;
    std::string title;
    CheckState state = CheckState::ok;
    std::string found;
    std::string advice;
};
BOOST_DESCRIBE_STRUCT(Check, (), (id, title, state, found, advice))

struct Daemons {
    bool hostd = false;
};
BOOST_DESCRIBE_STRUCT(Daemons, (), (hostd))

struct HostView {
    std::string hostname;
    std::string release;
    std::string cpu_model;
    std::int64_t cpus = 0;
    std::optional<std::int64_t> max_vcpus;
    ByteSize memory;
    ByteSize memory_free;
    ByteSize arc;
    std::optional<host::Pool> pool;
    Daemons daemons;
    bool setup_done = false;
};
BOOST_DESCRIBE_STRUCT(HostView, (),
                      (hostname, release, cpu_model, cpus, max_vcpus, memory, memory_free, arc, pool, daemons,
                       setup_done))

struct SetupRequest {
    PoolName pool;
    std::vector<DiskName> disks;            ///< for a new pool
    std::optional<host::PoolLayout> layout; ///< mirror for two disks or more, stripe for one
    std::optional<host::PoolEncryption> encryption;
    bool plan = false;
};
BOOST_DESCRIBE_STRUCT(SetupRequest, (), (pool, disks, layout, encryption, plan))

struct SetupPlan {
    std::vector<std::string> steps; ///< empty when nothing is to be done
    std::vector<std::string> wipes; ///< disks whose content is lost
    std::vector<std::string> warnings;
    bool nothing_to_do = false;
};
BOOST_DESCRIBE_STRUCT(SetupPlan, (), (steps, wipes, warnings, nothing_to_do))

/// The journaled input of host.setup.
struct SetupInput {
    PoolName pool;
    bool create = false;
    host::PoolLayout layout = host::PoolLayout::mirror;
    std::vector<DiskName> disks;
    std::optional<host::PoolEncryption> encryption;
    Uuid id;
    std::vector<network::Wanted> switches; ///< to be made
    bool firewall = false;                 ///< pf.conf is to be written
};
BOOST_DESCRIBE_STRUCT(SetupInput, (), (pool, create, layout, disks, encryption, id, switches, firewall))

struct Keep {
    std::function<std::optional<PoolName>()> pool;
    std::function<void(const PoolName&)> set_pool;
    std::function<std::int64_t()> floor; ///< percent of the pool that stays free
};

class System {
  public:
    System(wire::Host& host, network::Switches& switches, vm::Inventory& inventory, Keep keep,
           std::function<bool()> connected);

    /// At most two seconds old. Throws Error(no_pool) without a pool.
    vm::Offer offer();
    HostView view();
    std::vector<Check> checks();
    /// What setup would do. Throws Error(invalid_field) with every problem.
    std::pair<SetupPlan, SetupInput> plan_setup(const SetupRequest& request);
    void add_tasks(task::Tasks& tasks, std::function<void()> after_setup);
    void add_endpoints(api::Router& router, api::TaskEndpoints& tasks);

  private:
    struct Look {
        host::HostFactsResult facts;
        std::vector<host::Pool> pools;
    };
    Look look();
    Look keep(Look fresh);
    /// For whoever has just changed the host and asks what we think of it.
    Look look_anew();
    json::value setup(task::Work& work, const SetupInput& input);

    wire::Host& host_;
    network::Switches& switches_;
    vm::Inventory& inventory_;
    Keep keep_;
    std::function<bool()> connected_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point looked_{};
    Look look_;
};

} // namespace bhype::system
