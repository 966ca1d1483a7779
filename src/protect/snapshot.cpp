#include "protect/snapshot.h"

#include "vm/plan.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <map>
#include <set>

namespace bhype::protect {

namespace {

bool names(const std::string& list, const VmName& vm) {
    std::string_view rest = list;
    while (!rest.empty()) {
        const auto end = rest.find(',');
        if (rest.substr(0, end) == vm.str())
            return true;
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    }
    return false;
}

std::string text_of(const json::value& value) {
    return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

/// Values by path; list items by their name, so that one that was added does not shift the others.
void flatten(const json::value& value, const std::string& path, std::map<std::string, std::string>& into) {
    const auto below = [&](std::string_view name) {
        return path.empty() ? std::string(name) : path + '.' + std::string(name);
    };
    if (const auto* object = value.if_object()) {
        for (const auto& [key, item] : *object)
            flatten(item, below(key), into);
    } else if (const auto* array = value.if_array()) {
        for (std::size_t i = 0; i < array->size(); ++i) {
            const auto* item = (*array)[i].if_object();
            const auto* name = item ? item->if_contains("name") : nullptr;
            flatten((*array)[i],
                    below(name && name->is_string() ? std::string(name->as_string()) : std::to_string(i)),
                    into);
        }
    } else if (!value.is_null()) {
        into[path] = text_of(value);
    }
}

std::string when(std::int64_t seconds) {
    return fmt::format("{:%F %T} UTC", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::string described(const VmSnapshot& snapshot) {
    return snapshot.name + " (" + when(snapshot.created) + ", " + snapshot.used.human() + " of its own" +
           (snapshot.note.empty() ? "" : ", " + snapshot.note) + ")";
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
    std::string text;
    for (const auto& part : parts)
        text += (text.empty() ? "" : between) + part;
    return text;
}

} // namespace

std::string owner_of_clone(const std::string& dataset) {
    const auto vm = vm::vm_of_dataset(dataset);
    return vm ? vm->str() : dataset;
}

std::vector<VmSnapshot> group(const std::vector<host::Snapshot>& all, const vm::Record& record) {
    std::map<std::string, VmSnapshot> by_label;
    std::map<std::string, std::int64_t> order;
    for (const auto& one : all) {
        auto& snapshot = by_label[one.label];
        snapshot.name = one.label;
        const bool root = one.dataset == record.dataset.str();
        if (root || snapshot.created == 0) {
            snapshot.created = one.created;
            order[one.label] = one.txg;
        }
        if (root) {
            snapshot.definition = true;
            snapshot.made_by = one.made_by == "-" ? "" : one.made_by;
            snapshot.note = one.note;
            snapshot.consistency = one.live == "-"                ? Consistency::unknown
                                   : names(one.live, record.name) ? Consistency::crash_consistent
                                                                  : Consistency::stopped;
        } else {
            snapshot.disks.push_back(one.dataset.substr(record.dataset.str().size() + 1));
        }
        snapshot.used = ByteSize(snapshot.used.bytes() + one.used.bytes());
        snapshot.referenced = ByteSize(snapshot.referenced.bytes() + one.referenced.bytes());
        snapshot.held = snapshot.held || one.holds > 0;
        for (const auto& clone : one.clones)
            if (auto owner = owner_of_clone(clone); std::ranges::count(snapshot.clones, owner) == 0)
                snapshot.clones.push_back(std::move(owner));
    }
    std::vector<VmSnapshot> found;
    for (auto& [label, snapshot] : by_label)
        found.push_back(std::move(snapshot));
    std::ranges::sort(found, [&](const VmSnapshot& a, const VmSnapshot& b) {
        return std::pair(order[b.name], b.name) < std::pair(order[a.name], a.name);
    });
    return found;
}

std::vector<Difference> differences(const host::Machine& then, const host::Machine& now) {
    std::map<std::string, std::string> before;
    std::map<std::string, std::string> after;
    flatten(encode(then), "", before);
    flatten(encode(now), "", after);
    std::set<std::string> fields;
    for (const auto& side : {before, after})
        for (const auto& [field, value] : side)
            fields.insert(field);
    fields.erase("generation");
    std::vector<Difference> found;
    for (const auto& field : fields)
        if (before[field] != after[field])
            found.push_back({field, before[field], after[field]});
    return found;
}

std::vector<VmSnapshot> newer_than(const std::vector<VmSnapshot>& newest_first, const VmSnapshot& to) {
    std::vector<VmSnapshot> newer;
    for (const auto& one : newest_first) {
        if (one.name == to.name)
            break;
        newer.push_back(one);
    }
    std::ranges::reverse(newer);
    return newer;
}

std::vector<std::string> obstacles(const std::vector<VmSnapshot>& snapshots) {
    std::vector<std::string> found;
    for (const auto& one : snapshots) {
        if (one.held)
            found.push_back(one.name + " is held: release it first");
        if (!one.clones.empty())
            found.push_back(one.name + " has clones: " + joined(one.clones, ", ") +
                            "; delete them, or promote them first");
        if (!SnapshotLabel::accepts(one.name))
            found.push_back(one.name +
                            " was not made by bHype and has a name that it does not use: zfs destroy");
    }
    return found;
}

void refuse(const std::vector<std::string>& obstacles) {
    if (!obstacles.empty())
        throw Error(Code::snapshot_in_use, joined(obstacles, "; "));
}

SnapshotPlan rollback_plan(const vm::Record& record, const std::vector<VmSnapshot>& newest_first,
                           const VmSnapshot& to, const std::optional<host::Machine>& definition) {
    SnapshotPlan plan;
    const auto newer = newer_than(newest_first, to);
    plan.problems = obstacles(newer);
    if (vm::is_live(record.guest.state))
        plan.problems.push_back(record.name.str() + " is running: stop it first");
    for (const auto& disk : to.disks) {
        plan.steps.push_back("zfs rollback -r " + record.dataset.str() + '/' + disk + '@' + to.name);
        plan.destroys.push_back("what was written to " + disk + " since " + when(to.created));
    }
    for (const auto& disk : record.disks) {
        const auto name = disk.name.substr(record.dataset.str().size() + 1);
        if (std::ranges::count(to.disks, name) == 0)
            plan.keeps.push_back(name + ", which " + to.name + " does not hold: it stays as it is");
    }
    for (const auto& one : newer)
        plan.destroys.push_back("snapshot " + described(one));
    if (!to.definition)
        plan.problems.push_back(to.name + " does not hold the VM's definition and firmware variables");
    plan.steps.push_back("put back the firmware's variables");
    if (definition) {
        plan.steps.push_back("write vm.toml as it was then");
        plan.differences = differences(*definition, record.machine);
        for (const auto& disk : definition->disks)
            if (std::ranges::none_of(record.disks, [&](const host::Dataset& present) {
                    return present.name == record.dataset.str() + '/' + disk.name.str();
                }))
                plan.problems.push_back("the definition of then has " + disk.name.str() +
                                        ", which is gone: keep today's definition");
    } else {
        plan.keeps.push_back("today's definition");
    }
    return plan;
}

SnapshotPlan delete_plan(const vm::Record& record, const std::vector<VmSnapshot>& wanted) {
    SnapshotPlan plan;
    plan.problems = obstacles(wanted);
    std::string labels;
    for (const auto& one : wanted) {
        labels += (labels.empty() ? "" : ",") + one.name;
        plan.destroys.push_back("snapshot " + described(one));
    }
    plan.steps.push_back("zfs destroy -r " + record.dataset.str() + '@' + labels);
    plan.keeps.push_back("the VM and its disks as they are now");
    return plan;
}

} // namespace bhype::protect
