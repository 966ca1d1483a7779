#include "vmd/protocol.h"

#include <charconv>

namespace bhype::vmd {

void Fields::add(std::string_view key, std::string_view value) {
    fields_.emplace_back(key, value);
}

void Fields::add(std::string_view key, std::int64_t value) {
    fields_.emplace_back(key, std::to_string(value));
}

const std::string& Fields::text(std::string_view key) const {
    static const std::string none;
    for (const auto& [name, value] : fields_)
        if (name == key)
            return value;
    return none;
}

std::int64_t Fields::number(std::string_view key, std::int64_t otherwise) const {
    const auto& value = text(key);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    return error == std::errc() && end == value.data() + value.size() ? number : otherwise;
}

bool Fields::has(std::string_view key) const {
    for (const auto& field : fields_)
        if (field.first == key)
            return true;
    return false;
}

std::vector<std::string> Fields::all(std::string_view key) const {
    std::vector<std::string> values;
    for (const auto& [name, value] : fields_)
        if (name == key)
            values.push_back(value);
    return values;
}

std::string Fields::print() const {
    std::string text;
    for (const auto& [key, value] : fields_) {
        text += key;
        text += '=';
        for (const char c : value) {
            if (c == '\n')
                text += "\\n";
            else if (c == '\\')
                text += "\\\\";
            else
                text += c;
        }
        text += '\n';
    }
    return text;
}

Fields Fields::parse(std::string_view text) {
    Fields fields;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos)
            continue;
        std::string value;
        for (std::size_t i = equals + 1; i < line.size(); ++i) {
            if (line[i] == '\\' && i + 1 < line.size())
                value += line[++i] == 'n' ? '\n' : line[i];
            else
                value += line[i];
        }
        fields.fields_.emplace_back(std::string(line.substr(0, equals)), std::move(value));
    }
    return fields;
}

std::string print(const Message& message) {
    const auto text = message.fields.print();
    std::string bytes;
    const auto put = [&](std::uint32_t value, int size) {
        for (int i = size - 1; i >= 0; --i)
            bytes += static_cast<char>(value >> (8 * i) & 0xff);
    };
    put(static_cast<std::uint32_t>(text.size()), 4);
    put(static_cast<std::uint32_t>(message.kind), 2);
    put(0, 2);
    put(message.tag, 4);
    return bytes + text;
}

std::optional<Message> Parser::next() {
    const auto number = [&](std::size_t at, int size) {
        std::uint32_t value = 0;
        for (int i = 0; i < size; ++i)
            value = value << 8 | static_cast<unsigned char>(buffer_[at + std::size_t(i)]);
        return value;
    };
    if (broken_ || buffer_.size() < header_size)
        return std::nullopt;
    const std::size_t length = number(0, 4);
    if (length > longest_text) {
        broken_ = true;
        return std::nullopt;
    }
    if (buffer_.size() < header_size + length)
        return std::nullopt;
    Message message{static_cast<Kind>(number(4, 2)), number(8, 4),
                    Fields::parse(std::string_view(buffer_).substr(header_size, length))};
    buffer_.erase(0, header_size + length);
    return message;
}

std::string_view name(State state) {
    switch (state) {
    case State::starting:
        return "starting";
    case State::running:
        return "running";
    case State::stopping:
        return "stopping";
    case State::stopped:
        return "stopped";
    case State::failed:
        break;
    }
    return "failed";
}

State state_named(std::string_view text) {
    for (const auto state : {State::starting, State::running, State::stopping, State::stopped})
        if (name(state) == text)
            return state;
    return State::failed;
}

Fields Status::fields() const {
    Fields fields{{"vm", vm}, {"state", std::string(name(state))}, {"reason", reason}};
    for (const auto& line : last_lines)
        fields.add("last", line);
    fields.add("since", since);
    fields.add("started", started);
    fields.add("reboots", reboots);
    fields.add("bhyve_pid", bhyve_pid);
    fields.add("bhyve_started", bhyve_started);
    fields.add("vmd_pid", vmd_pid);
    fields.add("generation", generation);
    fields.add("quick_resets", quick_resets);
    fields.add("log_start", log_start);
    fields.add("booted", booted);
    fields.add("stop_until", stop_until);
    fields.add("stop_seconds", stop_seconds);
    return fields;
}

Status Status::from(const Fields& fields) {
    Status status;
    status.vm = fields.text("vm");
    status.state = state_named(fields.text("state"));
    status.reason = fields.text("reason");
    status.last_lines = fields.all("last");
    status.since = fields.number("since");
    status.started = fields.number("started");
    status.reboots = fields.number("reboots");
    status.bhyve_pid = fields.number("bhyve_pid");
    status.bhyve_started = fields.number("bhyve_started");
    status.vmd_pid = fields.number("vmd_pid");
    status.generation = fields.number("generation");
    status.quick_resets = fields.number("quick_resets");
    status.log_start = fields.number("log_start");
    status.booted = fields.number("booted");
    status.stop_until = fields.number("stop_until");
    status.stop_seconds = fields.number("stop_seconds");
    return status;
}

Fields Run::fields() const {
    Fields fields{{"vm", vm}};
    for (const auto& argument : arguments)
        fields.add("argument", argument);
    for (const auto& tap : taps)
        fields.add("tap", tap);
    fields.add("vnc_port", vnc_port);
    fields.add("vnc_password", vnc_password);
    fields.add("width", width);
    fields.add("height", height);
    fields.add("generation", generation);
    fields.add("group", group);
    fields.add("bhyvectl", bhyvectl);
    fields.add("ifconfig", ifconfig);
    fields.add("vmm", vmm);
    fields.add("settle", settle);
    fields.add("quick", quick);
    fields.add("most_quick", most_quick);
    fields.add("press_interval", press_interval);
    fields.add("kill_patience", kill_patience);
    fields.add("log_limit", log_limit);
    return fields;
}

Run Run::from(const Fields& fields) {
    Run run;
    run.vm = fields.text("vm");
    run.arguments = fields.all("argument");
    run.taps = fields.all("tap");
    run.vnc_port = fields.number("vnc_port");
    run.vnc_password = fields.text("vnc_password");
    run.width = fields.number("width", run.width);
    run.height = fields.number("height", run.height);
    run.generation = fields.number("generation");
    run.group = fields.number("group", -1);
    const auto path = [&](std::string& to, std::string_view key) {
        if (fields.has(key))
            to = fields.text(key);
    };
    path(run.bhyvectl, "bhyvectl");
    path(run.ifconfig, "ifconfig");
    path(run.vmm, "vmm");
    run.settle = fields.number("settle", run.settle);
    run.quick = fields.number("quick", run.quick);
    run.most_quick = fields.number("most_quick", run.most_quick);
    run.press_interval = fields.number("press_interval", run.press_interval);
    run.kill_patience = fields.number("kill_patience", run.kill_patience);
    run.log_limit = fields.number("log_limit", run.log_limit);
    return run;
}

} // namespace bhype::vmd
