#include "lab/commands/commands.h"
#include "lab/commands/process.h"
#include "lab/commands/rcorder.h"
#include "lab/commands/text.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

constexpr const char* folders[] = {"/etc/rc.d", "/usr/local/etc/rc.d"};

void usage() {
    std::cout << "\nUsage:\n"
                 "service [-j <jail name or id>] -e\n"
                 "service [-j <jail name or id>] -R\n"
                 "service [-j <jail name or id>] [-v] -l | -r\n"
                 "service [-j <jail name or id>] [-v] <rc.d script> start|stop|etc.\n"
                 "service -h\n\n";
}

std::vector<std::string> scripts() {
    std::vector<std::string> files;
    for (const char* folder : folders) {
        std::vector<std::string> here;
        if (fs::is_directory(folder))
            for (const auto& entry : fs::directory_iterator(folder))
                if (access(entry.path().c_str(), X_OK) == 0)
                    here.push_back(entry.path());
        std::sort(here.begin(), here.end());
        files.insert(files.end(), here.begin(), here.end());
    }
    return rc_order(files, {"nostart"}, {});
}

const std::vector<std::string> script_environment{"HOME=/", "PATH=/sbin:/bin:/usr/sbin:/usr/bin"};

/// The scripts of which "enabled" holds, as a script itself tells.
int list_enabled() {
    for (const auto& file : scripts()) {
        const auto text = read_file(file);
        if (text.find("\nrcvar") == std::string::npos)
            continue;
        const std::vector<std::string> ask{"/bin/sh", "-c", "exec \"$0\" enabled >/dev/null 2>&1", file};
        if (run_in_place(ask, script_environment) == 0)
            std::cout << file << '\n';
    }
    return 0;
}

} // namespace

int service_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, major_release() >= 15 ? "dE:ehj:lqrRv" : "ehj:lrRv");
    if (options.bad()) {
        complain("service", options);
        usage();
        return 1;
    }
    for (const char letter : {'j', 'R', 'd', 'E'})
        if (options.has(letter))
            throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
    if (options.has('h')) {
        usage();
        return 0;
    }
    if (options.has('e'))
        return list_enabled();
    if (options.has('l')) {
        for (const char* folder : folders) {
            if (options.has('v'))
                std::cout << "From " << folder << ":\n";
            std::vector<std::string> names;
            for (const auto& entry : fs::directory_iterator(folder))
                names.push_back(entry.path().filename());
            std::sort(names.begin(), names.end());
            for (const auto& name : names)
                std::cout << name << '\n';
        }
        return 0;
    }
    if (options.has('r')) {
        for (const auto& file : scripts())
            std::cout << file << '\n';
        return 0;
    }
    if (options.rest.empty()) {
        usage();
        return 1;
    }
    if (chdir("/") != 0)
        return 1;
    for (const char* folder : folders) {
        const fs::path script = fs::path(folder) / options.rest[0];
        if (access(script.c_str(), X_OK) != 0 || fs::is_directory(script))
            continue;
        if (options.has('v'))
            std::cout << options.rest[0] << " is located in " << folder << std::endl;
        std::vector<std::string> argv{script.string()};
        argv.insert(argv.end(), options.rest.begin() + 1, options.rest.end());
        return run_in_place(argv, script_environment);
    }
    std::cout << options.rest[0] << " does not exist in /etc/rc.d or the local startup\n"
              << "directories (/usr/local/etc/rc.d), or is not executable\n";
    return 1;
}

} // namespace bhype::lab
