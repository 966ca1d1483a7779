#include "system/system.h"

#include "host/bhyve.h"
#include "host/zpool.h"
#include "storage/layout.h"

#include <algorithm>

namespace bhype::system {

namespace {

constexpr std::chrono::seconds look_age{2};

const host::Pool* find_pool(const std::vector<host::Pool>& pools, const PoolName& name) {
    const auto found =
        std::find_if(pools.begin(), pools.end(), [&](const auto& pool) { return pool.name == name; });
    return found == pools.end() ? nullptr : &*found;
}

} // namespace

System::System(wire::Host& host, network::Switches& switches, vm::Inventory& inventory, Keep keep,
               std::function<bool()> connected)
    : host_(host), switches_(switches), inventory_(inventory), keep_(std::move(keep)),
      connected_(std::move(connected)) {}

System::Look System::look() {
    std::optional<Look> before;
    {
        const std::lock_guard lock(mutex_);
        if (std::chrono::steady_clock::now() - looked_ < look_age)
            return look_;
        if (looked_ != std::chrono::steady_clock::time_point{})
            before = look_;
    }
    if (!before)
        return look_anew();
    Look fresh{host_.call(host::HostFacts{false}), host_.call(host::PoolList{})};
    fresh.facts.release = before->facts.release;
    fresh.facts.missing_modules = before->facts.missing_modules;
    return keep(std::move(fresh));
}

System::Look System::look_anew() {
    return keep({host_.call(host::HostFacts{}), host_.call(host::PoolList{})});
}

System::Look System::keep(Look fresh) {
    const std::lock_guard lock(mutex_);
    look_ = fresh;
    looked_ = std::chrono::steady_clock::now();
    return fresh;
}

vm::Offer System::offer() {
    const auto name = keep_.pool();
    if (!name)
        throw Error(Code::no_pool);
    const auto now = look();
    const auto* pool = find_pool(now.pools, *name);
    if (!pool)
        throw Error(Code::no_pool, "pool " + name->str() + " is not imported");
    vm::Offer offer{now.facts, *pool, inventory_.memory_of_running(), {}};
    const auto floor = keep_.floor();
    if (const auto size = pool->size.bytes();
        size > 0 && pool->free.bytes() < size / 100 * static_cast<std::uint64_t>(floor))
        offer.too_full = "pool " + pool->name.str() + " has " + pool->free.human() + " of " +
                         pool->size.human() + " free; below " + std::to_string(floor) +
                         " % bHype starts nothing that writes";
    for (const auto* file : {host::firmware_code, host::firmware_variables})
        if (host::firmware_place(file).empty())
            offer.firmware_missing.emplace_back(file);
    return offer;
}

HostView System::view() {
    HostView view;
    view.daemons.hostd = connected_();
    const auto name = keep_.pool();
    view.setup_done = name.has_value();
    Look now; // without bhype-hostd the last one, if there was any
    if (view.daemons.hostd) {
        now = look();
    } else {
        const std::lock_guard lock(mutex_);
        now = look_;
    }
    view.hostname = now.facts.hostname;
    view.release = now.facts.release;
    view.cpu_model = now.facts.cpu_model;
    view.cpus = now.facts.cpus;
    view.max_vcpus = now.facts.max_vcpus;
    view.memory = now.facts.memory;
    view.memory_free = now.facts.memory_free;
    view.arc = now.facts.arc;
    if (name)
        if (const auto* pool = find_pool(now.pools, *name))
            view.pool = *pool;
    return view;
}

/// The switches that every host begins with, but for those that are there.
std::vector<network::Wanted> first_switches(const std::vector<network::Wanted>& present,
                                            const std::vector<host::Interface>& interfaces) {
    auto all = present;
    std::vector<network::Wanted> missing;
    for (const auto& [name, kind] :
         {std::pair("nat", network::SwitchKind::nat), std::pair("private", network::SwitchKind::private_),
          std::pair("public", network::SwitchKind::public_)}) {
        network::Wanted wanted;
        wanted.name = SwitchName::from(name);
        wanted.kind = kind;
        if (std::ranges::any_of(present, [&](const auto& one) { return one.name == wanted.name; }))
            continue;
        if (kind != network::SwitchKind::public_)
            wanted.address = network::free_network(all, interfaces);
        all.push_back(wanted);
        missing.push_back(wanted);
    }
    return missing;
}

std::pair<SetupPlan, SetupInput> System::plan_setup(const SetupRequest& request) {
    const auto now = look_anew();
    const auto seen = switches_.look([&] { return host_.call(host::InterfaceList{}); });
    const auto& interfaces = *seen;
    SetupPlan plan;
    SetupInput input;
    input.pool = request.pool;
    input.id = random_uuid();
    const auto present = find_pool(now.pools, request.pool) != nullptr;
    std::vector<FieldProblem> problems;

    if (const auto mine = keep_.pool(); mine && *mine != request.pool)
        problems.push_back({"pool", "bHype already uses pool " + mine->str()});
    if (!present) {
        input.create = true;
        input.disks = request.disks;
        input.encryption = request.encryption;
        storage::judge(request.encryption, request.plan, problems);
        input.layout = request.layout.value_or(request.disks.size() > 1 ? host::PoolLayout::mirror
                                                                        : host::PoolLayout::stripe);
        if (request.disks.empty())
            problems.push_back(
                {"disks", "there is no pool " + request.pool.str() + ": name the disks to make it from"});
        else if (request.disks.size() < host::fewest_disks(input.layout))
            problems.push_back({"disks", enum_name(input.layout) + " needs at least " +
                                             std::to_string(host::fewest_disks(input.layout)) + " disks"});
        const auto disks = host_.call(host::DiskList{});
        for (std::size_t i = 0; i < request.disks.size(); ++i) {
            const auto& name = request.disks[i];
            const auto field = "disks[" + std::to_string(i) + "]";
            const auto found =
                std::find_if(disks.begin(), disks.end(), [&](const auto& disk) { return disk.name == name; });
            if (found == disks.end())
                problems.push_back({field, "there is no disk " + name.str()});
            else if (!found->used_by.empty())
                problems.push_back({field, name.str() + " is in use: " + found->used_by});
            else
                plan.wipes.push_back("/dev/" + name.str() + " (" + found->size.human() + ", " +
                                     found->description + ")");
            if (std::count(request.disks.begin(), request.disks.end(), name) > 1)
                problems.push_back({field, name.str() + " is named twice"});
        }
    } else if (request.encryption) {
        problems.push_back({"encryption", "there is a pool " + request.pool.str() +
                                              " already; encryption is chosen when a pool is made"});
    }
    if (!problems.empty())
        throw Error(Code::invalid_field, {}, problems);

    input.switches = first_switches(switches_.wanted(), interfaces);
    if (!now.facts.missing_modules.empty()) {
        std::string modules;
        for (const auto& module : now.facts.missing_modules)
            modules += " " + module;
        plan.steps.push_back("load" + modules + " now and at boot");
    }
    if (input.create) {
        std::string disks;
        for (const auto& disk : input.disks)
            disks += " " + disk.str();
        plan.steps.push_back("create pool " + request.pool.str() + ", " + enum_name(input.layout) +
                             (input.encryption ? ", encrypted, of" : ", of") + disks);
        if (input.encryption)
            plan.warnings.push_back(storage::warning(*input.encryption));
    }
    const auto root = DatasetName::from(request.pool.str() + "/bhype");
    if (input.create || host_.call(host::DatasetList{root, false}).empty())
        plan.steps.push_back("create " + root.str() + " and the datasets below it");
    else if (!keep_.pool())
        plan.steps.push_back("use " + root.str() + " as it is");
    bool drifted = false;
    for (const auto& item : input.switches)
        for (const auto& step : network::steps_of(item, nullptr))
            plan.steps.push_back("switch " + item.name.str() + ": " + step);
    for (const auto& item : switches_.wanted())
        for (const auto& difference : network::drift_of(item, interfaces)) {
            plan.steps.push_back("switch " + item.name.str() + ": mend it: " + difference);
            drifted = true;
        }
    if (input.switches.empty() && !drifted && !now.facts.dhcp && !switches_.dhcp().ranges.empty())
        plan.steps.push_back("start dnsmasq for DHCP on the switches");
    const auto firewall = host_.call(host::FirewallShow{});
    input.firewall = !firewall.conf_exists && !firewall.loaded && !firewall.ipfw;
    if (input.firewall)
        plan.steps.push_back("write /etc/pf.conf with the lines that call bHype's NAT rules, and turn pf on");
    plan.nothing_to_do = plan.steps.empty();
    return {plan, input};
}

json::value System::setup(task::Work& work, const SetupInput& input) {
    work.step("Load the kernel modules", host::ModulesEnsure{});
    const auto pools = work.step("Look at the pools", host::PoolList{});
    if (input.create && find_pool(pools, input.pool) == nullptr)
        work.commit("Create pool " + input.pool.str(),
                    host::PoolCreate{
                        input.pool, {{host::VdevRole::data, input.layout, input.disks}}, input.encryption});
    work.step("Create bHype's datasets", host::TreeCreate{input.pool, input.id});
    keep_.set_pool(input.pool);
    for (const auto& item : input.switches)
        if (!switches_.find(item.name))
            switches_.want(item);
    for (const auto& wanted : switches_.wanted())
        if (const auto operation = network::bridge_operation(wanted))
            work.step("Create the bridge of switch " + wanted.name.str(), *operation);
    switches_.look([&] { return work.step("Look at the interfaces", host::InterfaceList{}); });
    if (input.firewall)
        work.step("Write pf.conf and turn pf on", host::FirewallInstall{});
    switches_.serve(
        [&](std::string_view title, const auto& operation) { return work.step(title, operation); });
    {
        const std::lock_guard lock(mutex_);
        looked_ = {}; // the host from before has no such pool, and perhaps no vmm
    }
    return json::object{{"pool", input.pool.str()}};
}

void System::add_tasks(task::Tasks& tasks, std::function<void()> after_setup) {
    tasks.add({"host.setup",
               [this, after_setup = std::move(after_setup)](task::Work& work, const json::value& input) {
                   auto result = setup(work, decode<SetupInput>(input));
                   after_setup();
                   return result;
               },
               // Everything before the pool's creation is loading modules, which may stay.
               [](task::Work&, const json::value&) {}});
}

void System::add_endpoints(api::Router& router, api::TaskEndpoints& tasks) {
    using access::Privilege;
    using api::Call;
    using api::Method;
    using api::ok;
    router.add<HostView>({.method = Method::get,
                          .path = "/api/v1/host",
                          .privilege = Privilege::look,
                          .summary = "The host at a glance",
                          .tag = "host"},
                         [this](const Call&) { return ok(encode(view())); });
    router.add<std::vector<Check>>({.method = Method::get,
                                    .path = "/api/v1/checks",
                                    .privilege = Privilege::administer,
                                    .summary = "Check the host, as bhype doctor does",
                                    .tag = "host"},
                                   [this](const Call&) { return ok(encode(checks())); });
    tasks.add<SetupRequest>(
        router,
        {.method = Method::post,
         .path = "/api/v1/setup",
         .privilege = Privilege::administer,
         .summary =
             "Set the host up: modules, pool, datasets, the nat switch; 200 when nothing is to be done",
         .tag = "host",
         .instead = router.component<SetupPlan>(),
         .errors = {Code::disk_in_use, Code::pool_exists, Code::secret_gone}},
        [this, &tasks](const Call& call, const SetupRequest& request) {
            call.note->only_asked = request.plan;
            auto [plan, input] = plan_setup(request);
            if (request.plan || plan.nothing_to_do)
                return ok(encode(plan));
            return tasks.start(call, "host.setup", "host", "Set up the host", encode(input));
        });
}

} // namespace bhype::system
