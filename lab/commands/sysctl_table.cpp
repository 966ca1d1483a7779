#include "lab/commands/sysctl_table.h"

#include "lab/commands/host_state.h"
#include "lab/commands/modules.h"
#include "lab/commands/text.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

using enum OidType;
using enum OidAccess;

auto constant(std::string value) {
    return [value] { return value; };
}

/// Another value up to and including a major release.
auto until(int last, std::string before, std::string after) {
    return [=] { return major_release() <= last ? before : after; };
}

auto from_loader(std::string name, std::string otherwise) {
    return [=] {
        const auto value = loader_variable(name);
        return value.empty() ? otherwise : value;
    };
}

template <class Value>
auto number(Value value) {
    return [value] { return std::to_string(value()); };
}

std::string osrelease() {
    return release() + "-RELEASE";
}

std::string disk_names() {
    std::string names;
    auto disks = lab_disks();
    for (auto disk = disks.rbegin(); disk != disks.rend(); ++disk)
        names += (names.empty() ? "" : " ") + disk->name;
    return names;
}

std::string hostname() {
    char name[65]{};
    gethostname(name, sizeof name - 1);
    return name;
}

/// Made once for a lab, as rc.d/hostid does.
std::string hostuuid() {
    const fs::path file = "/etc/hostid";
    std::string line;
    std::getline(std::ifstream(file) >> std::ws, line);
    return line.empty() ? "00000000-0000-0000-0000-000000000000" : line;
}

std::string boottime() {
    timespec up{}, now{};
    clock_gettime(CLOCK_REALTIME, &now);
    struct stat boot {};
    const bool known = stat((run_dir() / "booted").c_str(), &boot) == 0;
    up = known ? boot.st_mtim : now;
    char text[64];
    std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", std::localtime(&up.tv_sec));
    return fmt::format("{{ sec = {}, usec = {} }} {}", up.tv_sec, up.tv_nsec / 1000, text);
}

std::string loadavg() {
    const auto words = split_words(read_file("/proc/loadavg"));
    return fmt::format("{{ {} {} {} }}", words.at(0), words.at(1), words.at(2));
}

/// kern.cp_time: user, nice, sys, intr, idle in ticks of 1/127 s (kern.clockrate's stathz).
std::string cp_time() {
    std::ifstream in("/proc/stat");
    std::string word;
    unsigned long long user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0;
    in >> word >> user >> nice >> system >> idle >> wait >> irq >> softirq;
    const auto ticks = [](unsigned long long hundredths) { return hundredths * 127 / 100; };
    return fmt::format("{} {} {} {} {}", ticks(user), ticks(nice), ticks(system), ticks(irq + softirq),
                       ticks(idle + wait));
}

/// Of the lab's own network namespace.
std::string machine_flag(const char* file) {
    auto text = read_file(file);
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text.empty() ? "0" : text;
}

constexpr const char* forwarding_file = "/proc/sys/net/ipv4/ip_forward";
constexpr const char* forwarding6_file = "/proc/sys/net/ipv6/conf/all/forwarding";

const std::vector<Oid>& table() {
    static const std::vector<Oid> oids{
        {"kern.ostype", string, read_only, constant("FreeBSD"), "sys/kern/kern_mib.c"},
        {"kern.osrelease", string, read_only, osrelease, "sys/kern/kern_mib.c"},
        {"kern.osreldate", integer, read_only,
         [] { return major_release() == 13   ? "1302001"
                     : major_release() == 14 ? "1403000"
                                             : "1500068"; },
         "sys/sys/param.h"},
        {"kern.version", string, read_only, [] { return "FreeBSD " + osrelease() + " GENERIC\n"; },
         "sys/kern/kern_mib.c"},
        {"kern.hostname", string, read_write, hostname, "sys/kern/kern_mib.c"},
        {"kern.hostuuid", string, read_write, hostuuid, "sys/kern/kern_mib.c"},
        {"kern.hostid", unsigned_long, read_write, constant("3254779904"), "sys/kern/kern_mib.c"},
        {"kern.boottime", string, read_only, boottime, "sys/kern/kern_tc.c"},
        {"kern.clockrate", string, read_only,
         constant("{ hz = 1000, tick = 1000, profhz = 8128, stathz = 127 }"), "sys/kern/kern_clock.c"},
        {"kern.cp_time", long_integer, read_only, cp_time, "sys/kern/kern_clock.c"},
        {"kern.disks", string, read_only, disk_names, "sys/geom/geom_disk.c"},
        {"kern.geom.confxml", string, read_only, geom_confxml, "sys/geom/geom_kern.c"},
        {"kern.smp.cpus", integer, read_only, number(cpu_count), "sys/kern/subr_smp.c"},
        {"kern.smp.cores", integer, read_only, number(cpu_count), "sys/kern/subr_smp.c"},
        {"kern.smp.threads_per_core", integer, read_only, constant("1"), "sys/kern/subr_smp.c"},
        {"kern.vm_guest", string, read_only, constant("none"), "sys/kern/subr_param.c"},
        {"kern.securelevel", integer, read_write, constant("-1"), "sys/kern/kern_mib.c"},
        {"kern.features.vimage", integer, read_only, constant("1"), "sys/kern/kern_vimage.c"},
        {"kern.racct.enable", unsigned_integer, read_only_tunable, from_loader("kern.racct.enable", "0"),
         "sys/kern/kern_racct.c"},
        {"kern.init_shutdown_timeout", integer, read_write, constant("120"), "sys/kern/kern_shutdown.c"},
        {"hw.machine", string, read_only, constant("amd64"), "sys/kern/kern_mib.c"},
        {"hw.machine_arch", string, read_only, constant("amd64"), "sys/kern/kern_mib.c"},
        {"hw.model", string, read_only, cpu_model, "sys/amd64/amd64/identcpu.c"},
        {"hw.ncpu", integer, read_only, number(cpu_count), "sys/kern/kern_mib.c"},
        {"hw.pagesize", integer, read_only, constant("4096"), "sys/kern/kern_mib.c"},
        {"hw.physmem", unsigned_long, read_only, [] { return std::to_string(lab_config().memory); },
         "sys/kern/kern_mib.c"},
        {"hw.realmem", unsigned_long, read_only, [] { return std::to_string(lab_config().memory); },
         "sys/kern/kern_mib.c"},
        {"hw.usermem", unsigned_long, read_only,
         [] { return std::to_string((memory_pages().total - memory_pages().wired) * 4096); },
         "sys/kern/kern_mib.c"},
        {"hw.vmm.maxcpu", unsigned_integer, read_only_tunable,
         [] { return from_loader("hw.vmm.maxcpu", std::to_string(cpu_count()))(); }, "sys/dev/vmm/vmm_vm.c",
         "vmm"},
        {"hw.vmm.vmx.initialized", integer, read_only, constant("1"), "sys/amd64/vmm/intel/vmx.c", "vmm"},
        {"hw.vmm.vmx.cap.unrestricted_guest", integer, read_only, constant("1"), "sys/amd64/vmm/intel/vmx.c",
         "vmm"},
        {"hw.vmm.iommu.initialized", integer, read_only, constant("0"), "sys/amd64/vmm/io/iommu.c", "vmm"},
        {"hw.vmm.iommu.enable", integer, read_only_tunable, constant("1"), "sys/amd64/vmm/io/iommu.c", "vmm"},
        {"hw.vmm.ppt.devices", integer, read_only, constant("0"), "sys/amd64/vmm/io/ppt.c", "vmm"},
        {"hw.vmm.topology.cores_per_package", integer, read_only_tunable, constant("1"),
         "sys/amd64/vmm/x86.c", "vmm"},
        {"hw.vmm.topology.threads_per_core", integer, read_only_tunable, constant("1"), "sys/amd64/vmm/x86.c",
         "vmm"},
        {"vm.loadavg", string, read_only, loadavg, "sys/vm/vm_meter.c"},
        {"vm.stats.vm.v_page_size", unsigned_integer, read_only, constant("4096"), "sys/vm/vm_meter.c"},
        {"vm.stats.vm.v_page_count", unsigned_integer, read_only, number([] { return memory_pages().total; }),
         "sys/vm/vm_meter.c"},
        {"vm.stats.vm.v_free_count", unsigned_integer, read_only, number([] { return memory_pages().free; }),
         "sys/vm/vm_meter.c"},
        {"vm.stats.vm.v_active_count", unsigned_integer, read_only,
         number([] { return memory_pages().active; }), "sys/vm/vm_meter.c"},
        {"vm.stats.vm.v_inactive_count", unsigned_integer, read_only,
         number([] { return memory_pages().inactive; }), "sys/vm/vm_meter.c"},
        {"vm.stats.vm.v_laundry_count", unsigned_integer, read_only,
         number([] { return memory_pages().laundry; }), "sys/vm/vm_meter.c"},
        {"vm.stats.vm.v_wire_count", unsigned_integer, read_only, number([] { return memory_pages().wired; }),
         "sys/vm/vm_meter.c"},
        {"vm.swap_total", unsigned_long, read_only, constant("0"), "sys/vm/swap_pager.c"},
        {"kstat.zfs.misc.arcstats.size", unsigned_long, read_only, number(arc_size), "module/zfs/arc.c",
         "zfs"},
        {"kstat.zfs.misc.arcstats.c", unsigned_long, read_only, number(arc_size), "module/zfs/arc.c", "zfs"},
        {"kstat.zfs.misc.arcstats.c_min", unsigned_long, read_only, number(arc_minimum), "module/zfs/arc.c",
         "zfs"},
        {"kstat.zfs.misc.arcstats.c_max", unsigned_long, read_only,
         [] { return std::to_string(lab_config().memory * 5 / 8); }, "module/zfs/arc.c", "zfs"},
        {"vfs.zfs.arc_max", unsigned_long, tunable, from_loader("vfs.zfs.arc_max", "0"),
         "module/os/freebsd/zfs/sysctl_os.c", "zfs"},
        {"vfs.zfs.arc.max", unsigned_long, tunable, from_loader("vfs.zfs.arc_max", "0"), "module/zfs/arc.c",
         "zfs", 14},
        {"vfs.zfs.version.spa", integer, read_only, constant("5000"), "module/os/freebsd/zfs/sysctl_os.c",
         "zfs"},
        {"net.inet.ip.forwarding", integer, read_write, [] { return machine_flag(forwarding_file); },
         "sys/netinet/ip_input.c"},
        {"net.inet6.ip6.forwarding", integer, read_write, [] { return machine_flag(forwarding6_file); },
         "sys/netinet6/in6_proto.c"},
        {"net.fibs", unsigned_integer, read_only, constant("1"), "sys/net/route.c"},
        {"net.my_fibnum", integer, read_only, constant("0"), "sys/net/route.c"},
        {"net.link.ether.inet.max_age", integer, read_write, constant("1200"), "sys/netinet/if_ether.c"},
        {"net.inet6.ip6.dad_count", integer, read_write, constant("1"), "sys/netinet6/in6_proto.c"},
        {"net.link.tap.up_on_open", integer, read_write, constant("0"), "sys/net/if_tuntap.c"},
        {"net.link.tap.user_open", integer, read_write, constant("0"), "sys/net/if_tuntap.c"},
        {"net.link.bridge.pfil_member", integer, tunable, until(13, "1", "0"), "sys/net/if_bridge.c",
         "if_bridge"},
        {"net.link.bridge.pfil_bridge", integer, tunable, until(13, "1", "0"), "sys/net/if_bridge.c",
         "if_bridge"},
        {"net.link.bridge.pfil_onlyip", integer, tunable, constant("1"), "sys/net/if_bridge.c", "if_bridge"},
        {"net.link.bridge.pfil_local_phys", integer, tunable, constant("0"), "sys/net/if_bridge.c",
         "if_bridge"},
        {"net.link.bridge.inherit_mac", integer, tunable, constant("0"), "sys/net/if_bridge.c", "if_bridge"},
        {"net.link.bridge.log_stp", integer, tunable, constant("0"), "sys/net/if_bridge.c", "if_bridge"},
        {"net.link.bridge.allow_llz_overlap", integer, read_write, constant("0"), "sys/net/if_bridge.c",
         "if_bridge"},
        {"net.link.bridge.log_mac_flap", integer, read_write, constant("1"), "sys/net/if_bridge.c",
         "if_bridge"},
        // 15.0's UPDATING and bridge(4) say 0; the lab takes the strict reading.
        {"net.link.bridge.member_ifaddrs", integer, read_write, constant("0"), "share/man/man4/bridge.4",
         "if_bridge", 15},
        {"net.link.epair.ether_gen_addr", integer, tunable, until(14, "0", "1"), "sys/net/if_epair.c",
         "if_epair", 14},
        {"net.ifdescr_maxlen", integer, read_write, constant("1024"), "sys/net/if.c"},
        {"security.jail.jailed", integer, read_only, constant("0"), "sys/kern/kern_jail.c"},
        {"security.jail.vnet", integer, read_only, constant("0"), "sys/kern/kern_jail.c"},
    };
    return oids;
}

/// Values that somebody has set since the boot.
fs::path set_file(const Oid& oid) {
    return run_dir() / "sysctl" / oid.name;
}

bool write_file(const fs::path& file, const std::string& text) {
    std::ofstream out(file, std::ios::trunc);
    out << text;
    return static_cast<bool>(out.flush());
}

} // namespace

std::vector<const Oid*> present_oids() {
    std::vector<const Oid*> present;
    for (const Oid& oid : table())
        if (major_release() >= oid.first_release && major_release() <= oid.last_release &&
            (oid.module.empty() || module_loaded(std::string(oid.module))))
            present.push_back(&oid);
    std::sort(present.begin(), present.end(), [](auto* a, auto* b) { return a->name < b->name; });
    return present;
}

std::string current_value(const Oid& oid) {
    const auto file = set_file(oid);
    if (fs::exists(file))
        return read_file(file);
    if (oid.access == tunable) {
        const auto value = loader_variable(std::string(oid.name));
        if (!value.empty())
            return value;
    }
    return oid.value();
}

int set_value(const Oid& oid, const std::string& value) {
    if (geteuid() != 0)
        return EPERM;
    if (oid.name == "net.inet.ip.forwarding")
        return write_file(forwarding_file, value == "0" ? "0" : "1") ? 0 : EPERM;
    if (oid.name == "net.inet6.ip6.forwarding")
        return write_file(forwarding6_file, value == "0" ? "0" : "1") ? 0 : EPERM;
    if (oid.name == "kern.hostname")
        return sethostname(value.c_str(), value.size()) == 0 ? 0 : errno;
    if (oid.name == "kern.hostuuid")
        return write_file("/etc/hostid", value + "\n") ? 0 : EPERM;
    fs::create_directories(run_dir() / "sysctl");
    const bool written = write_file(set_file(oid), value);
    if (oid.name.starts_with("net.link.bridge.pfil_"))
        apply_bridge_filtering();
    return written ? 0 : EPERM;
}

void apply_bridge_filtering() {
    const bool on = sysctl_value("net.link.bridge.pfil_member") == "1" ||
                    sysctl_value("net.link.bridge.pfil_bridge") == "1";
    for (const char* tables : {"iptables", "ip6tables"}) // there if the machine's bridges can do it
        if (const auto file = fmt::format("/proc/sys/net/bridge/bridge-nf-call-{}", tables); fs::exists(file))
            write_file(file, on ? "1" : "0");
}

std::string sysctl_value(std::string_view name) {
    for (const Oid* oid : present_oids())
        if (oid->name == name)
            return current_value(*oid);
    return {};
}

} // namespace bhype::lab
