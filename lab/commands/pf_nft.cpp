#include "lab/commands/pf_nft.h"

#include "lab/commands/pf_match.h"

#include <netinet/in.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace bhype::lab {

namespace {

constexpr unsigned most_mapped_ports = 1024;

/// The two hooks at which pf looks at packets.
struct Side {
    char direction;
    const char* name;         ///< of its chains
    const char* translated;   ///< conntrack's word for what was translated there
    unsigned original, reply; ///< the state bit that lets packets of that direction of the connection pass
};
constexpr Side incoming{'i', "in", "dnat", pf_in_state, pf_out_state};
constexpr Side outgoing{'o', "out", "snat", pf_out_state, pf_in_state};

class Writer {
  public:
    Writer(const PfKernel& kernel, const PfInterfaces& interfaces, const PfCounters& counters)
        : kernel_(kernel), matcher_(kernel, interfaces), counters_(counters) {}

    std::string write() {
        translation(incoming, {PfPart::rdr, PfPart::binat}, "prerouting priority dstnat");
        translation(outgoing, {PfPart::binat, PfPart::nat}, "postrouting priority srcnat");
        filter(incoming, "prerouting priority -50");
        filter(outgoing, "postrouting priority 150");
        established(pf_in_state, pf_in_shift);
        established(pf_out_state, pf_out_shift);
        std::string text = "table inet pf {\n";
        for (const auto& name : counter_names_) {
            const auto found = counters_.find(name);
            const auto value = found == counters_.end() ? PfCounter{} : found->second;
            text += fmt::format(" counter {} {{ packets {} bytes {}; }}\n", name, value.packets, value.bytes);
        }
        return text + chains_ + "}\n";
    }

  private:
    std::string counter(char kind, const PfRule& rule) {
        const auto name = fmt::format("{}{}", kind, rule.id);
        counter_names_.insert(name);
        return fmt::format("counter name {} ", name);
    }

    void chain(const std::string& name, const std::string& body) {
        chains_ += fmt::format(" chain {} {{\n{} }}\n", name, body);
    }

    std::string skipped(const Side& side) const {
        std::string lines;
        for (const auto& name : kernel_.skip)
            if (const auto match = matcher_.interface_match(name, false, side.direction))
                lines += "  " + *match + "accept\n";
        return lines;
    }

    static unsigned rule_mark(const PfRule& rule) { return rule.id & pf_rule_bits; }

    /// Marks the connection: a state of one side, made by that rule.
    static std::string state_mark(unsigned bit, unsigned rule) {
        const unsigned shift = bit == pf_in_state ? pf_in_shift : pf_out_shift;
        return fmt::format("ct mark set ct mark and {:#x} or {:#x} ", ~((pf_rule_bits << shift) | bit),
                           (rule << shift) | bit);
    }

    std::string tag_mark(const PfRule& rule, unsigned others, unsigned value) {
        if (rule.tag.empty())
            return fmt::format("meta mark set meta mark and {:#x} or {:#x} ", 0xff000000 | others, value);
        return fmt::format("meta mark set meta mark and {:#x} or {:#x} ", others,
                           value | matcher_.tag_number(rule.tag) << 24);
    }

    // The paths that a call leads to, each once on the way down.
    template <class Work>
    void for_each_called(const PfRule& rule, const std::string& path, Work work) {
        const auto call = resolve(path, rule.anchor);
        for (const auto& called : call.all_below ? kernel_.below(call.path) : std::vector{call.path})
            if (kernel_.has_anchor(called) && !on_the_way_.contains(called)) {
                on_the_way_.insert(called);
                work(called);
                on_the_way_.erase(called);
            }
    }

    const std::vector<PfRule>& rules(const std::string& path, PfPart part) const {
        return kernel_.rulesets.at(path)[static_cast<std::size_t>(part)];
    }

    // Translation: the first match wins, as in nft(8).
    void translation(const Side& side, std::initializer_list<PfPart> parts, const std::string& hook) {
        std::string body;
        for (const auto part : parts)
            body += translation_rules("", part, side);
        if (!body.empty())
            chain(std::string("nat_") + side.name,
                  "  type nat hook " + hook + "; policy accept;\n" + skipped(side) + body);
    }

    std::string translation_rules(const std::string& path, PfPart part, const Side& side) {
        std::string lines;
        for (const auto& rule : rules(path, part)) {
            if (!rule.anchor.empty()) {
                for_each_called(rule, path, [&](const std::string& called) {
                    const auto body = translation_rules(called, part, side);
                    if (body.empty())
                        return;
                    const auto name = fmt::format("anchor{}", ++chain_number_);
                    chain(name, body);
                    for (const auto& match : matcher_.matches(rule, path, side.direction))
                        lines += fmt::format("  {}{}jump {}\n", match.text, counter('r', rule), name);
                });
                continue;
            }
            lines += "  " + counter('e', rule) + '\n';
            lines += translation_rule(rule, path, side);
        }
        return lines;
    }

    std::string translation_rule(const PfRule& given, const std::string& path, const Side& side) {
        PfRule rule = given;
        const bool binat_in = part_of(rule.action) == PfPart::binat && side.direction == 'i';
        if (binat_in && rule.action == PfAction::binat) {
            // Backwards: what goes to the outer address is for the inner one.
            if (given.source.address.kind != PfAddress::Kind::network)
                throw std::runtime_error("binat of anything but an address is not provided by the lab");
            rule.pool.addresses = {given.source.address};
            rule.source = given.destination;
            rule.destination = {given.pool.addresses[0], false, {}};
        }
        const bool source = side.direction == 'o';
        if (!source && rule.interface.starts_with("lo") && !rule.interface_not)
            throw std::runtime_error("rdr on a loopback interface is not provided by the lab");
        std::string common = counter('r', rule);
        if (!rule.tag.empty())
            common += tag_mark(rule, 0x00ffffff, 0);
        if (rule.nat_pass) {
            common += state_mark(side.original, rule_mark(rule));
            deciding_[rule_mark(rule)] = &given;
        }
        std::string lines;
        for (const auto& match : matcher_.matches(rule, path, side.direction)) {
            const bool negated = rule.action == PfAction::no_nat || rule.action == PfAction::no_rdr ||
                                 rule.action == PfAction::no_binat;
            for (const int family : match.family ? std::vector{match.family} : std::vector{4, 6}) {
                const auto text =
                    match.family ? match.text : fmt::format("meta nfproto ipv{} ", family) + match.text;
                const auto targets = matcher_.targets(rule.pool, path, family);
                if (negated || targets.empty()) // pf lets it pass untranslated when there is no address
                    lines += fmt::format("  {}{}accept\n", text, negated ? common : "");
                else if (source)
                    lines += nat_lines({"snat", rule, {text, common}, targets, family});
                else
                    lines += rdr_lines({"dnat", rule, {text, common}, targets, family});
            }
        }
        return lines;
    }

    /// What stands before and behind a further condition.
    struct Line {
        std::string match, actions;
    };

    static std::string target_text(const PfPool& pool, const std::vector<std::string>& targets, int family,
                                   const std::string& ports) {
        if (targets.size() == 1)
            return ports.empty() ? targets[0]
                   : family == 4 ? fmt::format("{}:{}", targets[0], ports)
                                 : fmt::format("[{}]:{}", targets[0], ports);
        std::vector<std::string> pairs;
        for (std::size_t i = 0; i < targets.size(); ++i)
            pairs.push_back(fmt::format("{} : {}", i, targets[i]));
        return fmt::format("numgen {} mod {} map {{ {} }}{}",
                           pool.kind == PfPool::Kind::random ? "random" : "inc", targets.size(),
                           fmt::join(pairs, ", "), ports.empty() ? "" : ":" + ports);
    }

    /// One line for each condition that is left; `ports` may be empty.
    struct Translation {
        const char* verb; ///< "snat"
        const PfRule& rule;
        Line line;
        const std::vector<std::string>& targets;
        int family;

        std::string to(const std::string& more, const std::string& ports) const {
            return fmt::format("  {}{}{}{} {} to {}\n", line.match, more, line.actions, verb,
                               family == 4 ? "ip" : "ip6", target_text(rule.pool, targets, family, ports));
        }
    };

    static std::string nat_lines(const Translation& nat) {
        const auto& rule = nat.rule;
        const auto& pool = rule.pool;
        std::string lines;
        const bool ported = rule.protocol == IPPROTO_TCP || rule.protocol == IPPROTO_UDP;
        if (pool.low && nat.targets.size() == 1 && (ported || !rule.protocol))
            lines += nat.to(ported ? "" : "meta l4proto { tcp, udp } ",
                            pool.low == pool.high ? std::to_string(pool.low)
                                                  : fmt::format("{}-{}", pool.low, pool.high));
        return lines + nat.to("", "");
    }

    static std::string rdr_lines(const Translation& rdr) {
        const auto& pool = rdr.rule.pool;
        if (!pool.high || pool.high == pool.low)
            return rdr.to("", pool.low ? std::to_string(pool.low) : "");
        // pf_get_translation(): the port keeps its place in the range.
        const auto& asked = rdr.rule.destination.port;
        const unsigned first = asked.first, last = std::max<unsigned>(asked.second, asked.first);
        const unsigned width = static_cast<unsigned>(pool.high) - pool.low + 1;
        if (asked.op == PfOperator::none || last - first >= most_mapped_ports)
            throw std::runtime_error("rdr of more than 1024 ports to a range is not provided by the lab");
        std::string lines;
        for (unsigned port = first; port <= last; ++port)
            lines +=
                rdr.to(fmt::format("th dport {} ", port), std::to_string(pool.low + (port - first) % width));
        return lines;
    }

    // Filtering: the last match wins, found when all are through.
    void filter(const Side& side, const std::string& hook) {
        verdicts_.clear();
        const auto name = [&](const char* suffix) { return std::string(side.name) + suffix; };
        const auto body = filter_rules("", side, 0);
        chain(name("_pass"), fmt::format("  ct direction original ct status {} ct mark set ct mark or {:#x}\n"
                                         "  accept\n",
                                         side.translated, side.original));
        std::string decide;
        if (!verdicts_.empty()) {
            std::vector<std::string> original, reply;
            for (const auto& [id, goes_to] : verdicts_) {
                original.push_back(fmt::format("{} : goto {}", id, goes_to.first));
                reply.push_back(fmt::format("{} : goto {}", id, goes_to.second));
            }
            decide = fmt::format("  ct direction reply meta mark and {0:#x} vmap {{ {1} }}\n"
                                 "  meta mark and {0:#x} vmap {{ {2} }}\n",
                                 pf_rule_bits, fmt::join(reply, ", "), fmt::join(original, ", "));
        }
        chain(name("_decide"), decide + "  goto " + name("_pass") + '\n');
        chain(name("_filter"), fmt::format("  type filter hook {}; policy accept;\n{}"
                                           "  ct direction original ct mark and {:#x} == {:#x} goto by{}\n"
                                           "  ct direction reply ct mark and {:#x} == {:#x} goto by{}\n"
                                           "  meta mark set meta mark and 0xff000000\n{}  goto {}\n",
                                           hook, skipped(side), side.original, side.original, side.original,
                                           side.reply, side.reply, side.reply, body, name("_decide")));
    }

    std::string filter_rules(const std::string& path, const Side& side, unsigned depth) {
        if (depth > 7)
            throw std::runtime_error("anchors in more than 8 layers are not provided by the lab");
        std::string lines;
        for (const auto& rule : rules(path, PfPart::filter)) {
            if (!rule.nat_to.addresses.empty() || !rule.rdr_to.addresses.empty())
                throw std::runtime_error("the effect of nat-to and rdr-to is not provided by the lab");
            if (rule.direction && rule.direction != side.direction)
                continue;
            lines +=
                rule.anchor.empty() ? filter_rule(rule, path, side) : filter_anchor(rule, path, side, depth);
        }
        return lines;
    }

    std::string filter_rule(const PfRule& rule, const std::string& path, const Side& side) {
        const auto matches = matcher_.matches(rule, path, side.direction);
        std::string lines = "  " + counter('e', rule) + '\n';
        if (rule.action == PfAction::match) {
            for (const auto& match : matches)
                lines += "  " + match.text + counter('r', rule) + tag_mark(rule, 0x00ffffff, 0) + '\n';
            return lines;
        }
        if (!matches.empty())
            verdict(rule, side);
        for (const auto& match : matches)
            lines += "  " + match.text + tag_mark(rule, 0, 0x00ff0000 | rule_mark(rule)) +
                     (rule.quick ? fmt::format("goto {}_decide\n", side.name) : "\n");
        return lines;
    }

    std::string filter_anchor(const PfRule& rule, const std::string& path, const Side& side, unsigned depth) {
        std::string lines;
        const unsigned bit = 1U << (16 + depth);
        for_each_called(rule, path, [&](const std::string& called) {
            const auto body = filter_rules(called, side, depth + 1);
            if (body.empty())
                return;
            const auto name = fmt::format("anchor{}", ++chain_number_);
            chain(name, body);
            for (const auto& match : matcher_.matches(rule, path, side.direction))
                lines += fmt::format("  {}{}jump {}\n", match.text, counter('r', rule), name);
        });
        if (lines.empty() || !rule.quick)
            return lines;
        return fmt::format("  meta mark set meta mark and {:#x}\n{}"
                           "  meta mark and {:#x} == {:#x} goto {}_decide\n",
                           ~bit, lines, bit, bit, side.name);
    }

    /// The chains that a rule's mark leads to at the end.
    void verdict(const PfRule& rule, const Side& side) {
        const unsigned id = rule_mark(rule);
        const auto name = [&](const char* kind) { return fmt::format("{}_{}{}", side.name, kind, id); };
        if (rule.action == PfAction::block) {
            chain(name("block"), "  " + counter('r', rule) + '\n' + refusal(rule, side) + "  drop\n");
            verdicts_[id] = {name("block"), name("block")};
        } else if (rule.state == PfState::none) {
            chain(name("pass"), fmt::format("  {}goto {}_pass\n", counter('r', rule), side.name));
            verdicts_[id] = {name("pass"), name("pass")};
        } else {
            for (const auto& [kind, bit] : {std::pair{"keep", side.original}, {"back", side.reply}})
                chain(name(kind), "  " + counter('r', rule) + state_mark(bit, id) + "accept\n");
            verdicts_[id] = {name("keep"), name("back")};
            deciding_[id] = &rule;
        }
    }

    /// nft(8) has no answer where packets leave: there they are dropped in silence.
    static std::string refusal(const PfRule& rule, const Side& side) {
        if (rule.answer == PfReturn::drop || side.direction == 'o')
            return "";
        const std::string reset = "  meta l4proto tcp reject with tcp reset\n",
                          unreachable =
                              "  meta l4proto != { icmp, icmpv6 } reject with icmpx type port-unreachable\n";
        return rule.answer == PfReturn::reset         ? reset
               : rule.answer == PfReturn::unreachable ? unreachable
                                                      : reset + unreachable;
    }

    /// Where packets go that a state lets pass: they count for its rule and get the tag that it had.
    void established(unsigned bit, unsigned shift) {
        std::vector<std::string> ways;
        for (const auto& [id, rule] : deciding_) {
            const auto name = fmt::format("state{}_{}", bit, id);
            const auto& tag = rule->tag.empty() && !rule->tagged_not ? rule->tagged : rule->tag;
            chain(name, "  " + counter('r', *rule) +
                            (tag.empty() ? "\n"
                                         : fmt::format("meta mark set meta mark and 0x00ffffff or {:#x}\n",
                                                       matcher_.tag_number(tag) << 24)));
            ways.push_back(fmt::format("{:#x} : jump {}", id << shift, name));
        }
        chain(fmt::format("by{}", bit),
              (ways.empty() ? ""
                            : fmt::format("  ct mark and {:#x} vmap {{ {} }}\n", pf_rule_bits << shift,
                                          fmt::join(ways, ", "))) +
                  "  accept\n");
    }

    const PfKernel& kernel_;
    PfMatcher matcher_;
    const PfCounters& counters_;
    std::string chains_;
    std::set<std::string> counter_names_, on_the_way_;
    std::map<unsigned, std::pair<std::string, std::string>>
        verdicts_;                               ///< by rule: chains for original and reply
    std::map<unsigned, const PfRule*> deciding_; ///< rules that make states
    unsigned chain_number_{0};
};

} // namespace

std::string pf_nft_script(const PfKernel& kernel, const PfInterfaces& interfaces,
                          const PfCounters& counters) {
    return Writer(kernel, interfaces, counters).write();
}

} // namespace bhype::lab
