// Every operation, performed by the lab's bhype-hostd as user bhype, in the order in which a VM comes and
// goes. tests/lab/hostd_test.sh runs one test at a time and kills daemons in between.

#include "base/secret.h"
#include "host/look.h"
#include "host/program.h"
#include "session.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace bhype::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

const TaskId first_task = TaskId::from("t0000000000000001");
const TaskId second_task = TaskId::from("t0000000000000002");
const Uuid pool_id = Uuid::from("11111111-2222-4333-8444-555555555555");
const Uuid vm_id = Uuid::from("aaaaaaaa-2222-4333-8444-555555555555");
const HostPath image = HostPath::from("/var/bhype/images/tiny-linux.raw");
/// 96 MiB that do not compress.
const HostPath random_image = HostPath::from("/var/bhype/images/random.raw");
/// A guest that is emulated on a busy machine takes its time; one on an idle one seven seconds.
constexpr auto a_boot = 600s;
const InterfaceName bridge = InterfaceName::from("bh-nat");
const Ipv4Prefix nat_address = Ipv4Prefix::from("10.77.0.1/24");

DatasetName aside(const TaskId& task, const std::string& name) {
    return DatasetName::from("tank/bhype/.new/" + task.str() + "/" + name);
}

std::string first_word(const std::string& file) {
    std::string word;
    std::ifstream(file) >> word;
    return word;
}

/// "root:_bhype 750" of a path; empty if there is nothing.
std::string owner_and_mode(const std::string& path) {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0)
        return {};
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%o", facts.st_mode & 07777);
    return std::to_string(facts.st_uid) + (facts.st_gid == ::getegid() ? ":_bhype " : ":other ") +
           mode.data();
}

host::Machine machine() {
    host::Machine machine;
    machine.id = vm_id;
    machine.created_from = "tiny-linux";
    machine.memory = 256_MiB;
    machine.screen.emplace();
    machine.disks.push_back(
        {DeviceName::from("disk0"), host::Slot(4), host::DiskKind::virtio_blk, "BHYPE-web1-0"});
    machine.nics.push_back({nic, host::Slot(10), host::NicKind::virtio_net, mac, nat});
    return machine;
}

std::optional<host::Dataset> find(Session& session, const std::string& name) {
    for (const auto& one : session.perform(host::DatasetList{DatasetName::from("tank/bhype"), true}))
        if (one.name == name)
            return one;
    return std::nullopt;
}

std::optional<host::Interface> interface(Session& session, const std::string& name) {
    for (const auto& one : session.perform(host::InterfaceList{}))
        if (one.name.str() == name)
            return one;
    return std::nullopt;
}

host::VdevGroup group(host::PoolLayout layout, std::initializer_list<const char*> disks,
                      host::VdevRole role = host::VdevRole::data) {
    host::VdevGroup made{role, layout, {}};
    for (const auto* disk : disks)
        made.disks.push_back(DiskName::from(disk));
    return made;
}

host::PoolState state_of(Session& session, const PoolName& pool) {
    for (auto& one : session.perform(host::PoolStatus{}))
        if (one.name == pool)
            return std::move(one);
    return {};
}

/// After its resilvering.
host::PoolState settled(Session& session, const PoolName& pool) {
    for (int tries = 0; tries < 120; ++tries) {
        auto state = state_of(session, pool);
        if (state.scan.state != host::ScanState::running)
            return state;
        std::this_thread::sleep_for(500ms);
    }
    return {};
}

std::vector<std::string> leaves(const host::PoolState& state) {
    std::vector<std::string> names;
    for (const auto& vdev : state.vdevs)
        if (vdev.leaf)
            names.push_back(vdev.name + ' ' + vdev.state);
    return names;
}

TEST(Host, FactsModulesDisks) {
    Session session;
    const auto before = session.perform(host::HostFacts{});
    EXPECT_THAT(before.release, StartsWith(std::getenv("BHYPE_LAB_RELEASE")));
    EXPECT_GT(before.cpus, 0);
    EXPECT_GT(before.memory.bytes(), before.memory_free.bytes());
    EXPECT_THAT(before.missing_modules, Contains("vmm"));
    EXPECT_FALSE(before.max_vcpus);
    session.perform(host::ModulesEnsure{});
    session.perform(host::ModulesEnsure{});
    const auto after = session.perform(host::HostFacts{});
    EXPECT_THAT(after.missing_modules, IsEmpty());
    EXPECT_TRUE(after.max_vcpus);
    std::ifstream boot("/boot/loader.conf.d/bhype.conf");
    EXPECT_THAT(std::string(std::istreambuf_iterator<char>(boot), {}), HasSubstr("vmm_load=\"YES\""));
    const auto disks = session.perform(host::DiskList{});
    ASSERT_EQ(disks.size(), 4u);
    for (const auto& disk : disks)
        EXPECT_EQ(disk.used_by, "") << disk.name.str();
    EXPECT_EQ(disks[0].size, 4_GiB);
}

TEST(Host, DisksTellTheirHealth) {
    Session session;
    const auto health = session.perform(host::DiskHealth{DiskName::from("nda1")});
    EXPECT_EQ(health.state, host::HealthState::passed);
    EXPECT_EQ(health.protocol, "NVMe");
    EXPECT_EQ(health.serial, "LAB00001") << "the controller of that disk and no other";
    EXPECT_EQ(health.media_errors, 0);
}

TEST(Storage, PoolAndTree) {
    Session session;
    session.perform(host::PoolCreate{tank, {group(host::PoolLayout::mirror, {"nda0", "nda1"})}});
    EXPECT_THAT(session.perform(host::PoolList{}),
                Contains(AllOf(Field(&host::Pool::name, tank), Field(&host::Pool::health, "ONLINE"))));
    const auto disks = session.perform(host::DiskList{});
    EXPECT_EQ(disks.at(0).used_by, "pool tank");
    EXPECT_EQ(disks.at(1).used_by, "pool tank");
    EXPECT_EQ(disks.at(2).used_by, "");
    EXPECT_EQ(code_of([&] {
                  session.perform(
                      host::PoolCreate{PoolName::from("other"), {group(host::PoolLayout::stripe, {"nda1"})}});
              }),
              Code::disk_in_use);

    session.perform(host::TreeCreate{tank, pool_id});
    session.perform(host::TreeCreate{tank, random_uuid()});
    EXPECT_EQ(find(session, "tank/bhype").value().id, pool_id.str()) << "the second time changes nothing";
    for (const auto* name : {"", "/vm", "/template", "/image", "/.new"})
        EXPECT_EQ(owner_and_mode(std::string("/tank/bhype") + name), "0:_bhype 750") << name;
}

TEST(Storage, DevicesComeAndGo) {
    Session session;
    const auto more = PoolName::from("more");
    const auto device = [](const char* name) { return VdevName::from(name); };
    const auto disk = [](const char* name) { return DiskName::from(name); };
    session.perform(host::PoolCreate{more, {group(host::PoolLayout::stripe, {"nda2"})}});
    const host::DevicePut attach{more, device("nda2"), disk("nda3"), true};
    session.perform(attach);
    session.perform(attach);
    EXPECT_THAT(leaves(settled(session, more)), ElementsAre("nda2 ONLINE", "nda3 ONLINE"));
    EXPECT_EQ(code_of([&] {
                  session.perform(host::DevicePut{more, device("nda2"), disk("nda1"), false});
              }),
              Code::disk_in_use);
    session.perform(host::DeviceChange{more, device("nda3"), host::DeviceAction::offline});
    auto state = state_of(session, more);
    EXPECT_EQ(state.state, "DEGRADED");
    EXPECT_THAT(leaves(state), ElementsAre("nda2 ONLINE", "nda3 OFFLINE"));
    EXPECT_EQ(code_of([&] {
                  session.perform(host::DeviceChange{more, device("nda2"), host::DeviceAction::offline});
              }),
              Code::command_failed)
        << "the last one stays";
    session.perform(host::DeviceChange{more, device("nda3"), host::DeviceAction::online});
    state = settled(session, more);
    EXPECT_EQ(state.state, "ONLINE");
    EXPECT_EQ(state.scan.kind, host::ScanKind::resilver);
    EXPECT_GT(state.available.bytes(), 3_GiB .bytes());
    const host::DeviceChange detach{more, device("nda3"), host::DeviceAction::detach};
    session.perform(detach);
    session.perform(detach);
    const host::PoolAdd add{more, group(host::PoolLayout::stripe, {"nda3"}, host::VdevRole::cache)};
    session.perform(add);
    session.perform(add);
    EXPECT_EQ(state_of(session, more).vdevs.back().role, host::VdevRole::cache);
    session.perform(host::DeviceChange{more, device("nda3"), host::DeviceAction::remove});
    session.perform(host::DevicePut{more, device("nda2"), disk("nda3"), false});
    EXPECT_THAT(leaves(settled(session, more)), ElementsAre("nda3 ONLINE"));
}

TEST(Storage, PoolsAreCaredForAndMove) {
    Session session;
    const auto more = PoolName::from("more"), again = PoolName::from("again");
    session.perform(host::PoolScrub{more, host::UpkeepAction::start});
    const auto state = settled(session, more);
    EXPECT_EQ(state.scan.kind, host::ScanKind::scrub);
    EXPECT_EQ(state.scan.state, host::ScanState::finished);
    EXPECT_TRUE(state.scan.at);
    session.perform(host::PoolScrub{more, host::UpkeepAction::stop});
    const auto trimmed = code_of([&] { session.perform(host::PoolTrim{more, host::UpkeepAction::start}); });
    EXPECT_TRUE(!trimmed || trimmed == Code::policy) << "done, or no disk can";
    session.perform(host::PoolClear{more, {}});
    session.perform(host::PoolClear{more, VdevName::from("nda3")});
    std::string guid;
    for (const auto& pool : session.perform(host::PoolList{}))
        if (pool.name == more)
            guid = pool.guid;
    session.perform(host::PoolExport{more});
    session.perform(host::PoolExport{more});
    const auto importable = session.perform(host::PoolImportable{});
    ASSERT_EQ(importable.size(), 1U);
    EXPECT_EQ(importable[0].name, "more");
    EXPECT_EQ(importable[0].guid, guid);
    EXPECT_THAT(session.perform(host::DiskList{}),
                Contains(AllOf(Field(&host::Disk::name, DiskName::from("nda3")),
                               Field(&host::Disk::used_by, "exported pool more"))));
    EXPECT_EQ(code_of([&] {
                  session.perform(host::PoolCreate{again, {group(host::PoolLayout::stripe, {"nda3"})}});
              }),
              Code::disk_in_use);
    EXPECT_EQ(code_of([&] { session.perform(host::DiskWipe{DiskName::from("nda0")}); }), Code::disk_in_use);
    const host::PoolImport import{PoolGuid::from(guid), again, false, false};
    session.perform(import);
    session.perform(import);
    EXPECT_EQ(state_of(session, again).state, "ONLINE");
    session.perform(host::PoolExport{again});
    session.perform(host::DiskWipe{DiskName::from("nda3")});
    session.perform(host::DiskWipe{DiskName::from("nda3")});
    EXPECT_THAT(session.perform(host::PoolImportable{}), IsEmpty());
    EXPECT_EQ(code_of([&] {
                  session.perform(host::PoolImport{PoolGuid::from("12"), tank, false, false});
              }),
              Code::pool_exists);
}

TEST(Storage, EncryptedPoolsOpenAndClose) {
    Session session;
    const auto vault = PoolName::from("vault");
    const auto secret = [&](const char* text) {
        const Fd reading = readable(Secret(text));
        return session.perform(host::SecretKeep{}, {.id = {}, .descriptor = reading.get()}).token;
    };
    const auto state = [&] {
        for (const auto& pool : session.perform(host::PoolStatus{}))
            if (pool.name == vault)
                return pool.encryption + ' ' + pool.key_status + ' ' + pool.key_location;
        return std::string("none");
    };
    host::PoolCreate create{vault, {group(host::PoolLayout::stripe, {"nda3"})}};
    create.encryption = host::PoolEncryption{host::KeyKind::passphrase, secret("correct horse")};
    session.perform(create);
    EXPECT_EQ(state(), "aes-256-gcm available prompt");
    session.perform(host::PoolLock{vault});
    EXPECT_EQ(state(), "aes-256-gcm unavailable prompt");
    session.perform(host::PoolLock{vault});
    const auto wrong = secret("battery staple");
    EXPECT_EQ(code_of([&] { session.perform(host::PoolUnlock{vault, wrong}); }), Code::key_wrong);
    EXPECT_EQ(code_of([&] { session.perform(host::PoolUnlock{vault, wrong}); }), Code::secret_gone) << "once";
    session.perform(host::PoolUnlock{vault, secret("correct horse")});
    EXPECT_EQ(state(), "aes-256-gcm available prompt");
    session.perform(host::PoolUnlock{vault, secret("correct horse")});
    session.perform(host::PoolExport{vault});
    session.perform(host::DiskWipe{DiskName::from("nda3")});

    create.encryption = host::PoolEncryption{host::KeyKind::file, {}};
    session.perform(create);
    EXPECT_EQ(state(), "aes-256-gcm available file:///usr/local/etc/bhype/keys/vault.key");
    session.perform(host::PoolLock{vault});
    session.perform(host::PoolUnlock{vault, {}});
    EXPECT_EQ(state(), "aes-256-gcm available file:///usr/local/etc/bhype/keys/vault.key");
    session.perform(host::PoolExport{vault});
    session.perform(host::DiskWipe{DiskName::from("nda3")});
}

TEST(Storage, TemplateFromImage) {
    Session session;
    const auto sum = Sha256::from(first_word(image.str() + ".sha256"));
    const auto place = aside(first_task, "template");
    const auto disk = aside(first_task, "template/disk0");
    session.perform(host::DatasetCreate{place, {}});
    session.perform(host::VolumeCreate{disk, 64_MiB});
    EXPECT_EQ(code_of([&] {
                  session.perform(host::ImageWrite{image, Sha256::from(std::string(64, '0')), disk});
              }),
              Code::checksum);
    std::vector<double> progress;
    wire::CallOptions options{.id = first_task.str() + ".1"};
    options.progress = [&](double fraction) { progress.push_back(fraction); };
    std::vector<std::string> commands;
    options.ran = [&](const wire::Ran& ran) { commands.push_back(ran.command); };
    session.perform(host::ImageWrite{image, sum, disk}, options);
    EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
    EXPECT_FALSE(progress.empty());
    EXPECT_THAT(commands, Contains(StartsWith("/bin/dd of=/dev/zvol/tank/bhype/.new/t0000000000000001/")));
    session.perform(host::SnapshotCreate{disk, SnapshotLabel::from("template")});
    session.perform(host::DatasetPublish{place, DatasetName::from("tank/bhype/template/tiny-linux-1")});
    session.perform(host::AsideRemove{tank, first_task});
    session.perform(host::AsideRemove{tank, first_task});
    EXPECT_TRUE(find(session, "tank/bhype/template/tiny-linux-1/disk0@template"));
    EXPECT_FALSE(find(session, "tank/bhype/.new/t0000000000000001"));
}

TEST(Storage, MachineFromTemplate) {
    Session session;
    const auto place = aside(second_task, "vm");
    const auto disk = aside(second_task, "vm/disk0");
    session.perform(host::DatasetCreate{place, vm_id});
    session.perform(host::CloneCreate{DatasetName::from("tank/bhype/template/tiny-linux-1/disk0"),
                                      SnapshotLabel::from("template"), disk});
    session.perform(host::VolumeGrow{disk, 256_MiB});
    EXPECT_EQ(code_of([&] { session.perform(host::VolumeGrow{disk, 128_MiB}); }), Code::policy);
    session.perform(host::FirmwareCopy{place});
    session.perform(host::DefinitionWrite{place, machine(), 0});
    EXPECT_EQ(code_of([&] {
                  session.perform(host::DefinitionWrite{place, machine(), 0});
              }),
              Code::precondition_failed);
    session.perform(host::DatasetPublish{place, dataset});
    session.perform(host::AsideRemove{tank, second_task});
    const auto made = find(session, dataset.str() + "/disk0").value();
    EXPECT_EQ(made.origin, "tank/bhype/template/tiny-linux-1/disk0@template");
    EXPECT_EQ(made.volsize, 256_MiB);
    EXPECT_EQ(find(session, dataset.str()).value().id, vm_id.str());
    EXPECT_EQ(owner_and_mode("/tank/bhype/vm/web1"), "0:_bhype 750");
    EXPECT_EQ(owner_and_mode("/tank/bhype/vm/web1/vm.toml"), "0:_bhype 640");
    EXPECT_EQ(owner_and_mode("/tank/bhype/vm/web1/uefi-vars.fd"), "0:_bhype 640");
    std::ifstream definition("/tank/bhype/vm/web1/vm.toml");
    EXPECT_EQ(host::parse_machine(std::string(std::istreambuf_iterator<char>(definition), {})).memory.value,
              256_MiB);
}

TEST(Storage, CopiesAndPromotions) {
    Session session;
    const auto label = SnapshotLabel::from("copied");
    const auto sum = Sha256::from(first_word(random_image.str() + ".sha256"));
    const auto place = aside(first_task, "vm");
    const auto disk = aside(first_task, "vm/disk0");
    session.perform(host::DatasetCreate{place, {}});
    session.perform(host::VolumeCreate{disk, 128_MiB});
    session.perform(host::ImageWrite{random_image, sum, disk});
    session.perform(host::SnapshotCreate{disk, label});
    const auto copy = aside(second_task, "vm/disk0");
    session.perform(host::DatasetCreate{aside(second_task, "vm"), {}});

    wire::CallOptions options{.id = second_task.str() + ".1"};
    options.progress = [&](double) { session.host().cancel(options.id); };
    std::vector<std::string> commands;
    options.ran = [&](const wire::Ran& ran) { commands.push_back(ran.command); };
    EXPECT_EQ(code_of([&] {
                  session.perform(host::VolumeCopy{disk, label, copy}, options);
              }),
              Code::cancelled);
    EXPECT_THAT(commands, ElementsAre("/sbin/zfs send -c -v -P " + disk.str() +
                                      "@copied | /sbin/zfs receive -u " + copy.str()));
    session.perform(host::AsideRemove{tank, second_task}); // as its task would
    EXPECT_FALSE(find(session, copy.str()));
    session.perform(host::DatasetCreate{aside(second_task, "vm"), {}});

    std::vector<double> progress;
    options.progress = [&](double fraction) { progress.push_back(fraction); };
    session.perform(host::VolumeCopy{disk, label, copy}, options);
    EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
    EXPECT_FALSE(progress.empty());
    EXPECT_EQ(find(session, copy.str()).value().origin, "-");
    EXPECT_FALSE(find(session, copy.str() + "@copied"));
    EXPECT_EQ(code_of([&] { session.perform(host::VolumeCopy{disk, label, copy}); }), Code::dataset_exists);

    const auto other = DatasetName::from("tank/bhype/vm/web2");
    const auto clone = DatasetName::from(other.str() + "/disk2");
    session.perform(host::CloneCreate{disk, label, aside(first_task, "vm/disk2")});
    session.perform(host::DatasetPublish{place, other});
    const auto origin = DatasetName::from(other.str() + "/disk0");
    for (const auto& one : {clone, clone, origin, origin})
        session.perform(host::VolumePromote{one});
    EXPECT_EQ(find(session, clone.str()).value().origin, origin.str() + "@copied");
    session.perform(host::VolumePromote{clone});
    EXPECT_EQ(find(session, origin.str()).value().origin, clone.str() + "@copied");
    session.perform(host::DatasetDestroy{other});
    for (const auto& task : {first_task, second_task})
        session.perform(host::AsideRemove{tank, task});
}

/// All clones that are there for looking.
int looks(Session& session) {
    const auto all = session.perform(host::DatasetList{DatasetName::from("tank/bhype/.new")});
    return static_cast<int>(
        std::ranges::count_if(all, [](const host::Dataset& one) { return host::is_look(one.name); }));
}

TEST(Storage, LooksIntoSnapshots) {
    Session session;
    const auto disk = DatasetName::from(dataset.str() + "/disk0");
    const auto label = SnapshotLabel::from("looked");
    const auto other = SnapshotLabel::from("other");
    for (const auto& one : {label, other})
        session.perform(host::GuestSnapshot{{dataset}, one, Note(), {}, Note()});
    const host::SnapshotLook wanted{disk, label, {}, GuestPath::from("/"), 0, 1000};
    const auto look = session.perform(wanted);
    ASSERT_FALSE(look.partitions.empty());
    ASSERT_TRUE(look.partition);
    EXPECT_THAT(look.partitions[0].file_system, testing::StartsWith("fat"));
    EXPECT_GT(look.total, 0);
    EXPECT_EQ(session.perform(wanted).total, look.total);
    EXPECT_EQ(looks(session), 1) << "it is kept for a while";
    std::string path = "/";
    while (true) { // down to the first file
        auto inside = wanted;
        inside.path = GuestPath::from(path);
        const auto found = session.perform(inside);
        ASSERT_FALSE(found.entries.empty()) << path;
        path = (path == "/" ? "" : path) + "/" + found.entries[0].name;
        if (found.entries[0].kind == host::LookKind::file)
            break;
    }
    const auto answer = session.answer(host::SnapshotFile{disk, label, {}, GuestPath::from(path)});
    const auto size = decode<host::SnapshotFileResult>(answer.result).size.bytes();
    std::uint64_t got = 0;
    std::array<char, 65536> buffer{};
    for (ssize_t some = 0; (some = ::read(answer.descriptor.get(), buffer.data(), buffer.size())) > 0;)
        got += static_cast<std::uint64_t>(some);
    EXPECT_EQ(got, size);
    EXPECT_EQ(code_of([&] {
                  session.perform(host::SnapshotFile{disk, label, {}, GuestPath::from("/none")});
              }),
              Code::not_found);
    auto none = wanted;
    none.label = SnapshotLabel::from("none");
    EXPECT_EQ(code_of([&] { session.perform(none); }), Code::dataset_missing);
    // One that nobody reads to its end is in nobody's way either.
    const auto begun = session.answer(host::SnapshotFile{disk, other, {}, GuestPath::from(path)});
    EXPECT_EQ(looks(session), 2);
    for (const auto& one : session.perform(host::SnapshotList{dataset}))
        EXPECT_THAT(one.clones, IsEmpty());
    session.perform(host::SnapshotDestroy{dataset, {label}, true});
    EXPECT_EQ(looks(session), 1) << "the other one's stays";
    session.perform(host::SnapshotDestroy{dataset, {other}, true});
    EXPECT_EQ(looks(session), 0);
}

TEST(Storage, SnapshotsOfAMachine) {
    Session session;
    const auto label = [](const char* text) { return SnapshotLabel::from(text); };
    const auto disk = DatasetName::from(dataset.str() + "/disk0");
    const host::GuestSnapshot first{
        {dataset}, label("first"), Note::from("user dev1"), {vm}, Note::from("a; b")};
    session.perform(first);
    EXPECT_EQ(code_of([&] { session.perform(first); }), Code::dataset_exists);
    const auto all = session.perform(host::SnapshotList{dataset});
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].txg, all[1].txg) << "one transaction group";
    EXPECT_EQ(all[0].live, vm.str());
    EXPECT_EQ(all[0].note, "a; b");
    EXPECT_EQ(host::parse_machine(session.perform(host::SnapshotDefinition{dataset, label("first")}).text).id,
              vm_id);
    for (int i = 0; i < 2; ++i)
        session.perform(host::DatasetLimit{dataset, 2_GiB, 1_MiB});
    const auto uses = session.perform(host::SpaceList{tank});
    const auto use = std::ranges::find(uses, dataset.str(), &host::SpaceUse::dataset);
    ASSERT_NE(use, uses.end());
    EXPECT_EQ(use->quota, 2_GiB);
    EXPECT_EQ(use->reservation, 1_MiB);
    session.perform(host::DatasetLimit{dataset, ByteSize(0), ByteSize(0)});
    EXPECT_EQ(code_of([&] {
                  session.perform(host::DatasetLimit{dataset, ByteSize(4096), ByteSize(0)});
              }),
              Code::no_space);
    const auto grown =
        ByteSize(std::ranges::find(uses, disk.str(), &host::SpaceUse::dataset)->volsize.bytes() + (1 << 20));
    for (int i = 0; i < 2; ++i)
        session.perform(host::DiskGrow{disk, grown});
    EXPECT_EQ(code_of([&] { session.perform(host::DiskGrow{disk, 1_MiB}); }), Code::policy);
    session.perform(host::SnapshotNote{dataset, label("first"), Note::from("else")});
    for (int i = 0; i < 2; ++i)
        session.perform(host::SnapshotHold{dataset, label("first"), true});
    EXPECT_EQ(session.perform(host::SnapshotList{dataset}).at(0).holds, 1);
    EXPECT_EQ(code_of([&] {
                  session.perform(host::SnapshotDestroy{dataset, {label("first")}, true});
              }),
              Code::dataset_busy);
    for (int i = 0; i < 2; ++i)
        session.perform(host::SnapshotHold{dataset, label("first"), false});
    session.perform(host::GuestSnapshot{{dataset}, label("second"), Note(), {}, Note()});
    EXPECT_GE(session.perform(host::SnapshotReclaim{dataset, {label("first"), label("second")}}).reclaim,
              ByteSize(0));
    for (int i = 0; i < 2; ++i)
        session.perform(host::VolumeRollback{disk, label("first")});
    session.perform(host::FirmwareRestore{dataset, label("first")});
    EXPECT_EQ(session.perform(host::SnapshotList{dataset}).size(), 3U) << "the definition's is still there";
    for (int i = 0; i < 2; ++i)
        session.perform(host::SnapshotDestroy{dataset, {label("first"), label("second")}, true});
    EXPECT_THAT(session.perform(host::SnapshotList{dataset}), IsEmpty());
}

TEST(Network, SwitchTapDhcp) {
    Session session;
    for (int i = 0; i < 2; ++i)
        session.perform(host::BridgeEnsure{nat, nat_address});
    EXPECT_THAT(interface(session, "bh-nat").value().inet, Contains("10.77.0.1/24"));
    const auto tap = session.perform(host::TapCreate{vm, nic, bridge}).tap;
    EXPECT_EQ(session.perform(host::TapCreate{vm, nic, bridge}).tap, tap);
    EXPECT_THAT(interface(session, "bh-nat").value().members, Contains(tap.str()));
    EXPECT_EQ(interface(session, tap.str()).value().description, "bhype vm/web1/net0");
    for (int i = 0; i < 2; ++i)
        session.perform(host::DhcpEnsure{{{nat, nat_address}}});
    EXPECT_THAT(session.perform(host::LeaseList{}), IsEmpty());
}

TEST(Network, VlanOnAnUplinkComesAndGoes) {
    Session session;
    const auto extra = SwitchName::from("extra");
    host::BridgeEnsure wanted;
    wanted.switch_ = extra;
    wanted.uplink = InterfaceName::from("em0");
    wanted.vlan = 20;
    for (int i = 0; i < 2; ++i)
        session.perform(wanted);
    EXPECT_THAT(interface(session, "bh-extra").value().members, Contains("bhv-extra"));
    EXPECT_EQ(interface(session, "bhv-extra").value().parent, "em0");
    wanted.vlan.reset();
    EXPECT_EQ(code_of([&] { session.perform(wanted); }), Code::interface_busy)
        << "em0 has the host's address";
    session.perform(host::BridgeDetach{extra, InterfaceName::from("em0")});
    for (int i = 0; i < 2; ++i)
        session.perform(host::BridgeRemove{extra});
    EXPECT_FALSE(interface(session, "bh-extra"));
    EXPECT_FALSE(interface(session, "bhv-extra"));
}

TEST(Network, PfIsLoadedWhenItIsNotAsWanted) {
    Session session;
    session.perform(host::RoutingEnsure{true, false});
    session.perform(host::FirewallInstall{true});
    const host::FirewallEnsure wanted{{{nat, true, false, nat_address, std::nullopt, std::nullopt}}, {}};
    for (int i = 0; i < 2; ++i)
        EXPECT_TRUE(session.perform(wanted).loaded);
    const auto shown = session.perform(host::FirewallShow{});
    EXPECT_TRUE(shown.enabled && shown.nat && shown.rdr && shown.filter && shown.forwarding);
    EXPECT_EQ(shown.conf, host::ConfState::complete);
    EXPECT_EQ(shown.way_out, InterfaceName::from("em0"));
    EXPECT_THAT(shown.text, HasSubstr("10.77.0.0/24"));
}

TEST(Network, IsLookedAt) {
    Session session;
    const auto traffic = session.perform(host::TrafficList{});
    EXPECT_TRUE(std::ranges::any_of(traffic, [](const auto& one) { return one.name.str() == "em0"; }));
    session.perform(host::NeighborList{});
    EXPECT_THAT(session.perform(host::PortList{{53, 67}}), IsEmpty()) << "its own dnsmasq is no stranger";
    host::DhcpTest test;
    test.range.switch_ = SwitchName::from("nat");
    test.range.address = Ipv4Prefix::from("10.99.0.1/24");
    test.range.options = {{42, DhcpValue::from("10.99.0.5")}};
    EXPECT_EQ(session.perform(test).refusal, "");
    test.range.options = {{42, DhcpValue::from("10.99.0.5")}, {6, DhcpValue::from("no-address")}};
    EXPECT_THAT(session.perform(test).refusal, HasSubstr("dhcp-option=tag:sw-nat,6,no-address"));
}

TEST(Network, UplinkIsBridgedAndGivenBack) {
    Session session;
    const auto em0 = InterfaceName::from("em0");
    const auto address = interface(session, "em0").value().inet;
    host::BridgeEnsure wanted;
    wanted.switch_ = SwitchName::from("public");
    session.perform(wanted);
    host::UplinkChange change;
    change.ports = {em0};
    change.switch_ = wanted.switch_;
    const auto first = random_task_id(), second = random_task_id(), third = random_task_id();
    EXPECT_FALSE(session.perform(host::UplinkPlan{change}).now.empty());
    EXPECT_EQ(session.perform(host::UplinkApply{first, change, 60}).state, host::GuardState::armed);
    EXPECT_EQ(code_of([&] { session.perform(wanted); }), Code::uplink_busy);
    EXPECT_EQ(interface(session, "bh-public").value().inet, address);
    EXPECT_EQ(session.perform(host::UplinkRevert{first}).state, host::GuardState::reverted);
    EXPECT_EQ(interface(session, "em0").value().inet, address);
    session.perform(host::UplinkApply{second, change, 60});
    EXPECT_EQ(session.perform(host::UplinkConfirm{second}).state, host::GuardState::kept);
    EXPECT_EQ(code_of([&] { session.perform(wanted); }), Code::policy)
        << "it would take the host's address away";
    change.present = false;
    session.perform(host::UplinkApply{third, change, 60});
    session.perform(host::UplinkConfirm{third});
    EXPECT_EQ(session.perform(host::UplinkShow{}).state, host::GuardState::kept);
    EXPECT_EQ(interface(session, "em0").value().inet, address);
    session.perform(host::BridgeRemove{wanted.switch_});
}

/// For the tests after a kill, which are programs of their own.
const char* const pids = "/tmp/pids-of-web1";
void keep_pids(Session& session) {
    const auto guest = session.guest().value();
    std::ofstream(pids) << guest.bhyve_pid << ' ' << guest.vmd_pid << '\n';
}

TEST(Guest, Starts) {
    Session session;
    const auto tap = session.perform(host::TapCreate{vm, nic, bridge}).tap;
    const auto guest = session.perform(host::GuestStart{vm, dataset, {{nic, tap}}});
    EXPECT_EQ(guest.state, host::GuestState::running);
    EXPECT_GT(guest.bhyve_pid, 0);
    EXPECT_TRUE(
        soon(5s, [&] { return session.told() && session.told()->state == host::GuestState::running; }));
    EXPECT_EQ(interface(session, tap.str()).value().opened_by, guest.bhyve_pid);
    EXPECT_EQ(owner_and_mode("/dev/vmm/web1").substr(0, 2), "0:");
    std::string address;
    ASSERT_TRUE(soon(a_boot, [&] { return !(address = leased(session)).empty(); }));
    EXPECT_TRUE(soon(30s, [&] { return http_get(address).find("200 OK") != std::string::npos; })) << address;
    EXPECT_EQ(code_of([&] {
                  session.perform(host::GuestStart{vm, dataset, {{nic, tap}}});
              }),
              Code::vm_running);
    EXPECT_EQ(code_of([&] { session.perform(host::TapsRemove{vm}); }), Code::vm_running);
    EXPECT_EQ(code_of([&] { session.perform(host::GuestForget{vm}); }), Code::vm_running);
    EXPECT_EQ(code_of([&] { session.perform(host::DatasetDestroy{dataset}); }), Code::vm_running);
}

TEST(Guest, SerialLine) {
    Session session;
    const auto serial = session.serial(host::ConsoleMode::control);
    ASSERT_TRUE(serial);
    EXPECT_THAT(talk(serial.get(), "", "login:", a_boot), HasSubstr("Linux version"))
        << "from before it was opened";
    log_in(serial.get());
    EXPECT_THAT(talk(serial.get(), "echo $((6*7))\n", "\n42", 60s), HasSubstr("\n42"));
    EXPECT_EQ(code_of([&] { session.serial(host::ConsoleMode::control); }), Code::console_in_use);
    const auto watcher =
        session.answer(host::ConsoleOpen{vm, host::ConsoleKind::serial, host::ConsoleMode::watch});
    EXPECT_EQ(decode<host::ConsoleOpenResult>(watcher.result).viewers, 1);
    EXPECT_THAT(talk(serial.get(), "echo $((6*8))\n", "\n48", 60s), HasSubstr("\n48"));
    EXPECT_THAT(talk(watcher.descriptor.get(), "echo no\n", "\n48", 60s), Not(HasSubstr("no\r\n")));
}

TEST(Guest, Screen) {
    Session session;
    const auto screen =
        session.answer(host::ConsoleOpen{vm, host::ConsoleKind::screen, host::ConsoleMode::control})
            .descriptor;
    ASSERT_TRUE(screen);
    EXPECT_EQ(talk(screen.get(), "", "\n", 10s), "RFB 003.008\n");
    EXPECT_EQ(talk(screen.get(), "RFB 003.008\n", std::string("\1\1", 2), 10s), std::string("\1\1", 2))
        << "one kind of security: none";
    EXPECT_EQ(talk(screen.get(), "\1", std::string(4, '\0'), 10s), std::string(4, '\0'));
    EXPECT_THAT(talk(screen.get(), "\1", "web1", 10s), HasSubstr("web1")) << "its name ends the greeting";
    // Raw pictures, and sizes that change; then a whole picture, four bytes a pixel.
    const std::string encodings("\2\0\0\2\0\0\0\0\xff\xff\xff\x21", 12);
    const std::string request("\3\0\0\0\0\0\4\0\3\0", 10);
    std::size_t bytes = talk(screen.get(), encodings + request, "never", 2s).size();
    for (std::string piece; bytes < 640 * 480 * 4 && !(piece = talk(screen.get(), "", "never", 2s)).empty();)
        bytes += piece.size();
    EXPECT_GE(bytes, 640u * 480 * 4);
}

TEST(Guest, Log) {
    Session session;
    EXPECT_NO_THROW(session.perform(host::GuestLog{vm, dataset}));
}

TEST(Guest, Reset) {
    Session session;
    const auto before = session.guest().value();
    const auto serial = session.serial();
    session.perform(host::GuestReset{vm});
    ASSERT_TRUE(soon(30s, [&] { return session.guest().value().reboots == before.reboots + 1; }));
    const auto after = session.guest().value();
    EXPECT_EQ(after.state, host::GuestState::running);
    EXPECT_EQ(after.started, before.started);
    log_in(serial.get());
    EXPECT_THAT(talk(serial.get(), "echo $((7*7))\n", "\n49", a_boot), HasSubstr("\n49"));
    keep_pids(session);
}

/// The password goes through a pipe.
bool password(Session& session, const std::string& user, const std::string& text) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    EXPECT_EQ(::write(writing.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    writing.reset();
    wire::CallOptions options;
    options.descriptor = reading.get();
    return session.perform(host::PasswordCheck{UserName::from(user), "192.0.2.7"}, options).accepted;
}

TEST(Accounts, Passwords) {
    Session session;
    EXPECT_TRUE(password(session, "dev1", "secret"));
    EXPECT_FALSE(password(session, "dev1", "Secret"));
    EXPECT_FALSE(password(session, "dev1", ""));
    EXPECT_FALSE(password(session, "nobody2", "secret"));
    EXPECT_FALSE(password(session, "root", "rootpass")) << "right, but root is not let in";
    EXPECT_FALSE(password(session, "bhype", ""));
}

TEST(Accounts, ExpiredAreBarred) {
    Session session;
    const auto barred = [&](const char* user) {
        return session.perform(host::AccountCheck{UserName::from(user), "192.0.2.7"}).barred;
    };
    EXPECT_FALSE(barred("dev1"));
    EXPECT_TRUE(barred("gone1"));
}

// ---- after a daemon was killed

TEST(AfterAKill, GuestIsFoundAgain) {
    Session session;
    const auto old_vmd = std::atoll(std::getenv("BHYPE_LAB_OLD_VMD"));
    std::optional<host::Guest> guest;
    ASSERT_TRUE(soon(5s, [&] {
        try {
            guest = session.guest();
        } catch (const Error&) { // hostd is not back yet
        }
        return guest && guest->state == host::GuestState::running && guest->vmd_pid != 0 &&
               guest->vmd_pid != old_vmd;
    }));
    EXPECT_EQ(std::to_string(guest->bhyve_pid), first_word(pids)) << "it never noticed";
    keep_pids(session);
    EXPECT_THAT(http_get(leased(session)), HasSubstr("200 OK"));
    if (!std::getenv("BHYPE_LAB_LINE_LOST")) {
        const auto serial = session.serial();
        log_in(serial.get());
        EXPECT_THAT(talk(serial.get(), "echo $((5*5))\n", "\n25", 60s), HasSubstr("\n25"));
    }
    const auto screen =
        session.answer(host::ConsoleOpen{vm, host::ConsoleKind::screen, host::ConsoleMode::take_over});
    EXPECT_EQ(talk(screen.descriptor.get(), "", "\n", 10s), "RFB 003.008\n");
}

/// The pty went with its two holders.
TEST(AfterAKill, SerialLineComesBackWithTheNextBoot) {
    Session session;
    const auto before = session.guest().value();
    session.perform(host::GuestReset{vm});
    ASSERT_TRUE(soon(30s, [&] { return session.guest().value().reboots == before.reboots + 1; }));
    ASSERT_TRUE(soon(30s, [&] { return session.guest().value().bhyve_pid > 0; }));
    const auto serial = session.serial();
    log_in(serial.get());
    EXPECT_THAT(talk(serial.get(), "echo $((9*9))\n", "\n81", a_boot), HasSubstr("\n81"));
    keep_pids(session);
}

TEST(AfterAKill, GuestReboots) {
    Session session;
    const auto before = session.guest().value();
    const auto tap = session.perform(host::TapCreate{vm, nic, bridge}).tap;
    const auto serial = session.serial();
    log_in(serial.get());
    talk(serial.get(), "reboot\n", "never", 1s);
    ASSERT_TRUE(soon(60s, [&] { return session.guest().value().reboots == before.reboots + 1; }));
    ASSERT_TRUE(soon(60s, [&] { return session.guest().value().bhyve_pid > 0; }));
    const auto after = session.guest().value();
    EXPECT_EQ(after.state, host::GuestState::running);
    EXPECT_NE(after.bhyve_pid, before.bhyve_pid);
    EXPECT_TRUE(soon(5s, [&] { return interface(session, tap.str()).value().opened_by == after.bhyve_pid; }));
    EXPECT_TRUE(interface(session, tap.str()).value().up);
    EXPECT_TRUE(soon(a_boot, [&] { return http_get(leased(session)).find("200 OK") != std::string::npos; }));
    keep_pids(session);
}

// ---- hostd is killed while a command of its runs

const TaskId third_task = TaskId::from("t0000000000000003");

TEST(InFlight, BreaksOff) {
    Session session;
    const wire::CallOptions options{.id = third_task.str() + ".1"};
    EXPECT_EQ(code_of([&] {
                  session.perform(host::DatasetCreate{aside(third_task, "vm"), {}}, options);
              }),
              Code::result_unknown);
}

TEST(InFlight, IsWaitedFor) {
    Session session;
    std::vector<std::string> flying;
    ASSERT_TRUE(soon(10s, [&] { return !code_of([&] { flying = session.host().in_flight(); }); }))
        << "hostd is away";
    EXPECT_THAT(flying, Contains(third_task.str() + ".1"));
    ASSERT_TRUE(soon(60s, [&] { return session.host().in_flight().empty(); }));
    EXPECT_TRUE(find(session, aside(third_task, "vm").str())) << "the command went on to its end";
    session.perform(host::AsideRemove{tank, third_task});
}

// ---- the end

TEST(Guest, Stops) {
    Session session;
    session.perform(host::GuestStop{vm, Ranged<0, 3600>(60)});
    ASSERT_TRUE(
        soon(60s, [&] { return session.told() && session.told()->state == host::GuestState::stopped; }));
    EXPECT_EQ(session.guest().value().reason, "powered off when asked to");
    EXPECT_EQ(session.guest().value().vmd_pid, 0);
    EXPECT_EQ(owner_and_mode("/dev/vmm/web1"), "");
    session.perform(host::GuestForget{vm});
    EXPECT_FALSE(session.guest());
    session.perform(host::TapsRemove{vm});
    for (const auto& one : session.perform(host::InterfaceList{}))
        if (one.name.str() != "tap9") { // somebody else's, whatever its description says
            EXPECT_THAT(one.description, Not(HasSubstr("vm/web1")));
        }
}

TEST(Guest, IsKilled) {
    Session session;
    const auto tap = session.perform(host::TapCreate{vm, nic, bridge}).tap;
    session.perform(host::GuestStart{vm, dataset, {{nic, tap}}});
    const auto guest = session.perform(host::GuestKill{vm});
    EXPECT_EQ(guest.state, host::GuestState::stopped);
    EXPECT_EQ(guest.reason, "killed");
    EXPECT_EQ(owner_and_mode("/dev/vmm/web1"), "");
    session.perform(host::GuestForget{vm});
    session.perform(host::TapsRemove{vm});
    session.perform(host::DatasetDestroy{dataset});
    session.perform(host::DatasetDestroy{dataset});
    EXPECT_FALSE(find(session, dataset.str()));
    EXPECT_TRUE(find(session, "tank/bhype/template/tiny-linux-1/disk0@template"))
        << "what it was cloned from stays";
}

TEST(Operations, WereAllPerformed) {
    const auto performed = Session::performed();
    boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, host::Operations>>(
        [&](auto identity) {
            using Operation = typename decltype(identity)::type;
            EXPECT_TRUE(performed.contains(std::string(Operation::operation))) << Operation::operation;
        });
}

} // namespace
} // namespace bhype::test
