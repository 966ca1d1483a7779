#include "store/dialect.h"

#include "base/error.h"
#include "base/fd.h"

#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>

namespace bhype::store::dialect {

const char* const begin_write = "BEGIN IMMEDIATE";
const char* const begin_read = "BEGIN";

std::unique_ptr<soci::session> open(const std::string& path, Access access, int busy_milliseconds) {
    if (path.find('"') != std::string::npos)
        throw Error(Code::database, "a database's path cannot hold a quotation mark: " + path);
    // SQLite gives its log and its shared memory the mode of the database itself.
    const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | (access == Access::write ? O_CREAT : 0), 0600));
    if (!file)
        throw Error(Code::database, fmt::format("{}: {}", path, std::strerror(errno)));

    auto session = std::make_unique<soci::session>(soci::sqlite3, "db=\"" + path + '"');
    *session << "PRAGMA busy_timeout = " << busy_milliseconds;
    std::string mode;
    *session << "PRAGMA journal_mode = WAL", soci::into(mode);
    if (mode != "wal")
        throw Error(Code::database, fmt::format("{}: SQLite cannot keep a write-ahead log there", path));
    // FULL: in WAL mode the log is fsynced at each commit (sqlite.org/pragma.html#pragma_synchronous).
    *session << "PRAGMA synchronous = FULL";
    *session << "PRAGMA foreign_keys = ON";
    *session << "PRAGMA journal_size_limit = 8388608";
    *session << "PRAGMA cache_size = -1024";
    if (access == Access::read)
        *session << "PRAGMA query_only = ON";
    return session;
}

std::string schema_text(std::string_view portable) {
    std::string text(portable);
    constexpr std::string_view placeholder = "{text}";
    for (auto at = text.find(placeholder); at != std::string::npos; at = text.find(placeholder))
        text.replace(at, placeholder.size(), "TEXT");
    return text;
}

std::string explain(const std::exception& error, const std::string& path) {
    std::string_view reason;
    if (const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error)) {
        // The low byte is the primary code (sqlite.org/rescode.html).
        switch (sqlite->result() & 0xff) {
        case SQLITE_FULL:
            reason = "its disk is full: ";
            break;
        case SQLITE_READONLY:
            reason = "it is read-only: ";
            break;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            reason = "the file is damaged: ";
            break;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            reason = "another process keeps it locked: ";
            break;
        case SQLITE_IOERR:
            reason = "its disk fails: ";
            break;
        case SQLITE_CANTOPEN:
            reason = "it cannot be opened: ";
            break;
        default:
            break;
        }
    }
    return fmt::format("{}: {}{}", path, reason, error.what());
}

} // namespace bhype::store::dialect
