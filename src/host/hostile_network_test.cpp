#include "host/dnsmasq.h"
#include "host/facts.h"
#include "host/pf.h"
#include "host/uplink.h"

#include "host/text.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace bhype::host {

namespace {

/// Texts that mean something to dnsmasq, pf, sh, rc.conf or ifconfig, alone and behind a harmless beginning.
std::vector<std::string> hostile_texts() {
    const std::vector<std::string> payloads{
        "\ndhcp-script=/tmp/x",
        "\r\nconf-file=/etc/master.passwd",
        "\n",
        "\r",
        "\x0b",
        std::string("\0", 1),
        "\x1b[2J",
        ",set:other",
        ",tag:!nat,3,10.0.0.1",
        "#",
        " #comment",
        "\"",
        "'",
        "\\",
        "\\\n",
        "$(id)",
        "`id`",
        "${IFS}",
        ";id",
        "&id",
        "|id",
        ">/etc/pf.conf",
        "<(id)",
        "{ pass }",
        "}\npass all",
        "<table>",
        "!em0",
        "(em0)",
        "$ext_if",
        "\" pass all \"",
        "\npass quick all",
        "\nanchor \"evil\"",
        " to any",
        "/0",
        "/33",
        ":0",
        "-1",
        "..",
        "../x",
        "/etc/passwd",
        "%s%n",
        "*",
        "?",
        "[a-z]",
        "~root",
        "=",
        "==",
        "\" up\nfoo=\"bar",
        " destroy",
        " create",
        " name lo0",
        " group wheel",
        "\xff\xfe",
        "\xc0\xaf",
        "\xe2\x80\xae",
        "a b",
        std::string(300, 'a'),
        std::string(5000, '1'),
        "@",
        "",
    };
    std::vector<std::string> texts;
    for (const auto& payload : payloads) {
        texts.push_back(payload);
        texts.push_back("em0" + payload);
        texts.push_back("10.77.0.1" + payload);
    }
    return texts;
}

template <class T>
std::optional<T> taken(const std::string& text) {
    Problems problems;
    T value;
    decode_into(json::value(json::string(text)), value, problems);
    return problems.found().empty() ? std::optional(value) : std::nullopt;
}

std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

/// The first word of each line, where dnsmasq's keywords are.
std::vector<std::string> keywords(const std::string& text) {
    std::vector<std::string> found;
    each_line(text, [&](std::string_view line) { found.emplace_back(line.substr(0, line.find('='))); });
    return found;
}

DhcpRange good_range() {
    DhcpRange range;
    range.switch_ = SwitchName::from("nat");
    range.address = Ipv4Prefix::from("10.77.0.1/24");
    range.domain = DomainName::from("lab.example");
    range.dns = {Ipv4Address::from("192.0.2.53")};
    range.options = {{42, DhcpValue::from("192.0.2.1")}};
    return range;
}

} // namespace

TEST(HostileNetwork, ThereAreMoreThanAHundredTexts) {
    auto texts = hostile_texts();
    std::ranges::sort(texts);
    EXPECT_GT(std::ranges::unique(texts).begin() - texts.begin(), 100);
}

TEST(HostileNetwork, NoTextAddsALineOrAKeywordToDnsmasqsConfiguration) {
    const auto good = keywords(dnsmasq_configuration({good_range()}, {}));
    for (const auto& text : hostile_texts()) {
        auto range = good_range();
        if (const auto value = taken<SwitchName>(text))
            range.switch_ = *value;
        if (const auto value = taken<DomainName>(text))
            range.domain = *value;
        if (const auto value = taken<Ipv4Address>(text))
            range.dns = {*value};
        if (const auto value = taken<DhcpValue>(text)) {
            range.options = {{42, *value}};
            EXPECT_EQ(value->str().find_first_of("\n\r\"'#\\ $`"), std::string::npos) << sh_quoted(text);
        }
        EXPECT_EQ(keywords(dnsmasq_configuration({range}, {})), good) << sh_quoted(text);
    }
}

TEST(HostileNetwork, NoNameAddsALineToDnsmasqsHosts) {
    const DhcpHost good{SwitchName::from("nat"), MacAddress::from("02:00:00:00:00:01"), std::nullopt,
                        DomainName::from("web1")};
    const auto one = lines(dnsmasq_hosts({good}));
    for (const auto& text : hostile_texts()) {
        auto host = good;
        if (const auto value = taken<DomainName>(text))
            host.name = *value;
        if (const auto value = taken<MacAddress>(text))
            host.mac = *value;
        EXPECT_EQ(lines(dnsmasq_hosts({host})), one) << sh_quoted(text);
    }
}

TEST(HostileNetwork, NoNameAddsARuleToPf) {
    FirewallEnsure good;
    good.switches = {{SwitchName::from("nat"), true, false, Ipv4Prefix::from("10.77.0.1/24"), {}, {}}};
    const WaysOut ways{InterfaceName::from("em0"), {}};
    const auto one = lines(pf_rules(good, ways));
    for (const auto& text : hostile_texts()) {
        auto wanted = good;
        if (const auto value = taken<SwitchName>(text))
            wanted.switches[0].switch_ = *value;
        if (const auto value = taken<InterfaceName>(text)) {
            wanted.switches[0].uplink = *value;
            EXPECT_EQ(value->str().find_first_of(" \n\"'{}()<>$!#"), std::string::npos) << sh_quoted(text);
        }
        if (const auto value = taken<Ipv4Prefix>(text))
            wanted.switches[0].address = *value;
        EXPECT_EQ(lines(pf_rules(wanted, ways)), one) << sh_quoted(text);
    }
}

TEST(HostileNetwork, NoTextLeavesItsWordInRcConfOrOnACommandLine) {
    for (const auto& text : hostile_texts()) {
        try {
            const auto command = sysrc_set("ifconfig_em0", text);
            ASSERT_EQ(command.arguments.size(), 1U);
            EXPECT_EQ(command.arguments[0].find_first_of("\n\r\"\\$`"), std::string::npos) << sh_quoted(text);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), Code::invalid_field) << sh_quoted(text);
        }
        // An interface's name is one word, and none that ifconfig(8) would take for an option.
        if (const auto name = taken<InterfaceName>(text)) {
            EXPECT_EQ(words(name->str()).size(), 1U) << sh_quoted(text);
            EXPECT_NE(name->str().front(), '-') << sh_quoted(text);
        }
        EXPECT_FALSE(taken<SwitchName>(text) && taken<SwitchName>(text)->str() != text) << sh_quoted(text);
    }
}

TEST(HostileNetwork, WhatRcConfHasIsMovedAsItIsOrNotAtAll) {
    for (const auto& text : hostile_texts()) {
        HostNetwork host;
        Interface em0;
        em0.name = InterfaceName::from("em0");
        em0.inet = {"192.0.2.10/24"};
        em0.ether = "02:00:00:00:00:01";
        Interface bridge;
        bridge.name = InterfaceName::from("bh-public");
        bridge.groups = {"bridge", "bhype"};
        host.interfaces = {em0, bridge};
        host.rc = {{"ifconfig_em0", "inet 192.0.2.10/24 " + text}, {"cloned_interfaces", text}};
        UplinkChange change;
        change.ports = {em0.name};
        change.switch_ = SwitchName::from("public");
        try {
            for (const auto& line : shown(uplink_steps(change, host), host.rc).saved)
                EXPECT_EQ(line.find('\n'), line.npos) << sh_quoted(text);
        } catch (const Error& error) {
            EXPECT_TRUE(error.code() == Code::invalid_field || error.code() == Code::switch_refused)
                << error.what();
        }
    }
}

TEST(HostileNetwork, NamesThatDnsmasqTakesForItsOwnWordsAreNotGiven) {
    const auto hosts = [](const char* name, std::optional<Ipv4Address> address) {
        return dnsmasq_hosts({{SwitchName::from("nat"), MacAddress::from("58:9c:fc:00:00:01"), address,
                               DomainName::from(name)}});
    };
    const auto address = Ipv4Address::from("10.77.0.5");
    for (const auto* name : {"ignore", "infinite", "100", "7d", "12h"}) {
        EXPECT_EQ(hosts(name, std::nullopt), "");
        EXPECT_EQ(hosts(name, address), "58:9c:fc:00:00:01,10.77.0.5\n");
    }
    for (const auto* name : {"ignored", "7days", "d7", "web1"})
        EXPECT_EQ(hosts(name, std::nullopt), std::string("58:9c:fc:00:00:01,") + name + "\n");
}

} // namespace bhype::host
