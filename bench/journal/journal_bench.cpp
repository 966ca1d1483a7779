// Durable commits a second of the task journal.
//   journal_bench FILE WRITERS SECONDS   prints "COMMITS SECONDS FSYNCS": steps that WRITERS threads have
//   written
//                                        down, each waiting until its step is on the disk before its next

#include "task/journal.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <thread>

namespace {

using namespace bhype;
using Clock = std::chrono::steady_clock;

TaskId submit(task::Journal& journal, int writer) {
    task::Task task;
    task.id = TaskId::from(fmt::format("t{:016x}", writer));
    task.kind = "vm.start";
    task.object = fmt::format("vm/bench{}", writer);
    task.title = "start VM bench";
    task.user = "root";
    task.source = "cli";
    task.created = task::now();
    task::Submission submission;
    submission.input = json::object{{"name", "bench"}};
    return journal.submit(task, submission, std::chrono::hours(24)).id;
}

void run(const std::string& file, int writers, double seconds) {
    store::Database database(file);
    task::Journal journal(database);
    std::vector<TaskId> tasks;
    for (int i = 0; i < writers; ++i)
        tasks.push_back(submit(journal, i));
    const json::value arguments = json::object{{"name", "tank/bhype/vm/bench"}, {"snapshots", false}};
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> commits{0};
    std::vector<std::thread> threads;
    const auto before = database.counters().transactions;
    const auto began = Clock::now();
    for (int i = 0; i < writers; ++i)
        threads.emplace_back([&, i] {
            task::Step step;
            step.title = "Look for the template's disk";
            step.operation = "dataset.list";
            while (!over) {
                ++step.number;
                step.started = task::now();
                journal.intent(tasks[static_cast<std::size_t>(i)], step, arguments, false);
                ++commits;
            }
        });
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    over = true;
    for (auto& thread : threads)
        thread.join();
    const std::chrono::duration<double> took = Clock::now() - began;
    std::printf("%llu %.3f %llu\n", static_cast<unsigned long long>(commits.load()), took.count(),
                static_cast<unsigned long long>(database.counters().transactions - before));
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 4)
            throw std::runtime_error("usage: journal_bench FILE WRITERS SECONDS");
        run(argv[1], std::atoi(argv[2]), std::atof(argv[3]));
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
