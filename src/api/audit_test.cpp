#include "api/audit.h"

#include "access/test_store.h"
#include "api/session.h"
#include "http/server.h"
#include "http/test_client.h"

#include <gtest/gtest.h>

namespace bhype::api {
namespace {

using access::Privilege;
using access::Role;

/// Cookies are user names: "ann" administers, others are members.
class NamesGate : public Gate {
  public:
    Glance glance(std::string_view cookie, const http::Client& client) override {
        return {cookie.empty() ? std::nullopt : std::optional(caller(cookie, client)), true};
    }
    std::optional<access::Caller> identify(std::string_view, const http::Client&) override {
        return std::nullopt;
    }
    bool still(const access::Caller&) override { return true; }
    LogIn log_in(const std::string& user, const Secret& password, const http::Client& client) override {
        if (password.reveal() != "right")
            throw Error(Code::bad_credentials);
        return {caller(user, client), Secret(user)};
    }
    void log_out(const access::Caller&) override {}

  private:
    static access::Caller caller(std::string_view user, const http::Client& client) {
        return {UserName::from(user),
                user == "ann" ? Role::administrator : Role::member,
                {},
                client.address,
                std::string(user)};
    }
};

class AuditApiTest : public testing::Test {
  protected:
    AuditApiTest() {
        declare_session(router, gate, {});
        declare_audit(router, audit);
        router.add<std::monostate>({.method = Method::post,
                                    .path = "/api/v1/things/{name}/start",
                                    .privilege = Privilege::use,
                                    .summary = "Start it",
                                    .tag = "things"},
                                   [](const Call& call) {
                                       if (call.path.at("name") == "gone")
                                           throw Error(Code::not_found);
                                       call.note->task = "t0123456789abcdef";
                                       return Reply{.body = json::object()};
                                   });
        server.listen_web(directory.path + "/http.sock");
        server.start();
    }
    http::test::Answer web(const std::string& method, const std::string& path, const std::string& cookie,
                           const std::string& body = {}) {
        std::string text = method + " " + path +
                           " HTTP/1.1\r\nHost: h\r\nX-Real-IP: 10.0.0.9\r\nOrigin: https://h\r\n"
                           "Content-Type: application/json\r\n"
                           "Content-Length: " +
                           std::to_string(body.size()) + "\r\n";
        if (!cookie.empty())
            text += "Cookie: __Host-bhype=" + cookie + "\r\n";
        http::test::Client client(directory.path + "/http.sock");
        client.send(text + "\r\n" + body);
        return client.answer(false);
    }
    json::array entries(const std::string& query = {}) {
        store.database->write([](store::Sql&) {}); // after what was recorded
        return json::parse(web("GET", "/api/v1/audit" + query, "ann").body).as_array();
    }
    static std::string line(const json::value& entry) {
        std::string text;
        for (const char* field : {"user", "source", "action", "object", "outcome"})
            text += std::string(entry.at(field).as_string()) + '|';
        return text.substr(0, text.size() - 1);
    }

    access::test::TestStore store;
    access::Audit audit{*store.database};
    http::test::Directory directory;
    NamesGate gate;
    Router router;
    Dispatch dispatch{router, gate, audit_into(audit)};
    http::Server server{dispatch, {}};
};

TEST_F(AuditApiTest, KeepsWhoDidWhatAndReadsItBack) {
    EXPECT_EQ(web("POST", "/api/v1/things/web1/start", "dev1").status, 200);
    EXPECT_EQ(web("POST", "/api/v1/things/gone/start", "dev1").status, 404);
    EXPECT_EQ(web("POST", "/api/v1/things/web1/start", "").status, 401);
    EXPECT_EQ(web("POST", "/api/v1/session", "", R"({"user":"dev1","password":"right"})").status, 201);
    EXPECT_EQ(web("POST", "/api/v1/session", "", R"({"user":"dev1","password":"wrong"})").status, 401);
    EXPECT_EQ(web("POST", "/api/v1/session", "", R"({"user":"My secret!","password":"wrong"})").status, 401);
    EXPECT_EQ(web("DELETE", "/api/v1/session", "dev1").status, 204);
    const auto all = entries();
    std::vector<std::string> lines;
    for (const auto& entry : all)
        lines.push_back(line(entry));
    EXPECT_EQ(lines, (std::vector<std::string>{
                         "dev1|10.0.0.9|DELETE /api/v1/session||ok",
                         "|10.0.0.9|POST /api/v1/session||access.bad_credentials",
                         "|10.0.0.9|POST /api/v1/session|dev1|access.bad_credentials",
                         "dev1|10.0.0.9|POST /api/v1/session|dev1|ok",
                         "|10.0.0.9|POST /api/v1/things/{name}/start|web1|access.no_session",
                         "dev1|10.0.0.9|POST /api/v1/things/{name}/start|gone|api.not_found",
                         "dev1|10.0.0.9|POST /api/v1/things/{name}/start|web1|ok",
                     }));
    EXPECT_EQ(all.back().at("task").as_string(), "t0123456789abcdef");
    EXPECT_FALSE(all.front().as_object().contains("task"));
    EXPECT_EQ(entries("?most=2").size(), 2U);
    const auto number = std::to_string(all[1].at("number").as_int64());
    EXPECT_EQ(line(entries("?most=1&before=" + number)[0]), lines[2]);
    EXPECT_EQ(entries("?object=gone").size(), 1U);
    EXPECT_EQ(entries("?user=dev1").size(), 4U);
}

TEST_F(AuditApiTest, IsForAdministrators) {
    EXPECT_EQ(web("GET", "/api/v1/audit", "dev1").status, 403);
    EXPECT_EQ(web("GET", "/api/v1/audit", "").status, 401);
    for (const char* query : {"?before=x", "?before=0", "?before=-1", "?most=0", "?most=1001", "?before=1e3",
                              "?before=99999999999999999999", "?other=1", "?user=", "?user=-rf",
                              "?user=a%00b", "?object=", "?object=a%0ab"})
        EXPECT_EQ(web("GET", std::string("/api/v1/audit") + query, "ann").status, 422) << query;
    EXPECT_EQ(entries("?object=%27%20OR%201=1%20--").size(), 0U);
}

} // namespace
} // namespace bhype::api
