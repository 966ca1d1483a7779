#pragma once

#include <map>
#include <string>
#include <vector>

namespace bhype::lab {

struct PfToken {
    enum class Kind { end, newline, word, text, number, sign, bad };
    Kind kind{Kind::end};
    std::string
        text{}; ///< a word of the grammar, a STRING, or one of the signs "{ } ( ) < > ! = / , - -> <> ><"
    long long number{};
};

/// yylex() of sbin/pfctl/parse.y: words, quoted strings, macros, lines that go on behind a backslash,
/// included files. A string or a macro that is wrong becomes a complaint and a bad token, and the rest of its
/// line is gone.
class PfLexer {
  public:
    /// `complain` gets "FILE:LINE: TEXT" of what is wrong.
    PfLexer(std::string name, std::string text, int major_release);

    PfToken next();

    /// "FILE:LINE" of the token that came last.
    std::string place() const;
    void complain(const std::string& text);
    int errors() const { return errors_; }
    int release() const { return release_; }

    /// False if that macro was given on the command line and stays.
    void define(const std::string& macro, const std::string& value, bool from_command_line = false);
    /// Names of macros that nobody used.
    std::vector<std::string> unused_macros() const;
    void include(std::string name, std::string text);

  private:
    struct Source {
        std::string name, text;
        std::size_t at{0};
        int line{1};
    };
    struct Macro {
        std::string value;
        bool used{false}, from_command_line{false};
    };
    static constexpr int end_of_file = -1;

    int read(Source& source);
    int get(bool quoted);
    void unget(int c);
    PfToken give_up_line();
    PfToken quoted(char quote);
    PfToken word(int first);
    bool number(int& first, PfToken& token);

    std::vector<Source> sources_;
    std::vector<int> pushed_back_;
    std::map<std::string, Macro> macros_;
    std::string expansion_;
    std::size_t expansion_at_{0};
    bool expanding_{false};
    int token_line_{1}, errors_{0}, release_;
};

} // namespace bhype::lab
