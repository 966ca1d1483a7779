#include "lab/core/root.h"

#include "lab/core/programs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

// etc/mtree/BSD.root.dist, BSD.usr.dist, BSD.var.dist: the folders that matter here.
struct Folder {
    const char* path;
    mode_t mode;
    uid_t uid;
    gid_t gid;
};

constexpr Folder folders[] = {
    {"bin", 0755, 0, 0},
    {"boot", 0755, 0, 0},
    {"boot/kernel", 0755, 0, 0},
    {"boot/loader.conf.d", 0755, 0, 0},
    {"dev", 0755, 0, 0},
    {"etc", 0755, 0, 0},
    {"etc/pam.d", 0755, 0, 0},
    {"etc/rc.conf.d", 0755, 0, 0},
    {"etc/rc.d", 0755, 0, 0},
    {"etc/ssl", 0755, 0, 0},
    {"home", 0755, 0, 0},
    {"libexec", 0755, 0, 0},
    {"media", 0755, 0, 0},
    {"mnt", 0755, 0, 0},
    {"proc", 0755, 0, 0},
    {"root", 0750, 0, 0},
    {"sbin", 0755, 0, 0},
    {"sys", 0755, 0, 0},
    {"tmp", 01777, 0, 0},
    {"usr/bin", 0755, 0, 0},
    {"usr/libexec", 0755, 0, 0},
    {"usr/local/bin", 0755, 0, 0},
    {"usr/local/etc", 0755, 0, 0},
    {"usr/local/etc/pam.d", 0755, 0, 0},
    {"usr/local/etc/rc.conf.d", 0755, 0, 0},
    {"usr/local/etc/rc.d", 0755, 0, 0},
    {"usr/local/lib", 0755, 0, 0},
    {"usr/local/libexec", 0755, 0, 0},
    {"usr/local/sbin", 0755, 0, 0},
    {"usr/local/share", 0755, 0, 0},
    {"usr/sbin", 0755, 0, 0},
    {"usr/share", 0755, 0, 0},
    {"var/cron/tabs", 0700, 0, 0},
    {"var/db", 0755, 0, 0},
    {"var/empty", 0555, 0, 0},
    {"var/lib/nginx", 0755, 0, 0},
    {"var/log", 0755, 0, 0},
    {"var/log/nginx", 0755, 0, 0},
    {"var/mail", 0775, 0, 6},
    {"var/run", 0755, 0, 0},
    {"var/spool", 0755, 0, 0},
    {"var/tmp", 01777, 0, 0},
    {"var/tmp/nginx", 0755, 80, 80},
    {".lab", 0755, 0, 0},
    {".lab/disks", 0700, 0, 0},
    {".lab/linux/usr", 0755, 0, 0},
    {".lab/run", 0755, 0, 0},
};

void make_folders(const fs::path& root) {
    for (const Folder& folder : folders) {
        const fs::path path = root / folder.path;
        fs::create_directories(path);
        if (chown(path.c_str(), folder.uid, folder.gid) != 0 || chmod(path.c_str(), folder.mode) != 0)
            throw std::system_error(errno, std::generic_category(), path.string());
    }
}

void replace_link(const fs::path& target, const fs::path& link) {
    fs::create_directories(link.parent_path());
    fs::remove(link);
    fs::create_symlink(target, link);
}

/// Where the machine's program really is, seen from inside; empty if there is none. Links are followed here,
/// since what lies between (/etc/alternatives) is not in the lab.
fs::path hidden_program(const std::string& name) {
    for (const char* folder : {"/usr/bin", "/usr/sbin"}) {
        const fs::path path = fs::path(folder) / name;
        if (access(path.c_str(), X_OK) != 0)
            continue;
        const fs::path real = fs::canonical(path);
        if (real.string().starts_with("/usr/"))
            return "/.lab/linux" / real.relative_path();
    }
    return {};
}

void link_programs(const fs::path& root) {
    for (const ProgramFolder& folder : program_folders) {
        std::istringstream names(folder.names);
        for (std::string entry; names >> entry;) {
            const auto equals = entry.find('=');
            const std::string name = entry.substr(0, equals);
            const auto real = hidden_program(equals == std::string::npos ? name : entry.substr(equals + 1));
            if (!real.empty())
                replace_link(real, root / fs::path(folder.folder).relative_path() / name);
        }
    }
}

/// Libraries and data of the machine are reached through links too, so that nothing of it is ever changed.
void link_libraries(const fs::path& root) {
    replace_link("/.lab/linux/usr/lib", root / "lib");
    replace_link("/.lab/linux/usr/lib64", root / "lib64");
    replace_link("/.lab/linux/usr/lib", root / "usr/lib");
    replace_link("/.lab/linux/usr/lib64", root / "usr/lib64");
    for (const auto& entry : fs::directory_iterator("/usr/share"))
        replace_link("/.lab/linux" / entry.path().relative_path(), root / entry.path().relative_path());
    replace_link("/var/run", root / "run");
}

void copy_etc(const fs::path& root) {
    const auto options = fs::copy_options::recursive | fs::copy_options::overwrite_existing;
    for (const char* name : copied_etc)
        if (const fs::path source = fs::path("/etc") / name; fs::exists(source))
            fs::copy(fs::is_directory(source) ? source : fs::canonical(source), root / "etc" / name, options);
    if (fs::exists("/etc/nginx/mime.types")) {
        fs::create_directories(root / "usr/local/etc/nginx");
        fs::copy_file("/etc/nginx/mime.types", root / "usr/local/etc/nginx/mime.types",
                      fs::copy_options::overwrite_existing);
    }
    if (fs::exists("/usr/lib/ssl/openssl.cnf"))
        fs::copy_file(fs::canonical("/usr/lib/ssl/openssl.cnf"), root / "etc/ssl/openssl.cnf",
                      fs::copy_options::overwrite_existing);
}

void write(const fs::path& file, const std::string& text, mode_t mode = 0644) {
    std::ofstream out(file, std::ios::trunc);
    out << text;
    if (!out.flush() || chmod(file.c_str(), mode) != 0)
        throw std::runtime_error("cannot write " + file.string());
}

void install_commands(const fs::path& root, const Hooks& hooks) {
    const fs::path program = root / ".lab/bhype-lab";
    fs::remove(program);
    fs::copy_file("/proc/self/exe", program);
    fs::permissions(program, fs::perms(0755));
    for (const Command& command : hooks.commands)
        replace_link("/.lab/bhype-lab", root / fs::path(command.path).relative_path());
}

void make_disks(const Layout& layout, const LabConfig& config) {
    for (std::size_t i = 0; i < config.disks.size(); ++i) {
        const int fd = open(layout.disk(i).c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, static_cast<off_t>(config.disks[i])) != 0)
            throw std::system_error(errno, std::generic_category(), layout.disk(i).string());
        close(fd);
    }
}

} // namespace

void build_root(const Layout& layout, const LabConfig& config, const std::vector<NewAccount>& accounts,
                const Hooks& hooks) {
    const fs::path root = layout.root();
    umask(022);
    make_folders(root);
    link_libraries(root);
    link_programs(root);
    copy_etc(root);
    fs::copy(BHYPE_LAB_FILES, root, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    if (config.nics > 0) // what the installer asks for
        std::ofstream(root / "etc/rc.conf", std::ios::app)
            << "ifconfig_em0=\"inet 192.0.2.10/24\"\ndefaultrouter=\"192.0.2.1\"\n";
    write_accounts(root, accounts);
    std::string uuid;
    std::getline(std::ifstream("/proc/sys/kernel/random/uuid"), uuid);
    write(root / "etc/hostid", uuid + "\n");
    write(root / ".lab/release", config.release + "\n");
    write(root / ".lab/calls", "", 0666);
    write(root / ".lab/faults", "", 0666);
    if (config.slow)
        write(root / ".lab/slow", "");
    make_disks(layout, config);
    install_commands(root, hooks);
    for (const auto& install : hooks.install)
        install(root, config);
}

} // namespace bhype::lab
