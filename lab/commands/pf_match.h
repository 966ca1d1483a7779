#pragma once

#include "lab/commands/pf_hosts.h"
#include "lab/commands/pf_kernel.h"

#include <string>
#include <vector>

namespace bhype::lab {

/// What packets a rule means, in nft(8)'s words.
class PfMatcher {
  public:
    PfMatcher(const PfKernel& kernel, const PfInterfaces& interfaces)
        : kernel_(kernel), interfaces_(interfaces) {}

    /// One way in which a packet can match.
    struct Match {
        int family{0};    ///< 4, 6; 0: either
        std::string text; ///< ends in a space unless empty
    };
    /// All ways; empty if no packet can match now. `direction`: 'i' or 'o'.
    std::vector<Match> matches(const PfRule& rule, const std::string& path, char direction);

    /// The interfaces of a name or a group; absent if there can be none.
    std::optional<std::string> interface_match(const std::string& name, bool negated, char direction) const;

    /// The single addresses that translation may choose from.
    std::vector<std::string> targets(const PfPool& pool, const std::string& path, int family) const;

    unsigned tag_number(const std::string& tag);

  private:
    std::vector<std::string> ranges(const PfAddress& address, const std::string& path, int family) const;
    std::optional<std::string> peer_match(const PfPeer& peer, const std::string& path, int family,
                                          const char* side) const;

    const PfKernel& kernel_;
    const PfInterfaces& interfaces_;
    std::vector<std::string> tags_;
};

} // namespace bhype::lab
