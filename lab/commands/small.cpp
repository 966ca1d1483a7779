// Commands of a few lines each.

#include "lab/commands/commands.h"
#include "lab/commands/process.h"
#include "lab/commands/text.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

extern char** environ;

namespace bhype::lab {

namespace {

std::vector<std::string> environment() {
    std::vector<std::string> variables;
    for (char** variable = environ; *variable; ++variable)
        variables.emplace_back(*variable);
    return variables;
}

} // namespace

/// bin/pwait/pwait.c: waits for processes that are no children.
int pwait_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, "opt:v");
    if (options.bad() || options.rest.empty()) {
        complain("pwait", options);
        std::cerr << "usage: pwait [-t timeout] [-opv] pid ...\n";
        return 64;
    }
    for (const char letter : {'o', 'p', 't', 'v'})
        if (options.has(letter))
            throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
    for (const auto& word : options.rest) {
        const int pid = std::atoi(word.c_str());
        const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
        if (fd < 0) {
            std::cerr << "pwait: " << word << ": " << error_text(errno) << '\n';
            continue;
        }
        pollfd ended{fd, POLLIN, 0};
        while (poll(&ended, 1, -1) < 0 && errno == EINTR) {
        }
        close(fd);
    }
    return 0;
}

/// bin/dd/dd.c: the machine's dd with the operands that both have. A volume below /dev/zvol is a device on
/// FreeBSD: never cut, and not made when it is missing.
int dd_main(const Arguments& arguments) {
    static constexpr const char* operands[] = {
        "if=", "of=", "bs=", "count=", "skip=", "seek=", "conv=", "status="};
    std::vector<std::string> argv{linux_program("dd")};
    std::string conversions = "notrunc";
    bool device = false;
    for (const auto& argument : arguments) {
        const bool known = std::any_of(std::begin(operands), std::end(operands),
                                       [&](const char* operand) { return argument.starts_with(operand); });
        if (!known) {
            std::cerr << "dd: unknown operand " << argument.substr(0, argument.find('=')) << '\n';
            return 1;
        }
        if (argument.starts_with("of=/dev/")) {
            device = true;
            if (access(argument.c_str() + 3, F_OK) != 0) {
                std::cerr << "dd: " << argument.substr(3) << ": Operation not supported\n";
                return 1;
            }
        }
        if (argument.starts_with("conv="))
            conversions += ',' + argument.substr(5);
        else
            argv.push_back(argument);
    }
    if (device)
        argv.push_back("conv=" + conversions);
    else if (conversions != "notrunc")
        argv.push_back("conv=" + conversions.substr(conversions.find(',') + 1));
    return run_in_place(argv, environment());
}

/// sbin/mount/mount.c: the list as fstab(5) lines.
int mount_main(const Arguments& arguments) {
    if (arguments != Arguments{"-p"})
        throw std::runtime_error("the lab has mount -p alone");
    std::cout << "zroot/ROOT/default\t/\t\t\tzfs\trw\t\t0 0\ndevfs\t\t\t/dev\t\t\tdevfs\trw\t\t0 0\n";
    std::ifstream in("/proc/self/mounts");
    for (std::string line; std::getline(in, line);) {
        const auto fields = split_words(line);
        if (fields.size() > 3 && fields[2].starts_with("fuse") && !fields[1].starts_with("/dev") &&
            !fields[1].starts_with("/.lab"))
            std::cout << fields[0] << '\t' << fields[1] << "\t\t\tzfs\trw\t\t0 0\n";
    }
    return 0;
}

/// sbin/swapon/swapon.c: a lab has no swap.
int swapctl_main(const Arguments& arguments) {
    if (arguments != Arguments{"-l"} && arguments != Arguments{"-lk"})
        throw std::runtime_error("the lab has swapctl -l alone");
    std::cout << "Device:       1024-blocks     Used:\n";
    return 0;
}

/// usr.bin/uname/uname.c
int uname_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, "abiKmnoprsUv");
    if (options.bad() || !options.rest.empty()) {
        complain("uname", options);
        std::cerr << "usage: uname [-abiKmnoprsUv]\n";
        return 1;
    }
    char host[65]{};
    gethostname(host, sizeof host - 1);
    const bool all = options.has('a');
    std::vector<std::string> words;
    const auto add = [&](const char* letters, const std::string& value) {
        for (const char* letter = letters; *letter; ++letter)
            if (options.has(*letter)) {
                words.push_back(value);
                return;
            }
    };
    const std::string osrelease = release() + "-RELEASE";
    const std::string osreldate = major_release() == 13   ? "1302001"
                                  : major_release() == 14 ? "1403000"
                                                          : "1500068";
    add(all ? "a" : "so", "FreeBSD");
    add(all ? "a" : "n", host);
    add(all ? "a" : "r", osrelease);
    add(all ? "a" : "v", "FreeBSD " + osrelease + " GENERIC");
    add(all ? "a" : "m", "amd64");
    if (!all) {
        add("p", "amd64");
        add("i", "GENERIC");
        add("K", osreldate);
        add("U", osreldate);
    }
    if (options.options.empty())
        words.push_back("FreeBSD");
    for (std::size_t i = 0; i < words.size(); ++i)
        std::cout << (i ? " " : "") << words[i];
    std::cout << '\n';
    return 0;
}

/// usr.bin/fetch/fetch.c: a lab has no way out, so every address but a file's fails as without a resolver.
int fetch_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, "146AaB:dFh:i:lMmN:no:pP:qRrS:sT:UvVw:");
    if (options.bad() || options.rest.size() != 1) {
        complain("fetch", options);
        std::cerr
            << "usage: fetch [-146AadFlMmnPpqRrsUv] [-B bytes] [-N file] [-o file] [-S bytes] URL ...\n";
        return 1;
    }
    const std::string& url = options.rest[0];
    const std::string scheme = "file://";
    if (!url.starts_with(scheme)) {
        std::cerr << "fetch: " << url << ": No address record\n";
        return 1;
    }
    const std::string path = url.substr(scheme.size());
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        std::cerr << "fetch: " << url << ": No such file or directory\n";
        return 1;
    }
    const auto* output = options.value('o');
    const std::string target = output ? *output : path.substr(path.rfind('/') + 1);
    if (target == "-") {
        std::cout << in.rdbuf();
        return 0;
    }
    std::ofstream out(target, std::ios::binary | std::ios::trunc);
    if (in.peek() != std::ifstream::traits_type::eof())
        out << in.rdbuf();
    if (!out.flush()) {
        std::cerr << "fetch: " << target << ": " << error_text(errno) << '\n';
        return 1;
    }
    return 0;
}

/// The machine's nginx with the places and the user that FreeBSD's package is built with
/// (www/nginx/Makefile).
int nginx_main(const Arguments& arguments) {
    std::string configuration = "/usr/local/etc/nginx/nginx.conf";
    std::vector<std::string> argv{linux_program("nginx"), "-p", "/usr/local/etc/nginx", "-e",
                                  "/var/log/nginx/error.log"};
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "-c" && i + 1 < arguments.size())
            configuration = arguments[++i];
        else
            argv.push_back(arguments[i]);
    }
    argv.insert(argv.end(), {"-c", configuration});
    // The compiled-in defaults are Debian's; directives of the file win, and may not be given twice.
    const std::string text = '\n' + read_file(configuration);
    std::string directives;
    for (const auto& [word, directive] :
         {std::pair{"\nuser ", "user www;"}, {"\npid ", "pid /var/run/nginx.pid;"}})
        if (text.find(word) == std::string::npos)
            directives += directive;
    if (!directives.empty())
        argv.insert(argv.end(), {"-g", directives});
    return run_in_place(argv, environment());
}

} // namespace bhype::lab
