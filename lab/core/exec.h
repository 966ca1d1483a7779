#pragma once

#include "lab/core/layout.h"

#include <map>
#include <string>
#include <vector>

namespace bhype::lab {

/// Commands are run in the lab by its first process; who asks and who runs speak over a socket in the lab's
/// folder, made before the lab has a root of its own and therefore reachable from outside only.
int listen_for_exec(const Layout& layout);

struct ExecRequest {
    std::string user{"root"};
    std::vector<std::string> argv;
};

/// Runs a command in the lab with the caller's standard descriptors, or with a terminal of the lab's if the
/// caller has one. Returns its exit status: 128 + N if ended by signal N, 126 or 127 if it could not be run
/// as a shell reports it, 125 if the lab failed.
int exec_in_lab(const Layout& layout, const ExecRequest& request);

/// The side of the lab's first process.
class ExecServer {
  public:
    explicit ExecServer(int listener) : listener_(listener) {}

    int listener() const { return listener_; }
    void accept_client();

    /// Descriptors whose readiness is to be reported by serve().
    std::vector<int> clients() const;
    void serve(int client);

    /// A child has ended. Ignored if it is none of ours.
    void ended(int pid, int wait_status);

  private:
    void start(int client, const std::string& message, std::vector<int> descriptors);
    void drop(int client);

    int listener_;
    std::map<int, int> pid_of_client_; ///< 0 before the request has come
};

} // namespace bhype::lab
