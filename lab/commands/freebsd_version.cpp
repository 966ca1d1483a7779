#include "lab/commands/commands.h"

#include <iostream>

namespace bhype::lab {

namespace {

constexpr const char* usage = "usage: freebsd-version [-kru] [-j jail]\n";

} // namespace

int freebsd_version_main(const Arguments& arguments) {
    bool kernel = false, running = false, user = false;
    for (const auto& argument : arguments) {
        if (argument.size() < 2 || argument[0] != '-') {
            std::cerr << usage;
            return 1;
        }
        for (const char flag : argument.substr(1)) {
            switch (flag) {
            case 'k':
                kernel = true;
                break;
            case 'r':
                running = true;
                break;
            case 'u':
                user = true;
                break;
            default:
                std::cerr << usage;
                return 1;
            }
        }
    }
    // The order of the output is fixed, whatever that of the flags.
    const int lines = !kernel && !running && !user ? 1 : kernel + running + user;
    for (int i = 0; i < lines; ++i)
        std::cout << release() << "-RELEASE\n";
    return 0;
}

} // namespace bhype::lab
