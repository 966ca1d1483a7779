#include "storage/disk_health.h"

#include <fmt/format.h>

#include <algorithm>

namespace bhype::storage {

namespace {

using host::DiskHealthResult;
using host::HealthReason;
using host::HealthState;
using host::NvmeWarning;

constexpr std::int64_t nearly_worn = 90, worn_out = 100;

/// "1 sector", "12 sectors".
std::string some(std::int64_t count, const char* one, const char* many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

class Judge {
  public:
    Judge(const DiskName& disk, const std::string& used_by, const DiskHealthResult& health)
        : disk_(disk.str()), used_by_(used_by), health_(health) {}

    std::vector<StorageFinding> take() {
        answers();
        warnings();
        failing();
        attributes();
        lost();
        spare();
        wear();
        test();
        std::ranges::stable_sort(found_, std::greater<>(), &StorageFinding::severity);
        return std::move(found_);
    }

  private:
    void add(const char* id, Severity severity, const std::string& text, std::string advice) {
        found_.push_back({id, severity, disk_ + ' ' + text, std::move(advice)});
    }

    std::string replace(const char* when) const {
        constexpr std::string_view member = "pool ";
        if (used_by_.empty())
            return fmt::format("Replace it {}: put nothing on it any more", when);
        if (used_by_.starts_with(member))
            return fmt::format("Replace it {}: bhype pool replace {} {} NEWDISK", when,
                               used_by_.substr(member.size()), disk_);
        return fmt::format("Replace it {}: it is in use ({}), so move what is on it first", when, used_by_);
    }

    void answers() {
        if (health_.reason == HealthReason::no_answer)
            add("silent", Severity::warning, "does not answer: " + health_.remark,
                "A disk that hangs holds up everything on it: see dmesg, then its cable and power. " +
                    replace("if it happens again"));
    }

    void warnings() {
        for (const auto warning : health_.warnings)
            switch (warning) {
            case NvmeWarning::spare: // told with its figures
                break;
            case NvmeWarning::temperature:
                add("temperature", Severity::critical,
                    health_.temperature
                        ? fmt::format("is at {} °C, which is out of its range", *health_.temperature)
                        : std::string("is too hot or too cold"),
                    "See to its cooling: it gets slower first, then switches itself off");
                break;
            case NvmeWarning::reliability:
                add("reliability", Severity::critical,
                    "says that it has become unreliable, by errors of its medium or inside", replace("now"));
                break;
            case NvmeWarning::read_only:
                add("read-only", Severity::critical, "takes no more writes", replace("now"));
                break;
            case NvmeWarning::backup:
                add("backup", Severity::critical,
                    "has lost the backup power of its cache: what it has not written yet is lost when the "
                    "power goes",
                    replace("soon"));
                break;
            case NvmeWarning::memory_region:
                add("memory-region", Severity::critical, "has an unreliable persistent memory region",
                    replace("soon"));
                break;
            case NvmeWarning::other:
                add("warning", Severity::critical, "warns of something that smartctl does not know",
                    replace("soon"));
                break;
            }
    }

    /// The one sentence for a disk that names no reason of its own.
    void failing() {
        const auto prefailure = [](const auto& one) { return one.prefailure; };
        if (health_.state == HealthState::failing && health_.warnings.empty() &&
            std::ranges::none_of(health_.failed_attributes, prefailure))
            add("failing", Severity::critical,
                "says itself that it is failing" + (health_.remark.empty() ? "" : ": " + health_.remark),
                replace("now"));
    }

    void attributes() {
        for (const auto& one : health_.failed_attributes) {
            const auto text =
                fmt::format("has {} at {}; {} and less is bad", one.name, one.value, one.threshold);
            const auto id = "attribute/" + one.name;
            if (one.prefailure)
                add(id.c_str(), Severity::critical, text + ", and it says itself that it is failing",
                    replace("now"));
            else
                add(id.c_str(), Severity::warning, text,
                    "It is age or use rather than a defect: " + replace("when it can be planned"));
        }
    }

    void lost() {
        const auto pending = health_.pending.value_or(0), uncorrectable = health_.uncorrectable.value_or(0),
                   media = health_.media_errors.value_or(0);
        const auto scrub = std::string(
            used_by_.starts_with("pool ") ? ". A scrub of the pool tells what of it was needed" : "");
        if (pending > 0)
            add("pending", Severity::warning,
                "has " + some(pending, "sector", "sectors") + " that could not be read",
                replace("soon") + scrub);
        if (uncorrectable > 0)
            add("uncorrectable", Severity::warning,
                health_.protocol == "SCSI"
                    ? "had " + some(uncorrectable, "error", "errors") + " that it could not correct"
                    : "has lost " + some(uncorrectable, "sector", "sectors"),
                replace("soon") + scrub);
        if (media > 0)
            add("media", Severity::warning, "could not correct what it read " + some(media, "time", "times"),
                replace("soon") + scrub);
    }

    void spare() {
        const bool told = std::ranges::count(health_.warnings, NvmeWarning::spare) > 0;
        const bool low =
            health_.spare && health_.spare_threshold && *health_.spare < *health_.spare_threshold;
        if (!told && !low)
            return;
        add("spare", told ? Severity::critical : Severity::warning,
            health_.spare ? fmt::format("has {} % of its spare blocks left, and should have {} %",
                                        *health_.spare, health_.spare_threshold.value_or(0))
                          : std::string("runs out of spare blocks"),
            replace("soon"));
    }

    void wear() {
        const auto wear = health_.wear.value_or(0);
        if (wear >= worn_out)
            add("worn", Severity::warning, fmt::format("is worn beyond what its maker promises: {} %", wear),
                replace("soon"));
        else if (wear >= nearly_worn)
            add("wear", Severity::warning, fmt::format("is worn to {} % of what its maker promises", wear),
                replace("before it reaches 100 %"));
    }

    void test() {
        if (health_.self_test && health_.self_test->passed == false)
            add("test", Severity::warning,
                fmt::format("failed its last self-test ({}): {}", health_.self_test->kind,
                            health_.self_test->result),
                replace("soon"));
    }

    std::string disk_, used_by_;
    const DiskHealthResult& health_;
    std::vector<StorageFinding> found_;
};

void say_unknown(const DiskName& disk, const DiskHealthResult& health, DiskJudgement& judgement) {
    const auto because = health.remark.empty() ? std::string() : ": " + health.remark;
    switch (health.reason.value_or(HealthReason::unsupported)) {
    case HealthReason::not_installed:
        judgement.text = "cannot be asked: smartctl is not installed";
        judgement.advice = "pkg install smartmontools";
        break;
    case HealthReason::asleep:
        judgement.text = "sleeps, and is not woken for this";
        break;
    case HealthReason::unsupported:
        judgement.text = "tells nothing of its health" + because;
        judgement.advice = "Behind a USB bridge or a RAID controller smartctl may need to be told its kind: "
                           "smartctl -a -d TYPE /dev/" +
                           disk.str();
        break;
    case HealthReason::off:
        judgement.text = "has SMART switched off";
        judgement.advice = "smartctl -s on /dev/" + disk.str();
        break;
    case HealthReason::no_answer:
        judgement.text = "does not answer" + because;
        break;
    case HealthReason::not_opened:
        judgement.text = "cannot be asked" + because;
        judgement.advice = "See dmesg: it may be gone";
        break;
    case HealthReason::unclear:
        judgement.text = "cannot be asked" + because;
        judgement.advice = "smartctl must be of smartmontools 7.0 or later: see smartctl --version";
        break;
    }
}

} // namespace

DiskJudgement judge(const DiskName& disk, const std::string& used_by, const DiskHealthResult& health) {
    DiskJudgement judgement;
    judgement.findings = Judge(disk, used_by, health).take();
    if (!judgement.findings.empty()) {
        const auto& worst = judgement.findings.front();
        judgement.verdict =
            worst.severity == Severity::critical ? DiskVerdict::failing : DiskVerdict::attention;
        judgement.text = worst.text.substr(disk.str().size() + 1);
        judgement.advice = worst.advice;
        return judgement;
    }
    if (health.state == HealthState::unknown) {
        judgement.verdict = DiskVerdict::unknown;
        say_unknown(disk, health, judgement);
        return judgement;
    }
    judgement.verdict = DiskVerdict::well;
    judgement.text = "says that it is well";
    if (health.reallocated.value_or(0) > 0) {
        judgement.text += ", and has replaced " + some(*health.reallocated, "bad sector", "bad sectors");
        judgement.advice = "Watch whether they become more";
    }
    return judgement;
}

} // namespace bhype::storage
