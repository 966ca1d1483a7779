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

TEST(Cli, AWrongCommandLineIsNoFailedTask) {
    const auto status = [](std::vector<std::string> words) {
        std::vector<char*> arguments;
        for (auto& word : words)
            arguments.push_back(word.data());
        return run(static_cast<int>(arguments.size()), arguments.data());
    };
    EXPECT_EQ(status({"bhype", "vm", "set", "web1", "cpus"}), usage);
    EXPECT_EQ(status({"bhype", "vm", "dance"}), usage);
    EXPECT_EQ(status({"bhype", "--socket", "/nonexistent", "vm", "set", "web1", "cpus=2"}), no_daemon);
    EXPECT_EQ(status({"bhype", "--help"}), done);
}

TEST(Cli, PathComponentsCannotEscape) {
    EXPECT_EQ(escaped("../a b?"), "..%2Fa%20b%3F");
}

} // namespace bhype::cli
