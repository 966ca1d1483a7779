#pragma once

// Names that a guest chose: bytes, of which nothing is certain.

#include <string>
#include <string_view>
#include <vector>

namespace bhype::look {

/// As people and JSON can have them, and back without loss: what is no UTF-8, a control character, a
/// character that changes the direction of writing, or a '/' within a name becomes \xHH, byte by byte; a
/// backslash \\.
std::string shown(std::string_view bytes);
/// The same for a path or a link's target, where '/' stays.
std::string shown_path(std::string_view bytes);
/// The bytes that a GuestPath or a component of one stands for.
std::string bytes_of(std::string_view shown);
/// The components between '/', as bytes; empty ones and "." are left out.
std::vector<std::string> components(std::string_view path);

} // namespace bhype::look
