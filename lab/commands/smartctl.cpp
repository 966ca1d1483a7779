#include "lab/commands/smartctl.h"

#include "lab/commands/host_state.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>
#include <iostream>
#include <optional>

namespace bhype::lab {

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t nvme_unit = 512000;
constexpr int bad_line = 1, not_opened = 2, failing = 8;

/// smartctl's fields that set_smart() takes, with the most that NVMe's log page holds of each.
constexpr std::array<std::pair<std::string_view, std::int64_t>, 9> fields{{
    {"critical_warning", 255},
    {"temperature", 200},
    {"available_spare", 100},
    {"available_spare_threshold", 100},
    {"percentage_used", 255},
    {"media_errors", 1LL << 53},
    {"power_on_hours", 1LL << 53},
    {"self_test_result", 9}, // of the last one; there was none unless it is set
    {"unsafe_shutdowns", 1LL << 53},
}};

fs::path file_of(const fs::path& state, const std::string& disk) {
    return state / "smart" / disk;
}

/// Since the lab was switched on.
std::int64_t hours_on() {
    struct stat status {};
    const auto path = state_dir() / "config";
    if (::stat(path.c_str(), &status) != 0)
        return 0;
    return std::max<std::int64_t>(0, (std::time(nullptr) - status.st_mtime) / 3600);
}

struct Asked {
    bool json{false}, identity{false}, health{false}, attributes{false}, self_tests{false};
    std::string device;
};

/// A line as smartctl's own getopt takes it. What the lab does not know although smartctl does, ends it.
Asked parse(const std::vector<std::string>& arguments) {
    Asked asked;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& word = arguments[i];
        const auto value = [&] {
            if (++i == arguments.size())
                throw std::runtime_error(word + " without a value is not provided by the lab");
            return arguments[i];
        };
        if (word == "-j")
            asked.json = true;
        else if (word == "-i")
            asked.identity = true;
        else if (word == "-H")
            asked.health = true;
        else if (word == "-A")
            asked.attributes = true;
        else if (word == "-n")
            value(); // for ATA and SCSI alone
        else if (word == "-l" && value() == "selftest")
            asked.self_tests = true;
        else if (!word.starts_with("-") && asked.device.empty())
            asked.device = word;
        else
            throw std::runtime_error(word + " is not provided by the lab");
    }
    if (!asked.json)
        throw std::runtime_error("output without -j is not provided by the lab");
    return asked;
}

json::object heading(const std::vector<std::string>& arguments) {
    json::array argv{"smartctl"};
    for (const auto& word : arguments)
        argv.emplace_back(word);
    return {{"json_format_version", {1, 0}},
            {"smartctl",
             {{"version", {7, 5}},
              {"svn_revision", "5714"},
              {"platform_info", "FreeBSD " + release() + "-RELEASE amd64"},
              {"build_info", "(local build)"},
              {"argv", std::move(argv)}}}};
}

int finish(json::object& answer, int status, const std::string& error = {}) {
    auto& program = answer.at("smartctl").as_object();
    if (!error.empty())
        program["messages"] = json::array{json::object{{"string", error}, {"severity", "error"}}};
    program["exit_status"] = status;
    std::cout << json::serialize(answer) << '\n';
    return status;
}

/// src/nvmeprint.cpp: print_smart_log().
json::object smart_log(const std::map<std::string, std::int64_t>& set, const DiskTraffic& traffic) {
    const auto of = [&](const char* field, std::int64_t otherwise) {
        const auto found = set.find(field);
        return found == set.end() ? otherwise : found->second;
    };
    return {{"nsid", -1},
            {"critical_warning", of("critical_warning", 0)},
            {"temperature", of("temperature", 35)},
            {"available_spare", of("available_spare", 100)},
            {"available_spare_threshold", of("available_spare_threshold", 10)},
            {"percentage_used", of("percentage_used", 0)},
            {"data_units_read", static_cast<std::int64_t>(traffic.bytes_read) / nvme_unit},
            {"data_units_written", static_cast<std::int64_t>(traffic.bytes_written) / nvme_unit},
            {"power_cycles", 1},
            {"power_on_hours", of("power_on_hours", hours_on())},
            {"unsafe_shutdowns", of("unsafe_shutdowns", 0)},
            {"media_errors", of("media_errors", static_cast<std::int64_t>(traffic.failed))},
            {"num_err_log_entries", 0}};
}

void add_self_tests(const std::map<std::string, std::int64_t>& set, json::object& answer) {
    json::object log{{"nsid", -1},
                     {"current_self_test_operation", {{"value", 0}, {"string", "No self-test in progress"}}}};
    static constexpr std::array results{"Completed without error",           "Aborted: Self-test command",
                                        "Aborted: Controller Reset",         "Aborted: Namespace removed",
                                        "Aborted: Format NVM command",       "Fatal or unknown test error",
                                        "Completed: unknown failed segment", "Completed: failed segments",
                                        "Aborted: unknown reason",           "Aborted: sanitize operation"};
    if (const auto found = set.find("self_test_result"); found != set.end())
        log["table"] = json::array{json::object{
            {"self_test_code", {{"value", 1}, {"string", "Short"}}},
            {"self_test_result",
             {{"value", found->second}, {"string", results.at(static_cast<std::size_t>(found->second))}}},
            {"power_on_hours", 0}}};
    answer["nvme_self_test_log"] = std::move(log);
}

/// src/nvmeprint.cpp: print_critical_warning().
void add_status(std::int64_t bits, json::object& answer) {
    answer["smart_status"] = {{"passed", bits == 0},
                              {"nvme",
                               {{"value", bits},
                                {"spare_below_threshold", (bits & 1) != 0},
                                {"temperature_above_or_below_threshold", (bits & 2) != 0},
                                {"reliability_degraded", (bits & 4) != 0},
                                {"media_read_only", (bits & 8) != 0},
                                {"volatile_memory_backup_failed", (bits & 16) != 0},
                                {"persistent_memory_region_unreliable", (bits & 32) != 0},
                                {"other", bits & ~63}}}};
}

int answer_for(const LabDisk& disk, const Asked& asked, json::object& answer, const DiskTraffic& traffic) {
    answer["device"] = {
        {"name", asked.device}, {"info_name", asked.device}, {"type", "nvme"}, {"protocol", "NVMe"}};
    const auto set = smart_set(state_dir(), disk.name);
    const auto log = smart_log(set, traffic);
    const auto bits = log.at("critical_warning").to_number<std::int64_t>();
    if (asked.identity) {
        answer["model_name"] = disk.description;
        answer["serial_number"] = disk.ident;
        answer["firmware_version"] = "1.0";
        answer["smart_support"] = {{"available", true}, {"enabled", true}};
    }
    if (asked.health)
        add_status(bits, answer);
    if (asked.attributes) {
        answer["temperature"] = {{"current", log.at("temperature")}};
        answer["spare_available"] = {{"current_percent", log.at("available_spare")},
                                     {"threshold_percent", log.at("available_spare_threshold")}};
        answer["endurance_used"] = {{"current_percent", log.at("percentage_used")}};
        answer["power_cycle_count"] = log.at("power_cycles");
        answer["power_on_time"] = {{"hours", log.at("power_on_hours")}};
        answer["nvme_smart_health_information_log"] = log;
    }
    if (asked.self_tests)
        add_self_tests(set, answer);
    return asked.health && bits != 0 ? failing : 0;
}

} // namespace

void set_smart(const fs::path& state, const std::string& disk, const std::vector<std::string>& wanted) {
    std::string text;
    for (const auto& word : wanted) {
        const auto equals = word.find('=');
        const auto* const field = std::find_if(fields.begin(), fields.end(), [&](const auto& one) {
            return one.first == word.substr(0, equals);
        });
        if (equals == std::string::npos || field == fields.end())
            throw std::invalid_argument("no field of NVMe's log page: " + word);
        std::size_t end = 0;
        const auto value = std::stoll(word.substr(equals + 1), &end);
        if (end != word.size() - equals - 1 || value < 0 || value > field->second)
            throw std::invalid_argument("no value of that field: " + word);
        text += fmt::format("{} {}\n", field->first, value);
    }
    const auto file = file_of(state, disk);
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::trunc) << text;
}

std::map<std::string, std::int64_t> smart_set(const fs::path& state, const std::string& disk) {
    std::map<std::string, std::int64_t> set;
    std::ifstream in(file_of(state, disk));
    std::string field;
    for (std::int64_t value = 0; in >> field >> value;)
        set[field] = value;
    return set;
}

int smartctl_main(const std::vector<std::string>& arguments,
                  DiskTraffic (*traffic)(const std::string& disk)) {
    const auto asked = parse(arguments);
    auto answer = heading(arguments);
    if (asked.device.empty())
        return finish(answer, bad_line,
                      "ERROR: smartctl requires a device name as the final command-line argument.");
    if (asked.device.starts_with("/dev/nda"))
        throw std::runtime_error("nda(4), which smartctl takes for a SCSI disk, is not provided by the lab");
    if (asked.device.starts_with("/dev/nvd"))
        return finish(answer, bad_line, asked.device + ": To monitor NVMe disks use /dev/nvme* device names");
    const auto disks = lab_disks();
    const auto disk = std::find_if(disks.begin(), disks.end(),
                                   [&](const auto& one) { return "/dev/" + one.controller == asked.device; });
    if (disk == disks.end() && !asked.device.starts_with("/dev/nvme"))
        return finish(answer, bad_line, asked.device + ": Unable to detect device type");
    const auto refused = [&](const char* why) {
        return finish(answer, not_opened, "Smartctl open device: " + asked.device + " failed: " + why);
    };
    if (disk == disks.end())
        return refused("No such file or directory");
    if (::geteuid() != 0)
        return refused("Permission denied");
    const int status = answer_for(*disk, asked, answer, traffic(disk->name));
    return finish(answer, status);
}

} // namespace bhype::lab
