#include "host/disks.h"

#include "host/text.h"

#include <pugixml.hpp>

#include <algorithm>
#include <set>

namespace bhype::host {

namespace {

using std::chrono::seconds;

std::string without_dev(std::string_view name) {
    return std::string(name.starts_with("/dev/") ? name.substr(5) : name);
}

/// GEOM's graph: which providers stand on which.
struct Mesh {
    struct Provider {
        std::string name;
        std::string mode;
    };
    std::map<std::string, std::vector<std::string>> geoms_on; ///< provider's id to ids of geoms that use it
    std::map<std::string, std::vector<std::string>> providers_of; ///< geom's id to ids of its providers
    std::map<std::string, Provider> providers;
    std::set<std::string> partition_tables; ///< ids of geoms of class PART

    explicit Mesh(const pugi::xml_node& mesh) {
        for (const auto& geom_class : mesh.children("class"))
            for (const auto& geom : geom_class.children("geom")) {
                const std::string id = geom.attribute("id").value();
                if (geom_class.child_value("name") == std::string_view("PART"))
                    partition_tables.insert(id);
                for (const auto& consumer : geom.children("consumer"))
                    geoms_on[consumer.child("provider").attribute("ref").value()].push_back(id);
                for (const auto& provider : geom.children("provider")) {
                    const std::string provider_id = provider.attribute("id").value();
                    providers_of[id].push_back(provider_id);
                    providers[provider_id] = {provider.child_value("name"), provider.child_value("mode")};
                }
            }
    }

    /// What holds the provider or anything on it; empty when nothing does.
    std::string use(const std::string& provider, const DeviceUses& uses, int depth = 0) const {
        const auto entry = providers.find(provider);
        if (entry == providers.end() || depth > 20) // the graph has no circles
            return {};
        if (const auto known = uses.find(entry->second.name); known != uses.end())
            return known->second;
        bool partitions = false;
        if (const auto on = geoms_on.find(provider); on != geoms_on.end())
            for (const auto& geom : on->second) {
                partitions = partitions || partition_tables.contains(geom);
                if (const auto made = providers_of.find(geom); made != providers_of.end())
                    for (const auto& child : made->second)
                        if (auto found = use(child, uses, depth + 1);
                            !found.empty() && found != "partitions" && found != "open")
                            return found;
            }
        if (partitions)
            return "partitions";
        return entry->second.mode == "r0w0e0" ? "" : "open";
    }
};

} // namespace

Command geom_confxml() {
    // -b: as it is; without it sysctl would print the name before it.
    Command command{.program = Program::sysctl,
                    .arguments = {"-b", "kern.geom.confxml"},
                    .input = std::nullopt,
                    .deadline = seconds(20)};
    command.output_limit = 64 << 20;
    return command;
}

Command swapctl_list() {
    return {.program = Program::swapctl, .arguments = {"-l"}, .input = std::nullopt, .deadline = seconds(10)};
}

Command mount_list() {
    return {.program = Program::mount, .arguments = {"-p"}, .input = std::nullopt, .deadline = seconds(20)};
}

void add_swap(const Output& output, DeviceUses& uses) {
    each_line(output.out, [&](std::string_view line) {
        if (const auto fields = words(line); !fields.empty() && fields[0].starts_with("/dev/"))
            uses.emplace(without_dev(fields[0]), "swap");
    });
}

void add_mounts(const Output& output, DeviceUses& uses) {
    each_line(output.out, [&](std::string_view line) {
        if (const auto fields = words(line); fields.size() >= 2 && fields[0].starts_with("/dev/"))
            uses.emplace(without_dev(fields[0]), "mounted on " + std::string(fields[1]));
    });
}

void add_pools(const std::map<std::string, std::string>& pools, std::string_view text, DeviceUses& uses) {
    for (const auto& [device, pool] : pools)
        uses.emplace(device, std::string(text) + pool);
}

std::vector<Disk> parse_disks(const Command& command, const Output& output, const DeviceUses& uses) {
    expect_success(command, output);
    // The string's own NUL is part of the value (sysctl -b).
    std::string_view text = output.out;
    while (!text.empty() && text.back() == '\0')
        text.remove_suffix(1);
    pugi::xml_document document;
    const auto parsed = document.load_buffer(text.data(), text.size());
    const auto mesh_node = document.child("mesh");
    if (!parsed || !mesh_node)
        unexpected(command.program, "GEOM's XML", parsed.description());
    const Mesh mesh(mesh_node);
    std::vector<Disk> disks;
    for (const auto& geom_class : mesh_node.children("class")) {
        if (geom_class.child_value("name") != std::string_view("DISK"))
            continue;
        for (const auto& geom : geom_class.children("geom")) {
            const auto provider = geom.child("provider");
            const auto name = DiskName::parse(geom.child_value("name"));
            if (!name || !provider || name->str().starts_with("cd"))
                continue;
            const auto size = number<std::uint64_t>(trimmed(provider.child_value("mediasize")));
            if (!size)
                unexpected(command.program, "mediasize of " + name->str(), provider.child_value("mediasize"));
            const auto facts = provider.child("config");
            disks.push_back({*name, ByteSize(*size), std::string(trimmed(facts.child_value("descr"))),
                             std::string(trimmed(facts.child_value("ident"))),
                             trimmed(facts.child_value("rotationrate")) == "0",
                             mesh.use(provider.attribute("id").value(), uses)});
        }
    }
    std::sort(disks.begin(), disks.end(), [](const Disk& a, const Disk& b) { return a.name < b.name; });
    return disks;
}

Command dd_to_volume(const DatasetName& volume) {
    return {.program = Program::dd,
            .arguments = {"of=/dev/zvol/" + volume.str(), "bs=1048576", "status=progress"},
            .input = std::nullopt,
            .deadline = seconds(3600)};
}

std::optional<std::uint64_t> parse_dd_progress(std::string_view line) {
    const auto fields = words(line);
    if (fields.size() < 2 || fields[1] != "bytes")
        return std::nullopt;
    return number<std::uint64_t>(fields[0]);
}

} // namespace bhype::host
