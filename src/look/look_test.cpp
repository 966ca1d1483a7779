#include "look/names.h"
#include "look/test_disk.h"

#include <random>

namespace bhype::look {

namespace {

using namespace test;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

TEST(Names, AreShownWithoutHarmAndComeBack) {
    EXPECT_EQ(shown("motd"), "motd");
    EXPECT_EQ(shown("a b"), "a b");
    EXPECT_EQ(shown("é"), "é");
    EXPECT_EQ(shown("a\\b"), "a\\\\b");
    EXPECT_EQ(shown("a\n\x1b[2J"), "a\\x0a\\x1b[2J");
    EXPECT_EQ(shown("a/b"), "a\\x2fb");
    EXPECT_EQ(shown_path("a/b"), "a/b");
    EXPECT_EQ(shown("\xff\xc0\xaf"), "\\xff\\xc0\\xaf") << "no UTF-8, and a '/' in too many bytes";
    EXPECT_EQ(shown("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half a surrogate";
    EXPECT_EQ(shown("gpj\xe2\x80\xae.exe"), "gpj\\xe2\\x80\\xae.exe") << "right to left";
    EXPECT_EQ(shown("a\xc2\x9b"), "a\\xc2\\x9b") << "a C1 control";
    std::mt19937 random(1);
    for (int i = 0; i < 2000; ++i) {
        std::string bytes;
        for (std::size_t n = random() % 40; n > 0; --n) {
            const char c = static_cast<char>(random() % (i % 2 ? 256 : 128));
            if (c != '\0')
                bytes += c;
        }
        const auto text = shown(bytes);
        EXPECT_EQ(bytes_of(text), bytes);
        EXPECT_TRUE(text.empty() || text == "." || text == ".." || GuestPath::accepts("/" + text)) << text;
    }
    EXPECT_THAT(components("/a//b/./c/"), ElementsAre("a", "b", "c"));
}

class Disks : public testing::Test {
  protected:
    std::string path(const std::string& name) const { return directory.path + "/" + name; }
    /// What every file system is to hold.
    std::string tree() {
        auto root = path("tree");
        std::filesystem::create_directories(root + "/etc/deep/er");
        write(root + "/etc/motd", "hello\n");
        write(root + "/empty", "");
        std::mt19937 random(7);
        std::string large(700'001, '\0');
        for (auto& c : large)
            c = static_cast<char>(random());
        write(root + "/large", large);
        return root;
    }
    std::string ext(const char* type = "ext4", const char* options = "", const char* size = "16M") {
        const auto root = tree();
        std::filesystem::create_symlink("../etc/motd", root + "/etc/up");
        std::filesystem::create_symlink("/etc", root + "/abs");
        std::filesystem::create_symlink("two", root + "/one");
        std::filesystem::create_symlink("one", root + "/two");
        std::filesystem::create_symlink("nowhere", root + "/dangling");
        std::filesystem::create_symlink("../../../../../etc/motd", root + "/etc/beyond");
        write(root + "/a\001\n\xff\\b", "odd");
        ::chmod((root + "/etc/motd").c_str(), 04751);
        shell("mke2fs -q -F -t " + std::string(type) + " " + options + " -d " + root + " " + path("ext.img") +
              " " + size);
        return path("ext.img");
    }
    void expect_tree(const std::string& disk, const std::string& partition = "-") {
        const auto look = list(disk, "/", partition).look();
        EXPECT_THAT(names(look), IsSupersetOf({"etc", "empty", "large"}));
        EXPECT_THAT(names(list(disk, "/etc", partition).look()), IsSupersetOf({"deep", "motd"}));
        EXPECT_THAT(names(list(disk, "/etc/deep", partition).look()), ElementsAre("er"));
        EXPECT_THAT(names(list(disk, "/etc/deep/er", partition).look()), IsEmpty());
        EXPECT_EQ(file(disk, "/etc/motd", partition).bytes(), "hello\n");
        EXPECT_EQ(file(disk, "/empty", partition).bytes(), "");
        const auto large = file(disk, "/large", partition);
        EXPECT_EQ(large.status, 0);
        EXPECT_TRUE(large.bytes() == contents(path("tree/large")));
        EXPECT_EQ(list(disk, "/none", partition).code(), "api.not_found");
        EXPECT_EQ(list(disk, "/etc/motd", partition).code(), "api.invalid_field");
        EXPECT_EQ(list(disk, "/etc/motd/x", partition).code(), "api.not_found");
        EXPECT_EQ(file(disk, "/etc", partition).code(), "api.invalid_field");
    }
    /// Debian's makefs puts the superblock of UFS2 where newfs(8) does not, 8 KiB from the beginning. With
    /// this size of fragments the first copy of it comes to lie at 64 KiB, where it belongs.
    void makefs(const std::string& disk, const std::string& version) {
        shell("makefs -t ffs -s 10m -o version=" + version +
              (version == "2" ? ",bsize=65536,fsize=8192 " : " ") + disk + " " + tree());
    }
    bhype::test::Directory directory;
};

TEST_F(Disks, HaveExtFileSystems) {
    for (const auto* type : {"ext2", "ext3", "ext4"}) {
        SCOPED_TRACE(type);
        const auto disk = ext(type);
        const auto look = list(disk, "/").look();
        ASSERT_EQ(look.partitions.size(), 1U);
        EXPECT_EQ(look.partitions[0].file_system, type);
        EXPECT_EQ(look.partition->str(), "0");
        expect_tree(disk);
        std::filesystem::remove_all(path("tree"));
    }
    const auto disk = ext("ext4", "-b 4096 -O 64bit,metadata_csum,^resize_inode,flex_bg", "64M");
    expect_tree(disk);
}

TEST_F(Disks, FollowLinksWithinTheFileSystemAlone) {
    const auto disk = ext();
    EXPECT_EQ(file(disk, "/etc/up").bytes(), "hello\n");
    EXPECT_EQ(file(disk, "/abs/motd").bytes(), "hello\n");
    EXPECT_EQ(file(disk, "/abs/up").name(), "motd");
    EXPECT_EQ(list(disk, "/abs").look().path.str(), "/etc");
    EXPECT_EQ(file(disk, "/etc/beyond").bytes(), "hello\n") << "the guest's root is the end";
    EXPECT_THAT(file(disk, "/one").out, HasSubstr("too many symbolic links"));
    EXPECT_THAT(file(disk, "/dangling").out, HasSubstr("there is no /nowhere"));
    const auto look = list(disk, "/").look();
    const auto find = [&](const char* name) {
        return *std::ranges::find(look.entries, name, &host::LookEntry::name);
    };
    EXPECT_EQ(find("abs").kind, host::LookKind::link);
    EXPECT_EQ(find("abs").target, "/etc");
    EXPECT_EQ(find("etc").kind, host::LookKind::directory);
    EXPECT_EQ(find("large").size, 700'001);
    EXPECT_GT(find("large").modified, 1'700'000'000);
    EXPECT_EQ(file(disk, "/" + find("a\\x01\\x0a\\xff\\\\b").name).bytes(), "odd");
    const auto etc = list(disk, "/etc").look();
    EXPECT_EQ(std::ranges::find(etc.entries, "motd", &host::LookEntry::name)->mode, 04751);
}

TEST_F(Disks, ComeInPages) {
    const auto root = tree();
    std::filesystem::create_directory(root + "/many");
    for (int i = 1000; i < 1250; ++i)
        write(root + "/many/f" + std::to_string(i), "");
    shell("mke2fs -q -F -t ext4 -d " + root + " " + path("many.img") + " 16M");
    auto look = list(path("many.img"), "/many", "-", 100, 3).look();
    EXPECT_EQ(look.total, 250);
    EXPECT_THAT(names(look), ElementsAre("f1100", "f1101", "f1102"));
    EXPECT_EQ(list(path("many.img"), "/many", "-", 249, 3).look().entries.size(), 1U);
    EXPECT_EQ(list(path("many.img"), "/many", "-", 300, 3).look().entries.size(), 0U);
}

TEST_F(Disks, HaveOtherFileSystems) {
    const auto root = tree();
    const auto disk = [&](const char* name) { return path(name); };
    for (const auto* bits : {"12 4096", "16 16384", "32 66000"}) {
        SCOPED_TRACE(bits);
        std::filesystem::remove(disk("fat"));
        shell("mkfs.vfat -n LABEL -F " + std::string(bits, 2) + " -C " + disk("fat") + " " + (bits + 3) +
              " && mcopy -s -i " + disk("fat") + " " + root + "/* ::");
        EXPECT_EQ(list(disk("fat"), "/").look().partitions[0].file_system, "fat" + std::string(bits, 2));
        expect_tree(disk("fat"));
        EXPECT_EQ(file(disk("fat"), "/ETC/Motd").bytes(), "hello\n");
        EXPECT_THAT(names(list(disk("fat"), "/").look()), ElementsAre("empty", "etc", "large"));
    }
    for (const auto* version : {"1", "2"}) {
        SCOPED_TRACE(version);
        std::filesystem::remove(disk("ufs"));
        makefs(disk("ufs"), version);
        EXPECT_EQ(list(disk("ufs"), "/").look().partitions[0].file_system, "ufs" + std::string(version));
        expect_tree(disk("ufs"));
    }
    shell("truncate -s 16M " + disk("ntfs") + " && mkntfs -F -q " + disk("ntfs") + " && ntfscp -f " +
          disk("ntfs") + " " + root + "/large large && ntfscp -f " + disk("ntfs") + " " + root +
          "/etc/motd motd");
    const auto ntfs = list(disk("ntfs"), "/").look();
    EXPECT_EQ(ntfs.partitions[0].file_system, "ntfs");
    EXPECT_THAT(names(ntfs), ElementsAre("large", "motd"));
    EXPECT_TRUE(file(disk("ntfs"), "/large").bytes() == contents(root + "/large"));
    EXPECT_EQ(file(disk("ntfs"), "/MOTD").bytes(), "hello\n");
    shell("xorriso -outdev " + disk("iso") + " -joliet on -map " + root + " /");
    EXPECT_EQ(list(disk("iso"), "/").look().partitions[0].file_system, "iso9660");
    expect_tree(disk("iso"));
    shell("truncate -s 16M " + disk("exfat") + " && mkfs.exfat " + disk("exfat"));
    EXPECT_EQ(list(disk("exfat"), "/").look().partitions[0].file_system, "exfat");
    EXPECT_EQ(list(disk("exfat"), "/").status, 0);
}

TEST_F(Disks, HaveMbrPartitions) {
    const auto first = contents(ext());
    tree();
    makefs(path("ufs"), "2");
    std::string disk(64 << 20, '\0');
    put_mbr(disk, 0, {{0x83, 2048, first.size() / 512}, {0x82, 40960, 2048}, {0x05, 49152, 40960}});
    put_image(disk, 2048, first);
    disk.replace(std::size_t{40960} * 512 + 0xff6, 10, "SWAPSPACE2");
    put_mbr(disk, 49152, {{0x83, 2048, 2048}, {0x05, 4096, 30000}});
    put_mbr(disk, 49152 + 4096, {{0xa5, 2048, 24576}});
    disk.replace(std::size_t{49152 + 2048} * 512, 6, "LUKS\xba\xbe");
    put_image(disk, 49152 + 4096 + 2048, contents(path("ufs")));
    write(path("mbr"), disk);
    const auto look = list(path("mbr"), "/").look();
    EXPECT_FALSE(look.partition) << "two can be read: one must be chosen";
    std::vector<std::string> shown;
    for (const auto& one : look.partitions)
        shown.push_back(one.name.str() + " " + one.file_system + (one.readable ? " +" : " -"));
    EXPECT_THAT(shown, ElementsAre("1 ext4 +", "2 swap -", "5 luks -", "6 ufs2 +"));
    EXPECT_THAT(look.partitions[2].problem, HasSubstr("encrypted with LUKS; clone the snapshot"));
    EXPECT_EQ(look.partitions[0].offset, 1_MiB);
    expect_tree(path("mbr"), "1");
    expect_tree(path("mbr"), "6");
    EXPECT_EQ(list(path("mbr"), "/", "2").code(), "snapshot.unreadable");
    EXPECT_EQ(list(path("mbr"), "/", "9").code(), "api.invalid_field");
    EXPECT_THAT(list(path("mbr"), "/", "9").out, HasSubstr("1, 2, 5, 6"));
    EXPECT_EQ(file(path("mbr"), "/etc/motd").code(), "api.invalid_field");
}

/// A label of FreeBSD's in an MBR partition (sys/disk/bsd.h), with offsets from the disk's or its own
/// beginning.
TEST_F(Disks, HaveBsdPartitions) {
    tree();
    makefs(path("ufs"), "2");
    for (const std::uint64_t base : {0, 2048}) {
        std::string disk(20 << 20, '\0');
        put_mbr(disk, 0, {{0xa5, 2048, 32768}});
        auto label = std::size_t{2049} * 512;
        put(disk, label, 0x82564557, 4);
        put(disk, label + 132, 0x82564557, 4);
        put(disk, label + 138, 8, 2);
        const auto part = [&](std::size_t number, std::uint64_t begin, std::uint64_t count,
                              std::uint64_t type) {
            put(disk, label + 148 + number * 16, count, 4);
            put(disk, label + 148 + number * 16 + 4, base + begin, 4);
            put(disk, label + 148 + number * 16 + 12, type, 1);
        };
        part(0, 16, 24576, 7);
        part(1, 24592, 2048, 1);
        part(2, 0, 32768, 0);
        put_image(disk, 2048 + 16, contents(path("ufs")));
        write(path("bsd"), disk);
        const auto look = list(path("bsd"), "/").look();
        ASSERT_EQ(look.partitions.size(), 2U);
        EXPECT_EQ(look.partitions[0].name.str(), "1a");
        EXPECT_EQ(look.partitions[0].file_system, "ufs2");
        EXPECT_EQ(look.partitions[1].name.str(), "1b");
        expect_tree(path("bsd"), "1a");
    }
}

TEST_F(Disks, HaveGptPartitions) {
    const auto first = contents(ext());
    std::string disk(32 << 20, '\0');
    put_mbr(disk, 0, {{0xee, 1, (32 << 11) - 1}});
    disk.replace(512, 8, "EFI PART");
    put(disk, 512 + 8, 0x10000, 4);
    put(disk, 512 + 12, 92, 4);
    put(disk, 512 + 24, 1, 8);
    put(disk, 512 + 40, 34, 8);
    put(disk, 512 + 48, (32 << 11) - 34, 8);
    put(disk, 512 + 72, 2, 8);
    put(disk, 512 + 80, 128, 4);
    put(disk, 512 + 84, 128, 4);
    const auto part = [&](std::size_t number, std::uint64_t begin, std::uint64_t end,
                          const std::string& name) {
        const auto at = 1024 + number * 128;
        disk.replace(at, 16, std::string(16, '\x11'));
        put(disk, at + 16, number + 1, 8);
        put(disk, at + 32, begin, 8);
        put(disk, at + 40, end, 8);
        for (std::size_t i = 0; i < name.size(); ++i)
            disk[at + 56 + 2 * i] = name[i];
    };
    part(0, 2048, 4095, "boot");
    part(2, 4096, 4096 + first.size() / 512 - 1, "root");
    put_image(disk, 4096, first);
    disk.replace(std::size_t{2048} * 512, 4, "XFSB");
    write(path("gpt"), disk);
    const auto look = list(path("gpt"), "/etc").look();
    ASSERT_EQ(look.partitions.size(), 2U);
    EXPECT_EQ(look.partitions[0].name.str(), "1");
    EXPECT_EQ(look.partitions[0].file_system, "xfs");
    EXPECT_EQ(look.partitions[1].name.str(), "3");
    EXPECT_EQ(look.partitions[1].type, "root");
    EXPECT_EQ(look.partition->str(), "3") << "the only readable one";
    expect_tree(path("gpt"));
}

TEST_F(Disks, SayWhatTheyCannotShow) {
    const auto with = [&](std::size_t at, const std::string& magic) {
        std::string disk(1 << 20, '\0');
        disk.replace(at, magic.size(), magic);
        write(path("other"), disk);
        const auto look = list(path("other"), "/").look();
        EXPECT_FALSE(look.partition);
        EXPECT_FALSE(look.partitions.at(0).readable);
        EXPECT_THAT(look.partitions.at(0).problem, HasSubstr("clone the snapshot"));
        EXPECT_EQ(list(path("other"), "/", "0").code(), "snapshot.unreadable");
        return look.partitions.at(0).file_system;
    };
    EXPECT_EQ(with(0, "XFSB"), "xfs");
    EXPECT_EQ(with(0, "LUKS\xba\xbe"), "luks");
    EXPECT_EQ(with(3, "-FVE-FS-"), "bitlocker");
    EXPECT_EQ(with(0x10040, "_BHRfS_M"), "btrfs");
    EXPECT_EQ(with(512, "LABELONE"), "lvm");
    EXPECT_EQ(with((128 << 10) + 4096, std::string("\x0c\xb1\xba\0\0\0\0\0", 8)), "zfs");
    EXPECT_EQ(with((1 << 20) - 512, std::string("GEOM::ELI\0", 10)), "geli");
    EXPECT_EQ(with(0, "nothing"), "");
    write(path("none"), "");
    EXPECT_EQ(list(path("none"), "/").code(), "snapshot.unreadable");
}

TEST_F(Disks, MayHaveDirectoriesInCircles) {
    const auto disk = ext();
    shell("debugfs -w -R 'link /etc /etc/deep/circle' " + disk);
    std::string path = "/etc";
    for (int i = 0; i < 20; ++i)
        path += "/deep/circle";
    EXPECT_THAT(names(list(disk, path).look()), Contains("motd"));
    for (int i = 0; i < 20; ++i)
        path += "/deep/circle";
    EXPECT_FALSE(GuestPath::accepts(path));
    EXPECT_EQ(list(disk, path).status, 1);
}

/// It may end in any way but hang; what it says to its end is an answer or a problem.
void expect_some_end(const Answer& answer, int& died) {
    EXPECT_NE(answer.status, 128 + SIGALRM);
    if (answer.status >= 128) {
        ++died;
        return;
    }
    EXPECT_THAT(answer.status, testing::AnyOf(0, 1, 2));
    if (answer.status == 0) {
        EXPECT_NO_THROW(answer.look());
    } else if (answer.status == 1) {
        EXPECT_NO_THROW(answer.code());
    }
}

TEST_F(Disks, MayBeBroken) {
    tree();
    shell("mkfs.vfat -C " + path("fat") + " 4096 && mcopy -s -i " + path("fat") + " " + path("tree") +
          "/* ::");
    makefs(path("ufs"), "2");
    shell("truncate -s 8M " + path("ntfs") + " && mkntfs -F -q " + path("ntfs") + " && ntfscp -f " +
          path("ntfs") + " " + path("tree") + "/etc/motd motd");
    std::mt19937 random(42);
    int died = 0;
    for (const auto& disk : {ext(), path("fat"), path("ufs"), path("ntfs")}) {
        const auto good = contents(disk);
        for (int i = 0; i < 40; ++i) {
            auto bad = good;
            // Where structures are: the beginning, and wherever there is something.
            for (int changes = 1 + static_cast<int>(random() % 200); changes > 0; --changes) {
                auto at = random() % (i % 2 ? bad.size() : std::min<std::size_t>(bad.size(), 65536));
                for (int tries = 0; bad[at] == '\0' && tries < 50; ++tries)
                    at = random() % bad.size();
                bad[at] = static_cast<char>(random());
            }
            if (i % 5 == 4)
                bad.resize(random() % bad.size() + 1);
            write(path("bad"), bad);
            expect_some_end(list(path("bad"), "/"), died);
            expect_some_end(list(path("bad"), "/etc"), died);
            const auto answer = file(path("bad"), "/etc/motd");
            EXPECT_NE(answer.status, 128 + SIGALRM);
        }
    }
    RecordProperty("died", died);
}

} // namespace

} // namespace bhype::look
