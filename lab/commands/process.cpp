#include "lab/commands/process.h"

#include "lab/commands/text.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

extern char** environ;

namespace bhype::lab {

namespace {

char* title_begin = nullptr;
std::size_t title_size = 0;

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> result;
    for (const auto& word : words)
        result.push_back(const_cast<char*>(word.c_str()));
    result.push_back(nullptr);
    return result;
}

} // namespace

int run_in_place(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
    const auto words = pointers(argv), variables = pointers(environment);
    pid_t pid = 0;
    if (const int error = posix_spawn(&pid, words[0], nullptr, nullptr, words.data(), variables.data()))
        err(126, argv[0], error);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Finished run_captured(const std::vector<std::string>& argv, const std::string& input) {
    // Files in memory: no side can block the other.
    int files[3];
    for (int& file : files)
        file = memfd_create("lab", MFD_CLOEXEC);
    for (std::size_t at = 0; at < input.size();) {
        const auto written = pwrite(files[0], input.data() + at, input.size() - at, static_cast<off_t>(at));
        if (written < 0)
            err(126, argv[0], errno);
        at += static_cast<std::size_t>(written);
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd < 3; ++fd)
        posix_spawn_file_actions_adddup2(&actions, files[fd], fd);
    const auto words = pointers(argv);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, words[0], &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    Finished finished;
    int status = 0;
    while (!error && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    for (int fd = 1; fd < 3; ++fd) {
        char buffer[65536];
        auto& text = fd == 1 ? finished.out : finished.err;
        for (ssize_t n; (n = pread(files[fd], buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;)
            text.append(buffer, static_cast<std::size_t>(n));
    }
    for (const int file : files)
        close(file);
    if (error)
        err(126, argv[0], error);
    finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return finished;
}

void save_title_memory(int argc, char** argv) {
    if (argc < 1)
        return;
    title_begin = argv[0];
    // The kernel lays the words out one after the other; the environment is copied away before it is
    // overwritten.
    char* end = argv[argc - 1] + std::strlen(argv[argc - 1]) + 1;
    std::vector<char*> copies;
    for (char** variable = environ; *variable; ++variable) {
        if (*variable == end)
            end += std::strlen(*variable) + 1;
        copies.push_back(strdup(*variable));
    }
    copies.push_back(nullptr);
    environ = new char*[copies.size()];
    std::memcpy(environ, copies.data(), copies.size() * sizeof(char*));
    title_size = static_cast<std::size_t>(end - title_begin);
}

void set_process_title(const std::string& title) {
    if (title_size < 2)
        return;
    std::memset(title_begin, 0, title_size);
    title.copy(title_begin, title_size - 1);
}

} // namespace bhype::lab
