#include "host/smartctl.h"
#include "host/test_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bhype::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using test::error_of;
using test::printed;

const Command asked = smartctl_health(DiskName::from("ada0"));

/// As smartctl frames what it says: its own part first.
std::string said(const std::string& rest, int status, const std::string& messages = {}) {
    return R"({"json_format_version":[1,0],"smartctl":{"version":[7,4],"platform_info":"FreeBSD 14.3-RELEASE amd64",)" +
           (messages.empty() ? "" : "\"messages\":[" + messages + "],") +
           "\"exit_status\":" + std::to_string(status) + "}" + (rest.empty() ? "" : "," + rest) + "}\n";
}

DiskHealthResult health(const std::string& rest, int status = 0, const std::string& messages = {}) {
    return parse_health(asked, printed(said(rest, status, messages), status));
}

std::string nvme(int critical, const std::string& more = {}) {
    return R"("device":{"name":"/dev/nvme0","info_name":"/dev/nvme0","type":"nvme","protocol":"NVMe"},
"model_name":"Samsung SSD 990 PRO 2TB","serial_number":"S6Z2NJ0W","firmware_version":"4B2QJXD7",
"smart_support":{"available":true,"enabled":true},
"smart_status":{"passed":)" +
           std::string(critical == 0 ? "true" : "false") + R"(,"nvme":{"value":)" + std::to_string(critical) +
           R"(}},
"nvme_smart_health_information_log":{"nsid":-1,"critical_warning":)" +
           std::to_string(critical) + R"(,"temperature":41,"available_spare":100,
"available_spare_threshold":10,"percentage_used":3,"data_units_read":20000,"data_units_written":40000,"host_reads":1,
"power_cycles":12,"power_on_hours":4711,"unsafe_shutdowns":3,"media_errors":0,"num_err_log_entries":0},
"temperature":{"current":41},"power_cycle_count":12,"power_on_time":{"hours":4711})" +
           more;
}

TEST(Smartctl, ReadsNvme) {
    const auto found =
        health(nvme(0, R"(,"endurance_used":{"current_percent":3},"nvme_self_test_log":{"nsid":-1,
"current_self_test_operation":{"value":2,"string":"Extended self-test in progress"},"current_self_test_completion_percent":40,
"table":[null,{"self_test_code":{"value":1,"string":"Short"},
"self_test_result":{"value":0,"string":"Completed without error"},"power_on_hours":4700}]})"));
    EXPECT_EQ(found.state, HealthState::passed);
    EXPECT_FALSE(found.reason);
    EXPECT_EQ(found.protocol, "NVMe");
    EXPECT_EQ(found.model, "Samsung SSD 990 PRO 2TB");
    EXPECT_EQ(found.temperature, 41);
    EXPECT_EQ(found.hours, 4711);
    EXPECT_EQ(found.wear, 3);
    EXPECT_EQ(found.spare, 100);
    EXPECT_EQ(found.spare_threshold, 10);
    EXPECT_EQ(found.media_errors, 0);
    EXPECT_EQ(found.written, ByteSize(40000ULL * 512000));
    EXPECT_FALSE(found.pending);
    ASSERT_TRUE(found.self_test);
    EXPECT_EQ(found.self_test->passed, true);
    EXPECT_EQ(found.self_test->hours, 4700);
    EXPECT_EQ(found.test_left, 60);
    EXPECT_THAT(found.warnings, IsEmpty());
}

TEST(Smartctl, NamesTheBitsOfNvme) {
    const auto found = health(nvme(1 | 4 | 8), 8);
    EXPECT_EQ(found.state, HealthState::failing);
    EXPECT_THAT(found.warnings,
                ElementsAre(NvmeWarning::spare, NvmeWarning::reliability, NvmeWarning::read_only));
    EXPECT_THAT(health(nvme(2), 8).warnings, ElementsAre(NvmeWarning::temperature));
    EXPECT_THAT(health(nvme(128), 8).warnings, ElementsAre(NvmeWarning::other));
}

std::string attribute(int id, const std::string& name, int value, int threshold, const std::string& raw,
                      const std::string& when = {}, bool prefailure = false) {
    return R"({"id":)" + std::to_string(id) + R"(,"name":")" + name + R"(","value":)" +
           std::to_string(value) + R"(,"worst":)" + std::to_string(value) + R"(,"thresh":)" +
           std::to_string(threshold) + R"(,"when_failed":")" + when +
           R"(","flags":{"value":51,"prefailure":)" + (prefailure ? "true" : "false") +
           R"(},"raw":{"value":4294967303,"string":")" + raw + R"("}})";
}

std::string ata(bool passed, const std::string& attributes, const std::string& more = {}) {
    return R"("device":{"name":"/dev/ada0","type":"atacam","protocol":"ATA"},"model_name":"ST4000VN008",
"serial_number":"ZGY1","smart_support":{"available":true,"enabled":true},"smart_status":{"passed":)" +
           std::string(passed ? "true" : "false") + R"(},"ata_smart_attributes":{"revision":10,"table":[)" +
           attributes + R"(]},"power_on_time":{"hours":30211},"temperature":{"current":33})" + more;
}

TEST(Smartctl, ReadsSsdsOnSata) {
    const auto found = health(ata(true, attribute(5, "Reallocated_Sector_Ct", 100, 10, "2") + "," +
                                            attribute(177, "Wear_Leveling_Count", 62, 0, "712") + "," +
                                            attribute(197, "Current_Pending_ECC_Cnt", 100, 0, "1")));
    EXPECT_EQ(found.state, HealthState::passed);
    EXPECT_EQ(found.reallocated, 2);
    EXPECT_EQ(found.wear, 38);
    EXPECT_FALSE(found.pending) << "another maker's attribute of the same number";
    EXPECT_EQ(health(ata(true, attribute(177, "Wear_Leveling_Count", 62, 0, "712"),
                         R"(,"endurance_used":{"current_percent":41})"))
                  .wear,
              41)
        << "what smartctl sums up itself counts more";
}

TEST(Smartctl, ReadsDisksThatFail) {
    const auto found =
        health(ata(false,
                   attribute(5, "Reallocated_Sector_Ct", 4, 36, "7 (0 12)", "now", true) + "," +
                       attribute(190, "Airflow_Temperature_Cel", 40, 45, "60", "past") + "," +
                       attribute(197, "Current_Pending_Sector", 100, 0, "16") + "," +
                       attribute(198, "Offline_Uncorrectable", 100, 0, "4"),
                   R"(,"ata_smart_data":{"self_test":{"status":{"value":249,"remaining_percent":90}}},
"ata_smart_self_test_log":{"standard":{"revision":1,"table":[{"type":{"value":2,"string":"Extended offline"},
"status":{"value":121,"string":"Completed: read failure","remaining_percent":90,"passed":false},"lifetime_hours":30200,"lba":77}]}})"),
               8 | 16 | 128);
    EXPECT_EQ(found.state, HealthState::failing);
    EXPECT_EQ(found.reallocated, 7) << "the first number: the raw value is two in one";
    EXPECT_EQ(found.pending, 16);
    EXPECT_EQ(found.uncorrectable, 4);
    ASSERT_EQ(found.failed_attributes.size(), 1U) << "what was so once is not so now";
    EXPECT_EQ(found.failed_attributes[0].name, "Reallocated_Sector_Ct");
    EXPECT_TRUE(found.failed_attributes[0].prefailure);
    EXPECT_EQ(found.self_test->passed, false);
    EXPECT_EQ(found.self_test->result, "Completed: read failure");
    EXPECT_EQ(found.test_left, 90);
}

TEST(Smartctl, ReadsSas) {
    const auto found = health(
        R"("device":{"name":"/dev/da0","type":"scsi","protocol":"SCSI"},"scsi_vendor":"SEAGATE","scsi_model_name":"SEAGATE ST8000NM0075",
"serial_number":"ZA1","smart_support":{"available":true,"enabled":true},"smart_status":{"passed":false,
"scsi":{"asc":93,"ascq":16,"ie_string":"HARDWARE IMPENDING FAILURE GENERAL HARD DRIVE FAILURE"}},
"temperature":{"current":38,"drive_trip":60},"power_on_time":{"hours":51002,"minutes":3},"scsi_grown_defect_list":22,
"scsi_error_counter_log":{"read":{"total_uncorrected_errors":3},"write":{"total_uncorrected_errors":1},"verify":{}},
"scsi_self_test_0":{"code":{"value":1,"string":"Background short"},"result":{"value":7,"string":"Failed in segment -->"},
"power_on_time":{"hours":50990}})",
        8 | 128);
    EXPECT_EQ(found.state, HealthState::failing);
    EXPECT_THAT(found.remark, HasSubstr("IMPENDING FAILURE"));
    EXPECT_EQ(found.model, "SEAGATE ST8000NM0075");
    EXPECT_EQ(found.reallocated, 22);
    EXPECT_EQ(found.uncorrectable, 4);
    EXPECT_EQ(found.self_test->passed, false);
    EXPECT_EQ(found.hours, 51002);
}

TEST(Smartctl, TellsWhyNothingIsKnown) {
    const auto unknown = [](int status, const std::string& message, const std::string& rest = {}) {
        const auto found = health(rest, status, R"({"string":")" + message + R"(","severity":"error"})");
        EXPECT_EQ(found.state, HealthState::unknown);
        return std::pair(found.reason.value(), found.remark);
    };
    const std::string bridge = "/dev/da0: Unknown USB bridge [0x152d:0x0578 (0x3201)]";
    EXPECT_EQ(unknown(1, bridge), std::pair(HealthReason::unsupported, bridge));
    EXPECT_EQ(unknown(3, "Device is in STANDBY mode, exit(3)").first, HealthReason::asleep);
    EXPECT_EQ(unknown(2, "Smartctl open device: /dev/nvme7 failed: No such file or directory").first,
              HealthReason::not_opened);
    const std::string device = R"("device":{"name":"/dev/da1","protocol":"SCSI"},)";
    EXPECT_EQ(unknown(4, "x", device + R"("smart_support":{"available":false})").first,
              HealthReason::unsupported);
    EXPECT_EQ(unknown(4, "x", device + R"("smart_support":{"available":true,"enabled":false})").first,
              HealthReason::off);
    auto hung = printed("", 137);
    hung.missed_deadline = true;
    EXPECT_EQ(parse_health(asked, hung).reason, HealthReason::no_answer);
    EXPECT_THAT(error_of([] { parse_health(asked, printed("smartctl: illegal option -- j\n", 1)); }),
                HasSubstr("output_unexpected"));
    for (const auto* text : {"[]", "7", "{}", R"({"smart_status":7,"ata_smart_attributes":{"table":{}}})",
                             R"({"smart_status":{"passed":"yes"},"device":null,"nvme_self_test_log":[]})"})
        EXPECT_EQ(parse_health(asked, printed(text)).state, HealthState::unknown) << text;
}

TEST(Diskinfo, NamesTheControllerOfNvme) {
    const auto ask = diskinfo_attachment(DiskName::from("nda3"));
    const auto text = [](const std::string& attachment) {
        return "/dev/nda3\n\t512         \t# sectorsize\n\t2000398934016\t# mediasize in bytes (1.8T)\n"
               "\tSamsung SSD Attachment\t# Disk descr.\n" +
               attachment + "\tYes         \t# TRIM/UNMAP support\n\n";
    };
    EXPECT_EQ(parse_attachment(ask, printed(text("\tnvme1       \t# Attachment\n"))),
              DiskName::from("nvme1"));
    EXPECT_FALSE(parse_attachment(ask, printed(text("\tahci0       \t# Attachment\n"))));
    EXPECT_FALSE(parse_attachment(ask, printed(text(""))));
    EXPECT_THAT(error_of([&] {
                    parse_attachment(ask, printed("", 1, "diskinfo: /dev/nda3: No such file or directory\n"));
                }),
                HasSubstr("No such file"));
    EXPECT_TRUE(is_nvme(DiskName::from("nvd0")));
    EXPECT_FALSE(is_nvme(DiskName::from("ada0")));
}

} // namespace
} // namespace bhype::host
