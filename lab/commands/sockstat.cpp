#include "lab/commands/commands.h"
#include "lab/commands/modules.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <arpa/inet.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

namespace fs = std::filesystem;

struct Socket {
    std::string protocol; ///< "udp4"
    std::string local, foreign;
    int port = 0;
};

/// An address of /proc/net/tcp and its like: words of the machine's byte order in hexadecimal.
std::string address_of(const std::string& hex) {
    const bool v6 = hex.size() == 32;
    std::array<std::uint32_t, 4> words{};
    for (std::size_t i = 0; i < hex.size() / 8; ++i)
        words[i] = static_cast<std::uint32_t>(std::stoul(hex.substr(i * 8, 8), nullptr, 16));
    if (std::all_of(words.begin(), words.end(), [](std::uint32_t word) { return word == 0; }))
        return "*";
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(v6 ? AF_INET6 : AF_INET, words.data(), text, sizeof text);
    return text;
}

/// usr.bin/sockstat/sockstat.c, gather_inet(): with -l those without a peer, TCP only while it listens.
std::map<std::string, Socket> listening(bool v4, bool v6) {
    std::map<std::string, Socket> found; // by inode
    for (const auto* protocol : {"tcp", "udp"})
        for (const bool six : {false, true}) {
            if (six ? !v6 : !v4)
                continue;
            std::ifstream in(fmt::format("/proc/net/{}{}", protocol, six ? "6" : ""));
            std::string line;
            std::getline(in, line);
            while (std::getline(in, line)) {
                std::istringstream fields(line);
                std::string number, local, foreign, state, queues, timer, retransmits, uid, timeout, inode;
                fields >> number >> local >> foreign >> state >> queues >> timer >> retransmits >> uid >>
                    timeout >> inode;
                const auto colon = local.find(':'), peer = foreign.find(':');
                if (colon == local.npos || peer == foreign.npos)
                    continue;
                const int port = std::stoi(local.substr(colon + 1), nullptr, 16);
                constexpr const char* tcp_listen = "0A";
                if (port == 0 || std::stoi(foreign.substr(peer + 1), nullptr, 16) != 0 ||
                    (std::string_view(protocol) == "tcp" && state != tcp_listen))
                    continue;
                found[inode] = {fmt::format("{}{}", protocol, six ? 6 : 4),
                                fmt::format("{}:{}", address_of(local.substr(0, colon)), port), "*:*", port};
            }
        }
    return found;
}

std::set<int> ports_of(const std::string& list) {
    std::set<int> ports;
    std::istringstream parts(list);
    for (std::string part; std::getline(parts, part, ',');) {
        if (part.empty() || part.find_first_not_of("0123456789-") != part.npos)
            errx(1, "syntax error in port range");
        const auto dash = part.find('-');
        const int first = std::stoi(part.substr(0, dash));
        const int last = dash == part.npos ? first : std::stoi(part.substr(dash + 1));
        if (first > 65535 || last > 65535)
            errx(1, "invalid port number");
        for (int port = first; port <= last; ++port)
            ports.insert(port);
    }
    return ports;
}

std::string column(std::string text, std::size_t width) {
    text += ' ';
    text.resize(std::max(text.size(), width), ' ');
    return text;
}

void print(const std::string& user, const std::string& command, const std::string& pid, const std::string& fd,
           const Socket& socket) {
    const bool wide = major_release() >= 15;
    auto line = column(user, 9);
    line = column(line + command.substr(0, 10), 20);
    line = column(line + (wide ? fmt::format("{:>5}", pid) : pid), 26);
    line = column(line + fd, wide ? 30 : 29);
    line = column(line + socket.protocol, wide ? 40 : 36);
    line = column(line + socket.local, wide ? 62 : 58);
    std::cout << line << socket.foreign << '\n';
}

} // namespace

int sockstat_main(const Arguments& arguments) {
    return with_failures("sockstat", [&]() -> int {
        refuse_libxo(arguments);
        const auto options = parse_options(arguments, "46Ccj:Llnp:P:qSsUuvw");
        if (options.bad() || !options.rest.empty()) {
            complain("sockstat", options);
            std::cerr << "usage: sockstat [-46CcLlnqSsUuvw] [-j jid] [-p ports] [-P protocols]\n";
            return 1;
        }
        for (const auto& option : options.options)
            if (std::string("46lnqp").find(option.letter) == std::string::npos)
                throw std::runtime_error(std::string("-") + option.letter + " is not provided by the lab");
        if (!options.has('l') || !(options.has('4') || options.has('6')))
            throw std::runtime_error(
                "sockets other than listening ones of -4 and -6 are not provided by the lab");
        std::set<int> ports;
        if (const auto* list = options.value('p'))
            ports = ports_of(*list);
        auto sockets = listening(options.has('4'), options.has('6'));
        if (!ports.empty())
            std::erase_if(sockets, [&](const auto& one) { return !ports.contains(one.second.port); });
        if (!options.has('q'))
            std::cout << (major_release() >= 15
                              ? fmt::format("{:<8} {:<10} {:<5} {:<3} {:<9} {:<21} {:<21}\n", "USER",
                                            "COMMAND", "PID", "FD", "PROTO", "LOCAL ADDRESS",
                                            "FOREIGN ADDRESS")
                              : fmt::format("{:<8} {:<10} {:<5} {:<2} {:<6} {:<21} {:<21}\n", "USER",
                                            "COMMAND", "PID", "FD", "PROTO", "LOCAL ADDRESS",
                                            "FOREIGN ADDRESS"));
        std::set<std::string> shown;
        std::error_code error;
        for (const auto& process : fs::directory_iterator("/proc")) {
            const std::string pid = process.path().filename();
            if (pid.find_first_not_of("0123456789") != pid.npos)
                continue;
            for (auto fd = fs::directory_iterator(process.path() / "fd", error);
                 !error && fd != fs::directory_iterator(); fd.increment(error)) {
                std::error_code gone;
                const std::string target = fs::read_symlink(fd->path(), gone);
                if (gone || !target.starts_with("socket:["))
                    continue;
                const auto inode = target.substr(8, target.size() - 9);
                const auto socket = sockets.find(inode);
                if (socket == sockets.end())
                    continue;
                std::string command, word, uid = "0";
                std::ifstream(process.path() / "comm") >> command;
                std::ifstream status(process.path() / "status");
                while (status >> word)
                    if (word == "Uid:")
                        status >> uid;
                if (!options.has('n'))
                    if (const auto* user = getpwuid(static_cast<uid_t>(std::stoul(uid))))
                        uid = user->pw_name;
                print(uid, command, pid, fd->path().filename(), socket->second);
                shown.insert(inode);
            }
        }
        for (const auto& [inode, socket] : sockets)
            if (!shown.contains(inode))
                print("?", "?", "?", "?", socket);
        return 0;
    });
}

} // namespace bhype::lab
