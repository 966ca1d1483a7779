#pragma once

// A SOCI session with its prepared statements. Private to store/.

#include "store/dialect.h"
#include "store/sql.h"

namespace bhype::store {

/// One thread at a time. Every failure is Error(database).
class Session {
  public:
    Session(const std::string& path, dialect::Access access, int busy_milliseconds);
    ~Session();
    Sql& sql() { return sql_; }

  private:
    Sql sql_;
};

} // namespace bhype::store
