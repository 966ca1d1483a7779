#pragma once

#include "api/endpoint.h"
#include "task/task.h"

namespace bhype::api {

/// 202 with the task and its Location; waits first when the query has wait=SECONDS (at most 60).
/// Throws Error(invalid_field) for a wait that is no number.
Reply task_reply(const task::Tasks& tasks, const TaskId& id, const Call& call);

/// Seconds of the query parameter `wait`, 0 when missing.
std::chrono::seconds wait_of(const Call& call);

} // namespace bhype::api
