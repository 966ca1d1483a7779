#include "system/system.h"

#include "host/bhyve.h"
#include "network/check.h"
#include "network/endpoints.h"

#include <fmt/chrono.h>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace bhype::system {

namespace {

/// After a boot the first look makes the switches and starts dnsmasq: what is still missing then is a fault.
constexpr std::chrono::seconds settling{20};

class Checks {
  public:
    void add(std::string id, std::string title, bool good, std::string found, std::string advice,
             CheckState otherwise = CheckState::failed) {
        checks_.push_back({std::move(id), std::move(title), good ? CheckState::ok : otherwise,
                           std::move(found), good ? std::string() : std::move(advice)});
    }
    std::vector<Check> take() { return std::move(checks_); }

  private:
    std::vector<Check> checks_;
};

bool present(const char* path) {
    struct stat status {};
    return ::stat(path, &status) == 0;
}

std::string first_present(std::initializer_list<const char*> paths) {
    for (const auto* path : paths)
        if (present(path))
            return path;
    return {};
}

bool group_present(const char* name) {
    return ::getgrnam(name) != nullptr;
}

std::string or_none(const std::string& text) {
    return text.empty() ? "none" : text;
}

void check_files(Checks& checks) {
    const auto firmware = host::firmware_place(host::firmware_code);
    checks.add("firmware", "UEFI firmware for guests", !firmware.empty(), or_none(firmware),
               "pkg install edk2-bhyve");
    const auto dnsmasq = first_present({"/usr/local/sbin/dnsmasq"});
    checks.add("dnsmasq", "dnsmasq, for DHCP", !dnsmasq.empty(), or_none(dnsmasq), "pkg install dnsmasq");
    const auto bhyve = first_present({"/usr/sbin/bhyve"});
    checks.add("bhyve", "bhyve", !bhyve.empty(), or_none(bhyve),
               "bhyve is part of FreeBSD's base system on amd64: install it");
    const auto pam = first_present({"/etc/pam.d/bhype", "/usr/local/etc/pam.d/bhype"});
    checks.add(
        "pam", "PAM policy for log-in", !pam.empty(), or_none(pam),
        "copy /usr/local/etc/pam.d/bhype.sample to /usr/local/etc/pam.d/bhype, owned by root, mode 0644");
    const auto nginx = first_present({"/usr/local/sbin/nginx"});
    checks.add("nginx", "nginx, for the web interface", !nginx.empty(), or_none(nginx), "pkg install nginx",
               CheckState::warning);
    const auto smartctl = first_present({"/usr/local/sbin/smartctl"});
    checks.add("smartctl", "smartctl, for the health of disks", !smartctl.empty(), or_none(smartctl),
               "pkg install smartmontools", CheckState::warning);
    const auto certificate = first_present({"/usr/local/etc/bhype/tls/cert.pem"});
    checks.add("certificate", "TLS certificate", !certificate.empty(), or_none(certificate),
               "service bhype_nginx start makes one signed by itself; or put your own as "
               "/usr/local/etc/bhype/tls/cert.pem "
               "and key.pem",
               CheckState::warning);
    for (const auto* group : {"wheel", "bhype", "bhype-view"})
        checks.add(std::string("group_") + group, std::string("group ") + group, group_present(group),
                   group_present(group) ? "present" : "missing", std::string("pw groupadd ") + group);
}

/// By what bHype's datasets can still take: the pool's own figures know no quota, reservation or copies.
void check_space(Checks& checks, wire::Host& host, const PoolName& pool) {
    const auto root = DatasetName::from(pool.str() + "/bhype");
    const auto title = root.str() + " has space";
    const auto found = host.call(host::DatasetList{root, false, false});
    if (found.empty()) {
        checks.add("space", title, false, "not there", "bhype setup makes it");
        return;
    }
    const auto& dataset = found.front();
    const auto whole = dataset.used.bytes() + dataset.available.bytes();
    const auto percent = whole == 0 ? 100 : dataset.used.bytes() * 100 / whole;
    checks.add("space", title, percent < 90,
               std::to_string(percent) + " % full, " + dataset.available.human() + " available",
               "delete VMs or snapshots, or add disks", CheckState::warning);
}

} // namespace

std::vector<Check> System::checks() {
    Checks checks;
    const bool connected = connected_();
    checks.add("hostd", "bhype-hostd answers", connected, connected ? "connected" : "no connection",
               "service bhype_hostd start; its log is /var/log/bhype/hostd.log");
    check_files(checks);
    const auto wanted = switches_.wanted();
    std::optional<Look> now;
    if (connected) {
        if (!wanted.empty())
            switches_.wait_reconciled(settling);
        try {
            now = look_anew();
        } catch (const Error& error) {
            checks.add("host", "the host's facts", false, error.what(),
                       "See the text; run the command by hand.");
        }
    }
    if (now) {
        const auto& facts = now->facts;
        checks.add("release", "FreeBSD 13.2 or later", facts.osreldate >= 1302000,
                   facts.release + " (" + std::to_string(facts.osreldate) + ")",
                   "upgrade with freebsd-update");
        std::string missing;
        for (const auto& module : facts.missing_modules)
            missing += (missing.empty() ? "" : " ") + module;
        checks.add(
            "modules", "kernel modules vmm, nmdm, if_bridge, if_tuntap, zfs", missing.empty(),
            missing.empty() ? "loaded" : "missing: " + missing,
            "bhype setup loads them; vmm needs a CPU with VT-x or AMD-V enabled in the firmware: see dmesg");
        checks.add("maxcpu", "hw.vmm.maxcpu", facts.max_vcpus.has_value(),
                   facts.max_vcpus ? std::to_string(*facts.max_vcpus) : "not there", "load vmm: kldload vmm");
        checks.add("memory", "free memory", facts.memory_free >= 256_MiB,
                   facts.memory_free.human() + " of " + facts.memory.human(),
                   "stop something, or limit the ARC with vfs.zfs.arc_max", CheckState::warning);
    }
    const auto name = keep_.pool();
    checks.add("setup", "bHype's pool", name.has_value(), name ? name->str() : "none", "bhype setup");
    if (name && now) {
        const auto pool = std::find_if(now->pools.begin(), now->pools.end(),
                                       [&](const auto& item) { return item.name == *name; });
        const bool imported = pool != now->pools.end();
        checks.add("pool", "pool " + name->str() + " is imported", imported,
                   imported ? pool->health : "not imported", "zpool import " + name->str());
        if (imported) {
            checks.add("health", "pool " + name->str() + " is healthy", pool->health == "ONLINE",
                       pool->health, "zpool status " + name->str(), CheckState::warning);
            check_space(checks, host_, *name);
        }
    }
    if (connected && !wanted.empty()) {
        try {
            switches_.look([&] { return host_.call(host::InterfaceList{}); });
        } catch (const Error&) {
            // The checks below then say that the bridges are missing, which is what counts here.
        }
    }
    checks.add("switches", "switches", !wanted.empty(),
               wanted.empty() ? "none" : std::to_string(wanted.size()), "bhype setup");
    if (now && !switches_.dhcp().ranges.empty())
        checks.add("dhcp", "bHype's dnsmasq serves the switches", now->facts.dhcp,
                   now->facts.dhcp ? "running" : "not running",
                   "bHype starts it again within a minute; if it does not stay, see /var/log/messages and "
                   "dnsmasq --test -C /usr/local/etc/bhype/dnsmasq.conf");
    // What cannot be asked is told like what was found.
    const auto ask = [&](const char* id, const char* title, const auto& look) {
        if (!connected || wanted.empty())
            return;
        try {
            look(id, title);
        } catch (const Error& error) {
            checks.add(id, title, false, error.what(), "See the text; run the command by hand.",
                       CheckState::warning);
        }
    };
    ask("dhcp_ports", "nobody else has the ports of the switches' DHCP and DNS",
        [&](const char* id, const char* title) {
            std::string clashes;
            const auto listeners = host_.call(host::PortList{network::dhcp_ports});
            for (const auto& item : wanted)
                for (const auto& clash : network::clashes_of(item, listeners))
                    clashes += (clashes.empty() ? "" : "; ") + item.name.str() + ": " + clash.rule;
            checks.add(id, title, clashes.empty(), clashes.empty() ? "free" : clashes,
                       "end the other server, or bind it to other addresses");
        });
    if (const auto ended = switches_.dhcp_ended(); ended > std::time(nullptr) - 86400)
        checks.add("dhcp_ended", "bHype's dnsmasq ends only when it is told to", false,
                   fmt::format("it ended by itself; started again {:%F %T} UTC", fmt::gmtime(ended)),
                   "/var/log/messages may say why", CheckState::warning);
    for (const auto& item : wanted) {
        const auto shown = switches_.show(item);
        std::string drift;
        for (const auto& line : shown.drift)
            drift += (drift.empty() ? "" : "; ") + line;
        checks.add("switch_" + item.name.str(), "switch " + item.name.str() + ", " + shown.interface.str(),
                   drift.empty(),
                   !drift.empty() ? drift
                   : shown.state == network::SwitchState::unconnected
                       ? "unconnected; bhype uplink bridge NIC, or bhype switch set " + item.name.str() +
                             " uplink=NIC, connects it"
                       : enum_name(shown.state),
                   "bHype mends its own within a minute; if it does not, /var/log/bhype/bhyped.log says why");
    }
    ask("firewall", "pf is on and calls bHype's rules for NAT and isolation",
        [&](const char* id, const char* title) {
            const auto firewall = network::firewall_view(host_.call(host::FirewallShow{}));
            std::string todo;
            for (const auto& line : firewall.todo)
                todo += (todo.empty() ? "" : " ") + line;
            const bool works = firewall.loaded && firewall.enabled && firewall.called;
            checks.add(id, title, works, works ? "yes" : "no", todo, CheckState::warning);
        });
    for (const auto& record : inventory_.all())
        if (!record.broken.empty())
            checks.add(
                "vm_" + record.name.str(), "VM " + record.name.str() + "'s definition", false, record.broken,
                "correct the file, as root; bHype reads it again within a minute. vm.toml(5) has the rules");
    return checks.take();
}

} // namespace bhype::system
