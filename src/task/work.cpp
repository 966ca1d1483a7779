#include "task/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bhype::task {

namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr std::size_t longest_output = 16 << 10; ///< of a command
constexpr std::size_t most_output = 128 << 10;   ///< of all commands of a step
constexpr std::size_t most_commands = 500;
constexpr std::string_view waiting_for_hostd = "waiting for bhype-hostd";

/// At most `longest` bytes of UTF-8, cut between two characters.
std::string shortened(std::string text, std::size_t longest) {
    if (text.size() <= longest)
        return text;
    while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xc0) == 0x80)
        --longest;
    text.resize(longest);
    return text + "\n[the rest was cut]";
}

std::vector<Command> kept(const std::vector<wire::Ran>& commands) {
    std::vector<Command> found;
    std::size_t left = most_output;
    for (const auto& ran : commands) {
        if (found.size() == most_commands) {
            found.push_back({.command = "# and more commands"});
            break;
        }
        auto output = shortened(ran.output, std::min(left, longest_output));
        left -= std::min(left, output.size());
        found.push_back({ran.command, ran.exit_status, std::move(output), ran.milliseconds});
    }
    return found;
}

/// True when hostd says by this that it has done nothing.
bool refused(Code code) {
    switch (code) {
    case Code::policy:
    case Code::invalid_request:
    case Code::invalid_field:
    case Code::too_large:
    case Code::not_found:
    case Code::busy:
    case Code::overloaded:
    case Code::precondition_failed:
    case Code::pool_exists:
    case Code::secret_gone:
    case Code::key_wrong:
    case Code::disk_in_use:
    case Code::dataset_exists:
    case Code::dataset_has_clones:
    case Code::vm_running:
    case Code::vm_not_running:
        return true;
    default:
        return false;
    }
}

/// Asking again does no harm.
bool only_reads(std::string_view operation) {
    bool found = false;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, host::Operations>>(
        [&](auto identity) {
            using Operation = typename decltype(identity)::type;
            found = found || (Operation::effect == host::Effect::reads && Operation::operation == operation);
        });
    return found;
}

bool is_away(const Error& error) {
    return error.code() == Code::hostd_away || error.code() == Code::result_unknown;
}

} // namespace

RunningWork::RunningWork(const Workshop& shop, Live& live, bool cleaning)
    : shop_(shop), live_(live), cleaning_(cleaning),
      committed_before_(shop.board.committed(live) && !live.commit_failed) {}

void RunningWork::say(std::string_view message) {
    shop_.board.progress(live_, [&](Task& task) { task.message = message; });
}

void RunningWork::progress(std::optional<double> fraction, std::string_view message) {
    fraction_ = fraction;
    if (fraction_)
        fraction_ = std::clamp(*fraction_, 0.0, 1.0);
    shop_.board.progress(live_, [&](Task& task) {
        task.progress = fraction_;
        task.message = message;
    });
}

void RunningWork::check_cancelled() {
    if (abandoned_ || shop_.board.stopping()) {
        abandoned_ = true;
        throw Error(Code::cancelled, "bhyped ends");
    }
    if (!cleaning_ && shop_.board.cancelled(live_))
        throw Error(Code::cancelled);
}

void RunningWork::pause(Milliseconds time) {
    shop_.board.pause(live_, time, !cleaning_);
    check_cancelled();
}

bool RunningWork::wait_until(const std::function<bool()>& ready, Milliseconds longest) {
    const auto until = Clock::now() + longest;
    for (;;) {
        check_cancelled();
        if (ready())
            return true;
        const auto left = std::chrono::duration_cast<Milliseconds>(until - Clock::now());
        if (left.count() <= 0)
            return false;
        pause(std::min(left, shop_.pace.poll));
    }
}

bool RunningWork::nothing_to_lose() const {
    return !live_.reached_host || (!cleaning_ && !shop_.board.committed(live_));
}

void RunningWork::drain(std::optional<Clock::duration> longest) {
    const auto prefix = id().str() + ".";
    const auto until = Clock::now() + longest.value_or(Clock::duration(0));
    for (;;) {
        try {
            const auto flying = shop_.host.in_flight();
            if (std::none_of(flying.begin(), flying.end(),
                             [&](const auto& other) { return other.starts_with(prefix); }))
                return;
            say("waiting for an operation of bhype-hostd to end");
        } catch (const Error& error) {
            if (!is_away(error))
                throw;
            if (longest && Clock::now() >= until)
                throw Error(Code::hostd_away, error.detail());
            say(waiting_for_hostd);
        }
        pause(shop_.pace.probe);
    }
}

void RunningWork::commit(bool wanted, const std::function<void(bool first)>& record) {
    bool first = false;
    if (wanted && !shop_.board.commit(live_, first))
        throw Error(Code::cancelled);
    try {
        record(first);
    } catch (...) {
        if (first)
            shop_.board.uncommit(live_);
        throw;
    }
    first_commit_ = first;
}

void RunningWork::uncommit() {
    shop_.board.uncommit(live_);
    shop_.journal.set_committed(id(), false);
}

void RunningWork::finish(Step& step, StepState state, std::string error) {
    step.state = state;
    step.ended = now();
    step.error = std::move(error);
    shop_.journal.outcome(id(), step);
    shop_.board.progress(live_, [&](Task& task) { task.progress = fraction_; });
}

json::value RunningWork::perform(std::string_view title, std::string_view operation,
                                 const json::value& arguments, std::chrono::seconds deadline, bool commits) {
    check_cancelled();
    commits = commits && !cleaning_;
    Step step;
    step.number = live_.last_step + 1;
    step.title = title;
    step.operation = operation;
    step.started = now();
    say(title);
    commit(commits, [&](bool first) { shop_.journal.intent(id(), step, arguments, first); });
    live_.last_step = step.number;
    live_.last_title = step.title;

    // Cleaning up after what has never reached the host has waited long enough before.
    const auto patience = Clock::now() + (cleaning_ ? Milliseconds(0) : shop_.pace.hostd_patience);
    for (;;) {
        try {
            auto answer = send(step, arguments, deadline);
            live_.commit_failed = false;
            finish(step, StepState::done, {});
            return std::move(answer.result);
        } catch (const Error& error) {
            if (!is_away(error) || (error.code() == Code::result_unknown && !only_reads(operation))) {
                failed(step, error, commits);
                throw;
            }
        }
        // Nothing was done: what was a first commit is none yet, and while hostd is away the task can be
        // cancelled.
        try {
            const bool again = std::exchange(first_commit_, false);
            if (again)
                uncommit();
            say(waiting_for_hostd);
            pause(shop_.pace.probe);
            drain(nothing_to_lose() ? std::optional(patience - Clock::now()) : std::nullopt);
            if (again)
                commit(true, [&](bool) { shop_.journal.set_committed(id(), true); });
        } catch (const Error& error) {
            finish(step, StepState::failed, error.what());
            throw;
        }
        say(title);
    }
}

wire::Answer RunningWork::send(Step& step, const json::value& arguments, std::chrono::seconds deadline) {
    std::vector<wire::Ran> commands;
    wire::CallOptions options;
    options.id = fmt::format("{}.{}", id().str(), step.number);
    options.progress = [this, &options](double fraction) {
        shop_.board.progress(live_, [&](Task& task) { task.progress = std::clamp(fraction, 0.0, 1.0); });
        if (!cleaning_ && shop_.board.cancelled(live_))
            shop_.host.cancel(options.id);
    };
    const auto begun = Clock::now();
    options.ran = [&](const wire::Ran& ran) {
        commands.push_back(ran);
        if (Clock::now() - begun < shop_.pace.show_after)
            return;
        step.commands = kept(commands);
        shop_.journal.outcome(id(), step);
    };
    try {
        auto answer = shop_.host.perform(step.operation, arguments, deadline, options);
        live_.reached_host = true;
        step.commands = kept(commands.empty() ? answer.commands : commands);
        return answer;
    } catch (const Error& error) {
        live_.reached_host = live_.reached_host || error.code() != Code::hostd_away;
        step.commands = kept(commands);
        throw;
    } catch (const std::exception& error) { // an answer that is none
        live_.reached_host = true;
        step.commands = kept(commands);
        throw Error(Code::result_unknown, error.what());
    }
}

void RunningWork::failed(Step& step, const Error& error, bool commits) {
    if (error.code() == Code::result_unknown) {
        try {
            drain(nothing_to_lose() ? std::optional<Clock::duration>(shop_.pace.hostd_patience)
                                    : std::nullopt);
        } catch (const Error&) {
            // Whatever follows drains again.
        }
        finish(step, StepState::unknown, error.what());
        return;
    }
    if (first_commit_ && refused(error.code()))
        uncommit();
    else if (commits)
        live_.commit_failed = true;
    finish(step, StepState::failed, error.what());
}

} // namespace bhype::task
