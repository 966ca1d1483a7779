#pragma once

#include <string>
#include <vector>

namespace bhype::lab {

/// The scripts in the order that their PROVIDE, REQUIRE and BEFORE lines ask for (rcorder(8)). Scripts with
/// one of the `skip` keywords, or without any of `keep` unless that is empty, are left out.
std::vector<std::string> rc_order(const std::vector<std::string>& files, const std::vector<std::string>& skip,
                                  const std::vector<std::string>& keep);

} // namespace bhype::lab
