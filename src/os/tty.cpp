#include "os/tty.h"

#include "base/error.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace bhype::os {

namespace {

[[noreturn]] void fail(const char* call) {
    throw Error(Code::internal, std::string(call) + ": " + std::strerror(errno));
}

} // namespace

Pty open_pty() {
    Pty pty;
    pty.master = Fd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!pty.master || ::grantpt(pty.master.get()) != 0 || ::unlockpt(pty.master.get()) != 0)
        fail("posix_openpt");
    std::array<char, 128> name{};
    if (::ptsname_r(pty.master.get(), name.data(), name.size()) != 0)
        fail("ptsname_r");
    pty.path = name.data();
    pty.slave = Fd(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!pty.slave)
        fail(name.data());
    termios mode{};
    if (::tcgetattr(pty.slave.get(), &mode) != 0)
        fail("tcgetattr");
    ::cfmakeraw(&mode);
    if (::tcsetattr(pty.slave.get(), TCSANOW, &mode) != 0)
        fail("tcsetattr");
    if (::fcntl(pty.master.get(), F_SETFL, O_RDWR | O_NONBLOCK) != 0)
        fail("fcntl");
    return pty;
}

void become_session() {
    if (::setsid() == -1 && ::getsid(0) != ::getpid())
        fail("setsid");
}

} // namespace bhype::os
