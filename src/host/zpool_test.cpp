#include "host/test_output.h"
#include "host/zfs_space.h"
#include "host/zpool.h"
#include "host/zpool_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bhype::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using test::error_of;
using test::printed;

const PoolName tank = PoolName::from("tank");

VdevGroup group(VdevRole role, PoolLayout layout, const std::vector<const char*>& names) {
    VdevGroup made{role, layout, {}};
    for (const auto* name : names)
        made.disks.push_back(DiskName::from(name));
    return made;
}

TEST(Keys, AreToldFromTheTextsOfLibzfs) {
    const auto load = zfs_load_key(PoolName::from("tank"), Secret("correct horse"));
    EXPECT_EQ(load.input, "correct horse\n");
    EXPECT_EQ(display(load).find("horse"), std::string::npos);
    Output output;
    EXPECT_TRUE(expect_key_loaded(load, output));
    output.exit_status = 255;
    output.err = "Key load error: Key already loaded for 'tank'.\n";
    EXPECT_FALSE(expect_key_loaded(load, output));
    const auto code = [&](const char* text, auto expect) {
        output.err = text;
        try {
            expect(load, output);
        } catch (const Error& error) {
            return error.code();
        }
        return Code::internal;
    };
    EXPECT_EQ(code("Key load error: Incorrect key provided for 'tank'.\n", expect_key_loaded),
              Code::key_wrong);
    EXPECT_EQ(code("Key load error: 'tank' is not encrypted.\n", expect_key_loaded), Code::command_failed);
    EXPECT_EQ(code("Key unload error: 'tank' is busy.\n", expect_key_unloaded), Code::dataset_busy);
    output.err = "Key unload error: Key already unloaded for 'tank'.\n";
    EXPECT_FALSE(expect_key_unloaded(load, output));
}

TEST(Keys, OnlyWhatHasAMountpointIsMounted) {
    const auto list = zfs_list_mounts(PoolName::from("tank"));
    Output output;
    output.out =
        "tank\tno\ton\tnone\ntank/bhype\tyes\ton\t/tank/bhype\ntank/bhype/vm\tno\ton\t/tank/bhype/vm\n"
        "tank/old\tno\tnoauto\t/tank/old\ntank/legacy\tno\ton\tlegacy\n";
    const auto found = parse_mounts(list, output);
    ASSERT_EQ(found.size(), 5U);
    std::string wanted;
    for (const auto& one : found)
        if (one.wanted && !one.mounted)
            wanted += one.dataset + ' ';
    EXPECT_EQ(wanted, "tank/bhype/vm ");
}

TEST(Zpool, ReadsItsList) {
    const auto pools = parse_zpool_list(
        zpool_list(), printed("tq\t14077227812832852083\t8053063680\t130048\t8052933632\tONLINE\n"
                              "bad\t12\t-\t-\t-\tFAULTED\n"));
    ASSERT_EQ(pools.size(), 2U);
    EXPECT_EQ(pools[0].free, ByteSize(8052933632));
    EXPECT_EQ(pools[0].guid, "14077227812832852083");
    EXPECT_EQ(pools[1].health, "FAULTED");
    EXPECT_THAT(parse_zpool_list(zpool_list(), printed("")), IsEmpty());
    EXPECT_THAT(error_of([] { parse_zpool_list(zpool_list(), printed("tq\t1\n")); }),
                HasSubstr("output_unexpected"));
}

TEST(Zpool, ChecksItsGroups) {
    const auto make = [](std::vector<VdevGroup> groups) {
        return error_of([&] { zpool_create({tank, std::move(groups)}); });
    };
    const auto mirror = group(VdevRole::data, PoolLayout::mirror, {"nda0", "nda1"});
    EXPECT_EQ(make({mirror}), "no error");
    EXPECT_THAT(make({group(VdevRole::data, PoolLayout::mirror, {"nda0"})}), HasSubstr("at least 2"));
    EXPECT_THAT(make({group(VdevRole::data, PoolLayout::raidz3, {"nda0", "nda1", "nda2"})}),
                HasSubstr("at least 4"));
    EXPECT_THAT(make({group(VdevRole::data, PoolLayout::mirror, {"nda0", "nda0"})}), HasSubstr("twice"));
    EXPECT_THAT(make({mirror, group(VdevRole::spare, PoolLayout::stripe, {"nda1"})}), HasSubstr("twice"));
    EXPECT_THAT(make({group(VdevRole::data, PoolLayout::stripe, {})}), HasSubstr("at least 1"));
    EXPECT_THAT(make({}), HasSubstr("one of data"));
    EXPECT_THAT(make({group(VdevRole::log, PoolLayout::stripe, {"nda3"})}), HasSubstr("one of data"));
    EXPECT_THAT(make({mirror, group(VdevRole::cache, PoolLayout::mirror, {"nda2", "nda3"})}),
                HasSubstr("cache cannot be a mirror"));
    EXPECT_THAT(make({mirror, group(VdevRole::log, PoolLayout::raidz1, {"nda2", "nda3"})}),
                HasSubstr("log cannot be a raidz1"));
    EXPECT_EQ(make({mirror, group(VdevRole::special, PoolLayout::mirror, {"nda2", "nda3"})}), "no error");
}

constexpr const char* status_text =
    "  pool: mm\n state: DEGRADED\nstatus: One or more devices has been taken offline "
    "by the administrator.\n\tSufficient replicas exist for the pool to continue.\n"
    "action: Online the device using 'zpool online' or replace the device with\n"
    "\t'zpool replace'.\n  scan: resilvered 1.55M in 00:00:01 with 2 errors on Mon Nov 23 20:53:05 2026\n"
    "config:\n\n\tNAME           STATE     READ WRITE CKSUM\n"
    "\tmm             DEGRADED     0     0     0\n\t  mirror-0     DEGRADED     0     0     0\n"
    "\t    /dev/nda0  ONLINE       0     7     0\n"
    "\t    /dev/nda3p2  OFFLINE      0     0     0\n"
    "\t    spare-2     UNAVAIL  0 0 0\n"
    "\t      9876543210  UNAVAIL      3     4     5  was /dev/nda4\n"
    "\t      /dev/nda9  ONLINE      0     0     0  (resilvering)\n"
    "\tcache\n\t  /dev/gpt/cache0  ONLINE 0 0 0\n"
    "\tlogs\t\n\t  mirror-1  ONLINE 0 0 0\n\t    /dev/nda5  ONLINE 0 0 0\n"
    "\tspares\n\t  /dev/nda9    INUSE     currently in use\n\t  /dev/nda8    AVAIL   \n"
    "\nerrors: No known data errors\n\n  pool: zroot\n state: ONLINE\nconfig:\n\n"
    "\tNAME  STATE READ WRITE CKSUM\n\tzroot ONLINE 0 0 0\n\t  /dev/ada0p3 ONLINE 0 0 0\n\nerrors: 3 data "
    "errors, use '-v' for a list\n";

TEST(Zpool, ReadsItsStatus) {
    const auto pools = parse_zpool_status(zpool_status(), printed(status_text));
    ASSERT_EQ(pools.size(), 2U);
    const auto& mm = pools[0];
    EXPECT_EQ(mm.state, "DEGRADED");
    EXPECT_EQ(mm.reason, "One or more devices has been taken offline by the administrator. Sufficient "
                         "replicas exist for the pool to continue.");
    EXPECT_EQ(mm.action,
              "Online the device using 'zpool online' or replace the device with 'zpool replace'.");
    std::vector<std::string> tree;
    for (const auto& vdev : mm.vdevs)
        tree.push_back(enum_name(vdev.role) + ' ' + std::to_string(vdev.depth) + ' ' + vdev.name + ' ' +
                       vdev.state + (vdev.leaf ? "" : " group"));
    EXPECT_THAT(tree,
                ElementsAre("data 0 mirror-0 DEGRADED group", "data 1 nda0 ONLINE", "data 1 nda3p2 OFFLINE",
                            "data 1 spare-2 UNAVAIL group", "data 2 9876543210 UNAVAIL", "data 2 nda9 ONLINE",
                            "cache 0 gpt/cache0 ONLINE", "log 0 mirror-1 ONLINE group", "log 1 nda5 ONLINE",
                            "spare 0 nda9 INUSE", "spare 0 nda8 AVAIL"));
    EXPECT_EQ(mm.vdevs[1].write_errors, 7);
    EXPECT_EQ(mm.vdevs[4].checksum_errors, 5);
    EXPECT_EQ(mm.vdevs[4].note, "was /dev/nda4");
    EXPECT_EQ(mm.vdevs[5].note, "(resilvering)");
    EXPECT_EQ(mm.vdevs[9].note, "currently in use");
    EXPECT_FALSE(mm.vdevs[10].read_errors);
    EXPECT_EQ(mm.scan.kind, ScanKind::resilver);
    EXPECT_EQ(mm.scan.state, ScanState::finished);
    EXPECT_EQ(mm.scan.errors, 2);
    EXPECT_TRUE(mm.scan.at);
    EXPECT_EQ(pools[1].scan.kind, ScanKind::none);
    EXPECT_EQ(pools[1].errors, "3 data errors, use '-v' for a list");
    EXPECT_EQ(find_device(mm.vdevs, "nda4")->name, "9876543210");
    EXPECT_EQ(find_device(mm.vdevs, "nda7"), nullptr);
    EXPECT_THAT(parse_zpool_status(zpool_status(), printed("", 0, "no pools available\n")), IsEmpty());
}

TEST(Zpool, KnowsWhatFitsIn) {
    auto pools = parse_zpool_status(zpool_status(), printed(status_text));
    add_roots(printed("zroot\t100\t900\taes-256-gcm\tunavailable\tprompt\n"
                      "other\t1\t2\toff\t-\tnone\nbroken\n"),
              pools);
    EXPECT_EQ(pools[1].used, ByteSize(100));
    EXPECT_EQ(pools[1].available, ByteSize(900));
    EXPECT_EQ(pools[1].encryption, "aes-256-gcm");
    EXPECT_EQ(pools[1].key_status, "unavailable");
    EXPECT_EQ(pools[1].key_location, "prompt");
    EXPECT_EQ(pools[0].available, ByteSize(0));
}

TEST(Zpool, KnowsWhoseADeviceIs) {
    EXPECT_EQ(devices_of(parse_zpool_status(zpool_status(), printed(status_text))),
              (std::map<std::string, std::string>{{"nda0", "mm"},
                                                  {"nda3p2", "mm"},
                                                  {"nda5", "mm"},
                                                  {"nda8", "mm"},
                                                  {"nda9", "mm"},
                                                  {"9876543210", "mm"},
                                                  {"gpt/cache0", "mm"},
                                                  {"ada0p3", "zroot"}}));
}

TEST(Zpool, ReadsWhatCanBeImported) {
    const auto importable = parse_zpool_import(
        zpool_import_list(),
        printed(
            "   pool: old one\n     id: 123\n  state: DEGRADED\n status: The pool was last accessed by "
            "another system.\n action: The pool can be imported using its name or numeric identifier and\n"
            "\tthe '-f' flag.\n   see: https://example.org/msg/ZFS-8000-EY\n config:\n\n\told one       "
            "ONLINE\n\t  mirror-0  ONLINE\n\t    nda2      ONLINE\n\t    nda3      UNAVAIL  cannot open\n"));
    ASSERT_EQ(importable.size(), 1U);
    EXPECT_EQ(importable[0].name, "old one");
    EXPECT_EQ(importable[0].guid, "123");
    EXPECT_EQ(importable[0].reason, "The pool was last accessed by another system.");
    EXPECT_THAT(importable[0].action, HasSubstr("identifier and the '-f' flag."));
    ASSERT_EQ(importable[0].vdevs.size(), 3U);
    EXPECT_EQ(importable[0].vdevs[2].note, "cannot open");
    EXPECT_EQ(devices_of(importable),
              (std::map<std::string, std::string>{{"nda2", "old one"}, {"nda3", "old one"}}));
    EXPECT_THAT(parse_zpool_import(zpool_import_list(), printed("", 1, "no pools available to import\n")),
                IsEmpty());
}

Scan scan_of(const std::string& lines) {
    return parse_zpool_status(zpool_status(),
                              printed("  pool: t\n state: ONLINE\n  scan: " + lines +
                                      "config:\n\n\tNAME STATE READ WRITE CKSUM\n\tt ONLINE 0 0 0\n"))
        .at(0)
        .scan;
}

TEST(Zpool, ReadsAScan) {
    const auto done = scan_of("scrub repaired 0B in 00:00:00 with 0 errors on Mon Nov 23 20:53:05 2026\n");
    EXPECT_EQ(done.kind, ScanKind::scrub);
    EXPECT_EQ(done.state, ScanState::finished);
    EXPECT_FALSE(done.percent);
    const auto old = scan_of("scrub in progress since Mon Nov 23 20:53:05 2026\n"
                             "\t101M scanned at 33.7M/s, 84.8M issued at 28.3M/s, 101M total\n"
                             "\t0B repaired, 83.63% done, 00:00:00 to go\n");
    EXPECT_EQ(old.state, ScanState::running);
    EXPECT_EQ(old.percent, 83.63);
    EXPECT_EQ(old.at, done.at);
    const auto resilver = scan_of("resilver in progress since Mon Nov 23 20:53:05 2026\n"
                                  "\t85.1G / 85.1G scanned, 40.1G / 85.1G issued at 120M/s\n"
                                  "\t40.2G resilvered, 47.12% done, 00:06:23 to go\n");
    EXPECT_EQ(resilver.kind, ScanKind::resilver);
    EXPECT_EQ(resilver.percent, 47.12);
    const auto paused = scan_of("scrub paused since Mon Nov 23 20:54:05 2026\n"
                                "\tscrub started on Mon Nov 23 20:53:05 2026\n"
                                "\t101M scanned, 84.8M issued, 101M total\n\t0B repaired, 83.63% done\n");
    EXPECT_EQ(paused.state, ScanState::paused);
    EXPECT_EQ(paused.percent, 83.63);
    EXPECT_EQ(scan_of("scrub canceled on Mon Nov 23 20:53:05 2026\n").state, ScanState::cancelled);
    EXPECT_EQ(scan_of("none requested\n").kind, ScanKind::none);
}

TEST(Zfs, ReadsWhoUsesWhat) {
    const auto list = zfs_list_space(tank);
    const auto found = parse_zfs_space(
        list,
        printed(
            "tank\tfilesystem\t1000\t98304\t0\t0\t2000\t0\t0\t-\t-\tlz4\n"
            "tank/bhype/vm/web1/disk0\tvolume\t900\t600\t200\t100\t1800\t-\t0\t1073741824\t16384\tlz4\n"));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[1].by_snapshots, ByteSize(200));
    EXPECT_EQ(found[1].by_reservation, ByteSize(100));
    EXPECT_EQ(found[1].logical, ByteSize(1800));
    EXPECT_EQ(found[1].volblocksize, ByteSize(16384));
    EXPECT_TRUE(found[1].volume);
    EXPECT_EQ(found[0].volsize, ByteSize(0));
    EXPECT_THAT(parse_zfs_space(list, printed("", 1, "cannot open 'tank': dataset does not exist\n")),
                IsEmpty());
    EXPECT_THAT(error_of([&] { parse_zfs_space(list, printed("tank\n")); }), HasSubstr("output_unexpected"));
}

// lib/libzfs/libzfs_util.c, cmd/zpool/zpool_main.c
TEST(Zpool, TakesForDoneWhatIsAsWanted) {
    const auto scrub = zpool_scrub({tank, UpkeepAction::start});
    EXPECT_TRUE(expect_scrub(scrub, printed("")));
    EXPECT_FALSE(expect_scrub(scrub, printed("", 1,
                                             "cannot scrub tank: currently scrubbing; use 'zpool scrub -s' "
                                             "to cancel current scrub\n")));
    EXPECT_FALSE(expect_scrub(zpool_scrub({tank, UpkeepAction::stop}),
                              printed("", 1, "cannot cancel scrubbing tank: there is no active scrub\n")));
    EXPECT_THAT(error_of([&] { expect_scrub(scrub, printed("", 1, "cannot open 'tank': no such pool\n")); }),
                HasSubstr("dataset_missing"));
    const auto trim = zpool_trim({tank, UpkeepAction::start});
    EXPECT_FALSE(expect_trim(trim, printed("", 255, "cannot trim '/dev/nda0': currently trimming\n")));
    EXPECT_THAT(error_of([&] {
                    expect_trim(
                        trim, printed("", 255, "cannot trim: no devices in pool support trim operations\n"));
                }),
                HasSubstr("can trim"));
    const auto import = zpool_import({PoolGuid::from("123"), tank, false, false});
    EXPECT_THAT(error_of([&] {
                    expect_import(import,
                                  printed("", 1,
                                          "cannot import 'old': pool was previously in use from "
                                          "another system.\nLast accessed by other (hostid=1) at Mon\n"));
                }),
                HasSubstr("pool_foreign"));
}

} // namespace
} // namespace bhype::host
