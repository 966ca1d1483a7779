// The tree below /dev/zvol. The nodes are volumes, shown as regular files of the volume's size, since a FUSE
// file system cannot answer for a block device of another machine.
#include "agent.h"
#include "fuse_session.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <map>
#include <set>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bhype::lab::agent {

namespace {

constexpr gid_t group_operator = 5; // FreeBSD's group(5); devfs gives disks root:operator 0640

// Paths are kept for ever: a number must not come to mean another volume while the lab's kernel knows it.
class ZvolTree : public FileServer {
  public:
    fuse_ino_t number_of(const std::string& path) {
        auto [found, is_new] = numbers_.emplace(path, paths_.size() + FUSE_ROOT_ID);
        if (is_new)
            paths_.push_back(path);
        return found->second;
    }
    const std::string& path_of(fuse_ino_t number) const { return paths_.at(number - FUSE_ROOT_ID); }

  private:
    std::vector<std::string> paths_{""};
    std::map<std::string, fuse_ino_t> numbers_{{"", FUSE_ROOT_ID}};
};

ZvolTree& tree(fuse_req_t request) {
    return static_cast<ZvolTree&>(*static_cast<FileServer*>(::fuse_req_userdata(request)));
}

// From sysfs: opening the volume to ask would make it busy.
off_t size_of(const std::string& device) {
    std::string name = device.substr(device.rfind('/') + 1);
    return std::strtoll(read_small_file("/sys/block/" + name + "/size").c_str(), nullptr, 10) * 512;
}

bool describe(const std::string& path, fuse_ino_t number, struct stat& status) {
    status = {};
    status.st_ino = number;
    status.st_blksize = 4096;
    if (std::string device = zvol_device(path); !device.empty()) {
        status.st_mode = S_IFREG | 0640;
        status.st_gid = group_operator;
        status.st_nlink = 1;
        status.st_size = size_of(device);
        return true;
    }
    status.st_mode = S_IFDIR | 0755;
    status.st_nlink = 2;
    auto names = zvol_names();
    return path.empty() ||
           std::any_of(names.begin(), names.end(), [&](auto& name) { return name.starts_with(path + "/"); });
}

// devfs has what the last command made, even if that command was killed and nobody waited for its end.
void do_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    settle_devices();
    std::string path = tree(request).path_of(parent);
    path += (path.empty() ? "" : "/") + std::string(name);
    fuse_entry_param entry{};
    entry.ino = tree(request).number_of(path);
    if (describe(path, entry.ino, entry.attr))
        ::fuse_reply_entry(request, &entry);
    else
        ::fuse_reply_err(request, ENOENT);
}

void do_getattr(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
    struct stat status {};
    if (describe(tree(request).path_of(id), id, status))
        ::fuse_reply_attr(request, &status, 0);
    else
        ::fuse_reply_err(request, ENOENT);
}

// open(O_TRUNC) of a device changes nothing.
void do_setattr(fuse_req_t request, fuse_ino_t id, struct stat*, int what, fuse_file_info*) {
    if (what & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
        ::fuse_reply_err(request, EPERM);
    else
        do_getattr(request, id, nullptr);
}

void do_open(fuse_req_t request, fuse_ino_t id, fuse_file_info* file) {
    std::string device = zvol_device(tree(request).path_of(id));
    int fd = device.empty() ? -1 : ::open(device.c_str(), (file->flags & O_ACCMODE) | O_CLOEXEC);
    if (fd < 0) {
        ::fuse_reply_err(request, device.empty() ? ENXIO : errno);
        return;
    }
    file->fh = static_cast<std::uint64_t>(fd);
    file->direct_io = 1; // a guest writes to the same volume by NBD
    ::fuse_reply_open(request, file);
}

void do_read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file) {
    std::vector<char> buffer(size);
    ssize_t got = ::pread(static_cast<int>(file->fh), buffer.data(), size, offset);
    if (got < 0)
        ::fuse_reply_err(request, errno);
    else
        ::fuse_reply_buf(request, buffer.data(), static_cast<size_t>(got));
}

void do_write(fuse_req_t request, fuse_ino_t, const char* data, size_t size, off_t offset,
              fuse_file_info* file) {
    ssize_t put = write_volume(static_cast<int>(file->fh), data, size, offset);
    if (put < 0)
        ::fuse_reply_err(request, errno);
    else
        ::fuse_reply_write(request, static_cast<size_t>(put));
}

void do_fsync(fuse_req_t request, fuse_ino_t, int, fuse_file_info* file) {
    ::fuse_reply_err(request, ::fdatasync(static_cast<int>(file->fh)) == 0 ? 0 : errno);
}

void do_release(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
    ::close(static_cast<int>(file->fh));
    ::fuse_reply_err(request, 0);
}

void do_fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
                  fuse_file_info* file) {
    std::uint64_t range[2] = {static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length)};
    unsigned long what = mode & FALLOC_FL_PUNCH_HOLE   ? BLKDISCARD
                         : mode & FALLOC_FL_ZERO_RANGE ? BLKZEROOUT
                                                       : 0;
    int error = what == 0 ? EOPNOTSUPP : ::ioctl(static_cast<int>(file->fh), what, range) == 0 ? 0 : errno;
    ::fuse_reply_err(request, error);
}

void do_readdir(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset, fuse_file_info*) {
    settle_devices();
    std::string path = tree(request).path_of(id);
    std::string prefix = path.empty() ? "" : path + "/";
    std::set<std::string> children{".", ".."};
    for (const auto& name : zvol_names())
        if (name.starts_with(prefix))
            children.insert(name.substr(prefix.size(), name.find('/', prefix.size()) - prefix.size()));
    std::vector<char> buffer(size);
    size_t used = 0;
    off_t position = 0;
    for (const auto& child : children) {
        if (++position <= offset)
            continue;
        struct stat status {};
        status.st_ino = child.starts_with(".") ? id : tree(request).number_of(prefix + child);
        status.st_mode = zvol_device(prefix + child).empty() ? S_IFDIR : S_IFREG;
        size_t needed =
            ::fuse_add_direntry(request, buffer.data() + used, size - used, child.c_str(), &status, position);
        if (needed > size - used)
            break;
        used += needed;
    }
    ::fuse_reply_buf(request, buffer.data(), used);
}

void do_init(void*, fuse_conn_info* info) {
    info->max_write = max_transfer;
    info->want &= ~static_cast<unsigned>(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
}

fuse_lowlevel_ops make_operations() {
    fuse_lowlevel_ops all{};
    all.init = do_init;
    all.lookup = do_lookup;
    all.getattr = do_getattr;
    all.setattr = do_setattr;
    all.open = do_open;
    all.read = do_read;
    all.write = do_write;
    all.fsync = do_fsync;
    all.release = do_release;
    all.fallocate = do_fallocate;
    all.readdir = do_readdir;
    return all;
}

} // namespace

void serve_zvols(int fd) {
    static const fuse_lowlevel_ops operations = make_operations();
    ZvolTree served;
    fuse_session* session = open_session(fd, operations, served);
    send_status(fd, session != nullptr ? 0 : ENOMEM);
    if (session != nullptr)
        serve_session(session);
}

} // namespace bhype::lab::agent
