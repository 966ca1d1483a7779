#include "lab/commands/rcorder.h"

#include "lab/commands/commands.h"
#include "lab/commands/text.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <set>

namespace bhype::lab {

namespace {

struct Script {
    std::string file;
    std::vector<std::string> provide, require, before, keyword;
};

/// The first block of such lines in the file; sbin/rcorder/rcorder.c stops at the first line after it.
Script read_script(const std::string& file) {
    Script script{file, {}, {}, {}, {}};
    std::ifstream in(file);
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
        const std::pair<const char*, std::vector<std::string>*> kinds[] = {
            {"# PROVIDE:", &script.provide},  {"# PROVIDES:", &script.provide},
            {"# REQUIRE:", &script.require},  {"# REQUIRES:", &script.require},
            {"# BEFORE:", &script.before},    {"# KEYWORD:", &script.keyword},
            {"# KEYWORDS:", &script.keyword},
        };
        bool matched = false;
        for (const auto& [prefix, words] : kinds) {
            if (!line.starts_with(prefix))
                continue;
            for (const auto& word : split_words(line.substr(std::string(prefix).size())))
                words->push_back(word);
            matched = inside = true;
        }
        if (inside && !matched)
            break;
    }
    return script;
}

bool meet(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    return std::any_of(a.begin(), a.end(),
                       [&](const auto& word) { return std::find(b.begin(), b.end(), word) != b.end(); });
}

} // namespace

std::vector<std::string> rc_order(const std::vector<std::string>& files, const std::vector<std::string>& skip,
                                  const std::vector<std::string>& keep) {
    std::vector<Script> scripts;
    std::map<std::string, std::vector<std::size_t>> providers;
    for (const auto& file : files) {
        scripts.push_back(read_script(file));
        for (const auto& name : scripts.back().provide)
            providers[name].push_back(scripts.size() - 1);
    }
    std::vector<std::set<std::size_t>> needs(scripts.size());
    for (std::size_t i = 0; i < scripts.size(); ++i) {
        for (const auto& name : scripts[i].require) {
            const auto found = providers.find(name);
            if (found == providers.end())
                std::cerr << "rcorder: requirement `" << name << "' in file `" << scripts[i].file
                          << "' has no providers.\n";
            else
                needs[i].insert(found->second.begin(), found->second.end());
        }
        for (const auto& name : scripts[i].before)
            if (const auto found = providers.find(name); found != providers.end())
                for (const auto later : found->second)
                    needs[later].insert(i);
    }
    std::vector<std::string> order;
    std::vector<int> state(scripts.size());
    const std::function<void(std::size_t)> visit = [&](std::size_t i) {
        if (state[i] == 1)
            std::cerr << "rcorder: Circular dependency on file `" << scripts[i].file << "'.\n";
        if (state[i] != 0)
            return;
        state[i] = 1;
        for (const auto earlier : needs[i])
            if (earlier != i)
                visit(earlier);
        state[i] = 2;
        if (!meet(scripts[i].keyword, skip) && (keep.empty() || meet(scripts[i].keyword, keep)))
            order.push_back(scripts[i].file);
    };
    for (std::size_t i = 0; i < scripts.size(); ++i)
        visit(i);
    return order;
}

int rcorder_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, "dgk:ps:");
    if (options.bad()) {
        complain("rcorder", options);
        return 1;
    }
    std::vector<std::string> skip, keep;
    for (const auto& option : options.options) {
        if (option.letter == 's')
            skip.push_back(option.value);
        else if (option.letter == 'k')
            keep.push_back(option.value);
        else if (option.letter != 'd')
            errx(1, std::string("the lab has no -") + option.letter);
    }
    for (const auto& file : rc_order(options.rest, skip, keep))
        std::cout << file << '\n';
    return 0;
}

} // namespace bhype::lab
