#include "store/migrations.h"

namespace bhype::store {

// BIGINT and not INTEGER: SOCI reads a column declared INTEGER as 32 bits (its sqlite3 backend,
// statement.cpp). Columns that are keys have a length, since MariaDB wants one.
std::span<const Migration> migrations() {
    static const std::vector<Migration> all = {
        {1,
         {
             R"(CREATE TABLE tasks (
                    id VARCHAR(24) NOT NULL PRIMARY KEY,
                    seq BIGINT NOT NULL UNIQUE,
                    kind VARCHAR(64) NOT NULL,
                    object VARCHAR(255) NOT NULL,
                    title {text} NOT NULL,
                    username VARCHAR(64) NOT NULL,
                    source VARCHAR(64) NOT NULL,
                    state VARCHAR(16) NOT NULL,
                    phase VARCHAR(16) NOT NULL,
                    committed BIGINT NOT NULL,
                    created BIGINT NOT NULL,
                    started BIGINT NOT NULL,
                    ended BIGINT NOT NULL,
                    message {text} NOT NULL,
                    input {text} NOT NULL,
                    error {text},
                    result {text}))",
             "CREATE INDEX tasks_object ON tasks (object, seq)",
             "CREATE INDEX tasks_username ON tasks (username, seq)",
             "CREATE INDEX tasks_state ON tasks (state)",
             R"(CREATE TABLE task_steps (
                    task VARCHAR(24) NOT NULL,
                    number BIGINT NOT NULL,
                    title {text} NOT NULL,
                    operation VARCHAR(64) NOT NULL,
                    arguments {text} NOT NULL,
                    state VARCHAR(16) NOT NULL,
                    started BIGINT NOT NULL,
                    ended BIGINT NOT NULL,
                    error {text} NOT NULL,
                    commands {text} NOT NULL,
                    PRIMARY KEY (task, number),
                    FOREIGN KEY (task) REFERENCES tasks (id) ON DELETE CASCADE))",
             R"(CREATE TABLE idempotency_keys (
                    username VARCHAR(64) NOT NULL,
                    idempotency_key VARCHAR(255) NOT NULL,
                    request VARCHAR(64) NOT NULL,
                    task VARCHAR(24) NOT NULL,
                    created BIGINT NOT NULL,
                    PRIMARY KEY (username, idempotency_key)))",
             R"(CREATE TABLE sessions (
                    hash VARCHAR(64) NOT NULL PRIMARY KEY,
                    username VARCHAR(64) NOT NULL,
                    source VARCHAR(64) NOT NULL,
                    created BIGINT NOT NULL,
                    used BIGINT NOT NULL))",
             R"(CREATE TABLE ownership (
                    object VARCHAR(255) NOT NULL PRIMARY KEY,
                    owner VARCHAR(64) NOT NULL,
                    usergroup VARCHAR(64) NOT NULL))",
             R"(CREATE TABLE audit (
                    number BIGINT NOT NULL PRIMARY KEY,
                    moment BIGINT NOT NULL,
                    username VARCHAR(64) NOT NULL,
                    source VARCHAR(64) NOT NULL,
                    endpoint VARCHAR(255) NOT NULL,
                    object VARCHAR(255) NOT NULL,
                    outcome VARCHAR(64) NOT NULL,
                    task VARCHAR(24) NOT NULL))",
             "CREATE INDEX audit_username ON audit (username, number)",
             "CREATE INDEX audit_object ON audit (object, number)",
         }},
        {2,
         {
             // A name that is given to another account must not inherit the sessions of the first.
             "ALTER TABLE sessions ADD COLUMN uid BIGINT NOT NULL DEFAULT -1",
             R"(CREATE TABLE documents (
                    kind VARCHAR(32) NOT NULL,
                    name VARCHAR(255) NOT NULL,
                    body {text} NOT NULL,
                    PRIMARY KEY (kind, name)))",
         }},
    };
    return all;
}

} // namespace bhype::store
