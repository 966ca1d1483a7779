#include "lab/commands/pf_nft.h"

#include <gtest/gtest.h>

namespace bhype::lab {

namespace {

const PfInterfaces interfaces{
    {"lo0", {"lo"}, {{*PfNetwork::parse("127.0.0.1"), 8}}},
    {"em0", {"egress"}, {{*PfNetwork::parse("192.0.2.1"), 24}, {*PfNetwork::parse("192.0.2.9"), 24}}},
    {"bh-nat", {"bridge", "bhype"}, {{*PfNetwork::parse("10.77.0.1"), 24}}},
};

struct Result {
    PfParsed parsed;
    std::string complaints;
};

Result parsed(const std::string& text, int release = 14) {
    testing::internal::CaptureStderr();
    PfLexer lexer("pf.conf", text, release);
    Result result;
    result.parsed = parse_pf(lexer, interfaces, {.major_release = release});
    result.complaints = testing::internal::GetCapturedStderr();
    return result;
}

/// The rules as pfctl shows them, anchors with bodies behind the main ones.
std::string shown(const std::string& text, int release = 14) {
    const auto result = parsed(text, release);
    std::string lines = result.complaints;
    for (const auto& [path, ruleset] : result.parsed.rulesets)
        for (const auto part : {PfPart::scrub, PfPart::nat, PfPart::rdr, PfPart::binat, PfPart::filter})
            for (const auto& rule : ruleset[static_cast<std::size_t>(part)])
                lines += (path.empty() ? "" : path + ": ") + text_of(rule) + '\n';
    return lines;
}

PfKernel kernel_of(const std::string& text) {
    PfKernel kernel;
    kernel.replace("", parsed(text).parsed,
                   {PfPart::scrub, PfPart::nat, PfPart::binat, PfPart::rdr, PfPart::filter}, true, true);
    kernel.collect();
    return kernel;
}

TEST(PfGrammar, ExpandsAndPrintsAsPfctlDoes) {
    const std::pair<const char*, const char*> cases[] = {
        {"nat on em0 inet from 10.77.0.0/24 to any -> (em0)\n",
         "nat on em0 inet from 10.77.0.0/24 to any -> (em0) round-robin\n"},
        {"nat on em0 from 10.77.0.5/24 to !10/8 -> (em0:0) static-port\n",
         "nat on em0 inet from 10.77.0.0/24 to ! 10.0.0.0/8 -> (em0:0) static-port\n"},
        {"rdr pass on em0 inet proto tcp from any to (em0) port 2222 -> 10.77.0.10 port 22\n",
         "rdr pass on em0 inet proto tcp from any to (em0) port = 2222 -> 10.77.0.10 port 22\n"},
        {"rdr on em0 proto udp to 192.0.2.1 port 2000:2010 -> 10.77.0.10 port 3000:*\n",
         "rdr on em0 inet proto udp from any to 192.0.2.1 port 2000:2010 -> 10.77.0.10 port 3000:3010\n"},
        {"no nat on em0 from 10.77.0.0/24 to 10.0.0.0/8\n",
         "no nat on em0 inet from 10.77.0.0/24 to 10.0.0.0/8\n"},
        {"binat on em0 from 10.77.0.5 to any -> 192.0.2.55\n",
         "binat on em0 inet from 10.77.0.5 to any -> 192.0.2.55\n"},
        {"nat-anchor \"bhype/*\"\nrdr-anchor \"bhype/*\"\nanchor \"bhype/*\"\n",
         "nat-anchor \"bhype/*\" all\nrdr-anchor \"bhype/*\" all\nanchor \"bhype/*\" all\n"},
        {"pass in quick\n", "pass in quick all flags S/SA keep state\n"},
        {"block in log on { em0 bh-nat } proto { tcp udp } to port { 22, 8000:8010 }\n",
         "block drop in log on em0 proto tcp from any to any port = 22\n"
         "block drop in log on em0 proto tcp from any to any port 8000:8010\n"
         "block drop in log on em0 proto udp from any to any port = 22\n"
         "block drop in log on em0 proto udp from any to any port 8000:8010\n"
         "block drop in log on bh-nat proto tcp from any to any port = 22\n"
         "block drop in log on bh-nat proto tcp from any to any port 8000:8010\n"
         "block drop in log on bh-nat proto udp from any to any port = 22\n"
         "block drop in log on bh-nat proto udp from any to any port 8000:8010\n"},
        {"set block-policy return\nblock out inet6 from any to <bad>\n",
         "block return out inet6 from any to <bad>\n"},
        {"pass out proto udp no state\n", "pass out proto udp all no state\n"},
        {"pass in inet proto icmp icmp-type { echoreq, unreach code needfrag }\n",
         "pass in inet proto icmp all icmp-type echoreq keep state\n"
         "pass in inet proto icmp all icmp-type unreach code needfrag keep state\n"},
        {"pass in on em0 from bh-nat:network tag A label \"l\" flags any\n",
         "pass in on em0 inet from 10.77.0.0/24 to any flags any keep state label \"l\" tag A\n"},
        {"x = \"em0\"\ny = \"{ 1.1.1.1 2.2.2.2 }\"\npass on $x from $y\n",
         "pass on em0 inet from 1.1.1.1 to any flags S/SA keep state\n"
         "pass on em0 inet from 2.2.2.2 to any flags S/SA keep state\n"},
        {"pass from { 10.0.0.1, \\\n 10.0.0.2 } \\\n to any\n",
         "pass inet from 10.0.0.1 to any flags S/SA keep state\npass inet from 10.0.0.2 to any flags S/SA "
         "keep state\n"},
        {"anchor \"a\" in {\n pass\n anchor {\n  block\n }\n}\n",
         "anchor \"a\" in all\na: pass all flags S/SA keep state\na: anchor all\na/_1: block drop all\n"},
        {"scrub in on em0 no-df random-id\n", "scrub in on em0 all no-df random-id fragment reassemble\n"},
    };
    for (const auto& [text, expected] : cases)
        EXPECT_EQ(shown(text), expected) << text;
    EXPECT_EQ(
        shown("pass out on em0 inet from 10.77.0.0/24 nat-to (em0)\n", 15),
        "pass out on em0 inet from 10.77.0.0/24 to any flags S/SA keep state nat-to (em0) round-robin\n");
}

TEST(PfGrammar, RefusesInPfctlsWords) {
    const std::pair<const char*, const char*> cases[] = {
        {"pass in on\npass\n", "pf.conf:1: syntax error\n"},
        {"pass", "pf.conf:1: syntax error\n"},
        {"pass in from 10.0.0.1 port\n", "pf.conf:1: syntax error\n"},
        {"anchor bhype/*\n", "pf.conf:1: syntax error\n"},
        {"pass from { 10.0.0.1,\n 10.0.0.2 }\n", "pf.conf:1: syntax error\n"},
        {"# a\n\npass in on $x\npass\n", "pf.conf:3: macro 'x' not defined\npf.conf:3: syntax error\n"},
        {"pass\nnat on em0 from any to any -> (em0)\n",
         "pf.conf:2: Rules must be in order: options, ethernet, normalization, queueing, translation, "
         "filtering\n"},
        {"pass to port 22\n",
         "pf.conf:1: port only applies to tcp/udp\npf.conf:1: skipping rule due to errors\n"
         "pf.conf:1: rule expands to no valid combination\n"},
        {"pass proto foo\n", "pf.conf:1: unknown protocol foo\n"},
        {"pass proto tcp to port foo\n", "pf.conf:1: unknown port foo\n"},
        {"pass proto tcp to port 70000\n", "pf.conf:1: illegal port value 70000\n"},
        {"pass on averyverylongname0\n", "pf.conf:1: interface name too long\n"},
        {"nat on em0 from any to any\n", "pf.conf:1: translation rule requires '-> address'\n"},
        {"no nat on em0 from any to any -> (em0)\n",
         "pf.conf:1: translation rule with 'no' does not need '->'\n"},
        {"nat on em0 from any to any -> (em0:foo)\n", "pf.conf:1: interface em0:foo has bad modifier\n"},
        {"rdr on em0 from any to any port 80 -> 10.0.0.1\n",
         "pf.conf:1: dst port only applies to tcp/udp\npf.conf:1: skipping rule due to errors\n"
         "pf.conf:1: rule expands to no valid combination\n"},
        {"pass from 10.0.0.0/33\n", "no IP address found for 10.0.0.0/33\n"
                                    "pf.conf:1: could not parse host specification\n"},
        {"pass inet from ::1\n", "pf.conf:1: rule expands to no valid combination\n"},
        {"anchor \"_x\"\n", "pf.conf:1: anchor names beginning with '_' are reserved for internal use\n"},
        {"table <t> { <u> }\n", "pf.conf:1: tables cannot contain tables\n"},
        {"block keep state\n", "pf.conf:1: keep state is great, but only for pass rules\n"
                               "pf.conf:1: skipping rule due to errors\n"
                               "pf.conf:1: rule expands to no valid combination\n"},
        {"set skip on ! lo0\n", "pf.conf:1: skip on ! <interface> is not supported\n"
                                "pf.conf:1: error setting skip interface(s)\n"},
    };
    for (const auto& [text, expected] : cases) {
        const auto result = parsed(text);
        EXPECT_EQ(result.complaints, expected) << text;
        EXPECT_FALSE(result.parsed.good) << text;
    }
    EXPECT_EQ(
        parsed("pass\nnat on em0 from any to any -> (em0)\n", 13).complaints,
        "pf.conf:2: Rules must be in order: options, normalization, queueing, translation, filtering\n");
    EXPECT_EQ(parsed("match in\n", 13).complaints, "pf.conf:1: syntax error\n");
    EXPECT_EQ(parsed("pass out on em0 nat-to (em0)\n", 14).complaints, "pf.conf:1: syntax error\n");
}

TEST(PfGrammar, SaysWhatTheLabHasNot) {
    for (const char* text :
         {"pass in route-to (em0 10.0.0.1)\n", "antispoof for em0\n", "pass from no-route\n",
          "pass keep state (max 5)\n", "scrub in max-mss 1400\n", "pass user root\n"}) {
        PfLexer lexer("pf.conf", text, 14);
        EXPECT_THROW(parse_pf(lexer, interfaces, {.major_release = 14}), std::runtime_error) << text;
    }
}

TEST(PfKernel, IsReadBackAsItWasWritten) {
    auto kernel = kernel_of("set skip on lo0\ntable <t> persist { 10.0.0.0/8, !10.1.0.0/16 }\n"
                            "nat on em0 from 10.77.0.0/24 to any -> { (em0), 192.0.2.9 }\n"
                            "rdr-anchor \"bhype/*\"\npass in on \"log\" tag \"in\" label \"a b\"\n"
                            "anchor \"x\" {\nblock return-icmp from <t>\n}\n");
    const auto text = to_text(kernel);
    EXPECT_EQ(to_text(pf_kernel_from(text, interfaces)), text);
    EXPECT_EQ(kernel.below(""), (std::vector<std::string>{"bhype", "x"}));
    kernel.clear("", {PfPart::rdr});
    kernel.collect();
    EXPECT_EQ(kernel.below(""), (std::vector<std::string>{"x"}));
}

TEST(PfNft, WritesWhatTheRulesMean) {
    const auto script = pf_nft_script(
        kernel_of("table <t> { 10.0.0.0/8, !10.0.0.1 }\nnat on em0 inet from 10.77.0.0/24 to any -> (em0:0)\n"
                  "block in on egress from <t>\nanchor \"never\"\n"),
        interfaces, {{"r1", {7, 700}}});
    for (const char* line :
         {"counter r1 { packets 7 bytes 700; }",
          "oifname { \"em0\" } ip saddr 10.77.0.0/24 meta l4proto { tcp, udp } counter name r1 snat ip to "
          "192.0.2.1:50001-65535\n",
          "iifname { \"em0\" } ip saddr { 10.0.0.0, 10.0.0.2-10.255.255.255 } meta mark set"})
        EXPECT_NE(script.find(line), std::string::npos) << line << "\nin\n" << script;
    EXPECT_THROW(pf_nft_script(kernel_of("rdr on lo0 proto tcp to port 80 -> 10.0.0.1\n"), interfaces, {}),
                 std::runtime_error);
}

} // namespace

} // namespace bhype::lab
