#include "base/json.h"
#include "base/secret.h"
#include "base/toml.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

namespace bhype {

namespace {
enum class Colour { red, sea_green };
BOOST_DESCRIBE_ENUM(Colour, red, sea_green)

struct Inner {
    MacAddress mac;
    ByteSize size;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (mac, size))

struct Outer {
    VmName name;
    SizeBetween<32, 1024> memory;
    Ranged<1, 4> cpus;
    std::optional<Colour> colour;
    std::vector<Inner> inner;
};
BOOST_DESCRIBE_STRUCT(Outer, (), (name, memory, cpus, colour, inner))

std::vector<std::string> fields_of(const std::string& text) {
    try {
        decode_text<Outer>(text);
    } catch (const Error& error) {
        std::vector<std::string> fields;
        for (const auto& problem : error.problems())
            fields.push_back(problem.field);
        return fields;
    }
    return {};
}
} // namespace

TEST(Json, RoundTrip) {
    const std::string text =
        R"({"name":"web1","memory":268435456,"cpus":2,"colour":"sea-green","inner":[{"mac":"58:9c:fc:00:00:01","size":1}]})";
    EXPECT_EQ(encode_text(decode_text<Outer>(text)), text);
}

TEST(Json, CollectsEveryProblemWithItsPath) {
    EXPECT_EQ(
        fields_of(R"({"name":"-rf","memory":"1","cpus":9,"colour":"blue","inner":[{"mac":"x"}],"extra":1})"),
        (std::vector<std::string>{"name", "memory", "cpus", "colour", "inner[0].mac", "inner[0].size",
                                  "extra"}));
    EXPECT_EQ(fields_of("[]"), std::vector<std::string>{"body"});
    EXPECT_EQ(fields_of(R"({"name":null,"memory":-1,"cpus":1.5})"),
              (std::vector<std::string>{"name", "memory", "cpus"}));
}

TEST(Json, RefusesBrokenText) {
    const std::vector<std::string> broken{"", "{", "{}x", "nul", "[1,]", "\"\\u12\"", std::string(100, '[')};
    for (const auto& text : broken)
        EXPECT_THROW(parse_json(text), Error) << text;
}

TEST(Json, SchemaSaysTheRule) {
    const auto text = json::serialize(schema<Outer>());
    EXPECT_NE(text.find(R"("required":["name","memory","cpus"])"), std::string::npos) << text;
    EXPECT_NE(text.find("\"additionalProperties\":false"), std::string::npos);
}

TEST(Json, ProblemDocumentRoundTrip) {
    const Error error(Code::vm_name_taken, "web1 exists", {{"name", "must be new"}});
    const Error back = error_from(problem_document(error));
    EXPECT_EQ(back.code(), Code::vm_name_taken);
    EXPECT_EQ(back.detail(), "web1 exists");
    EXPECT_EQ(back.problems(), error.problems());
}

TEST(Types, Names) {
    for (const char* good : {"a", "web1", "A_b-c", "0", "abcdefghijklmnopqrstuvwxyz01234"})
        EXPECT_TRUE(VmName::accepts(good)) << good;
    for (const std::string bad :
         {"", "-rf", "a/b", "..", "a.b", "a b", "a\n", "_x", "abcdefghijklmnopqrstuvwxyz012345", "é"})
        EXPECT_FALSE(VmName::accepts(bad)) << bad;
    EXPECT_FALSE(VmName::accepts(std::string_view("a\0b", 3)));
    EXPECT_TRUE(DatasetName::accepts("tank/bhype/.new/t0123456789abcdef"));
    for (const char* bad :
         {"tank/", "/tank", "tank//a", "tank/..", "tank/a@b", "tank/a b", "mirror/a", "tank/-a", "1tank"})
        EXPECT_FALSE(DatasetName::accepts(bad)) << bad;
    EXPECT_FALSE(PoolName::accepts("raidz1"));
    EXPECT_FALSE(PoolName::accepts("log"));
    EXPECT_TRUE(PoolName::accepts("logs"));
    for (const char* bad : {"/", "a", "/a/../b", "/a//b", "/a,b", "/a/", "/a%b"})
        EXPECT_FALSE(HostPath::accepts(bad)) << bad;
    EXPECT_TRUE(HostPath::accepts("/a b/c.iso"));
    for (const char* good : {"/", "/etc/fstab", "/a b", "/a\\xff", "/a\\\\b", "/é", "/..."})
        EXPECT_TRUE(GuestPath::accepts(good)) << good;
    for (const char* bad :
         {"", "a", "//", "/a/", "/../a", "/a/./b", "/a\nb", "/a\\", "/a\\x", "/a\\xf", "/a\\xFF"})
        EXPECT_FALSE(GuestPath::accepts(bad)) << bad;
    for (const char* good : {"0", "1", "128", "2a"})
        EXPECT_TRUE(PartitionName::accepts(good)) << good;
    for (const char* bad : {"", "a", "01", "0a", "1z", "1234", "-1", "1aa"})
        EXPECT_FALSE(PartitionName::accepts(bad)) << bad;
    EXPECT_FALSE(MacAddress::accepts("01:00:00:00:00:01"));
    EXPECT_TRUE(Ipv4Prefix::accepts("10.77.0.1/24"));
    for (const char* bad : {"10.77.0.1", "10.77.0.256/24", "10.77.0/24", "10.77.0.1/31", "010.77.0.1/24"})
        EXPECT_FALSE(Ipv4Prefix::accepts(bad)) << bad;
}

TEST(Types, NetworkTexts) {
    EXPECT_TRUE(Ipv4Address::accepts("10.77.0.5"));
    for (const char* bad : {"", "10.77.0", "10.77.0.256", "10.77.0.5/24", "010.77.0.5", "10.77.0.5 ", "::1"})
        EXPECT_FALSE(Ipv4Address::accepts(bad)) << bad;
    EXPECT_TRUE(Ipv6Prefix::accepts("fd00:77::1/64"));
    for (const char* bad :
         {"fd00:77::1", "fd00:77:0:0:0:0:0:1/64", "FD00:77::1/64", "fe80::1/64", "ff02::1/64", "::1/128",
          "fd00:77::1/8", "fd00:77::1/127", "::ffff:10.0.0.1/96", "fd00::%em0/64"})
        EXPECT_FALSE(Ipv6Prefix::accepts(bad)) << bad;
    EXPECT_TRUE(DomainName::accepts("lab.example"));
    for (const char* bad : {"", ".", "lab.", "-a", "a-", "Lab", "a_b", "a b", "a,b", "a\nb"})
        EXPECT_FALSE(DomainName::accepts(bad)) << bad;
    EXPECT_TRUE(DhcpValue::accepts("192.0.2.1,192.0.2.2"));
    for (const char* bad : {"", ",", "a,", "a b", "a\nport=0", "\"a\"", "a;b", "#a"})
        EXPECT_FALSE(DhcpValue::accepts(bad)) << bad;
}

TEST(Types, Sizes) {
    EXPECT_EQ(ByteSize::parse("256M"), 256_MiB);
    EXPECT_EQ(ByteSize::parse("20g"), 20_GiB);
    EXPECT_EQ(ByteSize::parse("1"), ByteSize(1));
    for (const char* bad : {"", "-1", "M", "1.5G", "1GB", "99999999999T", "0x10", " 1"})
        EXPECT_FALSE(ByteSize::parse(bad)) << bad;
    EXPECT_EQ((20_GiB).str(), "20G");
    EXPECT_EQ((1536_MiB).str(), "1536M");
    EXPECT_EQ(ByteSize(4097).str(), "4097");
    EXPECT_EQ((1536_MiB).human(), "1.5G");
    EXPECT_EQ(ByteSize(900).human(), "900B");
}

TEST(Types, RandomValuesObeyTheirRules) {
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(Uuid::accepts(random_uuid().str()));
        EXPECT_TRUE(MacAddress::accepts(random_mac().str()));
        EXPECT_TRUE(TaskId::accepts(random_task_id().str()));
    }
}

TEST(Toml, GoesThroughTheSameDecoder) {
    const auto value = parse_toml(
        "name = 'web1'\nmemory = '64M'\ncpus = 2\n[[inner]]\nmac = '58:9c:fc:00:00:01'\nsize = 7\n", "t");
    EXPECT_EQ(decode<Outer>(value).inner.at(0).size, ByteSize(7));
    try {
        parse_toml("a = 1\nb = \n", "x.toml");
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(error.detail().find("x.toml line 2"), std::string::npos) << error.what();
    }
}

TEST(Errors, EveryCodeHasItsOwnIdAndIsExplained) {
    std::set<std::string_view> meanings;
    for (int i = 0; i <= static_cast<int>(Code::internal); ++i) {
        const auto& entry = info(static_cast<Code>(i));
        EXPECT_EQ(code_from_id(entry.id), static_cast<Code>(i)) << entry.id;
        EXPECT_FALSE(entry.title.empty() || entry.title.ends_with('.')) << entry.id;
        EXPECT_TRUE(entry.meaning.ends_with('.')) << entry.id;
        EXPECT_TRUE(meanings.insert(entry.meaning).second) << entry.id << " is explained by another's words";
        EXPECT_TRUE(entry.advice.ends_with('.')) << entry.id;
    }
}

TEST(Errors, NginxTellsItsRefusalsInTheSameWords) {
    std::ifstream file(BHYPE_SOURCE_DIR "/packaging/nginx/bhype.conf.in");
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const std::regex refusal("return ([0-9]+) '(\\{.*\\})';");
    int found = 0;
    for (std::sregex_iterator at(text.begin(), text.end(), refusal), end; at != end; ++at, ++found) {
        const auto told = json::parse((*at)[2].str());
        const auto code = code_from_id(std::string(told.at("code").as_string()));
        ASSERT_TRUE(code) << told;
        EXPECT_EQ(told, json::value(problem_document(Error(*code))));
        EXPECT_EQ((*at)[1], std::to_string(info(*code).status));
    }
    EXPECT_EQ(found, 2);
}

} // namespace bhype
