#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace bhype::cli {

namespace {

/// Values that a disk does not tell are left out.
class Facts {
  public:
    explicit Facts(const json::value& figures) : figures_(figures) {}
    void add(const char* title, const char* key, const char* unit = "") {
        if (const auto value = text(figures_, key); !value.empty())
            out_ += fact(title, width, value + unit);
    }
    void add(const char* title, const std::string& value) {
        if (!value.empty())
            out_ += fact(title, width, value);
    }
    const std::string& text_of_all() const { return out_; }

    static constexpr std::size_t width = 20;

  private:
    const json::value& figures_;
    std::string out_;
};

std::string size_of(const json::value& figures, const char* key) {
    const auto* value = figures.as_object().if_contains(key);
    return value && !value->is_null() ? size(*value) : std::string();
}

std::string test_text(const json::value& figures) {
    const auto* test = figures.as_object().if_contains("self_test");
    if (!test || test->is_null())
        return {};
    const auto hours = text(*test, "hours");
    return text(*test, "kind") + ": " + text(*test, "result") +
           (hours.empty() ? "" : ", after " + hours + " hours");
}

std::string figures_text(const json::value& figures) {
    Facts facts(figures);
    facts.add("model", "model");
    facts.add("serial", "serial");
    facts.add("firmware", "firmware");
    facts.add("spoken to by", "protocol");
    facts.add("temperature", "temperature", " C");
    facts.add("hours on", "hours");
    facts.add("switched on", "power_cycles", " times");
    facts.add("wear", "wear", " %");
    facts.add("spare blocks left", "spare", " %");
    facts.add("sectors replaced", "reallocated");
    facts.add("sectors unreadable", "pending");
    facts.add("uncorrectable", "uncorrectable");
    facts.add("media errors", "media_errors");
    facts.add("read", size_of(figures, "read"));
    facts.add("written", size_of(figures, "written"));
    facts.add("last self-test", test_text(figures));
    facts.add("self-test to do", "test_left", " %");
    return facts.text_of_all();
}

std::string report_text(const json::value& report) {
    const auto& judgement = report.at("judgement");
    auto out = fact("disk", Facts::width, text(report, "name")) +
               fact("health", Facts::width, text(judgement, "verdict") + ": " + text(judgement, "text"));
    if (const auto advice = text(judgement, "advice"); !advice.empty())
        out += fact("to do", Facts::width, advice);
    if (const auto* at = report.as_object().if_contains("at"); at && !at->is_null())
        out += fact("asked", Facts::width,
                    moment(at->to_number<std::int64_t>()) +
                        (report.at("asleep").as_bool() ? "; it sleeps since" : ""));
    if (const auto* figures = report.as_object().if_contains("figures"); figures && !figures->is_null())
        out += figures_text(*figures);
    const auto& findings = judgement.at("findings").as_array();
    for (std::size_t i = 1; i < findings.size(); ++i)
        out += '\n' + text(findings[i], "severity") + ": " + text(findings[i], "text") + "\n    " +
               text(findings[i], "advice") + '\n';
    return out;
}

/// What is not well stands below the table, so that its lines stay short; what several disks have alike,
/// once.
std::string remarks(const json::value& disks) {
    std::vector<std::pair<std::string, std::string>> said; // what, and who
    for (const auto& disk : disks.as_array()) {
        const auto verdict = text(disk, "health"), advice = text(disk, "health_advice");
        if (verdict == "well" || verdict == "unread")
            continue;
        const auto what = text(disk, "health_text") + (advice.empty() ? "" : "\n    " + advice);
        const auto same = std::ranges::find(said, what, &std::pair<std::string, std::string>::first);
        if (same == said.end())
            said.emplace_back(what, text(disk, "name"));
        else
            same->second += ", " + text(disk, "name");
    }
    std::string out;
    for (const auto& [what, who] : said)
        out += '\n' + who + ": " + what + '\n';
    return out;
}

} // namespace

std::string disks_table(const json::value& disks, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& disk : disks.as_array())
        rows.push_back({text(disk, "name"), size(disk.at("size")),
                        disk.at("solid_state").as_bool() ? "solid" : "turns", text(disk, "description"),
                        text(disk, "ident"), text(disk, "used_by").empty() ? "free" : text(disk, "used_by"),
                        text(disk, "health")});
    return table({"DISK", "SIZE", "KIND", "DESCRIPTION", "SERIAL", "USE", "HEALTH"}, rows, plain);
}

CLI::App* add_disk_commands(CLI::App& app, Context& context) {
    const auto list = [&context] {
        return context.print("/api/v1/disks", [&](const json::value& all) {
            return disks_table(all, context.plain) + (context.plain ? "" : remarks(all));
        });
    };
    auto* disks = noun(app, context, "disk", "Disks of the host", list);
    verb(*disks, context, "list", "List the disks, who uses them and how they are", list);
    const auto name = std::make_shared<std::string>();
    verb(*disks, context, "health", "Ask a disk for its health, and say what to do",
         [&context, name] {
             return context.print("/api/v1/disks/" + escaped(*name) + "/health?fresh=1", report_text);
         })
        ->add_option("DISK", *name, "the disk")
        ->required();
    return disks;
}

} // namespace bhype::cli
