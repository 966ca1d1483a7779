#include "lab/bhyve/variables.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <sys/stat.h>
#include <unistd.h>

namespace bhype::lab {

namespace {

constexpr std::size_t page = 4096;

} // namespace

VariableStore::VariableStore(Fd file, std::filesystem::path copy)
    : file_(std::move(file)), copy_(std::move(copy)) {
    struct stat info {};
    fstat(file_.get(), &info);
    written_.resize(static_cast<std::size_t>(info.st_size));
    if (pread(file_.get(), written_.data(), written_.size(), 0) != info.st_size ||
        !std::ofstream(copy_, std::ios::binary | std::ios::trunc).write(written_.data(), info.st_size))
        throw std::runtime_error("cannot copy the firmware's variables to " + copy_.string());
}

void VariableStore::write_back() {
    std::ostringstream text;
    text << std::ifstream(copy_, std::ios::binary).rdbuf();
    const auto now = text.str();
    if (now.size() != written_.size())
        return;
    for (std::size_t at = 0; at < now.size(); at += page) {
        const auto length = std::min(page, now.size() - at);
        if (now.compare(at, length, written_, at, length) != 0 &&
            pwrite(file_.get(), now.data() + at, length, static_cast<off_t>(at)) ==
                static_cast<ssize_t>(length))
            written_.replace(at, length, now, at, length);
    }
}

} // namespace bhype::lab
