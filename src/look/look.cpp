#include "look/look.h"

#include "look/disk.h"
#include "look/tree.h"

#include <unistd.h>

#include <cerrno>

namespace bhype::look {

namespace {

bool write_all(int out, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(out, text.data(), text.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::optional<PartitionName> partition_of(const std::string& text) {
    return text == "-" ? std::nullopt : std::optional(PartitionName::from(text));
}

void list(const std::vector<std::string>& arguments, int disk, int out) {
    Image image(disk);
    host::Look answer;
    answer.partitions = partitions(image);
    if (const auto* partition = chosen(answer.partitions, partition_of(arguments[1]))) {
        const auto system = open_file_system(image, *partition);
        auto page = look::list(*system, GuestPath::from(arguments[2]), std::stoll(arguments[3]),
                               std::stoll(arguments[4]));
        answer.partition = partition->name;
        answer.path = page.path;
        answer.total = page.total;
        answer.entries = std::move(page.entries);
    }
    write_all(out, encode_text(answer));
}

void file(const std::vector<std::string>& arguments, int disk, int out, bool& begun) {
    Image image(disk);
    const auto all = partitions(image);
    const auto* partition = chosen(all, partition_of(arguments[1]));
    if (!partition)
        throw Error(Code::invalid_field, {},
                    {{"partition", "must be chosen: more or less than one can be read"}});
    const auto system = open_file_system(image, *partition);
    read(
        *system, GuestPath::from(arguments[2]),
        [&](const host::SnapshotFileResult& result) {
            begun = true;
            write_all(out, encode_text(result) + '\n');
        },
        [&](std::string_view piece) { return write_all(out, piece); });
}

} // namespace

int run(const std::vector<std::string>& arguments, int disk, int out) {
    bool begun = false;
    try {
        if (arguments.size() == 5 && arguments[0] == "list")
            list(arguments, disk, out);
        else if (arguments.size() == 3 && arguments[0] == "file")
            file(arguments, disk, out, begun);
        else
            throw Error(Code::invalid_request, "bhype-look list|file PARTITION PATH [FROM LIMIT]");
        return 0;
    } catch (const std::bad_alloc&) {
        if (!begun)
            write_all(out, json::serialize(problem_document(Error(Code::look_too_large))) + '\n');
    } catch (const Error& error) {
        if (!begun)
            write_all(out, json::serialize(problem_document(error)) + '\n');
    } catch (const std::exception& error) {
        if (!begun)
            write_all(out,
                      json::serialize(problem_document(Error(Code::look_unreadable, error.what()))) + '\n');
    }
    return begun ? 2 : 1;
}

} // namespace bhype::look
