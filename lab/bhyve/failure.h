#pragma once

#include <string>

namespace bhype::lab {

/// Leaves bhyve or bhyvectl with an exit status, after its text has been printed.
struct Exit {
    int status;
};

/// A device that could not be set up, after its own text has been printed; the error number is what FreeBSD's
/// errno would be, 0 if nothing has set it.
struct DeviceFailure {
    int error;
};

inline constexpr int ex_usage = 64; ///< sysexits.h
inline constexpr int ex_oserr = 71; ///< sysexits.h

/// What strerror(3) says on FreeBSD.
std::string freebsd_error(int error);

/// A line on standard error.
void print_error(const std::string& text);

/// bhyve_err(3) and its family, as called by bhyve.
void bhyve_warnx(const std::string& text);
void bhyve_warn(const std::string& text, int error);
[[noreturn]] void bhyve_errx(int status, const std::string& text);
[[noreturn]] void bhyve_err(int status, const std::string& text, int error);

} // namespace bhype::lab
