#include "qmp.h"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <poll.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace bhype::lab {

namespace json = boost::json;

namespace {
constexpr int answer_milliseconds = 20000;
}

Qmp::Qmp(Fd socket) : socket_(std::move(socket)) {
    next(answer_milliseconds);
    execute("qmp_capabilities");
}

json::value Qmp::next(int milliseconds) {
    for (;;) {
        if (auto end = buffer_.find('\n'); end != std::string::npos) {
            auto value = json::parse(buffer_.substr(0, end));
            buffer_.erase(0, end + 1);
            return value;
        }
        pollfd set{socket_.get(), POLLIN, 0};
        if (::poll(&set, 1, milliseconds) <= 0)
            fail("QEMU does not answer");
        char chunk[4096];
        ssize_t got = ::read(socket_.get(), chunk, sizeof(chunk));
        if (got <= 0)
            fail("QEMU ended");
        buffer_.append(chunk, static_cast<std::size_t>(got));
    }
}

json::value Qmp::execute(const std::string& command, const json::value& arguments) {
    std::lock_guard lock(mutex_);
    events_.clear();
    json::object request{{"execute", command}};
    if (!arguments.is_null())
        request["arguments"] = arguments;
    std::string text = json::serialize(request) + "\n";
    if (!write_all(socket_.get(), text.data(), text.size()))
        fail("QEMU ended");
    for (;;) {
        auto message = next(answer_milliseconds).as_object();
        if (auto* event = message.if_contains("event"))
            events_.emplace_back(event->as_string());
        else if (auto* error = message.if_contains("error"))
            fail(command + ": " + std::string(error->at("desc").as_string()));
        else if (auto* result = message.if_contains("return"))
            return *result;
    }
}

void Qmp::wait_event(const std::string& name, int seconds) {
    std::lock_guard lock(mutex_);
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (std::find(events_.begin(), events_.end(), name) == events_.end()) {
        auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        auto message = next(std::max(1, static_cast<int>(left.count()))).as_object();
        if (auto* event = message.if_contains("event"))
            events_.emplace_back(event->as_string());
    }
}

void Qmp::add_disk(const std::string& name, const std::string& path) {
    // A killed machine loses what it had in memory; what it has written to the file stays in the host's
    // cache, so that passing flushes on would cost time and prove nothing.
    json::object node{{"driver", "raw"},
                      {"node-name", name},
                      {"discard", "unmap"},
                      {"cache", {{"direct", false}, {"no-flush", true}}},
                      {"file", {{"driver", "file"}, {"filename", path}, {"discard", "unmap"}}}};
    execute("blockdev-add", node);
    execute("device_add",
            json::object{{"driver", "virtio-blk-pci"}, {"id", name}, {"drive", name}, {"serial", name}});
}

std::vector<std::string> Qmp::disk_figures(const std::string& name) {
    const auto all = execute("query-blockstats");
    for (const auto& one : all.as_array()) {
        const auto& disk = one.as_object();
        const auto* device = disk.if_contains("qdev");
        if (!device || device->as_string().find("/" + name + "/") == std::string::npos)
            continue;
        const auto& stats = disk.at("stats").as_object();
        const auto count = [&](const char* key) { return stats.at(key).to_number<std::uint64_t>(); };
        return {std::to_string(count("rd_bytes")), std::to_string(count("wr_bytes")),
                std::to_string(count("failed_rd_operations") + count("failed_wr_operations"))};
    }
    fail("no disk " + name);
}

void Qmp::remove_disk(const std::string& name) {
    execute("device_del", json::object{{"id", name}});
    wait_event("DEVICE_DELETED", 20);
    // The event comes for the parts of the device one after another; the node is free after the last.
    for (int attempt = 0;; ++attempt) {
        try {
            execute("blockdev-del", json::object{{"node-name", name}});
            return;
        } catch (const std::runtime_error&) {
            if (attempt == 100)
                throw;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
}

} // namespace bhype::lab
