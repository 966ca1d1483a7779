#pragma once

// What differs between the databases. Private to store/: the only place that may know SQLite.

#include <soci/soci.h>

#include <memory>
#include <string>

namespace bhype::store::dialect {

enum class Access { write, read };

/// Opens a session; makes an empty database when it is missing and access is write.
std::unique_ptr<soci::session> open(const std::string& path, Access access, int busy_milliseconds);

/// The database's own words for a migration's placeholders: {text} is text without a limit of its own.
std::string schema_text(std::string_view portable);

/// Begins a transaction that will write: its lock is taken now and not at the first change.
extern const char* const begin_write;
extern const char* const begin_read;

/// For people: what is wrong and with what.
std::string explain(const std::exception& error, const std::string& path);

} // namespace bhype::store::dialect
