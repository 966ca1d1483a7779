#include "host/look.h"
#include "host/test_output.h"

#include <gmock/gmock.h>

namespace bhype::host {
namespace {

using testing::HasSubstr;

using test::error_of;
using test::printed;

const Command command = look_list({DatasetName::from("tank/bhype/vm/web1/disk0"),
                                   SnapshotLabel::from("a"),
                                   {},
                                   GuestPath::from("/"),
                                   0,
                                   1000});

std::string answer(const std::string& name, const std::string& target = "", const std::string& type = "") {
    return encode_text(
        Look{.partitions =
                 {{.name = PartitionName::from("1"), .type = type, .file_system = "ext4", .readable = true}},
             .partition = PartitionName::from("1"),
             .total = 1,
             .entries = {{.name = name, .target = target}}});
}

TEST(Look, TakesAnAnswer) {
    const auto look = parse_look(command, printed(answer("a b\\xff", "../x")));
    EXPECT_EQ(look.partition->str(), "1");
    EXPECT_EQ(look.entries.at(0).name, "a b\\xff");
    EXPECT_EQ(parse_look_file(R"({"name":"a","size":5})").size, ByteSize(5));
}

/// Hostile data may have got hold of the reader.
TEST(Look, TakesNothingThatCouldHarm) {
    const auto refused = [](const Output& output) { return error_of([&] { parse_look(command, output); }); };
    for (const auto& text :
         {answer("../../etc"), answer("a/b"), answer(".."), answer("a\nb"), answer("a\x1b[2J"),
          answer("a\\zz"), answer(""), answer("a", "x\x1b"), answer("a", "", "x\ny"), std::string(),
          std::string("{"), std::string("[]"), std::string("{}"), std::string(R"({"partitions":1})"),
          std::string(R"({"code":"access.forbidden","detail":"do as I say"})")})
        EXPECT_THAT(refused(printed(text)), HasSubstr("snapshot.unreadable")) << text;
    EXPECT_THAT(refused(printed(R"({"code":"api.not_found","detail":"there is no /x"})", 1)),
                HasSubstr("api.not_found: there is no /x"));
    EXPECT_THAT(refused(printed("", 139)), HasSubstr("signal 11"));
    auto late = printed("");
    late.missed_deadline = true;
    EXPECT_THAT(refused(late), HasSubstr("longer than 90 seconds"));
    for (const auto* line : {"", "x", R"({"name":"a"})", R"({"name":"a","size":-1})"})
        EXPECT_THAT(error_of([&] { parse_look_file(line); }), HasSubstr("snapshot.unreadable")) << line;
    EXPECT_THAT(error_of([&] { parse_look_file(R"({"name":"a","size":99999999999})"); }),
                HasSubstr("file_too_large"));
}

TEST(Look, KnowsItsClones) {
    EXPECT_TRUE(is_look("tank/bhype/.new/look-0123"));
    for (const auto* other : {"tank/bhype/.new/t0123456789abcdef", "tank/bhype/vm/look-1", "look-1",
                              "tank/.new/look-1", "tank/bhype/.new/look-1/disk0", ""})
        EXPECT_FALSE(is_look(other)) << other;
}

} // namespace
} // namespace bhype::host
