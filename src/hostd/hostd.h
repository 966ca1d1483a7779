#pragma once

#include "hostd/context.h"
#include "hostd/flights.h"
#include "wire/server.h"

namespace bhype::hostd {

/// A whole hostd: socket, workers, operations in flight, guests. Ends with its object, guests run on.
class Hostd {
  public:
    /// `passwords` is made before, since it forks. Throws when the socket cannot be had.
    Hostd(const Config& config, const Paths& paths, Passwords& passwords, RunCommand run, StartProgram start,
          std::function<bool(int socket)> admit, gid_t group);
    ~Hostd();
    Hostd(const Hostd&) = delete;
    /// Before it is stopped for good: see Guard::end().
    void end() { guard_.end(); }

  private:
    struct Job {
        wire::Request request;
        std::shared_ptr<wire::Reply> reply;
        Flight flight;
        bool slow = false;
    };
    void take(wire::Request request, std::shared_ptr<wire::Reply> reply);
    std::deque<Job>::iterator next();
    void work();
    void perform(Job& job);

    const Config& config_;
    const Paths& paths_;
    Tree tree_;
    std::unique_ptr<Guests> guests_;
    Firewall firewall_;
    Dhcp dhcp_;
    RunCommand run_;
    Guard guard_;
    Secrets secrets_;
    Looks looks_;
    House house_;
    std::mutex mutex_;
    std::condition_variable wanted_;
    std::deque<Job> jobs_;
    std::int64_t slow_ = 0; ///< at work
    Flights flights_;
    bool stopping_ = false;
    std::vector<std::thread> workers_;
    std::unique_ptr<wire::Server> server_;
};

} // namespace bhype::hostd
