#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

namespace bhype::cli {

namespace {

struct LookOptions {
    std::string vm, snapshot, disk, partition, path, output;
    std::int64_t from = 0;
    std::int64_t limit = 1000;
};

std::string target_of(const LookOptions& options, const std::string& what) {
    std::string target = "/api/v1/vms/" + escaped(options.vm) + "/snapshots/" + escaped(options.snapshot) +
                         what + "?path=" + escaped(options.path);
    if (!options.disk.empty())
        target += "&disk=" + escaped(options.disk);
    if (!options.partition.empty())
        target += "&partition=" + escaped(options.partition);
    return target;
}

/// As ls(1) -l: "drwxr-x---".
std::string mode_text(const json::value& entry) {
    const auto kind = text(entry, "kind");
    const auto bits = number(entry, "mode");
    std::string out(1, kind == "directory" ? 'd' : kind == "link" ? 'l' : kind == "file" ? '-' : '?');
    for (int shift = 6; shift >= 0; shift -= 3) {
        const auto three = bits >> shift & 7;
        out += (three & 4) != 0 ? 'r' : '-';
        out += (three & 2) != 0 ? 'w' : '-';
        const bool special = (bits & (shift == 6 ? 04000 : shift == 3 ? 02000 : 01000)) != 0;
        const char letter = shift == 0 ? 't' : 's';
        out += special            ? (three & 1) != 0 ? letter : static_cast<char>(letter - 32)
                          : (three & 1) != 0 ? 'x'
                                  : '-';
    }
    return out;
}

std::string partitions_table(const json::value& shown, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : shown.at("partitions").as_array())
        rows.push_back({text(one, "name"), size(one.at("size")), text(one, "file_system"), text(one, "type"),
                        text(one, "problem")});
    return table({"PARTITION", "SIZE", "FILESYSTEM", "TYPE", "PROBLEM"}, rows, plain);
}

std::string listing(const json::value& shown, const LookOptions& options, bool plain) {
    if (text(shown, "partition").empty())
        return partitions_table(shown, plain);
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : shown.at("entries").as_array()) {
        const auto when = number(one, "modified");
        const auto target = text(one, "target");
        rows.push_back({mode_text(one), std::to_string(number(one, "uid")),
                        std::to_string(number(one, "gid")), std::to_string(number(one, "size")),
                        when == 0 ? "-" : moment(when),
                        text(one, "name") + (target.empty() ? "" : " -> " + target)});
    }
    auto out = table({"MODE", "UID", "GID", "SIZE", "MODIFIED", "NAME"}, rows, plain);
    const auto total = number(shown, "total");
    if (!plain && total > static_cast<std::int64_t>(rows.size()))
        out += std::to_string(rows.size()) + " of " + std::to_string(total) + " from entry " +
               std::to_string(options.from) + "; --from and --limit show others\n";
    return out;
}

/// A file that is whole or is not there.
class Target {
  public:
    explicit Target(const std::string& path) : path_(path) {
        if (path.empty()) {
            fd_ = STDOUT_FILENO;
            return;
        }
        owned_ = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (!owned_)
            throw Error(Code::invalid_field, {}, {{"-o", path + ": " + std::strerror(errno)}});
        fd_ = owned_.get();
    }
    ~Target() {
        if (owned_ && !whole_)
            ::unlink(path_.c_str());
    }
    Target(const Target&) = delete;
    void write(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto written = ::write(fd_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR)
                continue;
            if (written <= 0)
                throw Error(Code::no_space,
                            (path_.empty() ? "standard output" : path_) + ": " + std::strerror(errno));
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    void keep() { whole_ = true; }

  private:
    std::string path_;
    Fd owned_;
    int fd_ = -1;
    bool whole_ = false;
};

int get(Context& context, const LookOptions& options) {
    if (options.output.empty() && ::isatty(STDOUT_FILENO) == 1) {
        std::cerr << "bhype: a guest's file may hold anything, also what upsets a terminal; -o FILE writes "
                     "it to one\n";
        return usage;
    }
    // Only once the first byte is there: a refusal leaves a file as it was.
    std::unique_ptr<Target> target;
    context.api().download(target_of(options, "/file"), [&](std::string_view piece) {
        if (!target)
            target = std::make_unique<Target>(options.output);
        target->write(piece);
    });
    if (!target)
        target = std::make_unique<Target>(options.output);
    target->keep();
    return done;
}

} // namespace

void add_look_commands(CLI::App& snapshots, Context& context) {
    const auto options = std::make_shared<LookOptions>();
    options->path = "/";
    const auto of_disk = [&](const char* name, const char* summary, std::function<int()> action) {
        auto* command = verb(snapshots, context, name, summary, std::move(action));
        command->add_option("VM", options->vm, "the VM")->required();
        command->add_option("NAME", options->snapshot, "the snapshot")->required();
        command->add_option("--disk", options->disk, "which disk; the first one when missing");
        command->add_option("--partition", options->partition,
                            "which partition, 0 for the whole disk; the only readable one when missing");
        return command;
    };
    auto* files = of_disk("files", "List a directory of a snapshot's disk, or its partitions", [&, options] {
        return context.print(
            target_of(*options, "/files") + "&from=" + std::to_string(options->from) +
                "&limit=" + std::to_string(options->limit),
            [&](const json::value& shown) { return listing(shown, *options, context.plain); });
    });
    files->add_option("PATH", options->path, "the directory, / when missing");
    files->add_option("--from", options->from, "leave out that many entries");
    files->add_option("--limit", options->limit, "at most that many, 1000 when missing");
    auto* getting =
        of_disk("get", "Read one file of a snapshot's disk", [&, options] { return get(context, *options); });
    getting->add_option("PATH", options->path, "the file, as a listing shows it")->required();
    getting->add_option("-o,--output", options->output,
                        "write it to that file; standard output when missing");
}

} // namespace bhype::cli
