#include "cli/app.h"
#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace bhype::cli {

TEST(Cli, EscapeEndsAtTheBeginningOfALineOnly) {
    EscapeWatch watch;
    EXPECT_EQ(watch.filter("ls ~.\r"), "ls ~.\r");
    EXPECT_FALSE(watch.ended());
    EXPECT_EQ(watch.filter("~~x"), "~x");
    EXPECT_EQ(watch.filter("\r~a"), "\r~a");
    EXPECT_EQ(watch.filter("\r~"), "\r");
    EXPECT_EQ(watch.filter("."), "");
    EXPECT_TRUE(watch.ended());
}

TEST(Cli, TablesForPeopleAndForScripts) {
    EXPECT_EQ(table({"A", "BB"}, {{"1", "2"}, {"", "long"}}, true), "1\t2\n-\tlong\n");
    EXPECT_EQ(table({"A", "BB"}, {{"100", "2"}}, false), "A    BB\n100  2\n");
}

TEST(Cli, PathComponentsCannotEscape) {
    EXPECT_EQ(escaped("../a b?"), "..%2Fa%20b%3F");
}

} // namespace bhype::cli
