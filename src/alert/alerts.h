#pragma once

// What is wrong with the host now, whoever finds it.

#include "api/endpoint.h"

#include <functional>
#include <map>
#include <mutex>

namespace bhype::alert {

enum class Severity { warning, critical };
BOOST_DESCRIBE_ENUM(Severity, warning, critical)

/// As the one says who found it.
struct Fault {
    std::string id;    ///< the same as long as the same is wrong: "pools/tank/degraded"
    std::string about; ///< "pools/tank"
    Severity severity = Severity::warning;
    std::string text;
    std::string advice;
};
BOOST_DESCRIBE_STRUCT(Fault, (), (id, about, severity, text, advice))

struct Alert : Fault {
    std::int64_t since = 0; ///< epoch seconds
};
BOOST_DESCRIBE_STRUCT(Alert, (Fault), (since))

/// Safe to call from several threads.
class Alerts {
  public:
    struct Keep {
        std::function<std::map<std::string, Alert>()> load; ///< by id
        std::function<void(const std::map<std::string, Alert>&)> save;
    };
    explicit Alerts(Keep keep);

    /// Called after each change, outside of the lock.
    void on_change(std::function<void()> changed);
    /// All that is wrong in an area, such as "pools": its ids begin with that and a slash. What goes on keeps
    /// the moment when it was first seen; what is not named any more is over.
    void set(std::string_view area, const std::vector<Fault>& faults);
    /// The worst first, then the oldest.
    std::vector<Alert> list() const;

  private:
    Keep keep_;
    mutable std::mutex mutex_;
    std::map<std::string, Alert> alerts_;
    std::function<void()> changed_;
};

/// /api/v1/alerts. `alerts` must outlive the router.
void add_endpoints(api::Router& router, const Alerts& alerts);

} // namespace bhype::alert
