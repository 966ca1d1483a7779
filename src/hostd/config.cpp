#include "hostd/config.h"

#include "base/toml.h"

#include <sys/stat.h>

#include <cerrno>

namespace bhype::hostd {

Config read_config(const std::string& path) {
    struct stat facts {};
    Config config;
    if (::lstat(path.c_str(), &facts) == 0) {
        if (!S_ISREG(facts.st_mode) || facts.st_uid != 0 || (facts.st_mode & 022) != 0)
            throw Error(Code::bad_configuration,
                        path + ": must be a file of root's that nobody else may write");
        config = decode_file<Config>(path);
    } else if (errno != ENOENT) {
        throw Error(Code::bad_configuration, path + ": cannot be read");
    }
    if (config.image_directories.empty())
        for (const auto* directory : {"/var/bhype/images", "/usr/local/share/bhype/images"})
            config.image_directories.push_back(HostPath::from(directory));
    return config;
}

} // namespace bhype::hostd
