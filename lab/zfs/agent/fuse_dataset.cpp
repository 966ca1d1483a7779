// A dataset's files for the lab: every request is done again on the dataset, as the user who asked.
// The tree is a private copy of the mount (open_tree(2)), so that what is mounted on top of its directories
// in the guest is neither seen nor held; the lab mounts each dataset by itself in the same places. Snapshots
// below .zfs/snapshot are the exception: ZFS mounts them when somebody looks, where the dataset itself is
// mounted.
#include "agent.h"
#include "fuse_session.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <map>
#include <memory>
#include <set>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace bhype::lab::agent {

namespace {

// Nothing but the lab's kernel changes the files, apart from rollback and receive, which invalidate.
constexpr double cache_seconds = 3600;
/// Of .zfs/snapshot (openzfs: include/sys/zfs_ctldir.h, ZFSCTL_INO_SNAPDIR).
constexpr ino_t snapshot_directory = 0x0000FFFFFFFFFFFDULL;
constexpr std::chrono::milliseconds letting_go{2000};

struct Inode {
    int fd = -1;
    std::pair<dev_t, ino_t> number{}; // a snapshot's files have the numbers of those that live
    std::uint64_t lookups = 0;
    std::set<std::pair<fuse_ino_t, std::string>> names; // as whom the lab's kernel may have cached it
};

struct Directory {
    DIR* stream;
    off_t position;
    dirent* pending;
};

class Dataset : public FileServer {
  public:
    fuse_session* session = nullptr;
    std::string mountpoint;
    std::mutex mutex;
    Inode root;
    std::map<std::pair<dev_t, ino_t>, std::unique_ptr<Inode>> inodes;

    ~Dataset() override {
        for (auto& [number, inode] : inodes)
            ::close(inode->fd);
        if (root.fd >= 0)
            ::close(root.fd);
    }

    Inode& inode(fuse_ino_t id) { return id == FUSE_ROOT_ID ? root : *reinterpret_cast<Inode*>(id); }

    void invalidate() {
        std::vector<fuse_ino_t> ids{FUSE_ROOT_ID};
        std::vector<std::pair<fuse_ino_t, std::string>> names;
        {
            std::lock_guard lock(mutex);
            for (auto& [number, known] : inodes) {
                ids.push_back(reinterpret_cast<fuse_ino_t>(known.get()));
                names.insert(names.end(), known->names.begin(), known->names.end());
            }
        }
        for (const auto& [parent, name] : names)
            ::fuse_lowlevel_notify_inval_entry(session, parent, name.c_str(), name.size());
        for (fuse_ino_t id : ids)
            ::fuse_lowlevel_notify_inval_inode(session, id, 0, 0);
    }

    bool holds_snapshots() {
        std::lock_guard lock(mutex);
        return std::any_of(inodes.begin(), inodes.end(),
                           [&](const auto& known) { return known.first.first != root.number.first; });
    }

    // So that ZFS can unmount them. The lab's kernel drops what nobody uses, and says so a moment later.
    void let_go_of_snapshots() {
        if (!holds_snapshots())
            return;
        invalidate();
        for (auto waited = std::chrono::milliseconds(0); waited < letting_go && holds_snapshots();
             waited += std::chrono::milliseconds(20))
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }

    // Takes over the descriptor.
    void fill_entry(int fd, fuse_ino_t parent, const char* name, const struct stat& status,
                    fuse_entry_param& entry) {
        std::lock_guard lock(mutex);
        const std::pair number{status.st_dev, status.st_ino};
        auto& slot = inodes[number];
        if (slot) {
            ::close(fd);
        } else {
            slot = std::make_unique<Inode>();
            slot->fd = fd;
            slot->number = number;
        }
        ++slot->lookups;
        slot->names.emplace(parent, name);
        entry = {};
        entry.ino = reinterpret_cast<fuse_ino_t>(slot.get());
        entry.attr = status;
        entry.attr_timeout = entry.entry_timeout = status.st_dev == root.number.first ? cache_seconds : 0;
    }

    void forget(fuse_ino_t id, std::uint64_t count) {
        if (id == FUSE_ROOT_ID)
            return;
        std::lock_guard lock(mutex);
        Inode& known = inode(id);
        known.lookups -= std::min(known.lookups, count);
        if (known.lookups == 0) {
            ::close(known.fd);
            inodes.erase(known.number);
        }
    }
};

Dataset& dataset(fuse_req_t request) {
    return static_cast<Dataset&>(*static_cast<FileServer*>(::fuse_req_userdata(request)));
}

int fd_of(fuse_req_t request, fuse_ino_t id) {
    return dataset(request).inode(id).fd;
}

std::string path_of(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

// What is made belongs to the caller. The thread keeps its capabilities (NO_SETUID_FIXUP), since the lab's
// kernel has checked the permissions, with the supplementary groups that are not known here.
class AsCaller {
  public:
    explicit AsCaller(fuse_req_t request) {
        const fuse_ctx* who = ::fuse_req_ctx(request);
        ::syscall(SYS_setfsgid, who->gid);
        ::syscall(SYS_setfsuid, who->uid);
    }
    ~AsCaller() {
        ::syscall(SYS_setfsuid, 0);
        ::syscall(SYS_setfsgid, 0);
    }
};

int find(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_entry_param& entry) {
    auto& served = dataset(request);
    int fd =
        served.inode(parent).number.second == snapshot_directory
            ? ::open((served.mountpoint + "/.zfs/snapshot/" + name).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)
            : ::openat(fd_of(request, parent), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    struct stat status {};
    if (::fstatat(fd, "", &status, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0) {
        int error = errno;
        ::close(fd);
        return error;
    }
    dataset(request).fill_entry(fd, parent, name, status, entry);
    return 0;
}

void reply_found(fuse_req_t request, fuse_ino_t parent, const char* name) {
    fuse_entry_param entry;
    int error = find(request, parent, name, entry);
    if (error != 0)
        ::fuse_reply_err(request, error);
    else
        ::fuse_reply_entry(request, &entry);
}

void reply_result(fuse_req_t request, int result) {
    ::fuse_reply_err(request, result < 0 ? errno : 0);
}

void do_init(void*, fuse_conn_info* info) {
    info->max_write = max_transfer;
    info->max_readahead = max_transfer;
    info->want &= ~static_cast<unsigned>(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
}

void do_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    reply_found(request, parent, name);
}

void do_forget(fuse_req_t request, fuse_ino_t id, std::uint64_t count) {
    dataset(request).forget(id, count);
    ::fuse_reply_none(request);
}

void do_forget_multi(fuse_req_t request, size_t count, fuse_forget_data* list) {
    for (size_t i = 0; i < count; ++i)
        dataset(request).forget(list[i].ino, list[i].nlookup);
    ::fuse_reply_none(request);
}

void do_getattr(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
    struct stat status {};
    if (::fstatat(fd_of(request, id), "", &status, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0)
        ::fuse_reply_err(request, errno);
    else
        ::fuse_reply_attr(request, &status, cache_seconds);
}

int set_attributes(int fd, struct stat* to, int what, fuse_file_info* file) {
    std::string path = path_of(fd);
    if (what & FUSE_SET_ATTR_MODE && ::chmod(path.c_str(), to->st_mode) != 0)
        return errno;
    if (what & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) {
        uid_t uid = what & FUSE_SET_ATTR_UID ? to->st_uid : static_cast<uid_t>(-1);
        gid_t gid = what & FUSE_SET_ATTR_GID ? to->st_gid : static_cast<gid_t>(-1);
        if (::fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0)
            return errno;
    }
    if (what & FUSE_SET_ATTR_SIZE) {
        int result = file != nullptr ? ::ftruncate(static_cast<int>(file->fh), to->st_size)
                                     : ::truncate(path.c_str(), to->st_size);
        if (result != 0)
            return errno;
    }
    if (what & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)) {
        timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
        if (what & FUSE_SET_ATTR_ATIME_NOW)
            times[0].tv_nsec = UTIME_NOW;
        else if (what & FUSE_SET_ATTR_ATIME)
            times[0] = to->st_atim;
        if (what & FUSE_SET_ATTR_MTIME_NOW)
            times[1].tv_nsec = UTIME_NOW;
        else if (what & FUSE_SET_ATTR_MTIME)
            times[1] = to->st_mtim;
        if (::utimensat(fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0)
            return errno;
    }
    return 0;
}

void do_setattr(fuse_req_t request, fuse_ino_t id, struct stat* to, int what, fuse_file_info* file) {
    int error = set_attributes(fd_of(request, id), to, what, file);
    if (error != 0)
        ::fuse_reply_err(request, error);
    else
        do_getattr(request, id, nullptr);
}

void do_readlink(fuse_req_t request, fuse_ino_t id) {
    char target[PATH_MAX + 1];
    ssize_t length = ::readlinkat(fd_of(request, id), "", target, PATH_MAX);
    if (length < 0) {
        ::fuse_reply_err(request, errno);
        return;
    }
    target[length] = '\0';
    ::fuse_reply_readlink(request, target);
}

template <typename Make>
void make_entry(fuse_req_t request, fuse_ino_t parent, const char* name, Make make) {
    int result;
    {
        AsCaller as(request);
        result = make(fd_of(request, parent));
    }
    if (result != 0)
        ::fuse_reply_err(request, errno);
    else
        reply_found(request, parent, name);
}

void do_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
    make_entry(request, parent, name, [&](int fd) { return ::mknodat(fd, name, mode, device); });
}

void do_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
    make_entry(request, parent, name, [&](int fd) { return ::mkdirat(fd, name, mode); });
}

void do_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
    make_entry(request, parent, name, [&](int fd) { return ::symlinkat(target, fd, name); });
}

void do_link(fuse_req_t request, fuse_ino_t id, fuse_ino_t parent, const char* name) {
    if (::linkat(fd_of(request, id), "", fd_of(request, parent), name, AT_EMPTY_PATH) != 0)
        ::fuse_reply_err(request, errno);
    else
        reply_found(request, parent, name);
}

void do_unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
    reply_result(request, ::unlinkat(fd_of(request, parent), name, 0));
}

void do_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
    reply_result(request, ::unlinkat(fd_of(request, parent), name, AT_REMOVEDIR));
}

void do_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
               const char* new_name, unsigned flags) {
    reply_result(request,
                 ::renameat2(fd_of(request, parent), name, fd_of(request, new_parent), new_name, flags));
}

void do_open(fuse_req_t request, fuse_ino_t id, fuse_file_info* file) {
    int fd = ::open(path_of(fd_of(request, id)).c_str(),
                    (file->flags & ~(O_NOFOLLOW | O_CREAT | O_EXCL)) | O_CLOEXEC);
    if (fd < 0) {
        ::fuse_reply_err(request, errno);
        return;
    }
    file->fh = static_cast<std::uint64_t>(fd);
    file->keep_cache = 1;
    ::fuse_reply_open(request, file);
}

void do_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* file) {
    int fd;
    {
        AsCaller as(request);
        fd = ::openat(fd_of(request, parent), name, file->flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mode);
    }
    fuse_entry_param entry;
    int error = fd < 0 ? errno : find(request, parent, name, entry);
    if (error != 0) {
        if (fd >= 0)
            ::close(fd);
        ::fuse_reply_err(request, error);
        return;
    }
    file->fh = static_cast<std::uint64_t>(fd);
    file->keep_cache = 1;
    ::fuse_reply_create(request, &entry, file);
}

void do_read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file) {
    thread_local std::vector<char> buffer;
    buffer.resize(std::max(buffer.size(), size));
    ssize_t got = ::pread(static_cast<int>(file->fh), buffer.data(), size, offset);
    if (got < 0)
        ::fuse_reply_err(request, errno);
    else
        ::fuse_reply_buf(request, buffer.data(), static_cast<size_t>(got));
}

void do_write(fuse_req_t request, fuse_ino_t, const char* data, size_t size, off_t offset,
              fuse_file_info* file) {
    // Linux's pwrite(2) appends to a descriptor with O_APPEND whatever the offset; so does the lab's kernel.
    ssize_t put = ::pwrite(static_cast<int>(file->fh), data, size, offset);
    if (put < 0)
        ::fuse_reply_err(request, errno);
    else
        ::fuse_reply_write(request, static_cast<size_t>(put));
}

void do_release(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
    ::close(static_cast<int>(file->fh));
    ::fuse_reply_err(request, 0);
}

void do_fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* file) {
    int fd = static_cast<int>(file->fh);
    reply_result(request, data_only ? ::fdatasync(fd) : ::fsync(fd));
}

void do_fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
                  fuse_file_info* file) {
    reply_result(request, ::fallocate(static_cast<int>(file->fh), mode, offset, length));
}

void do_lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* file) {
    off_t result = ::lseek(static_cast<int>(file->fh), offset, whence);
    if (result < 0)
        ::fuse_reply_err(request, errno);
    else
        ::fuse_reply_lseek(request, result);
}

void do_opendir(fuse_req_t request, fuse_ino_t id, fuse_file_info* file) {
    int fd = ::openat(fd_of(request, id), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* stream = fd < 0 ? nullptr : ::fdopendir(fd);
    if (stream == nullptr) {
        ::fuse_reply_err(request, errno);
        return;
    }
    file->fh = reinterpret_cast<std::uint64_t>(new Directory{stream, 0, nullptr});
    ::fuse_reply_open(request, file);
}

void read_directory(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset, fuse_file_info* file,
                    bool plus) {
    auto* directory = reinterpret_cast<Directory*>(file->fh);
    if (offset != directory->position) {
        ::seekdir(directory->stream, offset);
        directory->pending = nullptr;
        directory->position = offset;
    }
    std::vector<char> buffer(size);
    size_t used = 0;
    for (;;) {
        if (directory->pending == nullptr)
            directory->pending = ::readdir(directory->stream);
        dirent* item = directory->pending;
        if (item == nullptr)
            break;
        bool special = std::strcmp(item->d_name, ".") == 0 || std::strcmp(item->d_name, "..") == 0;
        fuse_entry_param entry{};
        entry.attr.st_ino = item->d_ino;
        entry.attr.st_mode = static_cast<mode_t>(item->d_type) << 12;
        bool looked_up = plus && !special && find(request, id, item->d_name, entry) == 0;
        size_t left = size - used;
        size_t needed = plus ? ::fuse_add_direntry_plus(request, buffer.data() + used, left, item->d_name,
                                                        &entry, item->d_off)
                             : ::fuse_add_direntry(request, buffer.data() + used, left, item->d_name,
                                                   &entry.attr, item->d_off);
        if (needed > left) {
            if (looked_up)
                dataset(request).forget(entry.ino, 1);
            break;
        }
        used += needed;
        directory->position = item->d_off;
        directory->pending = nullptr;
    }
    ::fuse_reply_buf(request, buffer.data(), used);
}

void do_readdir(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset, fuse_file_info* file) {
    read_directory(request, id, size, offset, file, false);
}

void do_readdirplus(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset, fuse_file_info* file) {
    read_directory(request, id, size, offset, file, true);
}

void do_releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
    auto* directory = reinterpret_cast<Directory*>(file->fh);
    ::closedir(directory->stream);
    delete directory;
    ::fuse_reply_err(request, 0);
}

void do_fsyncdir(fuse_req_t request, fuse_ino_t, int, fuse_file_info* file) {
    reply_result(request, ::fsync(::dirfd(reinterpret_cast<Directory*>(file->fh)->stream)));
}

void do_statfs(fuse_req_t request, fuse_ino_t) {
    struct statvfs status {};
    if (::fstatvfs(dataset(request).root.fd, &status) != 0)
        ::fuse_reply_err(request, errno);
    else
        ::fuse_reply_statfs(request, &status);
}

// Extended attributes are left out: with them Linux asks for security.capability before every single
// write(2).
fuse_lowlevel_ops make_operations() {
    fuse_lowlevel_ops all{};
    all.init = do_init;
    all.lookup = do_lookup;
    all.forget = do_forget;
    all.forget_multi = do_forget_multi;
    all.getattr = do_getattr;
    all.setattr = do_setattr;
    all.readlink = do_readlink;
    all.mknod = do_mknod;
    all.mkdir = do_mkdir;
    all.symlink = do_symlink;
    all.link = do_link;
    all.unlink = do_unlink;
    all.rmdir = do_rmdir;
    all.rename = do_rename;
    all.open = do_open;
    all.create = do_create;
    all.read = do_read;
    all.write = do_write;
    all.release = do_release;
    all.fsync = do_fsync;
    all.fallocate = do_fallocate;
    all.lseek = do_lseek;
    all.opendir = do_opendir;
    all.readdir = do_readdir;
    all.readdirplus = do_readdirplus;
    all.releasedir = do_releasedir;
    all.fsyncdir = do_fsyncdir;
    all.statfs = do_statfs;
    return all;
}

} // namespace

void serve_dataset(int fd, const std::string& mountpoint) {
    static const fuse_lowlevel_ops operations = make_operations();
    ::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
    auto served = std::make_unique<Dataset>();
    served->root.fd = static_cast<int>(
        ::syscall(SYS_open_tree, AT_FDCWD, mountpoint.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    if (served->root.fd < 0) {
        send_status(fd, errno);
        return;
    }
    served->mountpoint = mountpoint;
    struct stat status {};
    ::fstat(served->root.fd, &status);
    served->root.number = {status.st_dev, status.st_ino};
    served->session = open_session(fd, operations, *served);
    send_status(fd, served->session != nullptr ? 0 : ENOMEM);
    if (served->session == nullptr)
        return;
    Dataset* raw = served.get();
    ServedMount registered(
        mountpoint, [raw] { raw->invalidate(); }, [raw] { raw->let_go_of_snapshots(); });
    serve_session(served->session);
    served.reset();
    // Somebody unmounted it by umount(8): then it is not mounted for ZFS either.
    if (!is_expected_unserved(mountpoint))
        ::umount2(mountpoint.c_str(), 0);
}

} // namespace bhype::lab::agent
