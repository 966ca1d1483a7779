#include "hostd/context.h"

#include "host/look.h"
#include "hostd/looks.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace bhype::hostd {

namespace {

constexpr std::size_t longest_line = std::size_t{64} << 10;

/// The first line of a stream of which the rest belongs to somebody else.
std::string first_line(int from, std::chrono::seconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    std::string line;
    while (line.size() < longest_line) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waiting{from, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            throw Error(Code::look_unreadable,
                        "the disk's contents could not be read: it takes longer than " +
                            std::to_string(patience.count()) + " seconds");
        char byte = 0;
        const auto got = ::read(from, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || byte == '\n')
            break;
        line += byte;
    }
    return line;
}

Looks::Disk disk_of(Context& context, const DatasetName& volume, const SnapshotLabel& label) {
    context.require(a_disk(volume).pool);
    return context.house.looks.open(volume, label, context.runner());
}

} // namespace

BHYPE_PERFORM(SnapshotLook) {
    const auto disk = disk_of(context, operation.volume, operation.label);
    const auto list = host::look_list(operation);
    run::Options options;
    options.input = disk.device();
    options.cancel = disk.wish();
    const auto output = context.command(list, options);
    if (output.cancelled)
        throw Error(Code::not_found, "the snapshot is being deleted");
    return host::parse_look(list, output);
}

BHYPE_PERFORM(SnapshotFile) {
    const auto command = host::look_file(operation);
    const auto begun = std::chrono::steady_clock::now();
    auto reader = context.house.looks.start(disk_of(context, operation.volume, operation.label), command);
    const auto told = [&](int status, const std::string& words) {
        context.ran(
            {host::display(command), status, words,
             std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun)
                 .count()});
    };
    try {
        auto found = host::parse_look_file(first_line(reader.output.get(), command.deadline));
        told(0, "");
        context.output = std::move(reader.output);
        return found;
    } catch (const Error& error) {
        context.house.looks.end(reader.pid);
        told(1, error.detail());
        throw;
    }
}

} // namespace bhype::hostd
