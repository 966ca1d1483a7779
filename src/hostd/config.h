#pragma once

// hostd.toml(5): root's own policy, which bhyped cannot change.

#include "base/json.h"

namespace bhype::hostd {

struct Config {
    static constexpr bool defaults_apply = true;
    std::string user = "bhype";   ///< bhyped's account
    std::string group = "_bhype"; ///< its own group: may look into datasets and talk to us
    /// Directories, root's own, from which installation media and images may be read.
    std::vector<HostPath> image_directories;
    bool allow_root = false;            ///< log-in as root
    bool allow_system_accounts = false; ///< log-in with a uid below 1000
    bool allow_empty_passwords = false;
    std::string pam_service = "bhype";
    Ranged<1024, 65000> first_vnc_port = 5900;
    Ranged<1, 64> workers = 8;
};
BOOST_DESCRIBE_STRUCT(Config, (),
                      (user, group, image_directories, allow_root, allow_system_accounts,
                       allow_empty_passwords, pam_service, first_vnc_port, workers))

/// A missing file gives the defaults. Throws Error(bad_configuration) when it is not root's own, when others
/// may write it, or for what is wrong in it.
Config read_config(const std::string& path);

/// Where things are; other places are for tests.
struct Paths {
    std::string socket = "/var/run/bhype/hostd.sock";
    std::string run = "/var/run/bhype"; ///< emptied by a boot
    std::string state = "/var/bhype";   ///< kept; root's own
    std::string root = "/";             ///< below which datasets are mounted at /POOL/bhype
    std::string vmm = "/dev/vmm";
    std::string zvol = "/dev/zvol";
};

} // namespace bhype::hostd
