#include "lab/commands/commands.h"
#include "lab/commands/modules.h"
#include "lab/commands/pf_apply.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr unsigned long kernel_address = 0xffffffff80200000, first_module_address = 0xffffffff82118000;

} // namespace

int kldload_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, "nqv");
    if (options.bad() || options.rest.empty()) {
        complain("kldload", options);
        std::cerr << "usage: kldload [-nqv] file ...\n";
        return 1;
    }
    int status = 0;
    for (const auto& name : options.rest) {
        const int error = geteuid() != 0 ? EPERM : load_module(name);
        if (error == 0) {
            if (options.has('v'))
                std::cout << fmt::format("Loaded {}, id={}\n", name, loaded_modules().size() + 1);
        } else if (error == EEXIST && options.has('n')) {
            if (options.has('v'))
                std::cout << fmt::format("{} is already loaded\n", name);
        } else {
            status = 1;
            if (!options.has('q'))
                std::cerr << fmt::format("kldload: can't load {}: {}\n", name,
                                         error == EEXIST ? "module already loaded or in kernel"
                                                         : error_text(error));
        }
    }
    return status;
}

int kldunload_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, "fnv");
    if (options.bad() || options.rest.empty()) {
        complain("kldunload", options);
        std::cerr << "usage: kldunload [-fv] -i id ...\n       kldunload [-fv] [-n] name ...\n";
        return 1;
    }
    int status = 0;
    for (const auto& name : options.rest) {
        auto names = loaded_modules();
        const auto* module = find_module(name);
        const auto found = std::find(names.begin(), names.end(), module ? module->name : "");
        const bool guests = module && std::string(module->name) == "vmm" &&
                            std::filesystem::exists("/dev/vmm") && !std::filesystem::is_empty("/dev/vmm");
        if (found == names.end()) {
            std::cerr << fmt::format("kldunload: can't find file {}: {}\n", name, error_text(ENOENT));
            status = 1;
        } else if (guests || geteuid() != 0) {
            std::cerr << "kldunload: can't unload file: " << error_text(guests ? EBUSY : EPERM) << '\n';
            status = 1;
        } else {
            names.erase(found);
            std::ofstream out(run_dir() / "modules", std::ios::trunc);
            for (const auto& rest : names)
                out << rest << '\n';
            if (std::string(module->name) == "pf")
                pf_unload();
        }
    }
    return status;
}

int kldstat_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, "dhi:m:n:qv");
    if (options.bad() || !options.rest.empty()) {
        complain("kldstat", options);
        std::cerr << "usage: kldstat [-dhqv] [-i id] [-n filename]\n       kldstat [-dq] [-m modname]\n";
        return 1;
    }
    for (const char letter : {'d', 'h', 'i'})
        if (options.has(letter))
            throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
    if (const auto* name = options.value('m')) {
        if (!module_loaded(*name)) {
            if (!options.has('q'))
                std::cerr << fmt::format("kldstat: can't find module {}: {}\n", *name, error_text(ENOENT));
            return 1;
        }
        if (!options.has('q'))
            std::cout << "Id  Refs Name\n" << fmt::format("{:3} {:4} {}\n", 1, 1, *name);
        return 0;
    }
    const auto names = loaded_modules();
    const auto* file = options.value('n');
    if (file) {
        const std::string bare = file->ends_with(".ko") ? file->substr(0, file->size() - 3) : *file;
        if (*file != "kernel" && std::find(names.begin(), names.end(), bare) == names.end()) {
            if (!options.has('q'))
                std::cerr << fmt::format("kldstat: can't find file {}: {}\n", *file, error_text(ENOENT));
            return 1;
        }
        if (options.has('q'))
            return 0;
    }
    std::cout << "Id Refs Address                Size Name\n";
    const auto wanted = [&](const std::string& name) {
        return !file || *file == name || *file + ".ko" == name;
    };
    const auto path = [&](const std::string& name) {
        return options.has('v') ? " (/boot/kernel/" + name + ")" : std::string();
    };
    if (wanted("kernel"))
        std::cout << fmt::format("{:2} {:4} {:#18x} {:8x} kernel{}\n", 1, names.size() + 1, kernel_address,
                                 0x1d34598, path("kernel"));
    unsigned long address = first_module_address;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto* module = find_module(names[i]);
        const std::string ko = names[i] + ".ko";
        if (wanted(ko))
            std::cout << fmt::format("{:2} {:4} {:#18x} {:8x} {}{}\n", i + 2, 1, address, module->size, ko,
                                     path(ko));
        address += (module->size + 0xfff) & ~0xfffUL;
    }
    return 0;
}

int kenv_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, "hNqv");
    if (options.bad() || options.rest.size() > 1) {
        std::cerr << "usage: kenv [-hNq]\n       kenv [-qv] variable[=value]\n       kenv [-q] -u variable\n";
        return 1;
    }
    if (options.rest.empty()) {
        for (const auto& [name, value] : loader_variables())
            std::cout << (options.has('N') ? name : name + "=\"" + value + '"') << '\n';
        return 0;
    }
    for (const auto& [name, value] : loader_variables())
        if (name == options.rest[0]) {
            std::cout << (options.has('v') ? name + "=\"" + value + '"' : value) << '\n';
            return 0;
        }
    if (!options.has('q'))
        std::cerr << "kenv: unable to get " << options.rest[0] << '\n';
    return 1;
}

} // namespace bhype::lab
