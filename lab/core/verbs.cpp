#include "lab/core/verbs.h"

#include "lab/core/boot.h"
#include "lab/core/calls.h"
#include "lab/core/exec.h"
#include "lab/core/rc.h"
#include "lab/core/root.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

constexpr const char* usage =
    R"(usage: lab VERB [--dir DIR] ...
  up [--release 13.2|14.3|15.0] [--disks 2x20G] [--memory 8G] [--nics 1] [--slow]
     [--account NAME:PASSWORD[:GROUP,...]]... [--share DIR]...
     [--install BUILD]... [--prepare PROGRAM]... [--setup SCRIPT] [--appliance DIR]
                              make a lab and start it, or start again the one that is there; prints its web address;
                              SCRIPT is run by sh(1) in a new lab as root
  exec [--user NAME] -- COMMAND...   run a command in the lab; its exit status is passed on
  outside -- COMMAND...       run a command of the machine on the other side of the lab's network cards
  link IF up|down             plug and pull the cable of a network card
  disk NAME pull|insert|new   take a disk out while everything runs, put it back, or put a blank one in its place
  disk NAME smart [FIELD=VALUE...]
                              what the disk says of its health from now on, by the names of NVMe's log page, such as
                              critical_warning=4 or percentage_used=95; none: the truth
  reboot                      cut the power and start again
  shutdown                    shut down in order; "up" starts again
  fail COMMAND N --exit S [--stderr TEXT] [--hang SECONDS]
                              the Nth next call of a FreeBSD command fails; COMMAND may name first arguments: "zfs clone"
  fail --clear                forget the failures that have not happened
  calls [--clear]             the FreeBSD commands run so far: exit status, milliseconds, user id, arguments
  address                     the web address
  down                        end the lab and remove all that it was
DIR is the lab's folder, ${BHYPE_LAB_DIR:-$PWD/.cache/lab} unless given. Labs in different folders do not meet.
The machine's /usr is shown inside, read-only: programs that are upgraded meanwhile are seen upgraded.
)";

struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Options of all verbs; each verb looks at its own and refuses the rest by `allowed`.
struct Options {
    fs::path dir;
    std::vector<std::string> rest;
    LabConfig config;
    std::vector<NewAccount> accounts;
    std::vector<fs::path> installs, prepares;
    fs::path setup;
    Fault fault;
    std::string user{"root"};
    bool clear{false};
    bool made_of_something{false}; ///< an option that only a new lab can take was given
};

Options parse(const Arguments& arguments, const std::vector<std::string>& allowed) {
    Options options;
    if (const char* dir = std::getenv("BHYPE_LAB_DIR"); dir && *dir)
        options.dir = dir;
    else
        options.dir = fs::current_path() / ".cache/lab";
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        std::string name = arguments[i];
        if (name == "--") {
            options.rest.insert(options.rest.end(), arguments.begin() + static_cast<long>(i) + 1,
                                arguments.end());
            break;
        }
        if (!name.starts_with("--")) {
            options.rest.push_back(name);
            continue;
        }
        std::optional<std::string> attached;
        if (const auto equals = name.find('='); equals != std::string::npos) {
            attached = name.substr(equals + 1);
            name.erase(equals);
        }
        if (name != "--dir" && std::find(allowed.begin(), allowed.end(), name) == allowed.end())
            throw UsageError(fmt::format("{} does not take {}", arguments[0], name));
        if (name == "--slow" || name == "--clear") {
            (name == "--slow" ? options.config.slow : options.clear) = true;
            options.made_of_something = options.made_of_something || name == "--slow";
            continue;
        }
        if (!attached && i + 1 == arguments.size())
            throw UsageError(name + " needs a value");
        const std::string value = attached ? *attached : arguments[++i];
        if (name == "--dir")
            options.dir = value;
        else if (name == "--user")
            options.user = value;
        else if (name == "--exit")
            options.fault.exit_status = std::stoi(value);
        else if (name == "--stderr")
            options.fault.text = value;
        else if (name == "--hang")
            options.fault.hang = static_cast<unsigned>(std::stoul(value));
        else if (name == "--install")
            options.installs.push_back(fs::absolute(value));
        else if (name == "--prepare")
            options.prepares.push_back(fs::absolute(value));
        else if (name == "--setup")
            options.setup = fs::absolute(value);
        else if (name == "--appliance")
            options.config.appliance = fs::absolute(value);
        else {
            options.made_of_something = true;
            if (name == "--release")
                options.config.release = value;
            else if (name == "--disks")
                options.config.disks = parse_disks(value);
            else if (name == "--nics")
                options.config.nics = parse_nics(value);
            else if (name == "--memory")
                options.config.memory = parse_size(value);
            else if (name == "--account")
                options.accounts.push_back(parse_account(value));
            else if (name == "--share")
                options.config.shares.push_back(fs::canonical(value));
        }
    }
    options.dir = fs::absolute(options.dir).lexically_normal();
    return options;
}

void print_address(const Layout& layout) {
    std::cout << fmt::format("https://127.0.0.1:{}/\n", load(layout.config()).port);
}

/// Puts what was built into the lab as an administrator would on FreeBSD.
void install_product(const Layout& layout, const fs::path& build) {
    setenv("DESTDIR", layout.root().c_str(), 1);
    const auto command = fmt::format("cmake --install '{}' --prefix /usr/local >>'{}' 2>&1", build.string(),
                                     layout.console().string());
    const int status = std::system(command.c_str());
    unsetenv("DESTDIR");
    if (status != 0)
        throw std::runtime_error(
            fmt::format("cmake --install {} failed (see {})", build.string(), layout.console().string()));
}

/// What an administrator types once. Groups that were made with the lab's accounts may be there before.
void set_up(const Layout& layout, const fs::path& script) {
    std::ifstream in(script);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (text.empty())
        throw std::runtime_error("cannot read " + script.string());
    const std::string tolerant =
        "exec >&2; set -e; pw() { _said=$(/usr/sbin/pw \"$@\" 2>&1) || [ $? = 65 ] || "
        "{ echo \"$_said\"; return 1; }; }\n";
    if (exec_in_lab(layout, {"root", {"/bin/sh", "-c", tolerant + text}}) != 0)
        throw std::runtime_error(script.string() + " failed in the lab");
}

int up(const Arguments& arguments, const Hooks& hooks) {
    const Options options =
        parse(arguments, {"--release", "--disks", "--account", "--memory", "--nics", "--slow", "--install",
                          "--share", "--prepare", "--setup", "--appliance"});
    if (!options.rest.empty())
        throw UsageError("up does not take " + options.rest[0]);
    static constexpr const char* releases[] = {"13.2", "14.3", "15.0"};
    if (std::find(std::begin(releases), std::end(releases), options.config.release) == std::end(releases))
        throw UsageError("releases are 13.2, 14.3 and 15.0");
    if (geteuid() != 0)
        throw std::runtime_error("a lab needs root, for namespaces and network devices");
    const Layout layout{options.dir};
    if (const auto lab = running(layout)) {
        if (options.made_of_something)
            throw std::runtime_error(
                fmt::format("a lab is up in {}; \"down\" removes it", layout.dir.string()));
        print_address(layout);
        return 0;
    }
    const bool old = fs::exists(layout.config());
    if (old && options.made_of_something)
        throw std::runtime_error(
            fmt::format("there is a lab in {}; \"down\" removes it", layout.dir.string()));
    if (!old) {
        fs::create_directories(layout.dir);
        fs::permissions(layout.dir, fs::perms(0700));
        std::cerr << "making a FreeBSD " << options.config.release << " root in " << layout.dir.string()
                  << std::endl;
        build_root(layout, options.config, options.accounts, hooks);
        save(layout, options.config);
    }
    for (const auto& program : options.prepares)
        if (run_program({program.string(), layout.root().string()}) != 0)
            throw std::runtime_error(program.string() + " failed");
    for (const auto& build : options.installs) {
        std::cerr << "installing " << build.string() << std::endl;
        install_product(layout, build);
    }
    LabConfig config = load(layout.config());
    if (!options.config.appliance.empty() && config.appliance != options.config.appliance) {
        config.appliance = options.config.appliance;
        save(layout, config);
    }
    boot(layout, config, hooks, std::cerr);
    if (!old && !options.setup.empty())
        set_up(layout, options.setup);
    print_address(layout);
    return 0;
}

Layout existing(const Options& options) {
    const Layout layout{options.dir};
    if (!fs::exists(layout.config()))
        throw std::runtime_error("there is no lab in " + layout.dir.string());
    return layout;
}

int exec(const Arguments& arguments, const Hooks&) {
    const auto separator = std::find(arguments.begin(), arguments.end(), "--");
    const Options options = parse({arguments.begin(), separator}, {"--user"});
    ExecRequest request{options.user, options.rest};
    if (separator != arguments.end())
        request.argv.insert(request.argv.end(), separator + 1, arguments.end());
    if (request.argv.empty())
        throw UsageError("exec needs a command");
    return exec_in_lab(Layout{options.dir}, request);
}

int outside(const Arguments& arguments, const Hooks&) {
    const auto separator = std::find(arguments.begin(), arguments.end(), "--");
    const Options options = parse({arguments.begin(), separator}, {});
    ExecRequest request{"root", {"/.lab/bhype-lab", "inside-outside"}};
    request.argv.insert(request.argv.end(), options.rest.begin(), options.rest.end());
    if (separator != arguments.end())
        request.argv.insert(request.argv.end(), separator + 1, arguments.end());
    if (request.argv.size() == 2)
        throw UsageError("outside needs a command");
    return exec_in_lab(Layout{options.dir}, request);
}

int link(const Arguments& arguments, const Hooks&) {
    const Options options = parse(arguments, {});
    if (options.rest.size() != 2 || (options.rest[1] != "up" && options.rest[1] != "down"))
        throw UsageError("link needs the name of a network card, and up or down");
    return exec_in_lab(Layout{options.dir},
                       {"root", {"/.lab/bhype-lab", "inside-link", options.rest[0], options.rest[1]}});
}

int disk(const Arguments& arguments, const Hooks& hooks) {
    const Options options = parse(arguments, {});
    const Layout layout = existing(options);
    static constexpr std::pair<const char*, DiskChange> changes[] = {
        {"pull", DiskChange::pull}, {"insert", DiskChange::insert}, {"new", DiskChange::blank}};
    if (options.rest.size() == 2)
        for (const auto& [word, change] : changes)
            if (options.rest[1] == word && hooks.disk) {
                hooks.disk(layout, load(layout.config()), options.rest[0], change);
                return 0;
            }
    if (options.rest.size() >= 2 && options.rest[1] == "smart" && hooks.smart) {
        hooks.smart(layout, load(layout.config()), options.rest[0],
                    {options.rest.begin() + 2, options.rest.end()});
        return 0;
    }
    throw UsageError("disk needs the name of a disk, and pull, insert, new or smart");
}

int reboot(const Arguments& arguments, const Hooks& hooks) {
    const Layout layout = existing(parse(arguments, {}));
    power_off(layout, hooks);
    boot(layout, load(layout.config()), hooks, std::cerr);
    return 0;
}

int shutdown(const Arguments& arguments, const Hooks& hooks) {
    const Layout layout = existing(parse(arguments, {}));
    const auto lab = running(layout);
    if (!lab)
        throw std::runtime_error("no lab is up in " + layout.dir.string());
    const int status = exec_in_lab(layout, {"root", {"/.lab/bhype-lab", "inside-shutdown"}});
    kill_lab(*lab);
    for (const auto& stop : hooks.stop)
        stop(layout);
    return status;
}

int fail(const Arguments& arguments, const Hooks& hooks) {
    Options options = parse(arguments, {"--exit", "--stderr", "--hang", "--clear"});
    const Layout layout = existing(options);
    if (options.clear) {
        clear_faults(layout.state());
        return 0;
    }
    if (options.rest.size() != 2)
        throw UsageError("fail needs COMMAND and N");
    options.fault.command = options.rest[0];
    options.fault.countdown = static_cast<unsigned>(std::stoul(options.rest[1]));
    const bool hang_only =
        options.fault.hang > 0 && std::none_of(arguments.begin(), arguments.end(),
                                               [](const auto& a) { return a.starts_with("--exit"); });
    if (hang_only)
        options.fault.exit_status = -1;
    const auto name = options.fault.command.substr(0, options.fault.command.find(' '));
    const bool known = std::any_of(hooks.commands.begin(), hooks.commands.end(), [&](const Command& command) {
        return fs::path(command.path).filename() == name;
    });
    if (!known || options.fault.countdown < 1)
        throw UsageError(known ? "N counts from 1" : "not a command of the lab: " + name);
    add_fault(layout.state(), options.fault);
    return 0;
}

int calls(const Arguments& arguments, const Hooks&) {
    const Options options = parse(arguments, {"--clear"});
    const Layout layout = existing(options);
    if (options.clear)
        clear_calls(layout.state());
    else
        print_calls(layout.state(), std::cout);
    return 0;
}

int address(const Arguments& arguments, const Hooks&) {
    print_address(existing(parse(arguments, {})));
    return 0;
}

int down(const Arguments& arguments, const Hooks& hooks) {
    const Layout layout{parse(arguments, {}).dir};
    power_off(layout, hooks);
    // Only what a lab has made: the folder may have been given by mistake.
    for (const auto& path :
         {layout.root(), layout.config(), layout.pid(), layout.console(), layout.dir / "exec"})
        fs::remove_all(path);
    std::error_code not_empty;
    fs::remove(layout.dir, not_empty);
    return 0;
}

struct Verb {
    const char* name;
    int (*run)(const Arguments&, const Hooks&);
};

constexpr Verb verbs[] = {
    {"up", up},     {"exec", exec},       {"reboot", reboot}, {"shutdown", shutdown},
    {"fail", fail}, {"down", down},       {"calls", calls},   {"address", address},
    {"link", link}, {"outside", outside}, {"disk", disk},
};

} // namespace

int verb_main(const Arguments& arguments, const Hooks& hooks) {
    try {
        for (const Verb& verb : verbs)
            if (!arguments.empty() && arguments[0] == verb.name)
                return verb.run(arguments, hooks);
        const bool asked = !arguments.empty() && (arguments[0] == "help" || arguments[0] == "--help");
        (asked ? std::cout : std::cerr) << usage;
        return asked ? 0 : 2;
    } catch (const UsageError& error) {
        std::cerr << "lab: " << error.what() << '\n' << usage;
        return 2;
    } catch (const std::invalid_argument& error) {
        std::cerr << "lab: " << error.what() << '\n';
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "lab: " << error.what() << '\n';
        return 1;
    }
}

} // namespace bhype::lab
