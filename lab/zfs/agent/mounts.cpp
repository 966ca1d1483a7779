#include "agent.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

namespace bhype::lab::agent {

namespace {

struct Entry {
    int users = 0;
    std::function<void()> invalidate;
    std::function<void()> let_go;
};

std::mutex mutex;
std::condition_variable changed;
std::map<std::string, Entry> served;
std::set<std::string> expected;

// proc(5): blanks in names are written as \040 and so on.
std::string unescape(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

} // namespace

ServedMount::ServedMount(std::string mountpoint, std::function<void()> invalidate,
                         std::function<void()> let_go)
    : mountpoint_(std::move(mountpoint)) {
    std::lock_guard lock(mutex);
    auto& entry = served[mountpoint_];
    ++entry.users;
    entry.invalidate = std::move(invalidate);
    entry.let_go = std::move(let_go);
}

ServedMount::~ServedMount() {
    std::lock_guard lock(mutex);
    auto found = served.find(mountpoint_);
    if (--found->second.users == 0)
        served.erase(found);
    changed.notify_all();
}

bool wait_unserved(const std::string& mountpoint, int milliseconds) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::milliseconds(milliseconds),
                            [&] { return !served.contains(mountpoint); });
}

void expect_unserved(const std::string& mountpoint, bool is_expected) {
    std::lock_guard lock(mutex);
    if (is_expected)
        expected.insert(mountpoint);
    else
        expected.erase(mountpoint);
}

bool is_expected_unserved(const std::string& mountpoint) {
    std::lock_guard lock(mutex);
    return expected.contains(mountpoint);
}

namespace {

void each_served(const std::string& dataset, const std::function<void(Entry&)>& visit) {
    std::istringstream table(read_small_file("/proc/self/mounts"));
    std::lock_guard lock(mutex);
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string source, target, type;
        fields >> source >> target >> type;
        source = unescape(source);
        if (type != "zfs" || (source != dataset && !source.starts_with(dataset + "/")))
            continue;
        auto found = served.find(unescape(target));
        if (found != served.end())
            visit(found->second);
    }
}

} // namespace

void invalidate_dataset(const std::string& dataset) {
    each_served(dataset, [](Entry& entry) { entry.invalidate(); });
}

void let_go_of_snapshots(const std::string& dataset) {
    each_served(dataset, [](Entry& entry) { entry.let_go(); });
}

} // namespace bhype::lab::agent
