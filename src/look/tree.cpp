#include "look/tree.h"

#include "look/names.h"

#include <algorithm>
#include <deque>

namespace bhype::look {

namespace {

constexpr int most_links = 32;
constexpr std::size_t most_components = 256; ///< also of what links lead through
constexpr std::size_t longest_target = 4096;
constexpr std::size_t most_entries = 1'000'000;

bool is_directory(const TSK_FS_META& meta) {
    return meta.type == TSK_FS_META_TYPE_DIR;
}

File open(TSK_FS_INFO& system, TSK_INUM_T inode) {
    File file(::tsk_fs_file_open_meta(&system, nullptr, inode));
    if (!file || !file->meta)
        throw Error(Code::look_unreadable, "inode " + std::to_string(inode) + ": " + tsk_words());
    return file;
}

/// Calls `visit` for each name of a directory that is in use, until it returns false.
void each_name(TSK_FS_INFO& system, TSK_INUM_T inode, const std::function<bool(const TSK_FS_NAME&)>& visit) {
    const Directory directory(::tsk_fs_dir_open_meta(&system, inode));
    if (!directory)
        throw Error(Code::look_unreadable, "directory " + std::to_string(inode) + ": " + tsk_words());
    if (directory->names_used > most_entries)
        throw Error(Code::look_too_large,
                    "the directory has " + std::to_string(directory->names_used) + " entries");
    for (std::size_t i = 0; i < directory->names_used; ++i) {
        const auto& name = directory->names[i];
        if (!name.name || (name.flags & TSK_FS_NAME_FLAG_ALLOC) == 0 || name.type == TSK_FS_NAME_TYPE_VIRT ||
            name.type == TSK_FS_NAME_TYPE_VIRT_DIR)
            continue;
        const std::string_view text(name.name);
        // NTFS's own files have the first 24 numbers ($MFT and so on); the root directory is one of them.
        const bool own = TSK_FS_TYPE_ISNTFS(system.ftype) && name.meta_addr < 24 && text.starts_with('$');
        const bool label = TSK_FS_TYPE_ISFAT(system.ftype) && text.ends_with(" (Volume Label Entry)");
        if (text.empty() || text == "." || text == ".." || own || label)
            continue;
        if (!visit(name))
            return;
    }
}

bool same_letters(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

/// Where letters' case does not count, a name that fits exactly still comes first.
std::optional<TSK_INUM_T> child(TSK_FS_INFO& system, TSK_INUM_T directory, const std::string& wanted) {
    const bool any_case = TSK_FS_TYPE_ISNTFS(system.ftype) || TSK_FS_TYPE_ISFAT(system.ftype) ||
                          TSK_FS_TYPE_ISISO9660(system.ftype);
    std::optional<TSK_INUM_T> exact;
    std::optional<TSK_INUM_T> similar;
    each_name(system, directory, [&](const TSK_FS_NAME& name) {
        if (name.name == wanted)
            exact = name.meta_addr;
        else if (any_case && !similar && same_letters(name.name, wanted))
            similar = name.meta_addr;
        return !exact;
    });
    return exact ? exact : similar;
}

std::string target_of(const TSK_FS_META& meta) {
    return meta.type == TSK_FS_META_TYPE_LNK && meta.link ? std::string(meta.link).substr(0, longest_target)
                                                          : "";
}

host::LookKind kind_of(TSK_FS_META_TYPE_ENUM type) {
    switch (type) {
    case TSK_FS_META_TYPE_REG:
        return host::LookKind::file;
    case TSK_FS_META_TYPE_DIR:
        return host::LookKind::directory;
    case TSK_FS_META_TYPE_LNK:
        return host::LookKind::link;
    default:
        return host::LookKind::other;
    }
}

struct Name {
    std::string bytes;
    TSK_INUM_T inode = 0;
    TSK_FS_NAME_TYPE_ENUM type = TSK_FS_NAME_TYPE_UNDEF;
};

host::LookEntry entry_of(TSK_FS_INFO& system, const Name& name) {
    host::LookEntry entry;
    entry.name = shown(name.bytes);
    const File file(::tsk_fs_file_open_meta(&system, nullptr, name.inode));
    if (!file || !file->meta) { // a broken inode hides no other
        ::tsk_error_reset();
        return entry;
    }
    const auto& meta = *file->meta;
    entry.kind = kind_of(meta.type);
    entry.size = std::max<std::int64_t>(meta.size, 0);
    entry.modified = static_cast<std::int64_t>(meta.mtime);
    entry.mode = static_cast<std::int64_t>(meta.mode) & 07777;
    entry.uid = static_cast<std::int64_t>(meta.uid);
    entry.gid = static_cast<std::int64_t>(meta.gid);
    entry.target = shown_path(target_of(meta));
    return entry;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string path;
    for (const auto& part : parts)
        path += '/' + shown(part);
    return path.empty() ? "/" : path;
}

} // namespace

Found find(TSK_FS_INFO& system, const GuestPath& path) {
    std::deque<std::string> left;
    for (const auto& part : components(path.str()))
        left.push_back(bytes_of(part));
    std::vector<std::string> names;
    std::vector<TSK_INUM_T> inodes{system.root_inum};
    int links = 0;
    std::size_t steps = 0;
    File here = open(system, system.root_inum);
    while (!left.empty()) {
        const auto name = left.front();
        left.pop_front();
        if (++steps > most_components)
            throw Error(Code::not_found, "the path leads through too many directories");
        if (name == "..") { // of a link alone
            if (!names.empty()) {
                names.pop_back();
                inodes.pop_back();
            }
            here = open(system, inodes.back());
            continue;
        }
        if (!is_directory(*here->meta))
            throw Error(Code::not_found, joined(names) + " is no directory");
        const auto inode = child(system, inodes.back(), name);
        names.push_back(name);
        if (!inode)
            throw Error(Code::not_found, "there is no " + joined(names));
        here = open(system, *inode);
        if (here->meta->type != TSK_FS_META_TYPE_LNK) {
            inodes.push_back(*inode);
            continue;
        }
        if (++links > most_links)
            throw Error(Code::not_found, joined(names) + " leads through too many symbolic links");
        const auto target = target_of(*here->meta);
        if (target.empty())
            throw Error(Code::look_unreadable, joined(names) + " is a link whose target cannot be read");
        names.pop_back();
        if (target.front() == '/') {
            names.clear();
            inodes.resize(1);
        }
        const auto parts = components(target);
        left.insert(left.begin(), parts.begin(), parts.end());
        here = open(system, inodes.back());
    }
    return {joined(names), std::move(here)};
}

Page list(TSK_FS_INFO& system, const GuestPath& path, std::int64_t from, std::int64_t limit) {
    const auto found = find(system, path);
    if (!is_directory(*found.file->meta))
        throw Error(Code::invalid_field, {}, {{"path", "is no directory; a file can be downloaded"}});
    std::vector<Name> names;
    each_name(system, found.file->meta->addr, [&](const TSK_FS_NAME& name) {
        names.push_back({name.name, name.meta_addr, name.type});
        return true;
    });
    std::ranges::sort(names, {}, &Name::bytes);
    Page page;
    if (!GuestPath::accepts(found.path))
        throw Error(Code::look_too_large, "the path is too long");
    page.path = GuestPath::from(found.path);
    page.total = static_cast<std::int64_t>(names.size());
    const auto begin = std::min(from, page.total);
    const auto end = std::min(begin + limit, page.total);
    for (auto i = begin; i < end; ++i)
        page.entries.push_back(entry_of(system, names[static_cast<std::size_t>(i)]));
    return page;
}

void read(TSK_FS_INFO& system, const GuestPath& path,
          const std::function<void(const host::SnapshotFileResult&)>& begin,
          const std::function<bool(std::string_view)>& piece) {
    const auto found = find(system, path);
    const auto& meta = *found.file->meta;
    if (meta.type != TSK_FS_META_TYPE_REG)
        throw Error(Code::invalid_field, {}, {{"path", "is no file"}});
    const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(meta.size, 0));
    if (size > host::longest_look_file)
        throw Error(Code::look_too_large, "it has " + ByteSize(size).human());
    begin({found.path.substr(found.path.rfind('/') + 1), ByteSize(size)});
    std::vector<char> buffer(std::size_t{256} << 10);
    for (std::uint64_t at = 0; at < size;) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - at));
        const auto got = ::tsk_fs_file_read(found.file.get(), static_cast<TSK_OFF_T>(at), buffer.data(),
                                            wanted, TSK_FS_FILE_READ_FLAG_NONE);
        if (got <= 0)
            throw Error(Code::look_unreadable, "at byte " + std::to_string(at) + ": " + tsk_words());
        if (!piece({buffer.data(), static_cast<std::size_t>(got)}))
            return;
        at += static_cast<std::uint64_t>(got);
    }
}

} // namespace bhype::look
