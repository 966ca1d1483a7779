#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace bhype::store {

/// One step of the schema. Once released a step never changes; the next change is the next number.
struct Migration {
    int number;
    std::vector<std::string_view> statements;
};

/// All of them, numbered from 1 without a gap.
std::span<const Migration> migrations();

} // namespace bhype::store
