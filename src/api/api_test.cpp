#include "api/dispatch.h"
#include "api/events.h"
#include "api/session.h"
#include "http/server.h"
#include "http/test_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

namespace bhype::api {
namespace {

using access::Privilege;
using access::Role;

access::Caller caller(const char* user, Role role, const char* session = "") {
    access::Caller made;
    made.user = UserName::from(user);
    made.role = role;
    made.session = session;
    return made;
}

/// Cookies "admin", "member", "viewer", "nobody"; "lazy" is known to identify() alone.
class FakeGate : public Gate {
  public:
    Glance glance(std::string_view cookie, const http::Client& client) override {
        if (client.local)
            return {caller("root", Role::administrator), true};
        if (cookie == "admin")
            return {caller("ann", Role::administrator, "s1"), true};
        if (cookie == "member")
            return {caller("dev1", Role::member, "s2"), true};
        if (cookie == "viewer")
            return {caller("eve", Role::viewer, "s3"), true};
        if (cookie == "nobody")
            return {caller("joe", Role::none, "s4"), true};
        if (cookie == "lazy" || cookie == "expired")
            return {std::nullopt, false};
        return {};
    }
    std::optional<access::Caller> identify(std::string_view cookie, const http::Client&) override {
        if (cookie == "lazy")
            return caller("dev1", Role::member, "s5");
        return std::nullopt;
    }
    bool still(const access::Caller&) override { return alive; }
    LogIn log_in(const std::string& user, const Secret& password, const http::Client& client) override {
        if (user == "flood")
            throw RetryLater(Code::too_many_attempts, std::chrono::seconds(90));
        if (user != "dev1" || password.reveal() != "right")
            throw Error(Code::bad_credentials);
        auto found = caller("dev1", Role::member, "s2");
        found.source = client.address;
        return {found, Secret("member")};
    }
    void log_out(const access::Caller&) override { ++log_outs; }
    std::atomic<bool> alive = true;
    std::atomic<int> log_outs = 0;
};

struct Thing {
    VmName name;
    SizeBetween<32, 1024> memory;
    std::optional<std::int64_t> cpus;
};
BOOST_DESCRIBE_STRUCT(Thing, (), (name, memory, cpus))

class ApiTest : public testing::Test {
  protected:
    ApiTest() {
        declare_session(router, gate, [this](const std::string& session) { events.end_session(session); });
        events.declare(router);
        router.add<Thing, Thing>({.method = Method::post,
                                  .path = "/api/v1/things",
                                  .privilege = Privilege::make,
                                  .summary = "Make a thing",
                                  .tag = "things",
                                  .success = 201},
                                 [this](const Call&, const Thing& thing) {
                                     ++made;
                                     return Reply{.status = 201, .body = encode(thing)};
                                 });
        router.add<Thing>(
            {.method = Method::get,
             .path = "/api/v1/things/{name}",
             .privilege = Privilege::look,
             .summary = "A thing",
             .tag = "things",
             .query = {{"most", "bound"}}},
            [](const Call& call) {
                if (call.path.at("name") == "bug")
                    throw std::runtime_error("internal words");
                return Reply{.body = json::object{{"name", call.path.at("name")}}, .etag = "e1"};
            });
        router.add<Thing>({.method = Method::del,
                           .path = "/api/v1/things/{name}",
                           .privilege = Privilege::administer,
                           .summary = "Remove it",
                           .tag = "things",
                           .success = 204},
                          [](const Call&) { return Reply{.status = 204}; });
        const auto half = std::make_shared<const std::string>(std::string(100'000, 'x'));
        const auto list = std::make_shared<const http::Parts>(2, half);
        router.add<std::vector<Thing>>({.method = Method::get,
                                        .path = "/api/v1/things",
                                        .privilege = Privilege::look,
                                        .summary = "Things",
                                        .tag = "things",
                                        .at_once =
                                            [list](const Call&) {
                                                Reply reply{.etag = "list1"};
                                                reply.parts = list;
                                                return reply;
                                            }},
                                       [](const Call&) -> Reply { throw Error(Code::internal); });
        router.add_bytes({.method = Method::get,
                          .path = "/api/v1/things/{name}/bytes",
                          .privilege = Privilege::make,
                          .summary = "Its bytes",
                          .tag = "things"},
                         [](const Call& call) {
                             call.note->reads = "all of it";
                             if (call.path.at("name") != "web1")
                                 throw Error(Code::not_found);
                             Pipe ends;
                             EXPECT_EQ(::write(ends.writing.get(), "{}\0", 3), 3);
                             Reply reply;
                             reply.source = std::make_shared<http::Source>(
                                 http::Source{std::move(ends.reading), 3, nullptr});
                             return reply;
                         });
        declare_about(router);
        server.listen_web(directory.path + "/http.sock");
        server.listen_local(directory.path + "/cli.sock");
        server.start();
    }
    http::test::Answer web(const std::string& method, const std::string& path, const std::string& cookie,
                           const std::string& body = {}, const std::string& more = {},
                           const std::string& origin = "https://host:8443") {
        std::string text = method + " " + path + " HTTP/1.1\r\nHost: host:8443\r\nX-Real-IP: 10.0.0.9\r\n";
        if (!cookie.empty())
            text += "Cookie: a=b; __Host-bhype=" + cookie + "\r\n";
        if (!origin.empty())
            text += "Origin: " + origin + "\r\n";
        if (!body.empty())
            text +=
                "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
        text += more + "\r\n" + body;
        http::test::Client client(directory.path + "/http.sock");
        client.send(text);
        return client.answer(method == "HEAD");
    }

    http::test::Directory directory;
    FakeGate gate;
    Events events;
    Router router;
    std::atomic<int> made = 0;
    std::vector<AuditRecord> audit;
    std::mutex audit_mutex;
    Dispatch dispatch{router, gate, [this](const AuditRecord& record) {
                          const std::lock_guard lock(audit_mutex);
                          audit.push_back(record);
                      }};
    http::Server server{dispatch, {}};
};

TEST_F(ApiTest, EveryDeclaredEndpointRefusesWhoMayNot) {
    for (const auto& declaration : router.declarations()) {
        auto path = declaration.path;
        for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
            path.replace(at, path.find('}', at) - at + 1, "web1");
        const std::string method(method_text(declaration.method));
        const auto name = method + " " + declaration.path;
        const auto expect = [&](const http::test::Answer& answer, int status, const std::string& code) {
            EXPECT_EQ(answer.status, status) << name;
            EXPECT_EQ(answer.code(), code) << name;
        };
        if (declaration.privilege != Privilege::open) {
            expect(web(method, path, ""), 401, "access.no_session");
            expect(web(method, path, "forged"), 401, "access.no_session");
            expect(web(method, path, "expired"), 401, "access.no_session");
        }
        if (!is_safe(declaration.method) || declaration.socket) {
            for (const char* origin :
                 {"", "https://host", "https://host:8443.evil", "http://host:8443", "null"})
                expect(web(method, path, "admin", {}, {}, origin), 403, "access.bad_origin");
        }
        for (const auto& [cookie, role] :
             {std::pair{"nobody", Role::none}, {"viewer", Role::viewer}, {"member", Role::member}})
            if (!caller("x", role).may(declaration.privilege))
                expect(web(method, path, cookie), 403, "access.forbidden");
    }
    EXPECT_EQ(made, 0);
}

TEST_F(ApiTest, LogsInAndOut) {
    const auto begun = std::chrono::steady_clock::now();
    const auto wrong = web("POST", "/api/v1/session", "", R"({"user":"dev1","password":"wrong"})");
    EXPECT_EQ(wrong.status, 401);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
    const auto unknown = web("POST", "/api/v1/session", "", R"({"user":"; rm","password":"wrong"})");
    EXPECT_EQ(wrong.body, unknown.body);
    const auto right = web("POST", "/api/v1/session", "", R"({"user":"dev1","password":"right"})");
    EXPECT_EQ(right.status, 201);
    EXPECT_EQ(right.field("Set-Cookie"), "__Host-bhype=member; Path=/; Secure; HttpOnly; SameSite=Strict");
    EXPECT_EQ(right.body, R"({"user":"dev1","role":"member","groups":[],"source":"10.0.0.9"})");
    const auto flood = web("POST", "/api/v1/session", "", R"({"user":"flood","password":"x"})");
    EXPECT_EQ(flood.status, 429);
    EXPECT_EQ(flood.field("Retry-After"), "90");
    EXPECT_EQ(web("DELETE", "/api/v1/session", "member").status, 204);
    EXPECT_EQ(gate.log_outs, 1);
    const std::string large = R"({"user":"dev1","password":")" + std::string(5000, 'x') + "\"}";
    EXPECT_EQ(web("POST", "/api/v1/session", "", large).status, 413);
}

TEST_F(ApiTest, TellsEveryProblem) {
    const auto answer = web("POST", "/api/v1/things", "member", R"({"name":"-rf","memory":"1"})");
    EXPECT_EQ(answer.status, 422);
    EXPECT_NE(answer.body.find(R"("field":"name")"), std::string::npos);
    EXPECT_NE(answer.body.find(R"("field":"memory")"), std::string::npos);
    EXPECT_EQ(answer.field("Content-Type"), "application/problem+json");
    EXPECT_EQ(answer.field("X-Content-Type-Options"), "nosniff");
    const std::lock_guard lock(audit_mutex);
    ASSERT_EQ(audit.size(), 1U);
    EXPECT_EQ(audit[0].user, "dev1");
    EXPECT_EQ(audit[0].code, "api.invalid_field");
}

TEST_F(ApiTest, AnswersConditionally) {
    const auto first = web("GET", "/api/v1/things", "viewer");
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(first.body.size(), 200'000U);
    EXPECT_EQ(first.field("ETag"), "\"list1\"");
    EXPECT_EQ(first.field("Cache-Control"), "no-store");
    const auto second = web("GET", "/api/v1/things", "viewer", {}, "If-None-Match: W/\"a\", \"list1\"\r\n");
    EXPECT_EQ(second.status, 304);
    EXPECT_EQ(second.body, "");
    const auto head = web("HEAD", "/api/v1/things", "viewer");
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.field("Content-Length"), "200000");
}

TEST_F(ApiTest, AnswersWithBytesAndRecordsIt) {
    const auto answer = web("GET", "/api/v1/things/web1/bytes", "member");
    EXPECT_EQ(answer.body, std::string("{}\0", 3));
    EXPECT_NE(answer.head.find("application/octet-stream"), std::string::npos) << answer.head;
    EXPECT_NE(answer.head.find("nosniff"), std::string::npos) << answer.head;
    EXPECT_EQ(web("GET", "/api/v1/things/web2/bytes", "member").status, 404);
    EXPECT_EQ(web("GET", "/api/v1/things/web1", "member").status, 200);
    const std::lock_guard lock(audit_mutex);
    ASSERT_EQ(audit.size(), 2U) << "what reads nobody's own is not recorded";
    EXPECT_EQ(audit[0].object, "web1 all of it");
    EXPECT_EQ(audit[0].code, "");
    EXPECT_EQ(audit[1].object, "web2 all of it");
    EXPECT_EQ(audit[1].code, "api.not_found");
}

TEST_F(ApiTest, KnowsMethods) {
    const auto wrong = web("PUT", "/api/v1/things/a", "admin", "{}");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.field("Allow"), "GET, HEAD, DELETE, OPTIONS");
    EXPECT_EQ(web("OPTIONS", "/api/v1/things", "").field("Allow"), "GET, HEAD, POST, OPTIONS");
    EXPECT_EQ(web("BREW", "/api/v1/things", "admin").status, 405);
    EXPECT_EQ(web("GET", "/api/v1/nothing", "admin").status, 404);
    EXPECT_EQ(web("GET", "/api/v1/things/", "admin").status, 404);
}

TEST_F(ApiTest, KeepsMistakesToItself) {
    const auto answer = web("GET", "/api/v1/things/bug", "admin");
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body.find("internal words"), std::string::npos);
}

TEST_F(ApiTest, AsksTheGateOnAWorkerWhenMemoryDoesNotTell) {
    EXPECT_EQ(web("GET", "/api/v1/whoami", "lazy").status, 200);
    EXPECT_EQ(web("DELETE", "/api/v1/things/a", "lazy").status, 403);
}

TEST_F(ApiTest, RefusesBadInput) {
    const std::string deep(200'000, '[');
    std::string flood = "{";
    for (int i = 0; i < 20'000; ++i)
        flood += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":1";
    flood += "}";
    const std::vector<std::string> bodies = {"",
                                             "{",
                                             "[]",
                                             "null",
                                             "\"x\"",
                                             "{}",
                                             "nonsense",
                                             deep,
                                             flood,
                                             std::string("{\"name\":\"a\0b\"}", 14),
                                             R"({"name":"a\u0000b","memory":64})",
                                             R"({"name":1,"memory":"64M"})",
                                             R"({"name":["a"],"memory":{}})",
                                             R"({"name":"a","memory":-5})",
                                             R"({"name":"a","memory":1e99})",
                                             R"({"name":"a","memory":99999999999999999999})",
                                             R"({"name":"../x","memory":"64M"})",
                                             R"({"name":"a/b","memory":"64M"})",
                                             "\xff\xfe",
                                             R"({"name":")" + std::string(300, 'a') + R"(","memory":"64M"})",
                                             R"({"name":"a","memory":"64M","x":1})",
                                             R"({"name":"a","memory":"64M"}{})",
                                             R"({"name":"a","memory":"64M","cpus":1.5})"};
    for (const auto& body : bodies) {
        const auto answer = web("POST", "/api/v1/things", "member", body);
        EXPECT_GE(answer.status, 400) << body.substr(0, 60);
        EXPECT_LT(answer.status, 500) << body.substr(0, 60);
        EXPECT_EQ(answer.field("Content-Type"), "application/problem+json") << body.substr(0, 60);
        EXPECT_LT(answer.body.size(), 20'000U);
    }
    const std::string too_large(1'100'000, ' ');
    EXPECT_EQ(web("POST", "/api/v1/things", "member", too_large).status, 413);
    for (const char* path :
         {"/api/v1/things/%2e%2e", "/api/v1/things/a%2fb", "/api/v1/things/%00", "/api/v1/things/%ff",
          "/api/v1/things/%zz", "/api/v1/things/%", "/api/v1/../x", "/api/v1/things/a?most=1&most=2",
          "/api/v1/things/a?other=1", "/api/v1/things/a?most=%e0%80%80"}) {
        const auto answer = web("GET", path, "admin");
        EXPECT_GE(answer.status, 400) << path;
        EXPECT_LT(answer.status, 500) << path;
    }
    EXPECT_EQ(
        web("POST", "/api/v1/things", "member", R"({"name":"a","memory":"64M"})", "Idempotency-Key: a b\r\n")
            .status,
        422);
    EXPECT_EQ(made, 0);
    EXPECT_EQ(web("POST", "/api/v1/things", "member", R"({"name":"a","memory":"64M"})").status, 201);
}

TEST_F(ApiTest, NeedsNoOriginOfTheCommandLine) {
    http::test::Client client(directory.path + "/cli.sock");
    client.send("DELETE /api/v1/things/a HTTP/1.1\r\nHost: bhype\r\n\r\n");
    EXPECT_EQ(client.answer().status, 204);
}

TEST_F(ApiTest, PublishesEventsToThoseWhoMaySee) {
    http::test::Client ann(directory.path + "/http.sock");
    http::test::Client eve(directory.path + "/http.sock");
    ann.send("GET /api/v1/events HTTP/1.1\r\nHost: h\r\nCookie: __Host-bhype=admin\r\n\r\n");
    eve.send("GET /api/v1/events HTTP/1.1\r\nHost: h\r\nCookie: __Host-bhype=viewer\r\n\r\n");
    EXPECT_NE(ann.until(": here\n\n").find("text/event-stream"), std::string::npos);
    eve.until(": here\n\n");
    events.publish("vms/secret", [](const access::Caller& who) { return who.role == Role::administrator; });
    events.publish("vms/web1");
    EXPECT_NE(ann.until("web1\"}\n\n").find("data: {\"resource\":\"vms/secret\"}\n\n"), std::string::npos);
    EXPECT_EQ(eve.until("web1\"}\n\n").find("secret"), std::string::npos);
    events.end_session("s3");
    EXPECT_TRUE(eve.closed());
}

TEST_F(ApiTest, WritesTheDocumentOfWhatIsDeclared) {
    Router own;
    declare_session(own, gate, {});
    declare_about(own);
    const auto text = own.openapi();
    std::ifstream golden(BHYPE_SOURCE_DIR "/src/api/openapi_test.json");
    const std::string wanted((std::istreambuf_iterator<char>(golden)), std::istreambuf_iterator<char>());
    if (text != wanted)
        std::ofstream(BHYPE_BINARY_DIR "/openapi_test.json") << text;
    EXPECT_TRUE(text == wanted) << "the document as it is now: " BHYPE_BINARY_DIR "/openapi_test.json";
    const auto served = web("GET", "/api/v1/openapi.json", "");
    EXPECT_EQ(served.status, 200);
    EXPECT_TRUE(served.body == router.openapi());
}

} // namespace
} // namespace bhype::api
