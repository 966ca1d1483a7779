#pragma once

#include "task/pace.h"
#include "task/task.h"

namespace bhype::task {

/// make_tasks() with times of one's own, for tests.
std::unique_ptr<Tasks> make_tasks(store::Database& database, wire::Host& host, int workers, const Pace& pace);

} // namespace bhype::task
