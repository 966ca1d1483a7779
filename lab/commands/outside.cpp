#include "lab/commands/outside.h"

#include "lab/commands/forwarder.h"
#include "lab/commands/interfaces.h"
#include "lab/commands/netlink.h"
#include "lab/commands/process.h"
#include "lab/commands/text.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <system_error>

#include <fmt/format.h>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

constexpr const char* segment = "segment";
constexpr unsigned switch_mtu = 9216; // what passes between cables; the machine itself has 1500

fs::path pid_file() {
    return run_dir() / "outside.pid";
}

void require(const std::string& what, int error) {
    if (error)
        throw std::system_error(error, std::generic_category(), what);
}

std::string nic_name(unsigned number) {
    return "em" + std::to_string(number);
}

void write_setting(const std::string& file, const char* value) {
    std::ofstream(file) << value;
}

/// Pages that tell where an answer came from, and to whom it went: so NAT can be seen.
fs::path make_pages() {
    const fs::path folder = run_dir() / "outside";
    fs::create_directories(folder / "cgi-bin");
    std::ofstream(folder / "index.html") << "outside\n";
    std::ofstream(folder / "bulk") << std::string(300'000, 'x');
    std::ofstream(folder / "cgi-bin/address") << "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n"
                                                 "a=${REMOTE_ADDR#[}\na=${a%]}\necho \"${a#::ffff:}\"\n";
    chmod((folder / "cgi-bin/address").c_str(), 0755);
    return folder;
}

void add_address(const std::string& link, const std::string& address, unsigned prefix) {
    const auto found = find_link(link);
    const bool v6 = address.find(':') != std::string::npos;
    require(address, change_address(found->index, {found->index, v6, address, prefix}, true));
}

void make_segment() {
    for (const char* group : {"all", "default"}) {
        write_setting(fmt::format("/proc/sys/net/ipv6/conf/{}/accept_dad", group), "0");
        write_setting(fmt::format("/proc/sys/net/ipv6/conf/{}/accept_ra", group), "0");
    }
    for (const char* tables : {"iptables", "ip6tables", "arptables"})
        write_setting(fmt::format("/proc/sys/net/bridge/bridge-nf-call-{}", tables), "0");
    require("lo", set_link_up(find_link("lo")->index, true));
    require(segment, create_link(segment, "bridge"));
    // Given, or it would be the lowest of the cables'.
    require(segment, set_link_ether(find_link(segment)->index, "00:00:5e:00:53:01"));
    require(segment, set_link_mtu(find_link(segment)->index, 1500));
    require(segment, set_link_up(find_link(segment)->index, true));
    add_address(segment, outside_address, 24);
    add_address(segment, outside_address6, 64);
    add_address("lo", internet_address, 32);
    add_address("lo", internet_address6, 128);
    for (const unsigned tag : outside_vlans) {
        const auto name = fmt::format("{}.{}", segment, tag);
        require(name, create_tap(name));
        require(name, set_link_ether(find_link(name)->index, find_link(segment)->ether));
        start_vlan_forwarder(name, find_link(segment)->index, tag);
        require(name, set_link_up(find_link(name)->index, true));
        add_address(name, fmt::format("10.{}.0.1", tag), 24);
    }
}

void plug_in(unsigned nics) {
    const int bridge = find_link(segment)->index;
    for (unsigned i = 0; i < nics; ++i) {
        const auto name = nic_name(i);
        const int port = find_link(name)->index;
        set_plain_frames(name);
        require(name, set_link_mtu(port, switch_mtu));
        require(name, set_link_master(port, bridge));
        require(name, set_link_up(port, true));
    }
}

/// The segment's DHCP and router advertisements.
void start_dhcp_server() {
    if (fork() != 0)
        return;
    const auto dnsmasq = linux_program("dnsmasq").string();
    const auto leases = "--dhcp-leasefile=" + (run_dir() / "outside.leases").string();
    execl(dnsmasq.c_str(), "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
          "--pid-file=", "--user=root", "--port=0", "--interface=segment", "--bind-interfaces",
          "--dhcp-authoritative", "--no-ping", "--log-facility=-", leases.c_str(),
          "--dhcp-range=192.0.2.100,192.0.2.199,1h", "--dhcp-option=option:router,192.0.2.1", "--enable-ra",
          "--dhcp-range=::,constructor:segment,ra-only", nullptr);
    _exit(1);
}

/// The process that holds the namespace: it serves HTTP.
[[noreturn]] void serve() {
    const auto pages = make_pages();
    const auto busybox = linux_program("busybox");
    execl(busybox.c_str(), "httpd", "-f", "-p", "80", "-h", pages.c_str(), nullptr);
    throw std::system_error(errno, std::generic_category(), busybox.string());
}

/// The lab's side: cards with an address of the maker's that stays the same for a name.
void make_cards(unsigned nics, int outside) {
    for (unsigned i = 0; i < nics; ++i)
        require(nic_name(i), create_veth_to(nic_name(i), nic_name(i), outside));
    Interfaces interfaces(true);
    for (unsigned i = 0; i < nics; ++i) {
        set_plain_frames(nic_name(i));
        auto* card = interfaces.find(nic_name(i));
        card->driver = "em";
        card->original = card->name();
        card->capabilities = default_capabilities(*card);
        card->nd6 = default_nd6(card->driver);
        apply_nd6(*card);
        card->link.ether = "00:1b:21" + generated_ether(card->name()).substr(8);
        require(card->name(), set_link_ether(card->link.index, card->link.ether));
    }
    interfaces.save();
}

[[noreturn]] void become_outside(unsigned nics, int said, int heard) {
    try {
        setsid();
        set_process_title("outside");
        prctl(PR_SET_NAME, "outside");
        if (unshare(CLONE_NEWNET) != 0)
            require("the outside's namespace", errno);
        make_segment();
        char byte = 'r';
        if (write(said, &byte, 1) != 1 || read(heard, &byte, 1) != 1)
            _exit(1);
        plug_in(nics);
        start_dhcp_server();
        if (write(said, &byte, 1) != 1)
            _exit(1);
        serve();
    } catch (const std::exception& error) {
        std::cerr << "lab: outside: " << error.what() << std::endl;
    }
    _exit(1);
}

int enter_outside() {
    std::ifstream in(pid_file());
    std::string pid;
    in >> pid;
    const int fd = open(("/proc/" + pid + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
    const int result = pid.empty() || fd < 0 || setns(fd, CLONE_NEWNET) != 0 ? -1 : 0;
    close(fd);
    if (result)
        std::cerr << "lab: there is no outside: the lab has no network cards, or it has ended\n";
    return result;
}

} // namespace

void connect_outside(const LabConfig& config) {
    if (config.nics == 0)
        return;
    int up[2], down[2];
    if (pipe2(up, O_CLOEXEC) != 0 || pipe2(down, O_CLOEXEC) != 0)
        require("pipe", errno);
    const int pid = fork();
    if (pid == 0)
        become_outside(config.nics, up[1], down[0]);
    close(up[1]);
    close(down[0]);
    char byte = 0;
    if (read(up[0], &byte, 1) != 1)
        throw std::runtime_error("the outside could not be made");
    std::ofstream(pid_file()) << pid << '\n';
    make_cards(config.nics, pid);
    if (write(down[1], &byte, 1) != 1 || read(up[0], &byte, 1) != 1)
        throw std::runtime_error("the network cards could not be connected");
    close(up[0]);
    close(down[1]);
}

int outside_main(const Arguments& arguments) {
    if (enter_outside() != 0)
        return 125;
    std::vector<char*> argv;
    for (const auto& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    setenv("PATH", "/.lab/linux/usr/sbin:/.lab/linux/usr/bin:/usr/local/bin:/usr/bin:/bin:/sbin", 1);
    execvp(argv[0], argv.data());
    const int error = errno;
    std::cerr << "lab: " << argv[0] << ": " << std::strerror(error) << '\n';
    return error == ENOENT ? 127 : 126;
}

int link_main(const Arguments& arguments) {
    if (enter_outside() != 0)
        return 125;
    const auto port = find_link(arguments.at(0));
    if (!port || port->name == "lo" || port->name == segment) {
        std::cerr << "lab: no network card is named " << arguments[0] << '\n';
        return 1;
    }
    require(port->name, set_link_up(port->index, arguments.at(1) == "up"));
    return 0;
}

} // namespace bhype::lab
