// bhype-look: reads one disk of a guest, which is its standard input, without any rights. See look/look.h.

#include "look/look.h"
#include "os/confine.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

using namespace bhype;

namespace {

/// hostd ends it earlier; these hold when there is no hostd any more.
constexpr os::Confinement limits{.memory = std::uint64_t{1} << 30, .cpu_seconds = 900};
constexpr unsigned longest_life = 3600;

} // namespace

int main(int count, char** arguments) {
    if (count == 2 && std::string_view(arguments[1]) == "--version") {
        std::puts("bhype-look " BHYPE_VERSION);
        return 0;
    }
    try {
        ::alarm(longest_life);
        os::confine(limits);
        return look::run({arguments + 1, arguments + count}, STDIN_FILENO, STDOUT_FILENO);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bhype-look: %s\n", error.what());
        return 3;
    }
}
