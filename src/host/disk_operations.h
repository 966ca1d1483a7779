#pragma once

// The health of a disk, as the disk itself tells it (SMART).

#include "host/operation.h"

namespace bhype::host {

enum class HealthState { passed, failing, unknown };
BOOST_DESCRIBE_ENUM(HealthState, passed, failing, unknown)

/// Why nothing is known.
enum class HealthReason {
    not_installed, ///< there is no smartctl(8)
    asleep,        ///< it stands still, and asking would make it turn
    unsupported,   ///< neither it nor what it hangs on (a USB bridge, a RAID controller) tells
    off,           ///< its SMART is switched off
    no_answer,     ///< smartctl had to be ended
    not_opened,    ///< the device could not be opened
    unclear,       ///< what smartctl said was not understood
};
BOOST_DESCRIBE_ENUM(HealthReason, not_installed, asleep, unsupported, off, no_answer, not_opened, unclear)

/// What an NVMe disk warns of by itself: the bits of "Critical Warning" in its SMART / Health Information
/// (NVM Express 1.4, log page 02h).
enum class NvmeWarning { spare, temperature, reliability, read_only, backup, memory_region, other };
BOOST_DESCRIBE_ENUM(NvmeWarning, spare, temperature, reliability, read_only, backup, memory_region, other)

/// An ATA attribute at or below its maker's threshold now. Values count down.
struct FailedAttribute {
    std::string name;
    std::int64_t value = 0;
    std::int64_t threshold = 0;
    bool prefailure = false; ///< the maker expects the disk to fail soon; otherwise it is age or use
};
BOOST_DESCRIBE_STRUCT(FailedAttribute, (), (name, value, threshold, prefailure))

struct SelfTest {
    std::string kind;                  ///< "Short offline", "Extended", as smartctl calls it
    std::string result;                ///< "Completed without error", the same
    std::optional<bool> passed;        ///< none: it was aborted, or runs
    std::optional<std::int64_t> hours; ///< power-on hours when it ended
};
BOOST_DESCRIBE_STRUCT(SelfTest, (), (kind, result, passed, hours))

/// What a disk does not tell is missing; zero is told.
struct DiskHealthResult {
    HealthState state = HealthState::unknown;
    std::optional<HealthReason> reason;       ///< of unknown
    std::string remark;                       ///< of unknown: the tool's own words
    std::string protocol;                     ///< "NVMe", "ATA", "SCSI"
    std::string model;                        ///< as the disk tells it
    std::string serial;                       ///< the same
    std::string firmware;                     ///< the same
    std::optional<std::int64_t> temperature;  ///< degrees Celsius
    std::optional<std::int64_t> hours;        ///< that it was on
    std::optional<std::int64_t> power_cycles; ///< how often it was switched on
    std::optional<std::int64_t> wear;         ///< percent of the life that its maker promises; may exceed 100
    std::optional<std::int64_t> reallocated;  ///< sectors that stand in for bad ones; of SAS, grown defects
    std::optional<std::int64_t> pending;      ///< sectors that could not be read and wait for being written
    std::optional<std::int64_t> uncorrectable;   ///< sectors, of SAS reads and writes, that were lost
    std::optional<std::int64_t> media_errors;    ///< NVMe: what was lost, and detected
    std::optional<std::int64_t> spare;           ///< percent that is left of the blocks kept for bad ones
    std::optional<std::int64_t> spare_threshold; ///< below it the maker advises to replace
    std::optional<ByteSize> read;                ///< by the host, of NVMe
    std::optional<ByteSize> written;             ///< the same
    std::vector<NvmeWarning> warnings;
    std::vector<FailedAttribute> failed_attributes;
    std::optional<SelfTest> self_test;     ///< the last one
    std::optional<std::int64_t> test_left; ///< percent still to do of the one that runs
};
BOOST_DESCRIBE_STRUCT(DiskHealthResult, (),
                      (state, reason, remark, protocol, model, serial, firmware, temperature, hours,
                       power_cycles, wear, reallocated, pending, uncorrectable, media_errors, spare,
                       spare_threshold, read, written, warnings, failed_attributes, self_test, test_left))

/// Asks a disk of this host by smartctl(8), without waking it. That smartctl is missing, or that the disk
/// does not answer, is a result.
struct DiskHealth {
    DiskName disk;
    BHYPE_OPERATION("disk.health", reads, 60);
    using Result = DiskHealthResult;
};
BOOST_DESCRIBE_STRUCT(DiskHealth, (), (disk))

} // namespace bhype::host
