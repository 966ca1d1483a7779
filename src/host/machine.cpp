#include "host/machine.h"

#include "base/toml.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace bhype::host {

namespace {

constexpr std::size_t most_tags = 16;

std::string toml_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            quoted += {'\\', c};
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else
            quoted += c;
    }
    return quoted + '"';
}

/// A string, a number, true, false, or an array of them.
std::string toml_value(const json::value& value) {
    if (value.is_array()) {
        std::string text;
        for (const auto& item : value.get_array())
            text += (text.empty() ? "" : ", ") + toml_value(item);
        return '[' + text + ']';
    }
    if (value.is_string())
        return toml_string({value.get_string().data(), value.get_string().size()});
    return json::serialize(value); // whole numbers, true and false look the same in TOML
}

bool is_table(const json::value& value) {
    return value.is_object() ||
           (value.is_array() && (value.get_array().empty() || value.get_array().front().is_object()));
}

void print_keys(const json::object& object, std::string& text) {
    for (const auto& [key, value] : object)
        if (!is_table(value))
            text += fmt::format("{} = {}\n", std::string_view(key), toml_value(value));
}

/// Devices by name and slot, whatever their kind.
template <class Visit>
void each_device(const Machine& machine, Visit visit) {
    const auto all = [&](const char* list, const auto& devices) {
        for (std::size_t i = 0; i < devices.size(); ++i)
            visit(fmt::format("{}[{}]", list, i), devices[i].name, devices[i].slot);
    };
    all("disks", machine.disks);
    all("nics", machine.nics);
    all("cds", machine.cds);
}

bool good_serial(std::string_view serial) {
    return !serial.empty() && serial.size() <= 20 && serial[0] != '-' &&
           std::all_of(serial.begin(), serial.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
           });
}

} // namespace

std::vector<FieldProblem> tag_problems(const std::vector<Tag>& tags) {
    std::vector<FieldProblem> problems;
    if (tags.size() > most_tags)
        problems.push_back({"tags", fmt::format("are at most {}", most_tags)});
    for (auto tag = tags.begin(); tag != tags.end(); ++tag)
        if (std::find(tags.begin(), tag, *tag) != tag)
            problems.push_back({fmt::format("tags[{}]", tag - tags.begin()), tag->str() + " is there twice"});
    return problems;
}

std::vector<FieldProblem> machine_problems(const Machine& machine) {
    Problems problems;
    // A value that was made here and not decoded may hold what no file could.
    Machine again;
    decode_into(encode(machine), again, problems);

    std::set<std::string> names;
    std::set<std::int64_t> slots;
    each_device(machine, [&](const std::string& field, const DeviceName& name, Slot slot) {
        if (!names.insert(name.str()).second)
            problems.add(field + ".name", "is used twice: " + name.str());
        if (!slots.insert(slot).second)
            problems.add(field + ".slot", fmt::format("is used twice: {}", slot.value));
    });
    for (std::size_t i = 0; i < machine.disks.size(); ++i)
        if (!good_serial(machine.disks[i].serial))
            problems.add(fmt::format("disks[{}].serial", i),
                         "must be 1 to 20 letters, digits or '-', not beginning with '-'");
    for (const auto& problem : tag_problems(machine.tags))
        problems.add(problem.field, problem.rule);
    if (!machine.created_from.empty() && !Note::accepts(machine.created_from))
        problems.add("created_from", "must be " + std::string(Note::text_rule().rule));
    return problems.found();
}

Machine parse_machine(std::string_view toml) {
    json::value value;
    try {
        value = parse_toml(toml, "vm.toml");
    } catch (const Error& error) {
        throw Error(Code::invalid_request, error.detail());
    }
    auto machine = decode<Machine>(value);
    if (auto problems = machine_problems(machine); !problems.empty())
        throw Error(Code::invalid_field, "vm.toml", std::move(problems));
    return machine;
}

std::string print_machine(const Machine& machine) {
    auto object = encode(machine).get_object();
    object["memory"] = json::string(machine.memory.value.str());
    std::string text = "# Written by bHype; see vm.toml(5).\n";
    print_keys(object, text);
    for (const auto& [key, value] : object) {
        if (value.is_object()) {
            text += fmt::format("\n[{}]\n", std::string_view(key));
            print_keys(value.get_object(), text);
        } else if (is_table(value)) {
            for (const auto& item : value.get_array()) {
                text += fmt::format("\n[[{}]]\n", std::string_view(key));
                print_keys(item.get_object(), text);
            }
        }
    }
    return text;
}

Slot free_slot(const Machine& machine, int first) {
    std::set<std::int64_t> slots;
    each_device(machine, [&](const std::string&, const DeviceName&, Slot slot) { slots.insert(slot); });
    for (std::int64_t slot = std::max(first, 1); slot <= 27; ++slot)
        if (!slots.contains(slot))
            return Slot(slot);
    throw Error(Code::vm_refused, fmt::format("no PCI slot from {} to 27 is free", first));
}

} // namespace bhype::host
