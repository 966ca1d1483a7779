#include "protect/look.h"

#include "api/dispatch.h"
#include "base/log.h"
#include "protect/endpoints.h"

#include <fmt/format.h>

#include <algorithm>

namespace bhype::protect {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::Reply;
using vm::Services;

template <class Type>
std::optional<Type> asked(const Call& call, const std::string& name, Problems& problems) {
    const auto found = call.query.find(name);
    if (found == call.query.end() || found->second.empty())
        return std::nullopt;
    auto value = Type::parse(found->second);
    if (!value)
        problems.add(name, "must be " + std::string(Type::text_rule().rule));
    return value;
}

struct Wanted {
    DatasetName volume;
    SnapshotLabel label;
    std::vector<std::string> disks;
    std::string disk;
    std::optional<PartitionName> partition;
    GuestPath path = GuestPath::from("/");
};

/// Reading a guest's disk is as much as cloning it, where no password of the guest's counts either: its owner
/// and administrators may.
Wanted wanted(const Services& services, const Call& call, bool file) {
    const auto record = vm::changeable(services, call);
    Problems problems;
    const auto disk = asked<DeviceName>(call, "disk", problems);
    const auto partition = asked<PartitionName>(call, "partition", problems);
    const auto path = asked<GuestPath>(call, "path", problems);
    if (file && !call.query.contains("path"))
        problems.add("path", "names the file");
    problems.raise();
    const auto label = label_of(call);
    const auto disks = find(snapshots_of(services, record), label.str()).disks;
    if (disks.empty())
        throw Error(Code::not_found, "the snapshot holds no disk");
    const auto names = fmt::format("{}", fmt::join(disks, ", "));
    if (disk && std::ranges::find(disks, disk->str()) == disks.end())
        throw Error(Code::invalid_field, {}, {{"disk", "is not in the snapshot, which holds " + names}});
    if (!disk && disks.size() > 1 && file)
        throw Error(Code::invalid_field, {}, {{"disk", "must be chosen: the snapshot holds " + names}});
    const auto chosen = disk ? disk->str() : disks.front();
    return {DatasetName::from(record.dataset.str() + "/" + chosen),
            label,
            disks,
            chosen,
            partition,
            path.value_or(GuestPath::from("/"))};
}

Reply files(const Services& services, LooksOfUsers& users, const Call& call) {
    const auto from = api::query_number(call, "from", 0, 0, 100'000'000);
    const auto limit = api::query_number(call, "limit", 1000, 1, 1000);
    const auto where = wanted(services, call, false);
    const auto turn = users.begin(call.caller.user);
    const auto work = users.work();
    auto found = services.host.call(
        host::SnapshotLook{where.volume, where.label, where.partition, where.path, from, limit});
    return api::ok(encode(SnapshotFiles{where.disks, where.disk, std::move(found.partitions), found.partition,
                                        found.path.str(), found.total, std::move(found.entries)}));
}

Reply file(const Services& services, LooksOfUsers& users, const Call& call) {
    const auto text = [&](const char* name) {
        const auto found = call.query.find(name);
        return found == call.query.end() ? std::string() : Note::accepts(found->second) ? found->second : "?";
    };
    // Refused ones too: who asks for what is not theirs is to be seen.
    call.note->reads = text("disk") + ':' + text("partition") + ':' + text("path");
    const auto where = wanted(services, call, true);
    auto turn = users.begin(call.caller.user);
    const auto work = users.work();
    const host::SnapshotFile operation{where.volume, where.label, where.partition, where.path};
    auto answer = services.host.perform(host::SnapshotFile::operation, encode(operation),
                                        host::SnapshotFile::deadline, {});
    const auto found = decode<host::SnapshotFileResult>(answer.result);
    if (!answer.descriptor)
        throw Error(Code::internal, "hostd gave no descriptor");
    log::info("{} ({}) reads {}@{}, partition {}, {}, {} bytes", call.caller.user.str(), call.caller.source,
              where.volume.str(), where.label.str(), where.partition ? where.partition->str() : "-",
              where.path.str(), found.size.bytes());
    Reply reply;
    reply.source = std::make_shared<http::Source>(
        http::Source{std::move(answer.descriptor), found.size.bytes(), std::move(turn)});
    reply.headers = {{"Content-Disposition", attachment(found.name)},
                     {"Content-Security-Policy", "sandbox; default-src 'none'"},
                     {"X-Accel-Buffering", "no"}}; // nginx is not to put a guest's file on the host's disk
    return reply;
}

} // namespace

std::shared_ptr<void> LooksOfUsers::begin(const UserName& user) {
    const std::lock_guard lock(mutex_);
    auto& count = count_[user.str()];
    if (count >= most)
        throw Error(Code::look_limit, user.str() + " reads " + std::to_string(most) + " already");
    ++count;
    return {nullptr, [self = shared_from_this(), name = user.str()](void*) {
                const std::lock_guard ending(self->mutex_);
                if (--self->count_[name] == 0)
                    self->count_.erase(name);
            }};
}

std::shared_ptr<void> LooksOfUsers::work() {
    const std::lock_guard lock(mutex_);
    if (at_work_ >= most_at_work)
        throw Error(Code::look_limit, std::to_string(most_at_work) + " are being read");
    ++at_work_;
    return {nullptr, [self = shared_from_this()](void*) {
                const std::lock_guard ending(self->mutex_);
                --self->at_work_;
            }};
}

std::string attachment(std::string_view name) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string simple;
    std::string whole;
    for (const char c : name.substr(0, 255)) {
        const bool good = plain.find(c) != plain.npos;
        simple += good ? c : '_';
        const auto byte = static_cast<unsigned char>(c == '/' || c == '\\' ? '_' : c);
        if (good)
            whole += c;
        else
            whole += {'%', digits[byte >> 4], digits[byte & 15]};
    }
    if (simple.find_first_not_of("._") == simple.npos)
        simple = whole = "file";
    return "attachment; filename=\"" + simple + "\"; filename*=UTF-8''" + whole;
}

void add_look_endpoints(api::Router& router, vm::Services& services) {
    const auto users = std::make_shared<LooksOfUsers>();
    const std::vector<api::Parameter> where{
        {"disk", "disk0; the first one when missing"},
        {"partition", "its number, 0 for the whole disk; the only readable one when missing"}};
    auto of_list = where;
    of_list.insert(of_list.end(), {{"path", "the directory, / when missing"},
                                   {"from", "leave out that many entries"},
                                   {"limit", "at most that many, 1000 when missing"}});
    auto of_file = where;
    of_file.push_back({"path", "the file, as a listing shows it"});
    router.add<SnapshotFiles>(
        {.method = Method::get,
         .path = "/api/v1/vms/{name}/snapshots/{snapshot}/files",
         .privilege = Privilege::make,
         .summary = "What is on a disk of a snapshot: its partitions and one directory. Nothing is rolled "
                    "back, cloned for good or mounted",
         .tag = "snapshots",
         .query = of_list,
         .errors = {Code::not_found, Code::look_unreadable, Code::look_too_large, Code::look_limit}},
        [&services, users](const Call& call) { return files(services, *users, call); });
    router.add_bytes(
        {.method = Method::get,
         .path = "/api/v1/vms/{name}/snapshots/{snapshot}/file",
         .privilege = Privilege::make,
         .summary = "One file of a disk of a snapshot, of at most 16G; an answer that is shorter than its "
                    "Content-Length could not be read to its end. Each is recorded",
         .tag = "snapshots",
         .query = of_file,
         .errors = {Code::not_found, Code::look_unreadable, Code::look_too_large, Code::look_limit}},
        [&services, users](const Call& call) { return file(services, *users, call); });
}

} // namespace bhype::protect
