#pragma once

#include "base/error_codes.h"

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bhype {

enum class Code {
#define X(name, id, status, title, meaning, advice) name,
    BHYPE_ERROR_CODES(X)
#undef X
};

struct CodeInfo {
    std::string_view id;      ///< "vm.name_taken"
    int status;               ///< HTTP status
    std::string_view title;   ///< one sentence without a full stop
    std::string_view meaning; ///< when it comes and what it leaves, whole sentences
    std::string_view advice;  ///< what to do next, whole sentences
};

const CodeInfo& info(Code code);
std::optional<Code> code_from_id(std::string_view id);

/// One thing that is wrong with one field of a request. `field` is a path such as "disks[1].size".
struct FieldProblem {
    std::string field;
    std::string rule;
    bool operator==(const FieldProblem&) const = default;
};

/// The one exception of bHype. `detail` is for people and may hold a tool's own words.
class Error : public std::exception {
  public:
    explicit Error(Code code, std::string detail = {}, std::vector<FieldProblem> problems = {});

    Code code() const { return code_; }
    const std::string& detail() const { return detail_; }
    const std::vector<FieldProblem>& problems() const { return problems_; }
    /// "vm.name_taken: web1 exists", the problems after it, a line each.
    const char* what() const noexcept override { return what_.c_str(); }

  private:
    Code code_;
    std::string detail_;
    std::vector<FieldProblem> problems_;
    std::string what_;
};

} // namespace bhype
