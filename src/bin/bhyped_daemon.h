#pragma once

// The parts of bhyped, wired by reference.

#include "bin/bhyped_config.h"

#include <memory>

namespace bhype::bin {

class Daemon {
  public:
    /// Opens the database. Throws Error(database), Error(bad_configuration).
    explicit Daemon(const Config& config);
    ~Daemon();

    /// Answers first, from what was last known, and looks at the host behind that.
    void start();
    void stop();
    /// OpenAPI 3.1 of all that is declared.
    std::string openapi() const;
    /// Kinds of task: "vm.create".
    std::vector<std::string> kinds() const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// The same without a daemon's files and sockets.
std::string openapi();
std::vector<std::string> kinds();

} // namespace bhype::bin
