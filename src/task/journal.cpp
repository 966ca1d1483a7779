#include "task/journal.h"

#include <fmt/format.h>
#include <openssl/evp.h>

namespace bhype::task {

namespace {

using store::Sql;
using Milliseconds = std::chrono::milliseconds;

/// Nothing reads them but people who look into the file, and all names of a host that DHCP is told of with
/// each VM that is started help nobody.
constexpr std::size_t longest_arguments = 4096;

/// What the client sent, as the journal keeps it: only compared.
std::string fingerprint(std::string_view request) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(request.data(), request.size(), digest, &size, EVP_sha256(), nullptr) != 1)
        throw Error(Code::internal, "SHA-256");
    std::string text;
    for (unsigned i = 0; i < size; ++i)
        text += fmt::format("{:02x}", digest[i]);
    return text;
}

std::optional<TaskId> look_up(Sql& sql, const std::string& user, std::string_view key,
                              const std::string& request, std::int64_t oldest) {
    const auto found = sql.row<std::string, std::string>(
        "SELECT request, task FROM idempotency_keys "
        "WHERE username = :user AND idempotency_key = :key AND created >= :oldest",
        {user, key, oldest});
    if (!found)
        return std::nullopt;
    if (std::get<0>(*found) != request)
        throw Error(Code::key_reused);
    return TaskId::from(std::get<1>(*found));
}

std::optional<std::string> text_of(const std::optional<json::value>& value) {
    return value ? std::optional(json::serialize(*value)) : std::nullopt;
}

std::optional<json::value> value_of(const std::optional<std::string>& text) {
    return text ? std::optional(parse_json(*text)) : std::nullopt;
}

template <class Enum>
Enum named(const std::string& text) {
    return decode<Enum>(json::value(json::string(text)));
}

#define BHYPE_TASK_COLUMNS                                                                                   \
    "id, kind, object, title, username, source, state, created, started, ended, message, error, result"
using Text = std::string;
using Number = std::int64_t;
using Columns = std::tuple<Text, Text, Text, Text, Text, Text, Text, Number, Number, Number, Text,
                           std::optional<Text>, std::optional<Text>>;

std::vector<Columns> fetch(Sql& sql, std::string_view text, const std::vector<store::Value>& parameters) {
    return sql.rows<Text, Text, Text, Text, Text, Text, Text, Number, Number, Number, Text,
                    std::optional<Text>, std::optional<Text>>(text, parameters);
}

Task task_of(Columns& row) {
    auto& [id, kind, object, title, user, source, state, created, started, ended, message, error, result] =
        row;
    return {.id = TaskId::from(id),
            .kind = std::move(kind),
            .object = std::move(object),
            .title = std::move(title),
            .user = std::move(user),
            .source = std::move(source),
            .state = named<State>(state),
            .created = created,
            .started = started,
            .ended = ended,
            .progress = std::nullopt,
            .message = std::move(message),
            .cancellable = false,
            .error = value_of(error),
            .result = value_of(result)};
}

} // namespace

std::int64_t now() {
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Journal::Submitted Journal::submit(const Task& task, const Submission& submission, Milliseconds key_age) {
    const auto& key = submission.idempotency_key;
    const auto request = fingerprint(submission.request);
    const auto oldest = task.created - key_age.count();
    return database_.write([&](Sql& sql) -> Submitted {
        if (!key.empty()) {
            if (const auto before = look_up(sql, task.user, key, request, oldest))
                return {*before, std::nullopt};
        }
        const auto seq = std::get<0>(sql.row<Number>("SELECT COALESCE(MAX(seq), 0) + 1 FROM tasks").value());
        sql.exec(
            "INSERT INTO tasks (id, seq, kind, object, title, username, source, state, phase, committed, "
            "created, started, ended, message, input) VALUES (:id, :seq, :kind, :object, :title, "
            ":username, :source, :state, :phase, 0, :created, 0, 0, '', :input)",
            {task.id, seq, task.kind, task.object, task.title, task.user, task.source,
             enum_name(State::queued), enum_name(Phase::queued), task.created,
             json::serialize(submission.input)});
        if (!key.empty()) {
            sql.exec("DELETE FROM idempotency_keys WHERE username = :user AND idempotency_key = :key",
                     {task.user, key});
            sql.exec("INSERT INTO idempotency_keys (username, idempotency_key, request, task, created) "
                     "VALUES (:user, :key, :request, :task, :created)",
                     {task.user, key, request, task.id, task.created});
        }
        return {task.id, seq};
    });
}

std::optional<TaskId> Journal::repeated(const UserName& user, std::string_view key, std::string_view request,
                                        Milliseconds key_age) const {
    if (key.empty())
        return std::nullopt;
    return database_.read([&](Sql& sql) {
        return look_up(sql, user.str(), key, fingerprint(request), now() - key_age.count());
    });
}

void Journal::running(const Task& task) {
    database_.write_later([id = task.id, started = task.started](Sql& sql) {
        sql.exec("UPDATE tasks SET state = :state, phase = :phase, started = :started WHERE id = :id",
                 {enum_name(State::running), enum_name(Phase::running), started, id});
    });
}

void Journal::cancelling(const TaskId& id) {
    database_.write([&](Sql& sql) {
        sql.exec("UPDATE tasks SET phase = :phase WHERE id = :id AND phase = :running AND committed = 0",
                 {enum_name(Phase::cancelling), id, enum_name(Phase::running)});
    });
}

void Journal::cleaning(const TaskId& id, const json::value& error) {
    database_.write_later([id, text = json::serialize(error)](Sql& sql) {
        sql.exec("UPDATE tasks SET state = :state, phase = :phase, error = :error WHERE id = :id",
                 {enum_name(State::running), enum_name(Phase::cleaning), text, id});
    });
}

void Journal::ended(const Task& task) {
    database_.write([&](Sql& sql) {
        sql.exec("UPDATE tasks SET state = :state, phase = :phase, ended = :ended, message = :message, "
                 "error = :error, result = :result WHERE id = :id",
                 {enum_name(task.state), enum_name(Phase::ended), task.ended, task.message,
                  text_of(task.error), text_of(task.result), task.id});
    });
}

void Journal::intent(const TaskId& id, const Step& step, const json::value& arguments, bool commit) {
    auto text = json::serialize(arguments);
    if (text.size() > longest_arguments)
        text = json::serialize(json::object{{"left_out", text.size()}});
    database_.write([&](Sql& sql) {
        sql.exec(
            "INSERT INTO task_steps (task, number, title, operation, arguments, state, started, ended, "
            "error, commands) VALUES (:task, :number, :title, :operation, :arguments, :state, :started, "
            "0, '', '[]')",
            {id, step.number, step.title, step.operation, text, enum_name(StepState::intent), step.started});
        if (commit)
            sql.exec("UPDATE tasks SET committed = 1 WHERE id = :id", {id});
    });
}

void Journal::outcome(const TaskId& id, const Step& step) {
    database_.write_later([id, step](Sql& sql) {
        sql.exec(
            "UPDATE task_steps SET state = :state, ended = :ended, error = :error, commands = :commands "
            "WHERE task = :task AND number = :number",
            {enum_name(step.state), step.ended, step.error, encode_text(step.commands), id, step.number});
    });
}

void Journal::set_committed(const TaskId& id, bool committed) {
    database_.write([&](Sql& sql) {
        sql.exec("UPDATE tasks SET committed = :committed WHERE id = :id", {committed ? 1 : 0, id});
    });
}

std::optional<Task> Journal::find(const TaskId& id) const {
    return database_.read([&](Sql& sql) -> std::optional<Task> {
        auto rows = fetch(sql, "SELECT " BHYPE_TASK_COLUMNS " FROM tasks WHERE id = :id", {id});
        return rows.empty() ? std::nullopt : std::optional(task_of(rows.front()));
    });
}

std::vector<Task> Journal::list(std::string_view object, std::string_view user, std::size_t most) const {
    return database_.read([&](Sql& sql) {
        std::vector<Columns> rows;
        if (object.empty() && user.empty())
            rows =
                fetch(sql, "SELECT " BHYPE_TASK_COLUMNS " FROM tasks ORDER BY seq DESC LIMIT :most", {most});
        else if (user.empty())
            rows = fetch(sql,
                         "SELECT " BHYPE_TASK_COLUMNS " FROM tasks WHERE object = :object "
                         "ORDER BY seq DESC LIMIT :most",
                         {object, most});
        else if (object.empty())
            rows = fetch(sql,
                         "SELECT " BHYPE_TASK_COLUMNS " FROM tasks WHERE username = :user "
                         "ORDER BY seq DESC LIMIT :most",
                         {user, most});
        else
            rows =
                fetch(sql,
                      "SELECT " BHYPE_TASK_COLUMNS " FROM tasks WHERE object = :object AND username = :user "
                      "ORDER BY seq DESC LIMIT :most",
                      {object, user, most});
        std::vector<Task> tasks;
        for (auto& row : rows)
            tasks.push_back(task_of(row));
        return tasks;
    });
}

std::vector<Step> Journal::steps(const TaskId& id) const {
    return database_.read([&](Sql& sql) {
        std::vector<Step> steps;
        for (auto& [number, title, operation, state, started, ended, error, commands] :
             sql.rows<Number, Text, Text, Text, Number, Number, Text, Text>(
                 "SELECT number, title, operation, state, started, ended, error, commands FROM task_steps "
                 "WHERE task = :task ORDER BY number",
                 {id}))
            steps.push_back({number, std::move(title), std::move(operation), named<StepState>(state), started,
                             ended, std::move(error), decode_text<std::vector<Command>>(commands)});
        return steps;
    });
}

std::vector<Journal::Open> Journal::open() const {
    return database_.read([&](Sql& sql) {
        std::vector<Open> found;
        for (auto& row :
             fetch(sql, "SELECT " BHYPE_TASK_COLUMNS " FROM tasks WHERE phase <> :ended ORDER BY seq",
                   {enum_name(Phase::ended)})) {
            Open open;
            open.task = task_of(row);
            const auto [seq, phase, committed, input] =
                sql.row<Number, Text, Number, Text>(
                       "SELECT seq, phase, committed, input FROM tasks WHERE id = :id", {open.task.id})
                    .value();
            open.seq = seq;
            open.phase = named<Phase>(phase);
            open.committed = committed != 0;
            open.input = parse_json(input);
            if (const auto last = sql.row<Number, Text>("SELECT number, title FROM task_steps WHERE task = "
                                                        ":task ORDER BY number DESC LIMIT 1",
                                                        {open.task.id}))
                std::tie(open.last_step, open.last_title) = *last;
            found.push_back(std::move(open));
        }
        return found;
    });
}

void Journal::lose_steps() {
    database_.write([](Sql& sql) {
        sql.exec("UPDATE task_steps SET state = :unknown, ended = :now, error = :error WHERE state = :intent",
                 {enum_name(StepState::unknown), now(),
                  Text("bhyped ended before it heard what became of it"), enum_name(StepState::intent)});
    });
}

void Journal::prune(std::int64_t kept_tasks, Milliseconds key_age) {
    database_.write([&](Sql& sql) {
        sql.exec("DELETE FROM idempotency_keys WHERE created < :oldest", {now() - key_age.count()});
        const auto newest = sql.row<Number>("SELECT COALESCE(MAX(seq), 0) FROM tasks");
        sql.exec("DELETE FROM tasks WHERE seq <= :last AND phase = :ended AND id NOT IN "
                 "(SELECT task FROM idempotency_keys)",
                 {std::get<0>(newest.value()) - kept_tasks, enum_name(Phase::ended)});
    });
}

} // namespace bhype::task
