#include "network/tasks.h"

#include "base/log.h"

#include <algorithm>

namespace bhype::network {

namespace {

using task::Work;

void serve(Work& work, const Switches& switches) {
    switches.serve(
        [&](std::string_view title, const auto& operation) { return work.step(title, operation); });
}

void look(Work& work, Switches& switches) {
    switches.look([&] { return work.step("Look at the interfaces", host::InterfaceList{}); });
}

/// The host is made to look like `to`, from whatever state it is in.
void make(Work& work, Switches& switches, const std::optional<Wanted>& from, const Wanted& to) {
    const bool other_uplink = from && from->kind == SwitchKind::public_ && from->uplink && !from->vlan &&
                              (from->uplink != to.uplink || to.vlan);
    if (other_uplink)
        work.step("Take " + from->uplink->str() + " out of the bridge",
                  host::BridgeDetach{to.name, *from->uplink});
    if (const auto operation = bridge_operation(to))
        work.step("Make bridge " + bridge_of(to).str() + " as wanted", *operation);
    if (!from || from->isolated != to.isolated || bridge_of(*from) != bridge_of(to))
        for (const auto& nic : switches.nics())
            if (nic.switch_ == to.name && nic.running)
                work.step("Connect " + called(nic),
                          host::TapCreate{nic.vm, nic.nic, bridge_of(to), to.isolated});
    look(work, switches);
    serve(work, switches);
}

void unmake(Work& work, Switches& switches, const Wanted& wanted) {
    if (wanted.kind == SwitchKind::public_ && wanted.uplink && !wanted.vlan)
        work.step("Take " + wanted.uplink->str() + " out of the bridge",
                  host::BridgeDetach{wanted.name, *wanted.uplink});
    if (wanted.kind != SwitchKind::manual)
        work.step("Remove bridge " + bridge_of(wanted).str(), host::BridgeRemove{wanted.name});
    look(work, switches);
    serve(work, switches);
}

json::value change(Work& work, Switches& switches, const SwitchInput& input) {
    if (!input.after) {
        const auto& name = input.before->name;
        switches.check_unused(name);
        switches.forget(name); // first, so that nobody makes it again or starts a VM on it
        unmake(work, switches, *input.before);
        return json::object{{"name", name.str()}};
    }
    if (const auto present = switches.find(input.after->name);
        !input.before && present && encode(*present) != encode(*input.after))
        throw Error(Code::switch_name_taken, input.after->name.str() + " exists");
    switches.want(*input.after);
    make(work, switches, input.before, *input.after);
    return json::object{{"name", input.after->name.str()}};
}

/// Back to what it was.
void clean(Work& work, Switches& switches, const SwitchInput& input) {
    if (input.before) {
        switches.want(*input.before);
        make(work, switches, input.after, *input.before);
    } else if (const auto made = switches.find(input.after->name);
               made && encode(*made) == encode(*input.after)) {
        switches.forget(input.after->name);
        unmake(work, switches, *input.after);
    }
}

json::value change_forward(Work& work, Switches& switches, const ForwardInput& input) {
    if (input.after)
        switches.want(*input.after);
    else
        switches.forget_forward(input.before->name);
    serve(work, switches);
    return json::object{{"name", input.after ? input.after->name : input.before->name}};
}

void clean_forward(Work& work, Switches& switches, const ForwardInput& input) {
    if (input.before)
        switches.want(*input.before);
    else
        switches.forget_forward(input.after->name);
    serve(work, switches);
}

// ---- uplinks

json::value told(const host::UplinkGuard& guard) {
    return json::object{{"id", guard.id}, {"until", guard.until}};
}

/// What the host's addresses have become is what the switches are wanted to have; NAT follows the way out. An
/// uplink does not go back because dnsmasq or pf cannot follow now: what reconciles tries again.
void follow(Work& work, Switches& switches, const host::UplinkGuard& guard) {
    switches.settle(guard);
    look(work, switches);
    try {
        serve(work, switches);
    } catch (const Error& error) {
        if (error.code() != Code::port_taken && error.code() != Code::command_failed)
            throw;
        log::error("after a change of an uplink: {}", error.what());
    }
}

json::value change_uplink(Work& work, Switches& switches, const UplinkInput& input) {
    const auto guard = work.step("Change the uplink, to go back unless confirmed within " +
                                     std::to_string(input.seconds) + " s",
                                 host::UplinkApply{work.id(), input.change, input.seconds});
    follow(work, switches, guard);
    return told(guard);
}

void clean_uplink(Work& work, Switches& switches, const UplinkInput&) {
    work.step("Take the change back", host::UplinkRevert{work.id()});
    follow(work, switches, work.step("See what became of it", host::UplinkShow{}));
}

json::value confirm_uplink(Work& work, Switches& switches, const DecideUplink& input) {
    const auto guard = work.step("Save it in rc.conf", host::UplinkConfirm{input.id});
    follow(work, switches, guard);
    return told(guard);
}

json::value revert_uplink(Work& work, Switches& switches, const DecideUplink& input) {
    work.step("Take the change back", host::UplinkRevert{input.id});
    const auto guard = work.step("See what became of it", host::UplinkShow{});
    follow(work, switches, guard);
    return told(guard);
}

/// A decision is whole in hostd or was not taken; what follows of it is done again.
void follow_again(Work& work, Switches& switches, const DecideUplink&) {
    follow(work, switches, work.step("See what became of it", host::UplinkShow{}));
}

} // namespace

void add_tasks(task::Tasks& tasks, Switches& switches, std::function<void()> changed) {
    const auto add = [&]<class Input>(const char* kind, json::value (*run)(Work&, Switches&, const Input&),
                                      void (*undo)(Work&, Switches&, const Input&)) {
        tasks.add({kind,
                   [&switches, changed, run](Work& work, const json::value& input) {
                       auto result = run(work, switches, decode<Input>(input));
                       changed();
                       return result;
                   },
                   [&switches, changed, undo](Work& work, const json::value& input) {
                       undo(work, switches, decode<Input>(input));
                       changed();
                   }});
    };
    for (const auto* kind : {"switch.create", "switch.edit", "switch.delete"})
        add(kind, change, clean);
    for (const auto* kind : {"forward.create", "forward.delete"})
        add(kind, change_forward, clean_forward);
    add("uplink.change", change_uplink, clean_uplink);
    add("uplink.confirm", confirm_uplink, follow_again);
    add("uplink.revert", revert_uplink, follow_again);
    tasks.add({"firewall.install",
               [&switches, changed](Work& work, const json::value& input) -> json::value {
                   const auto present = decode<host::FirewallInstall>(input);
                   work.step(present.present ? "Put bHype's lines into pf.conf"
                                             : "Take bHype's lines out of pf.conf",
                             present);
                   serve(work, switches);
                   changed();
                   return json::object{};
               },
               // The operation puts a whole file in place or none.
               [](Work&, const json::value&) {}});
}

} // namespace bhype::network
