#include "lab/bhyve/failure.h"

#include <cerrno>
#include <cstring>
#include <iostream>

namespace bhype::lab {

std::string freebsd_error(int error) {
    switch (error) { // where lib/libc/gen/errlst.c has other words than glibc
    case 0:
        return "No error: 0";
    case ENXIO:
        return "Device not configured";
    case ENODEV:
        return "Operation not supported by device";
    case EBUSY:
        return "Device busy";
    case EALREADY:
        return "Operation already in progress";
    case ETXTBSY:
        return "Text file busy";
    case EAGAIN:
        return "Resource temporarily unavailable";
    case ELOOP:
        return "Too many levels of symbolic links";
    case EOPNOTSUPP:
        return "Operation not supported";
    default:
        return std::strerror(error);
    }
}

void print_error(const std::string& text) {
    std::cerr << text << '\n';
}

void bhyve_warnx(const std::string& text) {
    print_error("bhyve: " + text);
}

void bhyve_warn(const std::string& text, int error) {
    print_error("bhyve: " + text + ": " + freebsd_error(error));
}

void bhyve_errx(int status, const std::string& text) {
    bhyve_warnx(text);
    throw Exit{status};
}

void bhyve_err(int status, const std::string& text, int error) {
    bhyve_warn(text, error);
    throw Exit{status};
}

} // namespace bhype::lab
