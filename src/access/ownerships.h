#pragma once

#include "access/caller.h"
#include "store/database.h"

#include <map>

namespace bhype::access {

/// Who owns what, in the database. Objects are "KIND/NAME": "vm/web1". Everything throws Error(database);
/// changes are durable when they return.
class Ownerships {
  public:
    explicit Ownerships(store::Database& database) : database_(database) {}

    /// Of one kind, by name: all("vm") has "web1".
    std::map<std::string, Ownership> all(std::string_view kind) const;
    void set(std::string_view kind, std::string_view name, const Ownership& ownership);
    void forget(std::string_view kind, std::string_view name);

  private:
    store::Database& database_;
};

} // namespace bhype::access
