#pragma once

#include "task/work.h"

namespace bhype::task {

/// The task as it is shown from now on.
Task ended(Task task, State state, const std::optional<Error>& error,
           const std::optional<json::value>& result);

/// Takes a task from where it is to its end: run, clean up, go forward, ask for attention.
class Runner {
  public:
    /// `kind` null: nobody knows the task's kind any more.
    Runner(const Workshop& shop, Live& live, const Kind* kind) : shop_(shop), live_(live), kind_(kind) {}

    /// Returns when the task has ended, or when bhyped ends: then the journal says what is to be done.
    void run();

  private:
    struct Outcome {
        bool abandoned = false; ///< bhyped ends
        bool settled = false;
        std::optional<Error> error;
    };

    Outcome attempt(bool cleaning, const std::function<void(RunningWork&)>& what);
    void forward();
    void clean(const Error& error);
    void attention(const Error& error, std::string_view doing);
    void end(State state, const std::optional<Error>& error, const std::optional<json::value>& result);
    bool pause(int attempt);

    Workshop shop_;
    Live& live_;
    const Kind* kind_;
};

} // namespace bhype::task
