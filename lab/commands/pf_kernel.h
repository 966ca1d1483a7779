#pragma once

#include "lab/commands/pf_parser.h"

#include <ctime>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bhype::lab {

/// What pf(4) keeps in the kernel. Rulesets are by path, "" the main one; an anchor is there while it has
/// rules or tables, something below it, or is called.
struct PfKernel {
    bool enabled{false};
    std::time_t since{0}; ///< of the last pfctl -e or -d; 0: never
    std::map<std::string, PfRuleset> rulesets{{"", {}}};
    std::map<std::pair<std::string, std::string>, PfTable> tables; ///< by anchor and name
    std::vector<std::string> skip;
    std::map<std::string, unsigned long> timeouts, limits; ///< where they differ from the defaults
    std::string debug{"urgent"}, log_interface;
    unsigned last_id{0};

    bool has_anchor(const std::string& path) const;
    /// The anchors directly below, as full paths in order.
    std::vector<std::string> below(const std::string& path) const;
    /// The table that a rule of that ruleset means: its own, else the main one's. Null if there is none.
    const PfTable* find_table(const std::string& path, const std::string& name) const;
    /// Takes over what a file says about one ruleset, for the parts that are loaded; -f.
    void replace(const std::string& path, const PfParsed& parsed, const std::vector<PfPart>& parts,
                 bool tables, bool options);
    void clear(const std::string& path, const std::vector<PfPart>& parts);
    /// Lets go what nothing holds any more: empty anchors that nobody calls, tables that no rule names.
    void collect();
};

/// Where an anchor call leads: an absolute path, or one below the caller's.
struct PfCall {
    std::string path;
    bool all_below{false};
};
PfCall resolve(const std::string& caller, const std::string& call);

/// The state of the machine's pf, kept until the next boot; nobody else changes it while this is held.
class PfStore {
  public:
    explicit PfStore(const PfInterfaces& interfaces);
    PfStore(const PfStore&) = delete;
    PfStore& operator=(const PfStore&) = delete;
    ~PfStore();

    PfKernel kernel;
    void save() const;

  private:
    int lock_;
};

/// The text that PfStore keeps, and back.
std::string to_text(const PfKernel& kernel);
PfKernel pf_kernel_from(const std::string& text, const PfInterfaces& interfaces);

/// The lab's interfaces as pf sees them.
PfInterfaces pf_interfaces();

} // namespace bhype::lab
