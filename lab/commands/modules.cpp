#include "lab/commands/modules.h"

#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

constexpr KernelModule modules[] = {
    {"zfs", false, 0x5da5b8, "sys/modules/zfs"},
    {"vmm", false, 0x33e2e0, "sys/modules/vmm"},
    {"nmdm", false, 0x2a88, "sys/modules/nmdm"},
    {"if_bridge", false, 0x9728, "sys/modules/if_bridge"},
    {"bridgestp", false, 0x5b68, "sys/modules/bridgestp"},
    {"if_epair", false, 0x3150, "sys/modules/if_epair"},
    {"if_tuntap", true, 0, "sys/amd64/conf/GENERIC: device tuntap"},
    {"if_vlan", true, 0, "sys/amd64/conf/GENERIC: device vlan"},
    {"if_lo", true, 0, "sys/amd64/conf/GENERIC: device loop"},
    {"ether", true, 0, "sys/amd64/conf/GENERIC: device ether"},
    {"nvme", true, 0, "sys/amd64/conf/GENERIC: device nvme"},
    {"nda", true, 0, "sys/amd64/conf/GENERIC: device nvme"},
    {"if_lagg", false, 0x11c60, "sys/modules/if_lagg"},
    {"pf", false, 0x60b40, "sys/modules/pf"},
    {"pflog", false, 0x5a10, "sys/modules/pflog"},
    {"nullfs", false, 0xb6a0, "sys/modules/nullfs"},
    {"fdescfs", false, 0x7f80, "sys/modules/fdescfs"},
    {"coretemp", false, 0x3260, "sys/modules/coretemp"},
    {"amdtemp", false, 0x4250, "sys/modules/amdtemp"},
    {"ipmi", false, 0x13b08, "sys/modules/ipmi"},
    {"fusefs", false, 0x24e80, "sys/modules/fusefs"},
    {"tmpfs", false, 0x11af0, "sys/modules/tmpfs"},
};

// Other names of modules within the same file (DECLARE_MODULE in sys/net/if_tuntap.c).
constexpr std::pair<const char*, const char*> aliases[] = {{"if_tun", "if_tuntap"}, {"if_tap", "if_tuntap"}};

fs::path state_file() {
    return run_dir() / "modules";
}

/// What comes up with a module; sys/dev/vmm/vmm_dev.c: the directory is there with the first VM at the
/// latest.
void make_devices(const std::string& name) {
    if (name == "pf") // sys/netpfil/pf/pf_ioctl.c pfattach_vnet(), pf_load()
        mknod("/dev/pf", S_IFCHR | 0600, static_cast<dev_t>((240 << 8) | 254));
    if (name == "vmm" && major_release() >= 15 && !fs::exists("/dev/vmmctl")) {
        mknod("/dev/vmmctl", S_IFCHR | 0600, static_cast<dev_t>((240 << 8) | 255));
        chmod("/dev/vmmctl", 0600);
    }
}

} // namespace

const KernelModule* find_module(const std::string& given) {
    std::string name = given.ends_with(".ko") ? given.substr(0, given.size() - 3) : given;
    for (const auto& [alias, real] : aliases)
        if (name == alias)
            name = real;
    for (const auto& module : modules)
        if (name == module.name)
            return &module;
    return nullptr;
}

std::vector<std::string> loaded_modules() {
    std::vector<std::string> names;
    std::ifstream in(state_file());
    for (std::string name; in >> name;)
        names.push_back(name);
    return names;
}

bool module_loaded(const std::string& given) {
    const auto* module = find_module(given);
    if (!module)
        return false;
    const auto names = loaded_modules();
    return module->compiled_in || std::find(names.begin(), names.end(), module->name) != names.end();
}

int load_module(const std::string& given) {
    const auto* module = find_module(given);
    if (!module)
        return ENOENT;
    if (module_loaded(given))
        return EEXIST;
    if (std::string(module->name) == "if_bridge" && !module_loaded("bridgestp"))
        load_module("bridgestp");
    const int fd = open(state_file().c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    const std::string line = std::string(module->name) + '\n';
    const bool written = fd >= 0 && write(fd, line.data(), line.size()) > 0;
    close(fd);
    if (!written)
        return EPERM;
    make_devices(module->name);
    return 0;
}

std::vector<std::pair<std::string, std::string>> loader_variables() {
    std::vector<std::string> files{"/boot/loader.conf"};
    if (fs::is_directory("/boot/loader.conf.d"))
        for (const auto& entry : fs::directory_iterator("/boot/loader.conf.d"))
            if (entry.path().extension() == ".conf")
                files.push_back(entry.path());
    std::sort(files.begin() + 1, files.end());
    files.push_back("/boot/loader.conf.local");
    std::map<std::string, std::string> values;
    for (const auto& file : files) {
        std::ifstream in(file);
        for (std::string line; std::getline(in, line);) {
            const auto begin = line.find_first_not_of(" \t");
            const auto equals = line.find('=');
            if (begin == std::string::npos || line[begin] == '#' || equals == std::string::npos)
                continue;
            std::string value = line.substr(equals + 1);
            if (value.starts_with('"'))
                value = value.substr(1, value.find('"', 1) - 1);
            else
                value = value.substr(0, value.find_first_of(" \t#"));
            values[line.substr(begin, equals - begin)] = value;
        }
    }
    return {values.begin(), values.end()};
}

std::string loader_variable(const std::string& wanted) {
    for (const auto& [name, value] : loader_variables())
        if (name == wanted)
            return value;
    return {};
}

void load_modules_at_boot() {
    for (const auto& [name, value] : loader_variables()) {
        std::string answer = value;
        std::transform(answer.begin(), answer.end(), answer.begin(),
                       [](unsigned char c) { return std::tolower(c); });
        if (name.ends_with("_load") && answer == "yes")
            load_module(name.substr(0, name.size() - 5));
    }
}

} // namespace bhype::lab
