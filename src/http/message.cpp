#include "http/message.h"

#include "base/json.h"
#include "base/log.h"

#include <atomic>

namespace bhype::http {

Response problem(const Error& error) {
    Response response;
    response.status = info(error.code()).status;
    response.content_type = "application/problem+json";
    response.body = json::serialize(problem_document(error));
    return response;
}

struct Responder::Once {
    explicit Once(std::function<void(Response)> f) : deliver(std::move(f)) {}
    ~Once() {
        if (!used.exchange(true))
            deliver(problem(Error(Code::internal)));
    }
    Once(const Once&) = delete;
    Once& operator=(const Once&) = delete;
    std::function<void(Response)> deliver;
    std::atomic<bool> used = false;
};

Responder::Responder(std::function<void(Response)> deliver)
    : once_(std::make_shared<Once>(std::move(deliver))) {}

void Responder::operator()(Response response) const {
    if (!once_->used.exchange(true))
        once_->deliver(std::move(response));
}

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

} // namespace

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        if (i + 2 >= text.size())
            return std::nullopt;
        const int high = hex_digit(text[i + 1]);
        const int low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0)
            return std::nullopt;
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return decoded;
}

std::map<std::string, std::string> parse_query(std::string_view query) {
    std::map<std::string, std::string> found;
    const auto decode = [](std::string_view text) {
        std::string plain(text);
        for (char& c : plain)
            c = c == '+' ? ' ' : c;
        auto decoded = percent_decode(plain);
        if (!decoded || !valid_utf8(*decoded))
            throw Error(Code::invalid_request, "the query has a broken escape");
        return *decoded;
    };
    while (!query.empty()) {
        const auto end = query.find('&');
        const auto part = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (part.empty())
            continue;
        const auto equals = part.find('=');
        const auto name = decode(part.substr(0, equals));
        const auto value = equals == std::string_view::npos ? std::string() : decode(part.substr(equals + 1));
        if (!found.emplace(name, value).second)
            throw Error(Code::invalid_field, {}, {{"query." + name.substr(0, 64), "comes twice"}});
    }
    return found;
}

std::string_view cookie(std::string_view header, std::string_view name) {
    std::string_view found;
    int times = 0;
    while (!header.empty()) {
        const auto end = header.find(';');
        auto part = header.substr(0, end);
        header = end == std::string_view::npos ? std::string_view() : header.substr(end + 1);
        while (!part.empty() && (part.front() == ' ' || part.front() == '\t'))
            part.remove_prefix(1);
        while (!part.empty() && (part.back() == ' ' || part.back() == '\t'))
            part.remove_suffix(1);
        const auto equals = part.find('=');
        if (equals != std::string_view::npos && part.substr(0, equals) == name) {
            found = part.substr(equals + 1);
            ++times;
        }
    }
    return times == 1 ? found : std::string_view();
}

std::string_view status_text(int status) {
    switch (status) {
    case 101:
        return "Switching Protocols";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 500:
        return "Internal Server Error";
    case 503:
        return "Service Unavailable";
    default:
        return "Status";
    }
}

bool valid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i]);
        if (first < 0x80) {
            ++i;
            continue;
        }
        const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4 || text.size() - i <= more)
            return false;
        unsigned point = first & (0x3fU >> more);
        for (std::size_t k = 1; k <= more; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80)
                return false;
            point = point << 6 | (next & 0x3fU);
        }
        constexpr unsigned least[] = {0, 0x80, 0x800, 0x10000};
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            return false;
        i += more + 1;
    }
    return true;
}

} // namespace bhype::http
