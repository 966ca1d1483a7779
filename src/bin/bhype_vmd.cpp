// bhype-vmd: the supervisor of one bhyve. Started by bhype-hostd alone.

#include "vmd/vmd.h"

#include <cstdio>
#include <cstring>

int main(int count, char** arguments) {
    const char* directory = nullptr;
    bool attach = false;
    for (int i = 1; i < count; ++i) {
        if (std::strcmp(arguments[i], "--attach") == 0) {
            attach = true;
        } else if (std::strcmp(arguments[i], "--run") == 0 && i + 1 < count) {
            directory = arguments[++i];
        } else if (std::strcmp(arguments[i], "--version") == 0) {
            std::puts("bhype-vmd " BHYPE_VERSION);
            return 0;
        } else {
            directory = nullptr;
            break;
        }
    }
    if (!directory) {
        std::fputs("usage: bhype-vmd --run DIRECTORY [--attach]\n", stderr);
        return 2;
    }
    return bhype::vmd::run(directory, attach);
}
