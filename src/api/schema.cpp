#include "api/schema.h"

namespace bhype::api {

std::string Components::reserve(std::string_view qualified) {
    const auto colon = qualified.rfind("::");
    std::string name(colon == std::string_view::npos ? qualified : qualified.substr(colon + 2));
    const auto [place, is_new] = owners_.try_emplace(name, qualified);
    if (place->second == qualified)
        return name;
    const auto outer = qualified.substr(0, colon);
    const auto before = outer.rfind("::");
    std::string space(before == std::string_view::npos ? outer : outer.substr(before + 2));
    if (!space.empty() && space[0] >= 'a' && space[0] <= 'z')
        space[0] = static_cast<char>(space[0] - 'a' + 'A');
    name.insert(0, space);
    owners_.try_emplace(name, qualified);
    return name;
}

} // namespace bhype::api
