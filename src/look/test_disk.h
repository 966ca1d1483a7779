#pragma once

// Disks for tests, made by the programs that make file systems, and what bhype-look says of them.

#include "base/fd.h"
#include "base/json.h"
#include "base/test_directory.h"
#include "host/look_operations.h"
#include "look/look.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace bhype::look::test {

inline std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}
inline void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}
inline void shell(const std::string& command) {
    ASSERT_EQ(std::system(("PATH=$PATH:/usr/sbin:/sbin; { " + command + "; } >/dev/null 2>&1").c_str()), 0)
        << command;
}

struct Answer {
    int status = 0; ///< 128 + n when a signal ended it
    std::string out;
    json::value document() const { return parse_json(out); }
    std::string code() const { return std::string(document().at("code").as_string()); }
    host::Look look() const { return decode<host::Look>(document()); }
    std::string name() const {
        return std::string(parse_json(out.substr(0, out.find('\n'))).at("name").as_string());
    }
    std::string bytes() const { return out.substr(out.find('\n') + 1); }
};

/// In a process of its own, as in the product: hostile bytes may end it.
inline Answer ask(const std::string& disk, const std::vector<std::string>& arguments) {
    const Fd file(::open(disk.c_str(), O_RDONLY | O_CLOEXEC));
    Pipe ends;
    const auto child = ::fork();
    if (child == 0) {
        ends.reading.reset();
        ::alarm(60);
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::_exit(run(arguments, file.get(), ends.writing.get()));
    }
    ends.writing.reset();
    Answer answer;
    std::array<char, 65536> buffer{};
    for (ssize_t got = 0; (got = ::read(ends.reading.get(), buffer.data(), buffer.size())) > 0;)
        answer.out.append(buffer.data(), static_cast<std::size_t>(got));
    int status = 0;
    ::waitpid(child, &status, 0);
    answer.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return answer;
}
inline Answer list(const std::string& disk, const std::string& path, const std::string& partition = "-",
                   int from = 0, int limit = 1000) {
    return ask(disk, {"list", partition, path, std::to_string(from), std::to_string(limit)});
}
inline Answer file(const std::string& disk, const std::string& path, const std::string& partition = "-") {
    return ask(disk, {"file", partition, path});
}
inline std::vector<std::string> names(const host::Look& look) {
    std::vector<std::string> found;
    for (const auto& entry : look.entries)
        found.push_back(entry.name);
    return found;
}

/// A little endian number.
inline void put(std::string& bytes, std::size_t at, std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i)
        bytes[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * i));
}
struct Part {
    int type;
    std::uint64_t begin; ///< in sectors of 512 bytes
    std::uint64_t count;
};
/// A table of an MBR or of one of its extended partitions.
inline void put_mbr(std::string& disk, std::uint64_t sector, const std::vector<Part>& parts) {
    auto at = sector * 512 + 446;
    for (const auto& part : parts) {
        put(disk, at + 4, static_cast<std::uint64_t>(part.type), 1);
        put(disk, at + 8, part.begin, 4);
        put(disk, at + 12, part.count, 4);
        at += 16;
    }
    put(disk, sector * 512 + 510, 0xaa55, 2);
}
inline void put_image(std::string& disk, std::uint64_t sector, const std::string& image) {
    disk.replace(sector * 512, image.size(), image);
}

} // namespace bhype::look::test
