#include "api/task_reply.h"

#include <charconv>

namespace bhype::api {

std::chrono::seconds wait_of(const Call& call) {
    const auto found = call.query.find("wait");
    if (found == call.query.end())
        return std::chrono::seconds(0);
    int seconds = 0;
    const auto& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size() || seconds < 0 || seconds > 60)
        throw Error(Code::invalid_field, {}, {{"wait", "must be a whole number of seconds from 0 to 60"}});
    return std::chrono::seconds(seconds);
}

Reply task_reply(const task::Tasks& tasks, const TaskId& id, const Call& call) {
    const auto longest = wait_of(call);
    const auto task = tasks.wait(id, longest);
    Reply reply;
    reply.status = 202;
    reply.body = encode(task);
    reply.headers["Location"] = "/api/v1/tasks/" + id.str();
    return reply;
}

} // namespace bhype::api
