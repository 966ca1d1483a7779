#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bhype::lab {

/// An IPv4 or IPv6 address with as many leading bits as count; host bits are zero.
struct PfNetwork {
    int family{0}; ///< 4, 6; 0: none
    std::array<std::uint8_t, 16> bytes{};
    unsigned prefix{0};

    static std::optional<PfNetwork> parse(const std::string& address, int prefix = -1);
    unsigned width() const { return family == 4 ? 32 : 128; }
    std::string address() const;
    std::string text() const; ///< without "/N" if all bits count
    void mask();              ///< clears the host bits
    bool contains(const PfNetwork& other) const;
    auto operator<=>(const PfNetwork&) const = default;
};

/// struct pf_addr_wrap: what stands behind "from", "to" or "->".
struct PfAddress {
    enum class Kind { any, network, range, dynamic, table };
    Kind kind{Kind::any};
    PfNetwork network{};
    PfNetwork last{};   ///< of a range
    std::string name{}; ///< of the interface or the table
    bool of_network{false}, broadcast{false}, peer{false}, no_alias{false};
    int interface_prefix{-1}; ///< "(em0)/24"

    bool is_any() const { return kind == Kind::any || (kind == Kind::network && network.prefix == 0); }
    bool several() const; ///< may stand for more than one address: DYNIF_MULTIADDR, a table
};

enum class PfOperator {
    none,
    in_range,
    except_range,
    equal,
    unequal,
    less,
    less_equal,
    greater,
    greater_equal,
    span
};

struct PfPort {
    PfOperator op{PfOperator::none};
    std::uint16_t first{}, second{};
};

struct PfPeer {
    PfAddress address;
    bool negated{false};
    PfPort port;
};

/// Where translation goes.
struct PfPool {
    enum class Kind { none, bitmask, random, source_hash, round_robin };
    std::vector<PfAddress> addresses;
    Kind kind{Kind::none};
    bool sticky{false};
    std::uint16_t low{}, high{}; ///< of "port"; both 0 with nat: static-port
};
constexpr std::uint16_t pf_nat_low = 50001, pf_nat_high = 65535; // sys/netpfil/pf/pf.h PF_NAT_PROXY_PORT_*

enum class PfAction { pass, block, match, scrub, no_scrub, nat, no_nat, binat, no_binat, rdr, no_rdr };
enum class PfReturn { drop, answer, reset, unreachable };
enum class PfState { none, keep, modulate, synproxy };

/// One rule after lists were expanded: struct pfctl_rule.
struct PfRule {
    PfAction action{PfAction::pass};
    PfReturn answer{PfReturn::drop};
    bool nat_pass{false};
    char direction{0}; ///< 'i', 'o', 0 for both
    bool log{false};
    std::string log_options{}; ///< as printed, "all, user"
    bool quick{false};
    std::string interface {};
    bool interface_not{false};
    int family{0}; ///< 4, 6; 0: both
    unsigned protocol{0};
    PfPeer source, destination;
    unsigned flags{0}, flag_mask{0};
    int icmp_type{-1}, icmp_code{-1};
    PfState state{PfState::none};
    bool no_sync{false}, if_bound{false}, sloppy{false};
    bool allow_options{false}, no_df{false}, random_id{false}, reassemble_tcp{false};
    std::vector<std::string> labels{};
    unsigned long identifier{0};
    std::string tag{}, tagged{};
    bool tagged_not{false};
    PfPool pool;           ///< behind "->"
    PfPool nat_to, rdr_to; ///< of filter rules, 15
    std::string anchor{};  ///< the ruleset that is called, with "/*" for all below; empty: no call
    unsigned id{0};        ///< among all rules loaded since the boot
    int loaded_by{0};      ///< process
};

/// The parts of a ruleset, in the order in which pf.conf(5) wants them: PF_RULESET_*.
enum class PfPart { scrub, nat, binat, rdr, filter };
constexpr std::size_t pf_part_count = 5;
PfPart part_of(PfAction action);

struct PfPrintOptions {
    bool numeric{true};  ///< ports as numbers
    bool quoted{false};  ///< names in quotes, so that none is taken for a word of the grammar
    int number{-1};      ///< "@N " in front
    bool details{false}; ///< how many addresses a table or an interface has, as -vv does
    std::function<int(const PfAddress&)> count{}; ///< -1: not known
};

/// sbin/pfctl/pfctl_parser.c print_rule(), without the end of the line. What it gives can be parsed again.
std::string text_of(const PfRule& rule, const PfPrintOptions& options = {});
std::string text_of(const PfAddress& address, int family, const PfPrintOptions& options = {});

/// Names and numbers of ICMP types and codes (icmp_type[], icmp_code[] there).
std::optional<int> icmp_type_number(const std::string& name, int family);
std::optional<int> icmp_code_number(int type, const std::string& name, int family);

constexpr const char* pf_tcp_flags = "FSRPAUEW";

} // namespace bhype::lab
