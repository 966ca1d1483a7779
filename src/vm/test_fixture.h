#pragma once

// The tests' host, task queue and bhyped in memory.

#include "task/fake_tasks.h"
#include "vm/tasks.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace bhype::vm::test {

namespace fs = std::filesystem;

/// A host in memory that does what the operations say, and fails the one that a test chooses.
class FakeHost : public wire::Host {
  public:
    fs::path root = fs::temp_directory_path() / ("bhype-vm-" + random_hex(4));
    std::map<std::string, host::Dataset> datasets;
    std::set<std::string> snapshots;
    std::vector<host::Snapshot> taken;                    ///< of VMs, oldest first
    std::map<std::string, std::string> definitions_taken; ///< "DATASET@LABEL" -> vm.toml
    std::map<std::string, host::Guest> guests;
    std::vector<host::Interface> interfaces;
    std::vector<std::string> done;
    std::vector<std::int64_t> presses; ///< of power buttons: for how long
    std::function<void()> before_start;
    bool destroy_half_way = false;
    int fail_at = -1; ///< counts operations that change something
    int changes = 0;

    FakeHost() {
        for (const auto* name : {"tank/bhype", "tank/bhype/.new", "tank/bhype/vm", "tank/bhype/template"})
            add(name, host::DatasetType::filesystem);
        host::Interface bridge;
        bridge.name = InterfaceName::from("bh-nat");
        bridge.up = true;
        interfaces.push_back(bridge);
    }
    ~FakeHost() override { fs::remove_all(root); }

    wire::Answer perform(std::string_view operation, const json::value& arguments, std::chrono::seconds,
                         const wire::CallOptions&) override {
        json::value result = json::object{};
        boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, host::Operations>>(
            [&](auto identity) {
                using Operation = typename decltype(identity)::type;
                if (operation != Operation::operation)
                    return;
                if (Operation::effect != host::Effect::reads) {
                    if (changes++ == fail_at)
                        throw Error(Code::command_failed, "made to fail");
                    done.emplace_back(operation);
                }
                result = encode(act(decode<Operation>(arguments)));
            });
        wire::Answer answer;
        answer.result = std::move(result);
        return answer;
    }
    std::vector<std::string> in_flight() override { return {}; }

    std::vector<std::string> names_below(const std::string& prefix) const {
        std::vector<std::string> names;
        for (const auto& [name, dataset] : datasets)
            if (name.starts_with(prefix))
                names.push_back(name);
        return names;
    }
    /// Somebody destroys a dataset behind bHype's back.
    void lose(const std::string& name) { remove(name); }
    std::size_t taps() const { return interfaces.size() - 1; }

  private:
    void add(const std::string& name, host::DatasetType type) {
        if (datasets.contains(name))
            throw Error(Code::dataset_exists, name);
        host::Dataset dataset;
        dataset.name = name;
        dataset.type = type;
        dataset.origin = dataset.id = "-";
        dataset.mountpoint = type == host::DatasetType::filesystem ? (root / name).string() : "-";
        if (type == host::DatasetType::filesystem)
            fs::create_directories(root / name);
        datasets[name] = dataset;
    }
    void remove(const std::string& name) {
        std::erase_if(datasets, [&](const auto& item) {
            return item.first == name || item.first.starts_with(name + "/");
        });
        fs::remove_all(root / name);
    }

    template <class Operation>
    typename Operation::Result act(const Operation&) {
        throw Error(Code::internal, "the fake host does not do this");
    }
    std::vector<host::Dataset> act(const host::DatasetList& list) {
        std::vector<host::Dataset> found;
        for (const auto& [name, dataset] : datasets)
            if (name == list.root.str() || (list.below && name.starts_with(list.root.str() + "/")))
                found.push_back(dataset);
        return found;
    }
    std::vector<host::Guest> act(const host::GuestList&) {
        std::vector<host::Guest> all;
        for (const auto& [name, guest] : guests)
            all.push_back(guest);
        return all;
    }
    host::Done act(const host::DatasetCreate& create) {
        add(create.name.str(), host::DatasetType::filesystem);
        if (create.id)
            datasets[create.name.str()].id = create.id->str();
        return {};
    }
    host::Done act(const host::VolumeCreate& create) {
        add(create.name.str(), host::DatasetType::volume);
        datasets[create.name.str()].volsize = create.size;
        return {};
    }
    host::Done act(const host::ImageWrite&) { return {}; }
    host::Done act(const host::SnapshotCreate& create) {
        snapshots.insert(create.dataset.str() + "@" + create.label.str());
        return {};
    }
    std::vector<host::Snapshot> act(const host::SnapshotList& list) {
        std::vector<host::Snapshot> found;
        for (const auto& one : taken)
            if (one.dataset == list.dataset.str() || one.dataset.starts_with(list.dataset.str() + "/"))
                found.push_back(one);
        return found;
    }
    host::Done act(const host::GuestSnapshot& wanted) {
        const auto txg = taken.empty() ? 1 : taken.back().txg + 1;
        for (const auto& dataset : wanted.datasets)
            if (!datasets.contains(dataset.str()))
                throw Error(Code::dataset_missing, dataset.str());
        for (const auto& dataset : wanted.datasets) {
            for (const auto& [name, unused] : datasets) {
                if (name != dataset.str() && !name.starts_with(dataset.str() + "/"))
                    continue;
                host::Snapshot one;
                one.dataset = name;
                one.label = wanted.label.str();
                one.created = 1000 + txg;
                one.txg = txg;
                one.made_by = wanted.made_by.str();
                one.note = wanted.note.str();
                for (const auto& vm : wanted.live)
                    one.live += (one.live.empty() ? "" : ",") + vm.str();
                taken.push_back(one);
            }
            std::ifstream file(root / dataset.str() / "vm.toml");
            definitions_taken[dataset.str() + "@" + wanted.label.str()] =
                std::string(std::istreambuf_iterator<char>(file), {});
        }
        return {};
    }
    host::Done act(const host::SnapshotDestroy& destroy) {
        std::erase_if(taken, [&](const host::Snapshot& one) {
            return (one.dataset == destroy.dataset.str() ||
                    (destroy.below && one.dataset.starts_with(destroy.dataset.str() + "/"))) &&
                   std::ranges::count(destroy.labels, SnapshotLabel::from(one.label)) > 0;
        });
        return {};
    }
    host::Done act(const host::SnapshotHold& hold) {
        for (auto& one : taken)
            if (one.dataset.starts_with(hold.dataset.str()) && one.label == hold.label.str())
                one.holds = hold.held ? 1 : 0;
        return {};
    }
    host::Done act(const host::SnapshotNote& note) {
        for (auto& one : taken)
            if (one.dataset == note.dataset.str() && one.label == note.label.str())
                one.note = note.note.str();
        return {};
    }
    host::Done act(const host::VolumeRollback& rollback) {
        std::int64_t to = 0;
        for (const auto& one : taken)
            if (one.dataset == rollback.volume.str() && one.label == rollback.label.str())
                to = one.txg;
        if (to == 0)
            throw Error(Code::dataset_missing, rollback.volume.str());
        std::erase_if(taken, [&](const host::Snapshot& one) {
            return one.dataset == rollback.volume.str() && one.txg > to;
        });
        return {};
    }
    host::Done act(const host::FirmwareRestore&) { return {}; }
    host::SnapshotDefinitionResult act(const host::SnapshotDefinition& asked) {
        return {definitions_taken.at(asked.dataset.str() + "@" + asked.label.str())};
    }
    host::Done act(const host::CloneCreate& clone) {
        add(clone.name.str(), host::DatasetType::volume);
        datasets[clone.name.str()].origin = clone.origin.str() + "@" + clone.label.str();
        return {};
    }
    host::Done act(const host::VolumeCopy& copy) {
        add(copy.name.str(), host::DatasetType::volume);
        return {};
    }
    host::Done act(const host::VolumePromote& promote) {
        auto& clone = datasets.at(promote.volume.str());
        const auto at = clone.origin.find('@');
        const auto origin = clone.origin.substr(0, at);
        const auto label = clone.origin.substr(at + 1);
        for (auto& one : taken)
            if (one.dataset == origin) {
                one.dataset = clone.name;
                if (one.label == label)
                    break;
            }
        datasets.at(origin).origin = clone.name + '@' + label;
        clone.origin = "-";
        return {};
    }
    host::Done act(const host::VolumeGrow& grow) {
        datasets.at(grow.name.str()).volsize = grow.size;
        return {};
    }
    host::Done act(const host::FirmwareCopy&) { return {}; }
    host::Done act(const host::DefinitionWrite& write) {
        std::ofstream(root / write.dataset.str() / "vm.toml") << host::print_machine(write.machine);
        return {};
    }
    host::Done act(const host::DatasetPublish& publish) {
        if (datasets.contains(publish.to.str()))
            throw Error(Code::dataset_exists, publish.to.str());
        std::map<std::string, host::Dataset> moved;
        for (auto& [name, dataset] : datasets)
            if (name == publish.from.str() || name.starts_with(publish.from.str() + "/")) {
                auto copy = dataset;
                copy.name = publish.to.str() + name.substr(publish.from.str().size());
                if (copy.type == host::DatasetType::filesystem)
                    copy.mountpoint = (root / copy.name).string();
                moved[copy.name] = copy;
            }
        fs::create_directories((root / publish.to.str()).parent_path());
        fs::rename(root / publish.from.str(), root / publish.to.str());
        remove(publish.from.str());
        datasets.merge(moved);
        return {};
    }
    host::Done act(const host::AsideRemove& aside) {
        remove(aside.pool.str() + "/bhype/.new/" + aside.task.str());
        return {};
    }
    host::Done act(const host::DatasetDestroy& destroy) {
        if (std::exchange(destroy_half_way, false)) {
            remove(destroy.name.str() + "/disk0");
            fs::remove_all(datasets.at(destroy.name.str()).mountpoint);
            throw Error(Code::dataset_busy, destroy.name.str());
        }
        remove(destroy.name.str());
        return {};
    }
    host::TapCreateResult act(const host::TapCreate& create) {
        host::Interface tap;
        tap.name = InterfaceName::from("tap" + std::to_string(interfaces.size()));
        tap.description = "bhype vm/" + create.vm.str() + "/" + create.nic.str();
        interfaces.push_back(tap);
        return {tap.name};
    }
    host::DhcpEnsureResult act(const host::DhcpEnsure&) { return {}; }
    host::Done act(const host::TapsRemove& taps_remove) {
        std::erase_if(interfaces, [&](const auto& interface) {
            return interface.description.starts_with("bhype vm/" + taps_remove.vm.str() + "/");
        });
        return {};
    }
    host::Guest act(const host::GuestStart& start) {
        if (before_start)
            std::exchange(before_start, nullptr)();
        host::Guest guest;
        guest.vm = start.vm;
        guest.state = host::GuestState::running;
        guest.generation = 1;
        guest.started = guest.since = 1000;
        guests[start.vm.str()] = guest;
        return guest;
    }
    host::Guest act(const host::GuestStop& stop) {
        presses.push_back(stop.seconds.value);
        auto& guest = guests.at(stop.vm.str());
        guest.state = stop.seconds.value == 0 ? host::GuestState::running : host::GuestState::stopping;
        return guest;
    }
    host::Guest act(const host::GuestKill& kill) {
        guests[kill.vm.str()].vm = kill.vm;
        guests[kill.vm.str()].state = host::GuestState::stopped;
        return guests[kill.vm.str()];
    }
    host::Guest act(const host::GuestReset& reset) {
        ++guests.at(reset.vm.str()).reboots;
        return guests.at(reset.vm.str());
    }
    host::Done act(const host::GuestForget& forget) {
        if (guests.contains(forget.vm.str()) && is_live(guests[forget.vm.str()].state))
            throw Error(Code::vm_running, forget.vm.str());
        guests.erase(forget.vm.str());
        return {};
    }
};

using task::FakeTasks;

struct World {
    FakeHost host;
    std::map<std::string, access::Ownership> ownerships;
    std::map<std::string, Ending> endings;
    Inventory inventory{host,
                        {[this] { return ownerships; },
                         [this](const VmName& name, const access::Ownership& ownership) {
                             ownerships[name.str()] = ownership;
                         },
                         [this](const VmName& name) {
                             ownerships.erase(name.str());
                             endings.erase(name.str());
                         },
                         [this] { return endings; },
                         [this](const VmName& name, const Ending& ending) { endings[name.str()] = ending; },
                         [] { return std::optional(PoolName::from("tank")); }},
                        (host.root / "cache.json").string()};
    static std::vector<network::Wanted> nat() {
        network::Wanted wanted;
        wanted.name = SwitchName::from("nat");
        wanted.address = Ipv4Prefix::from("10.77.0.1/24");
        return {wanted};
    }
    network::Switches switches{
        host, {nat, [](const auto&) {}, [] { return std::vector<network::Forward>{}; }, [](const auto&) {}}};
    FakeTasks tasks{host};
    Keeper keeper{host, inventory, switches};
    Offer offer;
    Ground ground{.available = 19_GiB};

    World() {
        fs::create_directories(host.root);
        switches.look([&] { return host.interfaces; });
        add_tasks(tasks, inventory, keeper, switches, [this](const host::Machine& machine) {
            offer.memory_of_running = inventory.memory_of_running();
            return start_problems(machine, offer, switches);
        });
        offer.facts.max_vcpus = 4;
        offer.facts.cpus = 4;
        offer.facts.memory = 8_GiB;
        offer.facts.memory_free = 4_GiB;
        offer.pool = {PoolName::from("tank"), "1", 20_GiB, 1_GiB, 19_GiB, "ONLINE"};
        std::ofstream(host.root / "image.raw") << std::string(3 << 20, 'x');
    }

    templates::Template image() const {
        templates::Template result;
        result.name = TemplateName::from("tiny-linux");
        result.title = "Tiny Linux";
        result.kind = templates::Kind::image;
        result.memory = 256_MiB;
        result.disk = 64_MiB;
        result.smallest_memory = 64_MiB;
        result.smallest_disk = 1_MiB;
        result.available = true;
        result.media = templates::Media{
            {}, HostPath::from((host.root / "image.raw").string()), Sha256::from(std::string(64, 'a'))};
        return result;
    }

    /// As POST /api/v1/vms with that body. False when the task failed.
    bool make(const char* text) { return tasks.run("vm.create", encode(decide(text).input)); }

    CreateDecision decide(const char* text) const {
        access::Caller caller;
        caller.user = UserName::from("dev1");
        caller.role = access::Role::member;
        return decide_create(decode_text<CreateVm>(text), image(), caller, offer, ground, switches);
    }
};

inline std::set<std::string> fields(const std::vector<FieldProblem>& problems) {
    std::set<std::string> found;
    for (const auto& problem : problems)
        found.insert(problem.field);
    return found;
}

} // namespace bhype::vm::test
