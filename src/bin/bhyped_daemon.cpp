#include "bin/bhyped_daemon.h"

#include "access/ownerships.h"
#include "api/audit.h"
#include "api/events.h"
#include "api/gatekeeper.h"
#include "api/session.h"
#include "base/log.h"
#include "http/server.h"
#include "network/endpoints.h"
#include "network/tasks.h"
#include "protect/endpoints.h"
#include "protect/tasks.h"
#include "storage/endpoints.h"
#include "storage/space.h"
#include "storage/tasks.h"
#include "store/documents.h"
#include "system/system.h"
#include "vm/endpoints.h"
#include "vm/tasks.h"

#include <condition_variable>
#include <filesystem>

#include <stdlib.h>

namespace bhype::bin {

namespace {

/// Hands hostd's events to the keeper, which is made after the connection that brings them: until then they
/// wait.
class Feed {
  public:
    void open(vm::Keeper& keeper) {
        const std::lock_guard lock(mutex_);
        keeper_ = &keeper;
        opened_ = true;
        changed_.notify_all();
    }
    void close() {
        const std::lock_guard lock(mutex_);
        keeper_ = nullptr;
        opened_ = true;
        changed_.notify_all();
    }
    template <class Deliver>
    void deliver(Deliver deliver) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return opened_; });
        if (keeper_)
            deliver(*keeper_);
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    vm::Keeper* keeper_ = nullptr;
    bool opened_ = false;
};

} // namespace

struct Daemon::Parts {
    explicit Parts(const Config& config);

    vm::Keep keep_vms();
    network::Switches::Keep keep_switches();
    system::Keep keep_host();
    protect::Plans::Keep keep_plans();
    alert::Alerts::Keep keep_alerts();
    storage::Pools::Keep keep_pools();
    void scrub(const PoolName& pool, const storage::ScrubSchedule& schedule, std::int64_t due);
    std::optional<access::Caller> account(const UserName& name);
    void declare();
    void listen();
    void task_changed(const task::Task& task);
    /// Of what a task works on ("vm/web1"); nothing when it is not there or nobody's own.
    std::optional<access::Ownership> owner_of(const std::string& object) const;
    void session_ended(const std::string& session);
    std::vector<network::SwitchNic> nics() const;

    Config config;
    store::Database database;
    store::Documents documents{database};
    access::Ownerships ownerships{database};
    access::Audit audit{database};
    Feed feed;
    std::unique_ptr<wire::Host> host;
    access::Accounts accounts;
    access::Sessions sessions;
    access::Limiter limiter;
    api::Events events;
    api::Gatekeeper gate;
    std::unique_ptr<task::Tasks> tasks;
    api::TaskEndpoints task_endpoints;
    alert::Alerts alerts;
    network::Switches switches;
    vm::Inventory inventory;
    console::Consoles consoles; ///< its relay asks the inventory
    vm::Keeper keeper;
    templates::Library library;
    system::System system;
    vm::Services vms;
    network::Services networks;
    protect::Plans plans;
    protect::Scheduler scheduler;
    protect::PlanServices planning;
    storage::Pools pools;
    storage::Disks disks;
    storage::Services storing;
    storage::SpaceServices spacing;
    api::Router router;
    api::Dispatch dispatch;
    http::Server server;
};

namespace {

constexpr std::string_view ending = "vm.ending";
constexpr std::string_view switch_ = "switch";
constexpr std::string_view forward = "forward";
constexpr std::string_view setting = "setting";
constexpr std::string_view plan = "plan";
constexpr std::string_view plan_state = "plan.state";
constexpr std::int64_t usual_floor = 5; ///< percent of the pool that stays free
constexpr std::string_view alert_ = "alert";
constexpr std::string_view scrub_schedule = "pool.scrub";

std::vector<std::string> texts(const std::vector<HostPath>& paths) {
    std::vector<std::string> result;
    for (const auto& path : paths)
        result.push_back(path.str());
    return result;
}

http::Options server_options(const Config& config) {
    http::Options options;
    options.workers = static_cast<int>(config.workers);
    return options;
}

} // namespace

Daemon::Parts::Parts(const Config& wanted)
    : config(wanted), database(config.database.str()),
      host(wire::connect_host(
          config.hostd_socket.str(),
          [this](const host::Guest& guest) {
              feed.deliver([&](vm::Keeper& to) { to.guest_changed(guest); });
          },
          [this](bool connected) {
              feed.deliver([&](vm::Keeper& to) { to.hostd_connected(connected); });
              events.publish("host");
          })),
      sessions(database,
               access::SessionLimits{.idle = std::chrono::minutes(config.session_idle_minutes.value),
                                     .absolute = std::chrono::hours(config.session_hours.value)}),
      gate(*host, accounts, sessions, limiter,
           [this](const std::string& session) { session_ended(session); }),
      tasks(task::make_tasks(database, *host, static_cast<int>(config.tasks_at_once))),
      task_endpoints(*tasks, {[this](const access::Caller& caller, const std::string& object) {
                                  const auto ownership = owner_of(object);
                                  return ownership && access::may_see(caller, *ownership);
                              },
                              [this](const access::Caller& caller, const std::string& object) {
                                  const auto ownership = owner_of(object);
                                  return ownership && access::may_change(caller, *ownership);
                              }}),
      alerts(keep_alerts()), switches(*host, keep_switches()),
      inventory(*host, keep_vms(), config.cache.str()),
      consoles(*host,
               [this](const access::Caller& caller, const VmName& vm) {
                   if (!gate.still(caller))
                       return false;
                   const auto ownership = inventory.ownership(vm);
                   return ownership && access::may_use(caller, *ownership);
               }),
      keeper(*host, inventory, switches), library(texts(config.templates)),
      system(*host, switches, inventory, keep_host(), [this] { return keeper.connected(); }),
      vms{.host = *host,
          .tasks = *tasks,
          .task_endpoints = task_endpoints,
          .inventory = inventory,
          .keeper = keeper,
          .switches = switches,
          .library = library,
          .consoles = consoles,
          .offer = [this] { return system.offer(); },
          .may_own = [this](const UserName& name) { return accounts.may_own(name); },
          .group_exists = [this](const GroupName& name) { return accounts.group_exists(name); }},
      networks{.host = *host,
               .switches = switches,
               .task_endpoints = task_endpoints,
               .may_see =
                   [this](const access::Caller& caller, const VmName& vm) {
                       const auto ownership = inventory.ownership(vm);
                       return ownership && access::may_see(caller, *ownership);
                   }},
      plans(keep_plans()), scheduler(*tasks, plans, [this](const UserName& name) { return account(name); }),
      planning{.vms = vms,
               .plans = plans,
               .may_change =
                   [this](const UserName& name, const vm::Record& record) {
                       const auto caller = account(name);
                       return caller && access::may_change(*caller, record.ownership);
                   }},
      pools(*host, alerts, keep_pools()), disks(*host, alerts),
      storing{.host = *host, .pools = pools, .disks = disks, .task_endpoints = task_endpoints},
      spacing{.vms = vms,
              .pool = keep_host().pool,
              .floor = keep_host().floor,
              .set_floor = [this](std::int64_t percent) { documents.put(setting, "floor", percent); }},
      dispatch(router, gate, api::audit_into(audit)), server(dispatch, server_options(config)) {
    alerts.on_change([this] { events.publish("alerts"); });
    switches.nics_from([this] { return nics(); });
    vm::add_tasks(*tasks, inventory, keeper, switches, [this](const host::Machine& machine) {
        return vm::start_problems(machine, system.offer(), switches);
    });
    protect::add_tasks(*tasks, inventory, keeper, switches);
    protect::add_plan_tasks(*tasks, plans, inventory, planning.may_change,
                            [this] { vm::require_room(system.offer()); });
    storage::add_tasks(*tasks, pools, [this] { keeper.wake(); });
    storage::add_space_tasks(*tasks, inventory, keeper);
    system.add_tasks(*tasks, [this] {
        keeper.wake();
        pools.wake();
        events.publish("host");
        events.publish("switches");
    });
    network::add_tasks(*tasks, switches, [this] {
        events.publish("switches");
        keeper.wake();
    });
    declare();
    inventory.on_change([this](const VmName& name, const access::Ownership& ownership) {
        events.publish("vms/" + name.str(),
                       [&](const access::Caller& caller) { return access::may_see(caller, ownership); });
    });
    tasks->on_change([this](const task::Task& task) { task_changed(task); });
}

vm::Keep Daemon::Parts::keep_vms() {
    return {.ownerships = [this] { return ownerships.all("vm"); },
            .set_ownership =
                [this](const VmName& name, const access::Ownership& ownership) {
                    ownerships.set("vm", name.str(), ownership);
                },
            .forget =
                [this](const VmName& name) {
                    ownerships.forget("vm", name.str());
                    documents.remove(ending, name.str());
                },
            .endings = [this] { return documents.all<vm::Ending>(ending); },
            .set_ending = [this](const VmName& name,
                                 const vm::Ending& how) { documents.put_later(ending, name.str(), how); },
            .pool = keep_host().pool};
}

network::Switches::Keep Daemon::Parts::keep_switches() {
    return {.load =
                [this] {
                    std::vector<network::Wanted> all;
                    for (auto& [name, wanted] : documents.all<network::Wanted>(switch_))
                        all.push_back(std::move(wanted));
                    return all;
                },
            .save =
                [this](const std::vector<network::Wanted>& all) {
                    std::map<std::string, network::Wanted> by_name;
                    for (const auto& wanted : all)
                        by_name.emplace(wanted.name.str(), wanted);
                    documents.replace(switch_, by_name);
                },
            .load_forwards =
                [this] {
                    std::vector<network::Forward> all;
                    for (auto& [name, wanted] : documents.all<network::Forward>(forward))
                        all.push_back(std::move(wanted));
                    return all;
                },
            .save_forwards =
                [this](const std::vector<network::Forward>& all) {
                    std::map<std::string, network::Forward> by_name;
                    for (const auto& wanted : all)
                        by_name.emplace(wanted.name, wanted);
                    documents.replace(forward, by_name);
                },
            .raise = [this](const std::vector<alert::Fault>& faults) { alerts.set("network", faults); }};
}

system::Keep Daemon::Parts::keep_host() {
    return {.pool = [this] { return documents.find<PoolName>(setting, "pool"); },
            .set_pool = [this](const PoolName& pool) { documents.put(setting, "pool", pool); },
            .floor = [this] { return documents.find<std::int64_t>(setting, "floor").value_or(usual_floor); }};
}

protect::Plans::Keep Daemon::Parts::keep_plans() {
    return {.load = [this] { return documents.all<protect::Plan>(plan); },
            .save = [this](const protect::Plan& wanted) { documents.put(plan, wanted.name.str(), wanted); },
            .remove =
                [this](const PlanName& name) {
                    documents.remove(plan, name.str());
                    documents.remove(plan_state, name.str());
                },
            .load_states = [this] { return documents.all<protect::PlanState>(plan_state); },
            .save_state =
                [this](const PlanName& name, const protect::PlanState& state) {
                    documents.put(plan_state, name.str(), state);
                }};
}

alert::Alerts::Keep Daemon::Parts::keep_alerts() {
    return {
        .load = [this] { return documents.all<alert::Alert>(alert_); },
        .save = [this](const std::map<std::string, alert::Alert>& all) { documents.replace(alert_, all); }};
}

storage::Pools::Keep Daemon::Parts::keep_pools() {
    return {.bhype = keep_host().pool,
            .load_schedules = [this] { return documents.all<storage::ScrubSchedule>(scrub_schedule); },
            .save_schedules =
                [this](const std::map<std::string, storage::ScrubSchedule>& all) {
                    documents.replace(scrub_schedule, all);
                }};
}

/// The key: a bhyped that is killed here does not begin it twice.
void Daemon::Parts::scrub(const PoolName& pool, const storage::ScrubSchedule& schedule, std::int64_t due) {
    const auto caller = account(schedule.user);
    if (!caller) {
        log::error("scrub of {}: {}, who asked for it, is no account of this host any more", pool.str(),
                   schedule.user.str());
        return;
    }
    task::Submission submission;
    submission.kind = "pool.scrub";
    submission.object = storage::object_of(pool);
    submission.title = "Scrub pool " + pool.str() + " by schedule";
    submission.input = encode(host::PoolScrub{pool, host::UpkeepAction::start});
    submission.caller = *caller;
    submission.idempotency_key = "scrub " + pool.str() + ' ' + std::to_string(due);
    submission.request = submission.idempotency_key;
    tasks->submit(submission);
}

std::optional<access::Caller> Daemon::Parts::account(const UserName& name) {
    const auto found = accounts.look(name);
    if (!found || found->role == access::Role::none)
        return std::nullopt;
    return access::Caller{
        .user = found->name, .role = found->role, .groups = found->groups, .source = "plan"};
}

std::vector<network::SwitchNic> Daemon::Parts::nics() const {
    std::vector<network::SwitchNic> all;
    for (const auto& record : inventory.all())
        for (const auto& nic : record.machine.nics) {
            const auto address = record.addresses.find(nic.name.str());
            all.push_back({record.name, nic.name, nic.switch_, nic.mac, nic.address,
                           address == record.addresses.end() ? std::string() : address->second,
                           vm::is_live(record.guest.state)});
        }
    return all;
}

void Daemon::Parts::declare() {
    api::declare_session(router, gate, [this](const std::string& session) { session_ended(session); });
    events.declare(router);
    task_endpoints.declare(router);
    consoles.declare(router);
    vm::add_endpoints(router, vms);
    protect::add_endpoints(router, vms);
    protect::add_look_endpoints(router, vms);
    protect::add_plan_endpoints(router, planning);
    network::add_endpoints(router, networks);
    alert::add_endpoints(router, alerts);
    storage::add_endpoints(router, storing);
    storage::add_space_endpoints(router, spacing);
    system.add_endpoints(router, task_endpoints);
    api::declare_audit(router, audit);
    api::declare_about(router);
}

std::optional<access::Ownership> Daemon::Parts::owner_of(const std::string& object) const {
    const auto name = vm::vm_of(object);
    return name ? inventory.ownership(*name) : std::nullopt;
}

void Daemon::Parts::task_changed(const task::Task& task) {
    keeper.task_changed(task);
    task_endpoints.changed(task);
    events.publish("tasks/" + task.id.str(),
                   [&](const access::Caller& caller) { return task_endpoints.may_see(caller, task); });
}

void Daemon::Parts::session_ended(const std::string& session) {
    events.end_session(session);
    consoles.end_session(session);
}

void Daemon::Parts::listen() {
    server.listen_local(config.cli_socket.str());
    server.listen_web(config.web_socket.str(), 0660, config.web_group);
    server.start();
}

Daemon::Daemon(const Config& config) : parts_(std::make_unique<Parts>(config)) {}

Daemon::~Daemon() {
    stop();
}

void Daemon::start() {
    parts_->inventory.load_cache();
    parts_->listen();
    parts_->gate.start();
    parts_->keeper.start();
    parts_->feed.open(parts_->keeper);
    parts_->tasks->start();
    parts_->scheduler.start();
    parts_->pools.start([this] { parts_->events.publish("pools"); },
                        [this](const PoolName& pool, const storage::ScrubSchedule& schedule,
                               std::int64_t due) { parts_->scrub(pool, schedule, due); });
    parts_->disks.start([this] { parts_->events.publish("pools"); });
}

void Daemon::stop() {
    parts_->server.stop();
    parts_->scheduler.stop();
    parts_->pools.stop();
    parts_->disks.stop();
    parts_->tasks->stop();
    parts_->feed.close();
    parts_->keeper.stop();
    parts_->gate.stop();
}

std::string Daemon::openapi() const {
    return parts_->router.openapi();
}

std::vector<std::string> Daemon::kinds() const {
    return parts_->tasks->kinds();
}

namespace {

/// What `ask` gets of a daemon that is never started.
template <class Ask>
auto of_idle_daemon(Ask ask) {
    char directory[] = "/tmp/bhyped-openapi.XXXXXX";
    if (!::mkdtemp(directory))
        throw Error(Code::internal, "/tmp: cannot make a directory");
    struct Remove {
        const char* path;
        ~Remove() {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }
    } const remove{directory};
    Config config;
    config.database = HostPath::from(std::string(directory) + "/db");
    config.cache = HostPath::from(std::string(directory) + "/cache");
    config.hostd_socket = HostPath::from(std::string(directory) + "/none");
    return ask(Daemon(config));
}

} // namespace

std::string openapi() {
    return of_idle_daemon([](const Daemon& daemon) { return daemon.openapi(); });
}

std::vector<std::string> kinds() {
    return of_idle_daemon([](const Daemon& daemon) { return daemon.kinds(); });
}

} // namespace bhype::bin
