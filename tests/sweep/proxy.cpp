// Stands between bhyped and bhype-hostd inside a lab, where bhype.toml's hostd_socket names its socket, and
// does to a task's operation what sweep.py tells it on standard input, a JSON object a line:
//
//   {"gate": BOOL}                  hold operations of tasks of which there is no plan yet
//   {"plan": {"task", "operation", "nth", "at"}}
//                                   what becomes of TASK's NTH of that OPERATION; all others of it pass. By
//                                   name, since a task does some again when others change the same meanwhile:
//        at "none"                  nothing
//        at "refuse"                answered with an error, never forwarded
//        at "fail"                  performed, then answered with an error
//        at "request", "answer"     held there until "kill" or "drop"
//   {"kill": [NAME...], "release": BOOL, "after_ms": N}
//                                   forwards what is held if so told, and that many milliseconds later kills
//                                   "bhyped", "hostd" with SIGKILL
//   {"drop": true}                  forgets what is held: it never comes
//
// and writes to standard output, likewise: {"ready"}, {"request": {"task", "op", "operation"}} when an
// operation comes,
// {"answer": {"task", "op", "operation", "failed"}} when it goes back, {"did": {...}} when the plan took
// effect,
// {"killed": [PID...]}. What belongs to no task passes untouched, descriptors included.

#include "base/error.h"
#include "wire/frame.h"

#include <sys/socket.h>

#include <grp.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <thread>

using namespace bhype;
using wire::Channel;
using wire::Frame;

namespace {

struct Operation {
    std::string task;
    std::int64_t number = 0;
    std::string name;
    std::int64_t nth = 0; ///< of its name in its task, from 1
};

struct Plan {
    std::string name;
    std::int64_t nth = 0;
    std::string at = "none";
    bool is_for(const Operation& operation) const { return nth == operation.nth && name == operation.name; }
};

/// bhyped's connection and the one to hostd that belongs to it.
struct Pair {
    Pair(Fd down_socket, Fd up_socket)
        : down(std::move(down_socket), wire::longest_request, wire::longest_answer),
          up(std::move(up_socket), wire::longest_answer, wire::longest_request) {}
    Channel down;
    Channel up;
    std::map<std::int64_t, Operation> waiting; ///< requests of tasks, by their number on this connection
};

struct Held {
    std::shared_ptr<Pair> pair;
    Operation operation;
    Frame frame;
    bool answer = false;
    bool gated = false; ///< waits for a plan
};

std::int64_t number_in(const json::object& body, const char* kind) {
    return body.at(kind).at("number").to_number<std::int64_t>();
}

std::optional<Operation> operation_in(const json::object& body) {
    const auto* request = body.if_contains("request");
    if (!request)
        return std::nullopt;
    const auto id = std::string(request->at("id").as_string());
    const auto dot = id.rfind('.');
    if (dot == std::string::npos)
        return std::nullopt;
    return Operation{id.substr(0, dot), std::stoll(id.substr(dot + 1)),
                     std::string(request->at("operation").as_string())};
}

json::object described(const Operation& operation) {
    return {{"task", operation.task}, {"op", operation.number}, {"operation", operation.name}};
}

pid_t peer(int socket) {
    ucred who{};
    socklen_t size = sizeof who;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 ? who.pid : 0;
}

class Proxy {
  public:
    Proxy(std::string down_path, std::string up_path)
        : down_path_(std::move(down_path)), up_path_(std::move(up_path)) {}

    void serve(gid_t group) {
        const Fd listening = wire::listen_at(down_path_, 0660, group);
        std::thread([this] { obey(); }).detach();
        tell({{"ready", true}});
        for (;;) {
            Fd down(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
            Fd up = down ? wire::connect_to(up_path_) : Fd();
            if (!up)
                continue; // as when hostd is away
            auto pair = std::make_shared<Pair>(std::move(down), std::move(up));
            {
                const std::lock_guard lock(mutex_);
                pairs_.push_back(pair);
            }
            std::thread([this, pair] { run(pair, pair->down, &Proxy::request); }).detach();
            std::thread([this, pair] { run(pair, pair->up, &Proxy::answer); }).detach();
        }
    }

  private:
    void tell(const json::object& line) {
        const std::lock_guard lock(telling_);
        std::cout << json::serialize(line) << std::endl;
    }

    void run(const std::shared_ptr<Pair>& pair, Channel& from,
             void (Proxy::*take)(const std::shared_ptr<Pair>&, Frame)) {
        try {
            while (auto frame = from.receive())
                (this->*take)(pair, std::move(*frame));
        } catch (const std::exception& error) {
            std::cerr << "sweep: " << error.what() << std::endl;
        }
        // One end gone: so is the other, and with it what was held.
        pair->down.shut_down();
        pair->up.shut_down();
        const std::lock_guard lock(mutex_);
        std::erase_if(held_, [&](const Held& held) { return held.pair == pair; });
        std::erase(pairs_, pair);
    }

    void request(const std::shared_ptr<Pair>& pair, Frame frame) {
        auto operation = operation_in(frame.body);
        if (!operation) {
            pair->up.send(frame.body, frame.descriptor ? frame.descriptor.get() : -1);
            return;
        }
        tell({{"request", described(*operation)}});
        const std::lock_guard lock(mutex_);
        auto& numbers = seen_[operation->task][operation->name];
        numbers.insert(operation->number);
        operation->nth = 1 + std::distance(numbers.begin(), numbers.find(operation->number));
        judge({pair, *operation, std::move(frame)});
    }

    /// With the lock.
    void judge(Held held) {
        const auto plan = plans_.find(held.operation.task);
        held.gated = plan == plans_.end() && gate_;
        if (held.gated) {
            held_.push_back(std::move(held));
            return;
        }
        if (plan != plans_.end() && plan->second.is_for(held.operation)) {
            if (plan->second.at == "refuse") {
                did(held.operation, "refuse");
                refuse(*held.pair, number_in(held.frame.body, "request"), "refused");
                return;
            }
            if (plan->second.at == "request") {
                did(held.operation, "request");
                held_.push_back(std::move(held));
                return;
            }
        }
        forward(held);
    }

    /// With the lock.
    void forward(Held& held) {
        auto& channel = held.answer ? held.pair->down : held.pair->up;
        if (!held.answer)
            held.pair->waiting[number_in(held.frame.body, "request")] = held.operation;
        channel.send(held.frame.body, held.frame.descriptor ? held.frame.descriptor.get() : -1);
    }

    void answer(const std::shared_ptr<Pair>& pair, Frame frame) {
        std::unique_lock lock(mutex_);
        if (frame.body.contains("answer")) {
            const auto found = pair->waiting.find(number_in(frame.body, "answer"));
            if (found != pair->waiting.end()) {
                const auto operation = found->second;
                const auto number = found->first;
                pair->waiting.erase(found);
                auto told = described(operation);
                told["failed"] = frame.body.at("answer").as_object().contains("error");
                tell({{"answer", told}});
                const auto plan = plans_.find(operation.task);
                if (plan != plans_.end() && plan->second.is_for(operation)) {
                    if (plan->second.at == "fail") {
                        did(operation, "fail");
                        refuse(*pair, number, "failed after it was done");
                        return;
                    }
                    if (plan->second.at == "answer") {
                        did(operation, "answer");
                        held_.push_back({pair, operation, std::move(frame), true});
                        return;
                    }
                }
            }
        }
        // In the order they came: progress and commands before their answer.
        pair->down.send(frame.body, frame.descriptor ? frame.descriptor.get() : -1);
    }

    void did(const Operation& operation, const char* what) {
        plans_[operation.task] = {};
        auto told = described(operation);
        told["what"] = what;
        tell({{"did", told}});
    }

    static void refuse(Pair& pair, std::int64_t number, const std::string& how) {
        const Error error(Code::command_failed, "sweep: the operation " + how);
        pair.down.send({{"answer", {{"number", number}, {"error", problem_document(error)}}}});
    }

    /// With the lock. Those that wait for a plan stay unless there is one now.
    void release(const std::function<bool(const Held&)>& which) {
        std::list<Held> chosen;
        for (auto at = held_.begin(); at != held_.end();)
            if (which(*at))
                chosen.splice(chosen.end(), held_, at++);
            else
                ++at;
        for (auto& held : chosen)
            if (held.gated)
                judge(std::move(held));
            else
                forward(held);
    }

    void kill(const json::object& order) {
        std::unique_lock lock(mutex_);
        std::set<pid_t> pids;
        for (const auto& name : order.at("kill").as_array())
            for (const auto& pair : pairs_)
                pids.insert(peer(name == "bhyped" ? pair->down.socket() : pair->up.socket()));
        pids.erase(0);
        if (order.at("release").as_bool())
            release([](const Held& held) { return !held.gated; });
        lock.unlock();
        std::this_thread::sleep_for(
            std::chrono::milliseconds(order.at("after_ms").to_number<std::int64_t>()));
        json::array killed;
        for (const auto pid : pids) {
            ::kill(pid, SIGKILL);
            killed.push_back(pid);
        }
        tell({{"killed", killed}});
    }

    void obey() {
        for (std::string line; std::getline(std::cin, line);) {
            const auto order = json::parse(line).as_object();
            if (order.contains("kill")) {
                kill(order);
                continue;
            }
            const std::lock_guard lock(mutex_);
            if (const auto* gate = order.if_contains("gate")) {
                gate_ = gate->as_bool();
                if (!gate_)
                    release([](const Held& held) { return held.gated; });
            } else if (const auto* plan = order.if_contains("plan")) {
                const std::string task(plan->at("task").as_string());
                plans_[task] = {std::string(plan->at("operation").as_string()),
                                plan->at("nth").to_number<std::int64_t>(),
                                std::string(plan->at("at").as_string())};
                release([&](const Held& held) { return held.gated && held.operation.task == task; });
            } else if (order.contains("drop")) {
                held_.remove_if([](const Held& held) { return !held.gated; });
            }
        }
        ::_exit(0); // whoever gave the orders has gone
    }

    const std::string down_path_;
    const std::string up_path_;
    std::mutex telling_;
    std::mutex mutex_;
    bool gate_ = false;
    std::map<std::string, Plan> plans_;
    std::map<std::string, std::map<std::string, std::set<std::int64_t>>> seen_; ///< numbers by task and name
    std::list<Held> held_;
    std::vector<std::shared_ptr<Pair>> pairs_;
};

} // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::cerr << "usage: sweep_proxy SOCKET HOSTD_SOCKET\n";
        return 2;
    }
    ::signal(SIGPIPE, SIG_IGN);
    const auto* group = ::getgrnam("_bhype");
    if (!group) {
        std::cerr << "sweep_proxy: there is no group _bhype\n";
        return 1;
    }
    try {
        Proxy(arguments[1], arguments[2]).serve(group->gr_gid);
    } catch (const std::exception& error) {
        std::cerr << "sweep_proxy: " << error.what() << '\n';
        return 1;
    }
}
