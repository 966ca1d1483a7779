#include "os/files.h"

#include "base/error.h"
#include "base/types.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace bhype::os {

namespace {

[[noreturn]] void fail(std::string_view path) {
    const int error = errno;
    const auto detail = std::string(path) + ": " + std::strerror(error);
    switch (error) {
    case ENOENT:
        throw Error(Code::not_found, detail);
    case ELOOP:   // a symbolic link under O_NOFOLLOW
    case EMLINK:  // the same in FreeBSD's open(2)
    case ENOTDIR: // the same under O_DIRECTORY, or a file in the way
        throw Error(Code::policy, detail);
    case ENOSPC:
    case EDQUOT:
        throw Error(Code::no_space, detail);
    default:
        throw Error(Code::command_failed, detail);
    }
}

void write_all(int fd, std::string_view text, std::string_view name) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno != EINTR)
            fail(name);
        if (written > 0)
            text.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::optional<Fd> open_regular(int directory, std::string_view relative, off_t& size) {
    try {
        // O_NONBLOCK: a fifo in the place of the file must not hold us up.
        Fd file = open_beneath(directory, relative, O_RDONLY | O_NONBLOCK);
        struct stat facts {};
        if (::fstat(file.get(), &facts) != 0)
            fail(relative);
        if (!S_ISREG(facts.st_mode))
            throw Error(Code::policy, std::string(relative) + ": is not a regular file");
        size = facts.st_size;
        return file;
    } catch (const Error& error) {
        if (error.code() == Code::not_found)
            return std::nullopt;
        throw;
    }
}

std::string read_up_to(int fd, std::size_t most, std::string_view name) {
    std::string text;
    std::array<char, 16384> buffer;
    while (text.size() < most) {
        const auto got = ::read(fd, buffer.data(), std::min(buffer.size(), most - text.size()));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            fail(name);
        if (got == 0)
            break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
}

} // namespace

void make_directory(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
        throw Error(Code::command_failed, path);
}

Fd open_directory(const std::string& path) {
    Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory)
        fail(path);
    return directory;
}

Fd open_beneath(int directory, std::string_view relative, int flags, mode_t mode) {
    Fd holder;
    std::string_view rest = relative;
    while (true) {
        const auto slash = rest.find('/');
        const std::string part(rest.substr(0, slash));
        if (part.empty() || part == "." || part == ".." || part.find('\0') != part.npos)
            throw Error(Code::policy, std::string(relative) + ": is not a path below the directory");
        const bool last = slash == rest.npos;
        Fd next(::openat(directory, part.c_str(),
                         (last ? flags : O_RDONLY | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC, mode));
        if (!next)
            fail(relative);
        if (last)
            return next;
        holder = std::move(next);
        directory = holder.get();
        rest.remove_prefix(slash + 1);
    }
}

void write_file(int directory, std::string_view name, std::string_view text, mode_t mode,
                const FileOwner& owner) {
    const std::string target(name);
    if (target.find('/') != target.npos)
        throw Error(Code::policy, target + ": is not a file's name");
    const std::string temporary = "." + target + "." + random_hex(6) + ".new";
    Fd file = open_beneath(directory, temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
    try {
        write_all(file.get(), text, target);
        if ((owner.uid != static_cast<uid_t>(-1) || owner.gid != static_cast<gid_t>(-1)) &&
            ::fchown(file.get(), owner.uid, owner.gid) != 0)
            fail(target);
        // After fchown, which clears set-id bits; open's mode was cut by the umask.
        if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0 ||
            ::renameat(directory, temporary.c_str(), directory, target.c_str()) != 0)
            fail(target);
    } catch (...) {
        ::unlinkat(directory, temporary.c_str(), 0);
        throw;
    }
    if (::fsync(directory) != 0 && errno != EINVAL) // some file systems cannot
        fail(target);
}

std::optional<std::string> read_file(int directory, std::string_view relative, std::size_t most) {
    off_t size = 0;
    const auto file = open_regular(directory, relative, size);
    if (!file)
        return std::nullopt;
    auto text = read_up_to(file->get(), most + 1, relative);
    if (text.size() > most)
        throw Error(Code::too_large, std::string(relative) + ": is larger than " + ByteSize(most).human());
    return text;
}

std::optional<std::string> read_tail(int directory, std::string_view relative, std::size_t most) {
    off_t size = 0;
    const auto file = open_regular(directory, relative, size);
    if (!file)
        return std::nullopt;
    if (size > static_cast<off_t>(most) &&
        ::lseek(file->get(), size - static_cast<off_t>(most), SEEK_SET) == -1)
        fail(relative);
    return read_up_to(file->get(), most, relative);
}

PidFile::PidFile(const std::string& path)
    : path_(path), fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644)) {
    if (!fd_)
        fail(path);
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
        fd_.reset();
        std::array<char, 32> other{};
        const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        if (file && ::read(file.get(), other.data(), other.size() - 1) < 0)
            other[0] = '\0';
        throw Error(Code::busy, path + " is held by process " + other.data());
    }
    const auto text = std::to_string(::getpid());
    if (::ftruncate(fd_.get(), 0) != 0 ||
        ::pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        fail(path_);
}

PidFile::~PidFile() {
    if (fd_)
        ::unlink(path_.c_str());
}

} // namespace bhype::os
