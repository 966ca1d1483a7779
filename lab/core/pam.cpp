#include "lab/core/pam.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

constexpr const char* mark = "# made by the lab from /usr/local/etc/pam.d";

struct Module {
    const char* freebsd;
    const char* linux;
};

// lib/libpam/modules; a module that is not here is left as it is, and fails if the machine has none of that
// name.
constexpr Module modules[] = {
    // FreeBSD's does not wait after a wrong password.
    {"pam_unix.so", "pam_unix.so nodelay"},
    {"pam_login_access.so", "pam_access.so accessfile=/etc/login.access"},
    {"pam_permit.so", "pam_permit.so"},
    {"pam_deny.so", "pam_deny.so"},
    {"pam_group.so", "pam_wheel.so"},
    {"pam_rootok.so", "pam_rootok.so"},
};

std::string translated(const std::string& line) {
    std::istringstream in(line);
    std::string facility, control, module, option, out;
    if (!(in >> facility >> control >> module) || facility.starts_with('#'))
        return line;
    out = facility + '\t' + control + '\t';
    std::string name = module;
    for (const auto& known : modules)
        if (module == known.freebsd)
            name = known.linux;
    out += name;
    while (in >> option)
        if (option != "no_warn") // the machine's pam_unix has no such option
            out += ' ' + option;
    return out;
}

} // namespace

void translate_pam_policies() {
    const fs::path source = "/usr/local/etc/pam.d", target = "/etc/pam.d";
    if (!fs::is_directory(source))
        return;
    for (const auto& entry : fs::directory_iterator(source)) {
        const fs::path file = target / entry.path().filename();
        std::string first;
        std::getline(std::ifstream(file) >> std::ws, first);
        if (fs::exists(file) && first != mark)
            continue;
        std::ifstream in(entry.path());
        std::ofstream out(file, std::ios::trunc);
        out << mark << '\n';
        for (std::string line; std::getline(in, line);)
            out << translated(line) << '\n';
    }
}

} // namespace bhype::lab
