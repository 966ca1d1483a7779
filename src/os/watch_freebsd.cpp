#include "os/process.h"

#include "base/error.h"

#include <sys/event.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

namespace bhype::os {

struct ProcessWatch::State {
    Fd queue;
    std::optional<End> end;

    explicit State(pid_t pid) : queue(::kqueue()) {
        struct kevent change {};
        EV_SET(&change, static_cast<uintptr_t>(pid), EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, nullptr);
        if (::kevent(queue.get(), &change, 1, nullptr, 0, nullptr) != 0) {
            if (errno == ESRCH)
                throw Error(Code::not_found, "process " + std::to_string(pid));
            throw Error(Code::internal, std::string("kevent: ") + std::strerror(errno));
        }
    }
};

ProcessWatch::ProcessWatch(std::shared_ptr<State> state) : state_(std::move(state)) {}
ProcessWatch::ProcessWatch(ProcessWatch&&) noexcept = default;
ProcessWatch& ProcessWatch::operator=(ProcessWatch&&) noexcept = default;
ProcessWatch::~ProcessWatch() = default;

ProcessWatch::ProcessWatch(const ProcessId& id) : state_(std::make_shared<State>(id.pid)) {
    // The knote holds on to the process that had the pid when it was made: only now is the question safe.
    if (!lives(id))
        throw Error(Code::not_found, "process " + std::to_string(id.pid));
}

ProcessWatch ProcessWatch::child(pid_t pid) {
    return ProcessWatch(std::make_shared<State>(pid));
}

int ProcessWatch::descriptor() const {
    return state_->queue.get();
}

std::optional<ProcessWatch::End> ProcessWatch::end() {
    struct kevent event {};
    const timespec now{};
    if (!state_->end && ::kevent(state_->queue.get(), nullptr, 0, &event, 1, &now) == 1) {
        state_->end = End{static_cast<int>(event.data)};
        // A process's end is told once; descriptor() must stay readable.
        struct kevent again {};
        EV_SET(&again, 1, EVFILT_USER, EV_ADD, NOTE_TRIGGER, 0, nullptr);
        ::kevent(state_->queue.get(), &again, 1, nullptr, 0, nullptr);
    }
    return state_->end;
}

} // namespace bhype::os
