#include "task/runner.h"

#include "base/log.h"

#include <fmt/format.h>

#include <algorithm>

namespace bhype::task {

namespace {

/// The same again gets the same answer.
bool hopeless(Code code) {
    return code == Code::policy || code == Code::invalid_field || code == Code::invalid_request ||
           code == Code::too_large;
}

} // namespace

Task ended(Task task, State state, const std::optional<Error>& error,
           const std::optional<json::value>& result) {
    task.state = state;
    task.ended = now();
    task.progress.reset();
    task.message.clear();
    task.cancellable = false;
    task.error.reset();
    if (error)
        task.error = problem_document(*error);
    task.result = result;
    return task;
}

Runner::Outcome Runner::attempt(bool cleaning, const std::function<void(RunningWork&)>& what) {
    RunningWork work(shop_, live_, cleaning);
    Outcome outcome;
    try {
        what(work);
    } catch (const Settled& error) {
        outcome.error = error;
        outcome.settled = true;
    } catch (const Error& error) {
        outcome.error = error;
    } catch (const std::exception& error) {
        outcome.error = Error(Code::internal, error.what());
    } catch (...) {
        outcome.error = Error(Code::internal, "unknown exception");
    }
    outcome.abandoned = work.abandoned();
    return outcome;
}

void Runner::run() {
    if (!kind_) {
        const Error unknown(Code::internal, "this bHype knows no task of kind " + live_.task.kind);
        return live_.recovered ? attention(unknown, "") : end(State::failed, unknown, std::nullopt);
    }
    if (!live_.recovered) {
        shop_.journal.running(live_.task);
        forward();
    } else if (live_.failure) {
        clean(*live_.failure);
    } else if (live_.committed) {
        if (!attempt(false, [](RunningWork& work) { work.drain(std::nullopt); }).abandoned)
            forward();
    } else if (shop_.board.cancelled(live_)) {
        clean(Error(Code::cancelled));
    } else {
        clean(Error(Code::interrupted, live_.last_step == 0
                                           ? "bhyped ended before the first step"
                                           : fmt::format("bhyped ended in or after step {}: {}",
                                                         live_.last_step, live_.last_title)));
    }
}

void Runner::forward() {
    int failures = 0;
    for (int number = 1;; ++number) {
        json::value result;
        const auto outcome = attempt(false, [&](RunningWork& work) {
            if (number > 1)
                work.drain(std::nullopt);
            result = kind_->run(work, live_.input);
        });
        if (outcome.abandoned)
            return;
        const auto& error = outcome.error;
        if (!error)
            return end(State::done, std::nullopt, result);
        if (!shop_.board.committed(live_))
            return clean(*error);
        if (outcome.settled)
            return end(State::failed, *error, std::nullopt);
        if (error->code() != Code::database)
            ++failures;
        if (failures >= shop_.pace.attempts || hopeless(error->code()))
            return attention(*error, "going forward failed");
        log::warning("task {} ({}) is tried again: {}", live_.task.id.str(), live_.task.kind, error->what());
        shop_.board.progress(
            live_, [&](Task& task) { task.message = fmt::format("trying again: {}", error->what()); });
        if (!pause(number))
            return;
    }
}

void Runner::clean(const Error& error) {
    const auto document = problem_document(error);
    shop_.journal.cleaning(live_.task.id, document);
    shop_.board.state(live_, Phase::cleaning, [&](Task& task) {
        task.progress.reset();
        task.message = "cleaning up";
    });
    for (int number = 1;; ++number) {
        bool harmless = false;
        const auto outcome = attempt(true, [&](RunningWork& work) {
            harmless = work.nothing_to_lose();
            if (live_.last_step > 0)
                work.drain(harmless ? std::optional(RunningWork::Clock::duration(0)) : std::nullopt);
            if (kind_->clean)
                kind_->clean(work, live_.input);
        });
        if (outcome.abandoned)
            return;
        const auto& failure = outcome.error;
        if (!failure || (harmless && failure->code() == Code::hostd_away))
            return end(error.code() == Code::cancelled ? State::cancelled : State::failed, error,
                       std::nullopt);
        if (number >= shop_.pace.attempts)
            return attention(*failure, fmt::format("after \"{}\", cleaning up failed", error.what()));
        log::warning("cleaning up after task {} ({}) is tried again: {}", live_.task.id.str(),
                     live_.task.kind, failure->what());
        if (!pause(number))
            return;
    }
}

void Runner::attention(const Error& error, std::string_view doing) {
    std::vector<FieldProblem> objects{{live_.task.object, error.what()}};
    try {
        for (const auto& step : shop_.journal.steps(live_.task.id))
            if (step.state != StepState::done && objects.size() < 20)
                objects.push_back({fmt::format("step {}", step.number),
                                   fmt::format("{}: {} {}", step.title, enum_name(step.state), step.error)});
    } catch (const Error&) {
        // The object alone, then.
    }
    end(State::attention,
        Error(Code::needs_attention, fmt::format("{}{}{}", doing, doing.empty() ? "" : ": ", error.what()),
              std::move(objects)),
        std::nullopt);
}

void Runner::end(State state, const std::optional<Error>& error, const std::optional<json::value>& result) {
    const auto task = ended(*shop_.board.show(live_.task.id), state, error, result);
    // Nothing is told before it is durable. A database that fails has a full disk, most likely.
    for (int number = 1;; ++number) {
        try {
            shop_.journal.ended(task);
            break;
        } catch (const Error& failure) {
            log::error("the end of task {} cannot be written: {}", task.id.str(), failure.what());
            shop_.board.progress(live_, [](Task& shown) { shown.message = "waiting for the database"; });
            if (!pause(number))
                return;
        }
    }
    shop_.board.finish(live_, task);
}

bool Runner::pause(int attempt) {
    auto time = shop_.pace.first_pause;
    for (int i = 1; i < attempt && time < shop_.pace.longest_pause; ++i)
        time *= 2;
    return shop_.board.pause(live_, std::min(time, shop_.pace.longest_pause), false);
}

} // namespace bhype::task
