#include "host/smartctl.h"

#include "host/text.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace bhype::host {

namespace {

using std::chrono::seconds;
using Integer = std::optional<std::int64_t>;

constexpr int line_bit = 1, open_bit = 2, failing_bit = 8;
constexpr int asleep_status = line_bit | open_bit; // smartctl itself never has both
constexpr std::int64_t nvme_unit = 512000;         // data units are thousands of 512 bytes

const json::value* at(const json::value* value, std::initializer_list<std::string_view> path) {
    for (const auto key : path) {
        if (!value || !value->is_object())
            return nullptr;
        value = value->as_object().if_contains(key);
    }
    return value;
}

/// Entries that nobody used yet are null.
const json::value* first(const json::value* list) {
    if (list && list->is_array())
        for (const auto& one : list->as_array())
            if (one.is_object())
                return &one;
    return nullptr;
}

Integer integer(const json::value* value) {
    if (!value || !value->is_number())
        return std::nullopt;
    boost::system::error_code failed;
    const auto found = value->to_number<std::int64_t>(failed);
    return failed ? std::nullopt : Integer(found);
}

std::string text(const json::value* value) {
    return value && value->is_string() ? std::string(trimmed(value->as_string())) : std::string();
}

std::optional<bool> truth(const json::value* value) {
    return value && value->is_bool() ? std::optional(value->as_bool()) : std::nullopt;
}

/// The errors that smartctl told, or all that it told when none is called so.
std::string messages(const json::value& root) {
    std::string errors, all;
    const auto* list = at(&root, {"smartctl", "messages"});
    if (!list || !list->is_array())
        return {};
    for (const auto& one : list->as_array()) {
        const auto words = text(at(&one, {"string"}));
        all += (all.empty() ? "" : "; ") + words;
        if (text(at(&one, {"severity"})) == "error")
            errors += (errors.empty() ? "" : "; ") + words;
    }
    return errors.empty() ? all : errors;
}

/// Raw values are the maker's own: "0 (Average 3)", or several numbers in one. The first number is the count.
Integer count(const json::value& attribute) {
    const auto shown = text(at(&attribute, {"raw", "string"}));
    const auto digits = shown.substr(0, shown.find_first_not_of("0123456789"));
    const auto leading = number<std::int64_t>(digits);
    return leading ? leading : integer(at(&attribute, {"raw", "value"}));
}

/// Which attribute a number stands for differs between makers: the name must say the same.
bool is(const json::value& attribute, std::int64_t id, std::string_view part) {
    return integer(at(&attribute, {"id"})) == id &&
           text(at(&attribute, {"name"})).find(part) != std::string::npos;
}

void add_attribute(const json::value& attribute, DiskHealthResult& found) {
    if (is(attribute, 5, "Realloc"))
        found.reallocated = count(attribute);
    if (is(attribute, 197, "Pending_Sector"))
        found.pending = count(attribute);
    if (is(attribute, 198, "Uncorrect"))
        found.uncorrectable = count(attribute);
    // What is left of an SSD's life, in percent, for a smartctl that does not sum that up itself.
    for (const auto& [id, part] : {std::pair(177, "Wear_Leveling"), std::pair(202, "Lifetime_Remain"),
                                   std::pair(231, "Life_Left"), std::pair(233, "Wearout")})
        if (const auto left = integer(at(&attribute, {"value"}));
            !found.wear && left && *left <= 100 && is(attribute, id, part))
            found.wear = 100 - *left;
    if (text(at(&attribute, {"when_failed"})) == "now")
        found.failed_attributes.push_back({text(at(&attribute, {"name"})),
                                           integer(at(&attribute, {"value"})).value_or(0),
                                           integer(at(&attribute, {"thresh"})).value_or(0),
                                           truth(at(&attribute, {"flags", "prefailure"})).value_or(false)});
}

void add_ata(const json::value& root, DiskHealthResult& found) {
    if (const auto* table = at(&root, {"ata_smart_attributes", "table"}); table && table->is_array())
        for (const auto& attribute : table->as_array())
            add_attribute(attribute, found);
    if (const auto left = integer(at(&root, {"ata_smart_data", "self_test", "status", "remaining_percent"})))
        found.test_left = left;
    const auto* log = at(&root, {"ata_smart_self_test_log"});
    for (const auto* kind : {"extended", "standard"})
        if (const auto* test = first(at(log, {kind, "table"})); test && !found.self_test)
            found.self_test =
                SelfTest{text(at(test, {"type", "string"})), text(at(test, {"status", "string"})),
                         truth(at(test, {"status", "passed"})), integer(at(test, {"lifetime_hours"}))};
}

/// Results of tests: 0 is well, 5 to 7 failed, others were ended early (NVM Express 1.4, Device Self-test
/// log).
void add_nvme(const json::value& root, DiskHealthResult& found) {
    const auto* log = at(&root, {"nvme_smart_health_information_log"});
    found.wear = integer(at(log, {"percentage_used"}));
    found.media_errors = integer(at(log, {"media_errors"}));
    found.spare = integer(at(log, {"available_spare"}));
    found.spare_threshold = integer(at(log, {"available_spare_threshold"}));
    const auto bytes = [&](const char* key) -> std::optional<ByteSize> {
        const auto units = integer(at(log, {key}));
        return units && *units >= 0 && *units < (std::int64_t{1} << 43)
                   ? std::optional(ByteSize(static_cast<std::uint64_t>(*units * nvme_unit)))
                   : std::nullopt;
    };
    found.read = bytes("data_units_read");
    found.written = bytes("data_units_written");
    const auto bits = integer(at(log, {"critical_warning"})).value_or(0);
    static constexpr std::array known{NvmeWarning::spare,       NvmeWarning::temperature,
                                      NvmeWarning::reliability, NvmeWarning::read_only,
                                      NvmeWarning::backup,      NvmeWarning::memory_region};
    for (std::size_t bit = 0; bit < known.size(); ++bit)
        if (bits >> bit & 1)
            found.warnings.push_back(known.at(bit));
    if (bits >> known.size() != 0)
        found.warnings.push_back(NvmeWarning::other);
    const auto* tests = at(&root, {"nvme_self_test_log"});
    if (const auto done = integer(at(tests, {"current_self_test_completion_percent"})))
        found.test_left = 100 - *done;
    if (const auto* test = first(at(tests, {"table"}))) {
        const auto result = integer(at(test, {"self_test_result", "value"})).value_or(15);
        found.self_test = SelfTest{text(at(test, {"self_test_code", "string"})),
                                   text(at(test, {"self_test_result", "string"})),
                                   result == 0                  ? std::optional(true)
                                   : result >= 5 && result <= 7 ? std::optional(false)
                                                                : std::nullopt,
                                   integer(at(test, {"power_on_hours"}))};
    }
}

/// Results of tests: 0 is well, 3 to 7 failed, 15 runs (SPC-3, self-test results log).
void add_scsi(const json::value& root, DiskHealthResult& found) {
    found.reallocated = integer(at(&root, {"scsi_grown_defect_list"}));
    found.pending = integer(at(&root, {"scsi_pending_defects", "count"}));
    for (const auto* way : {"read", "write", "verify"})
        if (const auto lost = integer(at(&root, {"scsi_error_counter_log", way, "total_uncorrected_errors"})))
            found.uncorrectable = found.uncorrectable.value_or(0) + *lost;
    if (const auto* test = at(&root, {"scsi_self_test_0"})) {
        const auto result = integer(at(test, {"result", "value"})).value_or(15);
        found.self_test = SelfTest{text(at(test, {"code", "string"})), text(at(test, {"result", "string"})),
                                   result == 0                  ? std::optional(true)
                                   : result >= 3 && result <= 7 ? std::optional(false)
                                                                : std::nullopt,
                                   integer(at(test, {"power_on_time", "hours"}))};
    }
    if (const auto done = integer(at(&root, {"scsi_self_test_status", "completion_percent"})))
        found.test_left = 100 - *done;
    if (const auto why = text(at(&root, {"smart_status", "scsi", "ie_string"})); !why.empty())
        found.remark = why;
}

} // namespace

DiskHealthResult unknown_health(HealthReason reason, std::string remark) {
    DiskHealthResult result;
    result.reason = reason;
    result.remark = std::move(remark);
    return result;
}

bool is_nvme(const DiskName& disk) {
    return disk.str().starts_with("nda") || disk.str().starts_with("nvd");
}

Command diskinfo_attachment(const DiskName& disk) {
    return {.program = Program::diskinfo,
            .arguments = {"-v", "/dev/" + disk.str()},
            .input = std::nullopt,
            .deadline = seconds(10)};
}

std::optional<DiskName> parse_attachment(const Command& command, const Output& output) {
    expect_success(command, output);
    std::optional<DiskName> found;
    each_line(output.out, [&](std::string_view line) {
        const auto fields = words(line);
        if (fields.size() == 3 && fields[1] == "#" && fields[2] == "Attachment" &&
            fields[0].starts_with("nvme"))
            found = DiskName::parse(fields[0]);
    });
    return found;
}

Command smartctl_health(const DiskName& device) {
    return {.program = Program::smartctl,
            .arguments = {"-j", "-n", "standby," + std::to_string(asleep_status), "-i", "-H", "-A", "-l",
                          "selftest", "/dev/" + device.str()},
            .input = std::nullopt,
            .deadline = seconds(30)};
}

DiskHealthResult parse_health(const Command& command, const Output& output) {
    if (output.missed_deadline)
        return unknown_health(HealthReason::no_answer, "smartctl had no answer within " +
                                                           std::to_string(command.deadline.count()) + " s");
    if (output.cancelled || output.truncated || output.exit_status > 255)
        expect_success(command, output);
    json::value root;
    try {
        root = parse_json(output.out);
    } catch (const Error&) {
        // Also a smartctl before 7.0, which knows no -j.
        unexpected(command.program, "JSON", output.log.substr(0, output.log.find('\n')));
    }
    if (output.exit_status == asleep_status)
        return unknown_health(HealthReason::asleep, messages(root));
    if ((output.exit_status & line_bit) != 0)
        return unknown_health(HealthReason::unsupported, messages(root));
    if ((output.exit_status & open_bit) != 0)
        return unknown_health(HealthReason::not_opened, messages(root));
    DiskHealthResult found;
    found.protocol = text(at(&root, {"device", "protocol"}));
    found.model = text(at(&root, {"model_name"}));
    if (found.model.empty())
        found.model = text(at(&root, {"scsi_model_name"}));
    found.serial = text(at(&root, {"serial_number"}));
    found.firmware = text(at(&root, {"firmware_version"}));
    found.temperature = integer(at(&root, {"temperature", "current"}));
    found.hours = integer(at(&root, {"power_on_time", "hours"}));
    found.power_cycles = integer(at(&root, {"power_cycle_count"}));
    if (found.protocol == "NVMe")
        add_nvme(root, found);
    else if (found.protocol == "SCSI")
        add_scsi(root, found);
    else
        add_ata(root, found);
    if (const auto worn = integer(at(&root, {"endurance_used", "current_percent"})))
        found.wear = worn;
    const auto passed = truth(at(&root, {"smart_status", "passed"}));
    if ((output.exit_status & failing_bit) != 0 || passed == false) {
        found.state = HealthState::failing;
    } else if (passed) {
        found.state = HealthState::passed;
    } else {
        const bool off = truth(at(&root, {"smart_support", "available"})) == true &&
                         truth(at(&root, {"smart_support", "enabled"})) == false;
        found.reason = off ? HealthReason::off : HealthReason::unsupported;
        found.remark = messages(root);
    }
    return found;
}

} // namespace bhype::host
