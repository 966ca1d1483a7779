#pragma once

#include "lab/core/command.h"
#include "lab/core/layout.h"

#include <functional>
#include <span>

namespace bhype::lab {

enum class DiskChange { pull, insert, blank };

/// What the other rooms of the lab add to a lab's life.
struct Hooks {
    /// The commands that a lab has.
    std::span<const Command> commands;
    /// Outside, once: puts a room's files into a new lab's root.
    std::vector<std::function<void(const std::filesystem::path& root, const LabConfig&)>> install;
    /// Outside, around the life of the lab's processes: before they start, after they were cut off, and after
    /// a shutdown in order. run_dir() is empty and there when power_on is called.
    std::vector<std::function<void(const Layout&, const LabConfig&)>> power_on;
    std::vector<std::function<void(const Layout&)>> power_off;
    std::vector<std::function<void(const Layout&)>> stop;
    /// Outside, of a lab that is up: a disk goes, comes back, or a blank one comes in its place.
    std::function<void(const Layout&, const LabConfig&, const std::string& name, DiskChange)> disk;
    /// Outside: what a disk says of its health from now on, as "FIELD=VALUE"; none: the truth.
    std::function<void(const Layout&, const LabConfig&, const std::string& name,
                       const std::vector<std::string>& fields)>
        smart;
    /// Inside, as root, at each boot before rc starts; the text tells the person who waits.
    std::vector<std::pair<std::string, std::function<void(const LabConfig&)>>> boot;
    /// Inside, as root, for as long as the lab is up: each in a process of its own, part of the "kernel".
    std::vector<void (*)()> background;
    /// Inside, as root, after rc.shutdown and before the end of all processes.
    std::vector<std::function<void()>> shutdown;
};

} // namespace bhype::lab
