#pragma once

#include "api/endpoint.h"
#include "api/gate.h"

namespace bhype::api {

/// What was asked for and what came of it, for requests that named an endpoint and are unsafe or read what is
/// a user's own (Note::reads).
struct AuditRecord {
    std::string user; ///< empty: nobody was logged in
    std::string source;
    Method method = Method::post;
    std::string path;   ///< as declared: "/api/v1/vms/{name}"
    std::string object; ///< path parameters: "web1"; of a log-in the user name that was given
    int status = 0;
    std::string code; ///< of the error, empty when it went well
    std::string task; ///< that was begun
};

/// Takes requests from the server to the declared endpoints: who asks, may they, is the body right; and
/// answers with problem documents for whatever goes wrong.
class Dispatch : public http::Handler {
  public:
    Dispatch(const Router& router, Gate& gate, std::function<void(const AuditRecord&)> audit = {});

    http::Verdict head(const http::Request& request) override;
    void handle(std::shared_ptr<const http::Request> request, http::Responder respond) override;

  private:
    struct Routed;
    http::Response run(const std::shared_ptr<const http::Request>& request, Routed& routed,
                       const http::Responder& respond, bool& deferred);
    void keep(const http::Request& request, const Routed& routed, int status, std::string code) const;
    void check_access(const http::Request& request, const Routed& routed) const;
    http::Response refuse(const http::Request& request, const Routed* routed, const Error& error) const;

    const Router& router_;
    Gate& gate_;
    std::function<void(const AuditRecord&)> audit_;
};

/// The object that a list is to be about, 1 to 255 bytes of one line; empty when absent. Throws
/// Error(invalid_field).
std::string query_object(const Call& call);
/// The user that a list is to be about; empty when absent. Throws Error(invalid_field).
std::string query_user(const Call& call);
/// A whole number from the query, `fallback` when absent. Throws Error(invalid_field).
std::int64_t query_number(const Call& call, const std::string& name, std::int64_t fallback,
                          std::int64_t least, std::int64_t most);
/// "1" or "true"; absent is false. Throws Error(invalid_field) for others than 0, 1, true, false.
bool query_flag(const Call& call, const std::string& name);

} // namespace bhype::api
