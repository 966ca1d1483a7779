#include "lab/bhyve/devices.h"
#include "lab/bhyve/failure.h"
#include "lab/bhyve/options.h"
#include "lab/bhyve/tables.h"
#include "lab/bhyve/vnc_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include <unistd.h>

namespace bhype::lab {
namespace {

using ::testing::HasSubstr;

/// What a command line printed and how it ended; -1 if it was accepted.
struct Outcome {
    int status{-1};
    std::string out, err;
};

Outcome parse(std::vector<std::string> arguments, const char* release = "14.3") {
    std::ostringstream out, err;
    auto* old_out = std::cout.rdbuf(out.rdbuf());
    auto* old_err = std::cerr.rdbuf(err.rdbuf());
    Outcome outcome;
    try {
        const auto config = parse_command_line(arguments, release_number(release));
        topology(config);
        memory_size(config);
    } catch (const Exit& exit) {
        outcome.status = exit.status;
    }
    std::cout.rdbuf(old_out);
    std::cerr.rdbuf(old_err);
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
}

Outcome dump(std::vector<std::string> arguments, const char* release = "14.3") {
    arguments.insert(arguments.begin(), {"-o", "config.dump=1"});
    return parse(arguments, release);
}

struct Case {
    std::vector<std::string> arguments;
    int status;
    std::string text; ///< the whole of standard error; empty: not looked at
};

class Refusals : public ::testing::TestWithParam<Case> {};

TEST_P(Refusals, AsBhyve) {
    const auto outcome = parse(GetParam().arguments);
    EXPECT_EQ(outcome.status, GetParam().status);
    if (!GetParam().text.empty()) {
        EXPECT_EQ(outcome.err, GetParam().text);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Bhyve, Refusals,
    ::testing::Values(
        Case{{}, 1, ""}, Case{{"one", "two"}, 1, ""}, Case{{"-r", "file", "vm"}, 1, ""},
        Case{{"-c", "cpus=2,book=1", "vm"}, 64, "bhyve: invalid cpu topology 'cpus=2,book=1'\n"},
        Case{{"-c", "cpus=4,cores=4", "vm"},
             4,
             "bhyve: Topology (4 sockets, 4 cores, 1 threads) does not match 4 vCPUs\n"},
        Case{{"-c", "no", "vm"}, 4, "bhyve: Invalid value for cpus: 'no'\n"},
        Case{{"-c", "0", "vm"}, 4, "bhyve: Invalid value for cpus: '0'\n"},
        Case{{"-m", "1X", "vm"}, 64, "bhyve: invalid memsize '1X'\n"},
        Case{{"-m", "", "vm"}, 64, "bhyve: invalid memsize ''\n"},
        Case{{"-p", "x", "vm"}, 64, "invalid format: x\nbhyve: invalid vcpu pinning configuration 'x'\n"},
        Case{{"-l", "com5,stdio", "vm"}, 64, "bhyve: invalid lpc device configuration 'com5,stdio'\n"},
        Case{{"-l", "fwcfg,qemu", "vm"}, 64, "bhyve: invalid lpc device configuration 'fwcfg,qemu'\n"},
        Case{{"-l", "bootrom", "vm"}, 4, "bhyve: invalid bootrom option \"bootrom\"\n"},
        Case{{"-l", "tpm,swtpm", "vm"}, 4, "bhyve: invalid tpm path \"tpm,swtpm\"\n"},
        Case{{"-o", "a=", "vm"}, 64, "bhyve: invalid configuration option 'a='\n"},
        Case{{"-s", "3", "vm"}, 4, "Invalid PCI slot info field \"3\"\n"},
        Case{{"-s", "32,lpc", "vm"}, 4, "Invalid PCI slot info field \"32,lpc\"\n"},
        Case{{"-s", "1:8,lpc", "vm"}, 4, "Invalid PCI slot info field \"1:8,lpc\"\n"},
        Case{{"-s", "3,floppy,x", "vm"}, 4, "pci slot 0:3:0: unknown device \"floppy\"\n"},
        Case{{"-s", "3,nvme,a", "-s", "3,nvme,b", "vm"}, 4, "pci slot 0:3:0 already occupied!\n"},
        Case{{"-s", "3,ahci,/a", "vm"}, 4, "Missing or invalid type for port 0: \"/a\"\n"},
        Case{{"-s", "3,virtio-9p,a=/a,b=/b", "vm"}, 4, "virtio-9p: more than one share name given\n"},
        Case{{"-s", "3,passthru,x", "vm"}, 4, "passthru: invalid options \"x\"\n"},
        Case{{"-k", "/does/not/exist", "vm"},
             4,
             "bhyve: Failed to open configuration file /does/not/exist: No such file or directory\n"}));

TEST(Options, AcceptWhatBhyveAccepts) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"-A", "-H", "-P", "-w", "-u", "-D", "-S", "vm"},
          {"-AHPwu", "vm"},
          {"-c4", "vm"},
          {"-c", "", "vm"},
          {"-m", "1g", "vm"},
          {"-m", "0x100", "vm"},
          {"-o", "name=vm"},
          {"--", "vm"},
          {"-s", "3,nvme,/x,mistyped=1,bare", "vm"},
          {"-s", "2:1junk,nvme,/x", "vm"},
          {"-p", "0:1", "-p", "0:2", "vm"}})
        EXPECT_EQ(parse(arguments).status, -1) << arguments[0];
}

TEST(Options, DifferByRelease) {
    EXPECT_EQ(parse({"-f", "a,string=b", "vm"}, "13.2").status, 1);
    EXPECT_EQ(parse({"-n", "id=0", "vm"}, "14.3").status, 1);
    EXPECT_EQ(parse({"-M", "vm"}, "15.0").status, 1);
    EXPECT_EQ(parse({"-l", "tpm,swtpm,/s", "vm"}, "13.2").status, 64);
    EXPECT_EQ(parse({"-l", "tpm,swtpm,/s", "vm"}, "14.3").status, -1);
    EXPECT_EQ(parse({"-s", "3,virtio-input,/e", "vm"}, "13.2").status, 4);
    EXPECT_THAT(usage_text(1302), HasSubstr("Usage: bhyve [-AaCDeHhPSuWwxY]\n"));
    EXPECT_THAT(usage_text(1500), HasSubstr("Usage: bhyve [-aCDeHhPSuWwxY]\n"));
    EXPECT_THAT(usage_text(1500), HasSubstr("       -n: NUMA domain specification\n"));
}

TEST(Options, HelpGoesToStandardOutput) {
    const auto lpc = parse({"-l", "help"}, "13.2");
    EXPECT_EQ(lpc.status, 0);
    EXPECT_EQ(lpc.out, "bootrom\ncom1\ncom2\ncom3\ncom4\npc-testdev\n");
    EXPECT_THAT(parse({"-s", "help"}).out, HasSubstr("\nnvme\n"));
    const auto usage = parse({"-h"});
    EXPECT_EQ(usage.status, 0);
    EXPECT_EQ(usage.err, usage_text(1403));
    EXPECT_THAT(parse({"-z", "vm"}).err, HasSubstr("bhyve: illegal option -- z\nUsage:"));
    EXPECT_THAT(parse({"vm", "-c"}).err, HasSubstr("Usage:"));
    EXPECT_THAT(parse({"-c"}).err, HasSubstr("bhyve: option requires an argument -- c\n"));
}

TEST(Config, DumpsWhatTheOptionsSay) {
    const auto outcome = dump({"-s", "4,nvme,/dev/zvol/a,ro,ser=1", "-s", "3,ahci-cd,/i.iso", "-l",
                               "bootrom,/code,/vars", "-s", "30,xhci,tablet", "vm"});
    EXPECT_EQ(outcome.status, 1);
    for (const char* line : {"pci.0.4.0.device=nvme\n", "pci.0.4.0.path=/dev/zvol/a\n", "pci.0.4.0.ro=true\n",
                             "pci.0.3.0.device=ahci\n", "pci.0.3.0.port.0.type=cd\n",
                             "pci.0.3.0.port.0.path=/i.iso\n", "lpc.bootrom=/code\n", "lpc.bootvars=/vars\n",
                             "pci.0.30.0.slot.1.device=tablet\n", "name=vm\n", "memory.size=256M\n"})
        EXPECT_THAT(outcome.out, HasSubstr(line));
    const auto newer = dump({"-l", "bootrom,/code,/vars,fwcfg=qemu", "vm"}, "15.0");
    EXPECT_THAT(newer.out, HasSubstr("\nbootrom=/code\n"));
    EXPECT_THAT(newer.out, HasSubstr("lpc.fwcfg=qemu\n"));
}

TEST(Config, FilesAreTakenAsTheyAre) {
    const std::string file = ::testing::TempDir() + "bhyve-config." + std::to_string(getpid());
    std::ofstream(file) << "# comment\n\nmemory.size=1G\nx.y=a=b\n";
    EXPECT_THAT(dump({"-k", file, "vm"}).out, HasSubstr("x.y=a=b\n"));
    std::ofstream(file) << " # indented\n";
    const auto outcome = parse({"-k", file, "vm"});
    EXPECT_EQ(outcome.status, 4);
    EXPECT_EQ(outcome.err, "bhyve: " + file + " line 1: invalid config option ' # indented'\n");
    unlink(file.c_str());
}

TEST(Config, ExpandsReferences) {
    Config config;
    config.set("a.b", "x");
    config.set("c", "%(a.b)/%(a.b)");
    config.set("plain", "back\\slash");
    config.set("escaped", "\\%(a.b)%(a.b)");
    EXPECT_EQ(config.get("c"), "x/x");
    EXPECT_EQ(config.get("plain"), "back\\slash");
    EXPECT_EQ(config.get("escaped"), "%(a.b)x");
    EXPECT_EQ(config.get("missing.deep"), std::nullopt);
}

TEST(Options, MemoryAndPinning) {
    const auto size = [](const char* text) {
        Config config;
        config.set("memory.size", text);
        return memory_size(config);
    };
    EXPECT_EQ(size("256"), 256u << 20);
    EXPECT_EQ(size("1048576"), 1u << 20);
    EXPECT_EQ(size("2G"), 2ull << 30);
    EXPECT_EQ(size("512m"), 512u << 20);
    Config config;
    config.set("vcpu.1.cpuset", "0-2,6");
    EXPECT_EQ(pinning(config, 2), (std::vector<std::vector<int>>{{}, {0, 1, 2, 6}}));
}

TEST(Tables, EveryRowHasASource) {
    for (const auto& row : option_rows())
        EXPECT_FALSE(row.source.empty()) << row.letter;
    for (const auto& row : device_rows())
        EXPECT_FALSE(row.source.empty()) << row.name;
    for (const auto& row : lpc_rows())
        EXPECT_FALSE(row.source.empty()) << row.name;
    for (const auto& row : backend_rows())
        EXPECT_FALSE(row.source.empty()) << row.prefix;
}

TEST(Digests, KnownAnswers) {
    // RFC 1321, A.5
    EXPECT_EQ(md5(""), "D41D8CD98F00B204E9800998ECF8427E");
    EXPECT_EQ(md5("message digest"), "F96B697D7CB7938D525A2F31AAF161D0");
    EXPECT_EQ(md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
              "57EDF4A22BE3C955AC49DA2E2107B67A");
    // FIPS 81, table B1
    EXPECT_EQ(des_encrypt(std::string("\x01\x23\x45\x67\x89\xab\xcd\xef"), "Now is t"),
              std::string("\x3f\xa4\x0e\x8a\x98\x4d\x48\x15"));
}

} // namespace
} // namespace bhype::lab
