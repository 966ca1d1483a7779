#include "base/error.h"

#include <array>

namespace bhype {

namespace {
constexpr auto table = std::to_array<CodeInfo>({
#define X(name, id, status, title, meaning, advice) CodeInfo{id, status, title, meaning, advice},
    BHYPE_ERROR_CODES(X)
#undef X
});
} // namespace

const CodeInfo& info(Code code) {
    return table.at(static_cast<std::size_t>(code));
}

std::optional<Code> code_from_id(std::string_view id) {
    for (std::size_t i = 0; i < table.size(); ++i)
        if (table[i].id == id)
            return static_cast<Code>(i);
    return std::nullopt;
}

Error::Error(Code code, std::string detail, std::vector<FieldProblem> problems)
    : code_(code), detail_(std::move(detail)), problems_(std::move(problems)) {
    what_ = std::string(info(code_).id) + ": " + (detail_.empty() ? std::string(info(code_).title) : detail_);
    for (const auto& problem : problems_)
        what_ += "\n" + problem.field + ": " + problem.rule;
}

} // namespace bhype
