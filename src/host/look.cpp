#include "host/look.h"

#include "host/text.h"
#include "host/zfs.h"

#include <algorithm>
#include <array>

namespace bhype::host {

namespace {

using std::chrono::seconds;

/// A reader that is held by hostile data may not pass off any other failure.
constexpr std::array its_codes{Code::not_found, Code::invalid_field, Code::look_unreadable,
                               Code::look_too_large};

std::string of(const std::optional<PartitionName>& partition) {
    return partition ? partition->str() : "-";
}

[[noreturn]] void broken(std::string why) {
    throw Error(Code::look_unreadable, "the disk's contents could not be read: " + std::move(why));
}

/// What it prints is JSON in either case.
json::value parsed(std::string_view text) {
    try {
        auto document = parse_json(text);
        if (document.is_object())
            return document;
    } catch (const Error&) { // it is said below, in other words
    }
    broken("bhype-look gave no answer");
}

void throw_its_error(const json::value& document) {
    if (!document.as_object().contains("code"))
        return;
    auto error = error_from(document);
    if (std::ranges::find(its_codes, error.code()) == its_codes.end())
        broken(error.detail());
    throw error;
}

/// It was near to hostile data: what it says is looked at again before people see it.
void check(const Look& found) {
    const auto line = [](const std::string& text) {
        return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    };
    bool good = found.partitions.size() <= 256 && found.entries.size() <= 1000;
    for (const auto& partition : found.partitions)
        good = good && line(partition.type) && line(partition.file_system) && line(partition.problem);
    for (const auto& entry : found.entries)
        good = good && !entry.name.empty() && GuestPath::accepts("/" + entry.name) &&
               entry.name.find('/') == entry.name.npos && line(entry.target);
    if (!good)
        broken("bhype-look gave no answer");
}

} // namespace

bool is_look(std::string_view dataset) {
    const auto slash = dataset.rfind('/');
    return slash != dataset.npos && dataset.substr(0, slash).ends_with("/bhype/.new") &&
           dataset.substr(slash + 1).starts_with(look_prefix);
}

Command zfs_clone_to_look(const DatasetName& origin, const SnapshotLabel& label, const DatasetName& name) {
    return zfs(
        {"clone", "-o", "readonly=on", "-o", "volmode=dev", origin.str() + '@' + label.str(), name.str()});
}

Command zfs_destroy_look(const DatasetName& name) {
    return zfs({"destroy", name.str()});
}

Command look_list(const SnapshotLook& wanted) {
    return {.program = Program::look,
            .arguments = {"list", of(wanted.partition), wanted.path.str(),
                          std::to_string(std::int64_t(wanted.from)),
                          std::to_string(std::int64_t(wanted.limit))},
            .input = std::nullopt,
            .deadline = seconds(90),
            .output_limit = 8 << 20};
}

Command look_file(const SnapshotFile& wanted) {
    return {.program = Program::look,
            .arguments = {"file", of(wanted.partition), wanted.path.str()},
            .input = std::nullopt,
            .deadline = seconds(90)};
}

Look parse_look(const Command& command, const Output& output) {
    if (output.missed_deadline)
        broken("it takes longer than " + std::to_string(command.deadline.count()) + " seconds");
    if (output.exit_status > 128)
        broken("bhype-look was ended by signal " + std::to_string(output.exit_status - 128));
    if (output.truncated)
        broken("bhype-look printed too much");
    const auto document = parsed(output.out);
    throw_its_error(document);
    try {
        auto found = decode<Look>(document);
        check(found);
        return found;
    } catch (const Error& error) {
        broken(error.what());
    }
}

SnapshotFileResult parse_look_file(std::string_view line) {
    const auto document = parsed(line);
    throw_its_error(document);
    try {
        auto found = decode<SnapshotFileResult>(document);
        if (found.size.bytes() > longest_look_file)
            throw Error(Code::look_too_large, found.size.human());
        return found;
    } catch (const Error& error) {
        if (error.code() == Code::look_too_large)
            throw;
        broken(error.what());
    }
}

} // namespace bhype::host
