#include "api/dispatch.h"
#include "host/text.h"
#include "storage/endpoints.h"

#include <algorithm>

namespace bhype::storage {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;

/// Those that the query names; all that are free when it does not.
std::vector<DiskName> chosen_disks(const Call& call, const std::vector<host::Disk>& disks) {
    const auto asked = call.query.find("disks");
    std::vector<DiskName> chosen;
    std::vector<FieldProblem> problems;
    if (asked == call.query.end()) {
        for (const auto& disk : disks)
            if (disk.used_by.empty())
                chosen.push_back(disk.name);
        return chosen;
    }
    for (const auto word : host::split(asked->second, ',')) {
        const auto name = DiskName::parse(word);
        StoragePlan ignored;
        if (name)
            judge(disks, *name, "query.disks", problems, ignored);
        else
            problems.push_back({"query.disks", std::string(DiskName::text_rule().rule)});
        if (name)
            chosen.push_back(*name);
    }
    if (!problems.empty())
        throw Error(Code::invalid_field, {}, std::move(problems));
    return chosen;
}

Reply health(const Services& services, const Call& call) {
    const auto name = DiskName::parse(call.path.at("disk"));
    if (!name)
        throw Error(Code::not_found, "there is no such disk");
    return ok(encode(services.disks.report(*name, api::query_flag(call, "fresh"))));
}

Reply layouts(const Services& services, const Call& call) {
    const auto disks = services.host.call(host::DiskList{});
    return ok(encode(proposals(chosen_disks(call, disks), sizes_of(disks))));
}

} // namespace

void add_reading_endpoints(api::Router& router, Services& services) {
    router.add<std::vector<DiskView>>({.method = Method::get,
                                       .path = "/api/v1/disks",
                                       .privilege = Privilege::administer,
                                       .summary = "List the disks, who uses them and how they are",
                                       .tag = "storage"},
                                      [&](const Call&) { return ok(encode(services.disks.list())); });
    router.add<DiskReport>(
        {.method = Method::get,
         .path = "/api/v1/disks/{disk}/health",
         .privilege = Privilege::administer,
         .summary = "What a disk tells of its health, what that means and what to do",
         .tag = "storage",
         .query = {{"fresh", "1: ask the disk now, which takes up to half a minute; 0: the last answer"}}},
        [&](const Call& call) { return health(services, call); });
    router.add<std::vector<PoolView>>({.method = Method::get,
                                       .path = "/api/v1/pools",
                                       .privilege = Privilege::look,
                                       .summary = "List the pools, their devices and what is wrong with them",
                                       .tag = "storage"},
                                      [&](const Call&) { return ok(encode(services.pools.look())); });
    router.add<PoolView>({.method = Method::get,
                          .path = "/api/v1/pools/{pool}",
                          .privilege = Privilege::look,
                          .summary = "A pool",
                          .tag = "storage"},
                         [&](const Call& call) { return ok(encode(services.pools.look(named(call)))); });
    router.add<std::vector<host::ImportablePool>>(
        {.method = Method::get,
         .path = "/api/v1/importable-pools",
         .privilege = Privilege::administer,
         .summary = "List the pools that are on disks of this host and not imported",
         .tag = "storage"},
        [&](const Call&) { return ok(encode(services.host.call(host::PoolImportable{}))); });
    router.add<std::vector<Proposal>>(
        {.method = Method::get,
         .path = "/api/v1/layouts",
         .privilege = Privilege::administer,
         .summary =
             "Ways to make a pool of disks, the best first: how much each holds and how many disks may fail",
         .tag = "storage",
         .query = {{"disks", "which ones, with commas between; all that are free when missing"}}},
        [&](const Call& call) { return layouts(services, call); });
}

} // namespace bhype::storage
