#include "cli/completion.h"

#include <CLI/CLI.hpp>

namespace bhype::cli {

namespace {

std::string options_of(const CLI::App& app) {
    std::string out;
    for (const auto* option : app.get_options())
        for (const auto& name : option->get_lnames())
            if (!option->get_group().empty())
                out += " --" + name;
    return out;
}

std::string verbs_of(const CLI::App& noun) {
    std::string out;
    for (const auto* verb : noun.get_subcommands(nullptr))
        out += (out.empty() ? "" : " ") + verb->get_name();
    return out;
}

/// A shell command that lists the objects of a noun.
std::string names_of(const std::string& noun) {
    return "bhype " + noun + " -H 2>/dev/null | cut -f1";
}

/// The noun whose names an option takes; empty for others.
std::string noun_of(const std::string& option) {
    return option == "template" || option == "switch" ? option : std::string();
}

std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("\\'") : std::string(1, c);
    return out + "'";
}

/// Nouns whose objects have names that can be listed.
bool has_names(const std::string& noun) {
    return noun == "vm" || noun == "task" || noun == "template" || noun == "switch" || noun == "forward";
}

std::string bash(const CLI::App& app) {
    std::string out =
        "# bash completion for bhype(8)\n_bhype() {\n"
        "    local word=\"${COMP_WORDS[COMP_CWORD]}\" noun=\"${COMP_WORDS[1]}\" verb=\"${COMP_WORDS[2]}\"\n"
        "    case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n"
        "    -t|--template) COMPREPLY=($(compgen -W \"$(" +
        names_of("template") +
        ")\" -- \"$word\")); return ;;\n"
        "    -s|--switch) COMPREPLY=($(compgen -W \"$(" +
        names_of("switch") +
        ")\" -- \"$word\")); return ;;\n"
        "    esac\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '" +
        verbs_of(app) + "' -- \"$word\")); return\n    fi\n    case \"$noun\" in\n";
    for (const auto* noun : app.get_subcommands(nullptr)) {
        const auto verbs = verbs_of(*noun);
        out += "    " + noun->get_name() + ")\n";
        if (!verbs.empty()) {
            out += "        if [ \"$COMP_CWORD\" -eq 2 ]; then COMPREPLY=($(compgen -W '" + verbs +
                   "' -- \"$word\")); return; fi\n        case \"$verb\" in\n";
            for (const auto* verb : noun->get_subcommands(nullptr))
                out += "        " + verb->get_name() + ") local options='" + options_of(*verb) +
                       options_of(app) + "' ;;\n";
            out += "        esac\n";
        } else {
            out += "        local options='" + options_of(*noun) + options_of(app) + "'\n";
        }
        if (has_names(noun->get_name()))
            out += "        if [ \"$COMP_CWORD\" -eq 3 ] && [ \"${word#-}\" = \"$word\" ]; then\n"
                   "            COMPREPLY=($(compgen -W \"$(" +
                   names_of(noun->get_name()) + ")\" -- \"$word\")); return\n        fi\n";
        out += "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n";
    }
    return out + "    esac\n}\ncomplete -F _bhype bhype\n";
}

std::string zsh(const CLI::App& app) {
    return "#compdef bhype\n# zsh completion for bhype(8), through its bash completion\nautoload -U +X "
           "bashcompinit && "
           "bashcompinit\n" +
           bash(app) +
           // The first TAB runs this file in the completer's place.
           "[[ -n $compstate ]] && _bash_complete -F _bhype\n";
}

std::string fish_options(const CLI::App& command, const std::string& seen) {
    std::string out;
    for (const auto* option : command.get_options())
        for (const auto& name : option->get_lnames())
            out += "complete -c bhype -n '" + seen + "' -l " + name +
                   (noun_of(name).empty() ? "" : " -x -a '(" + names_of(noun_of(name)) + ")'") + " -d " +
                   quoted(option->get_description()) + "\n";
    return out;
}

std::string fish(const CLI::App& app) {
    std::string out = "# fish completion for bhype(8)\ncomplete -c bhype -f\n";
    for (const auto* noun : app.get_subcommands(nullptr)) {
        const auto& name = noun->get_name();
        out += "complete -c bhype -n __fish_use_subcommand -a " + name + " -d " +
               quoted(noun->get_description()) + "\n";
        const auto verbs = verbs_of(*noun);
        if (verbs.empty()) {
            out += fish_options(*noun, "__fish_seen_subcommand_from " + name);
            continue;
        }
        const auto seen =
            "__fish_seen_subcommand_from " + name + "; and not __fish_seen_subcommand_from " + verbs;
        for (const auto* verb : noun->get_subcommands(nullptr)) {
            out += "complete -c bhype -n '" + seen + "' -a " + verb->get_name() + " -d " +
                   quoted(verb->get_description()) + "\n";
            out += fish_options(*verb, "__fish_seen_subcommand_from " + name +
                                           "; and __fish_seen_subcommand_from " + verb->get_name());
        }
        if (has_names(name))
            out += "complete -c bhype -n '__fish_seen_subcommand_from " + name +
                   "; and __fish_seen_subcommand_from " + verbs + "' -a '(" + names_of(name) + ")'\n";
    }
    return out;
}

} // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
    if (shell == "bash")
        return bash(app);
    if (shell == "zsh")
        return zsh(app);
    if (shell == "fish")
        return fish(app);
    return "# sh(1) has no programmable completion; this file is here so that sourcing it does no harm.\n";
}

} // namespace bhype::cli
