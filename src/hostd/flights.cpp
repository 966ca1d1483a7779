#include "hostd/flights.h"

#include "base/error.h"
#include "os/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace bhype::hostd {

namespace {

constexpr std::size_t longest_id = 64;

bool is_name(const std::string& id) {
    const auto good = [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '_'; };
    return !id.empty() && id.size() <= longest_id && id[0] != '.' && std::all_of(id.begin(), id.end(), good);
}

} // namespace

Flights::Flights(const std::string& directory) {
    std::filesystem::create_directories(directory);
    std::filesystem::permissions(directory, std::filesystem::perms(0700));
    directory_ = os::open_directory(directory);
    for (const auto& entry : std::filesystem::directory_iterator(directory))
        left_.insert(entry.path().filename());
}

Flight Flights::begin(const std::string& id) {
    if (!is_name(id))
        throw Error(Code::invalid_field, {}, {{"id", "is no operation's id"}});
    auto [wish, wished] = Pipe();
    const std::lock_guard lock(mutex_);
    Fd file = os::open_beneath(directory_.get(), id, O_RDWR | O_CREAT, 0600);
    if (own_.contains(id) || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
        throw Error(Code::busy, "operation " + id + " is still in flight");
    own_.emplace(id, std::move(wished));
    left_.erase(id);
    return {std::move(file), std::move(wish)};
}

void Flights::end(const std::string& id) {
    const std::lock_guard lock(mutex_);
    if (own_.erase(id) > 0)
        ::unlinkat(directory_.get(), id.c_str(), 0);
}

void Flights::cancel(const std::string& id) {
    const std::lock_guard lock(mutex_);
    if (const auto found = own_.find(id); found != own_.end())
        found->second.reset();
}

std::vector<std::string> Flights::ids() {
    const std::lock_guard lock(mutex_);
    std::erase_if(left_, [this](const std::string& id) {
        const Fd file(::openat(directory_.get(), id.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
        if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
            return false;
        ::unlinkat(directory_.get(), id.c_str(), 0);
        return true;
    });
    std::vector<std::string> all;
    for (const auto& [id, wished] : own_)
        all.push_back(id);
    all.insert(all.end(), left_.begin(), left_.end());
    return all;
}

} // namespace bhype::hostd
