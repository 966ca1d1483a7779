#include "api/session.h"

#include "api/secret.h"

#include <mutex>
#include <semaphore>

namespace bhype::api {

struct LogIn {
    std::string user;
    Secret password;
};
BOOST_DESCRIBE_STRUCT(LogIn, (), (user, password))

namespace {

using access::Privilege;

/// Checks of passwords take seconds of a worker; the others must stay free for everybody else.
constexpr int log_ins_at_once = 3;

WhoAmI who(const access::Caller& caller) {
    return {caller.user.str(), static_cast<RoleName>(static_cast<int>(caller.role)), caller.groups,
            caller.source};
}
static_assert(static_cast<int>(access::Role::administrator) == static_cast<int>(RoleName::administrator) &&
              static_cast<int>(access::Role::viewer) == static_cast<int>(RoleName::viewer));

constexpr std::string_view cookie_rules = "; Path=/; Secure; HttpOnly; SameSite=Strict";

} // namespace

void declare_session(Router& router, Gate& gate, std::function<void(const std::string& session)> ended) {
    const auto room = std::make_shared<std::counting_semaphore<>>(log_ins_at_once);
    router.add<LogIn, WhoAmI>({.method = Method::post,
                               .path = "/api/v1/session",
                               .privilege = Privilege::open,
                               .summary = "Log in as a local user of the host",
                               .tag = "session",
                               .success = 201,
                               .errors = {Code::bad_credentials, Code::too_many_attempts, Code::overloaded}},
                              [&gate, room](const Call& call, const LogIn& request) {
                                  if (!room->try_acquire())
                                      throw RetryLater(Code::overloaded, std::chrono::seconds(2));
                                  struct Give {
                                      std::counting_semaphore<>& semaphore;
                                      ~Give() { semaphore.release(); }
                                  } const give{*room};
                                  // What is no user name may be a password in the wrong field.
                                  if (UserName::accepts(request.user))
                                      call.note->object = request.user;
                                  http::Client client;
                                  client.local = call.caller.source == "cli";
                                  client.address = call.caller.source;
                                  const auto session = gate.log_in(request.user, request.password, client);
                                  call.note->user = session.caller.user.str();
                                  Reply reply{.status = 201, .body = encode(who(session.caller))};
                                  reply.headers["Set-Cookie"] = std::string(session_cookie) + "=" +
                                                                session.token.reveal() +
                                                                std::string(cookie_rules);
                                  return reply;
                              });
    router.add<std::monostate>({.method = Method::del,
                                .path = "/api/v1/session",
                                .privilege = Privilege::session,
                                .summary = "Log out",
                                .tag = "session",
                                .success = 204},
                               [&gate, ended = std::move(ended)](const Call& call) {
                                   gate.log_out(call.caller);
                                   if (ended && !call.caller.session.empty())
                                       ended(call.caller.session);
                                   Reply reply{.status = 204};
                                   reply.headers["Set-Cookie"] = std::string(session_cookie) + "=" +
                                                                 std::string(cookie_rules) + "; Max-Age=0";
                                   return reply;
                               });
    router.add<WhoAmI>({.method = Method::get,
                        .path = "/api/v1/whoami",
                        .privilege = Privilege::session,
                        .summary = "Who is logged in, with which role",
                        .tag = "session"},
                       [](const Call& call) { return Reply{.body = encode(who(call.caller))}; });
}

void declare_about(Router& router) {
    router.add<Version>({.method = Method::get,
                         .path = "/api/v1/version",
                         .privilege = Privilege::open,
                         .summary = "Versions of bHype and of its API",
                         .tag = "about"},
                        [](const Call&) {
                            return Reply{.body = encode(Version{BHYPE_VERSION, "v1"})};
                        });
    struct Document {
        std::once_flag once;
        std::shared_ptr<const http::Parts> parts;
    };
    const auto document = std::make_shared<Document>();
    router.add<json::value>({.method = Method::get,
                             .path = "/api/v1/openapi.json",
                             .privilege = Privilege::open,
                             .summary = "This document",
                             .tag = "about"},
                            [&router, document](const Call&) {
                                std::call_once(document->once, [&] {
                                    document->parts = std::make_shared<const http::Parts>(
                                        1, std::make_shared<const std::string>(router.openapi()));
                                });
                                Reply reply;
                                reply.parts = document->parts;
                                return reply;
                            });
}

} // namespace bhype::api
