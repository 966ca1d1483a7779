#pragma once

// What a disk's own figures mean, in words, and what to do about it. Pure: no host.

#include "host/operations.h"
#include "storage/health.h"

namespace bhype::storage {

enum class DiskVerdict {
    well,
    attention, ///< it works, and will not for long, or not as it should
    failing,   ///< it says itself that it fails, or cannot be used as it is
    unknown,   ///< it could not be asked, or does not tell
    unread,    ///< nobody has asked it yet
};
BOOST_DESCRIBE_ENUM(DiskVerdict, well, attention, failing, unknown, unread)

struct DiskJudgement {
    DiskVerdict verdict = DiskVerdict::unread;
    std::string text;                     ///< one sentence, without the disk's name
    std::string advice;                   ///< empty: nothing is to be done
    std::vector<StorageFinding> findings; ///< the worst first; their texts name the disk
};
BOOST_DESCRIBE_STRUCT(DiskJudgement, (), (verdict, text, advice, findings))

/// `used_by`: as Disk::used_by, for what to do.
DiskJudgement judge(const DiskName& disk, const std::string& used_by, const host::DiskHealthResult& health);

} // namespace bhype::storage
