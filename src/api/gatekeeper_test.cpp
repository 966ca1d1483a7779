#include "api/gatekeeper.h"

#include "access/test_store.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>

namespace bhype::api {
namespace {

using access::Role;

/// hostd's check of passwords: right is "right-NAME".
class FakeHost : public wire::Host {
  public:
    wire::Answer perform(std::string_view operation, const json::value& arguments, std::chrono::seconds,
                         const wire::CallOptions& options) override {
        if (away)
            throw Error(Code::hostd_away);
        ++asked;
        if (operation == "account.check")
            return {
                encode(host::AccountCheckResult{barred == decode<host::AccountCheck>(arguments).user.str()}),
                {},
                {}};
        EXPECT_EQ(operation, "password.check");
        const auto check = decode<host::PasswordCheck>(arguments);
        EXPECT_EQ(json::serialize(arguments).find("right-"), std::string::npos);
        std::string password;
        char buffer[100];
        for (ssize_t got; (got = ::read(options.descriptor, buffer, sizeof buffer)) > 0;)
            password.append(buffer, static_cast<std::size_t>(got));
        client = check.client;
        return {encode(host::PasswordCheckResult{password == "right-" + check.user.str()}), {}, {}};
    }
    std::vector<std::string> in_flight() override { return {}; }
    std::atomic<bool> away = false;
    std::atomic<int> asked = 0;
    std::string client;
    std::string barred; ///< a user
};

class GatekeeperTest : public testing::Test {
  protected:
    GatekeeperTest() {
        add("ann", 1001, {"ann", "wheel"});
        add("dev1", 1002, {"dev1", "bhype", "team"});
        add("dev2", 1003, {"dev2", "bhype"});
        add("eve", 1004, {"eve", "bhype-view"});
        add("joe", 1005, {"joe"});
        start();
    }
    ~GatekeeperTest() override { stop(); }
    void add(const std::string& name, uid_t uid, std::vector<std::string> groups) {
        users[name] = {name, uid, uid};
        member_of[name] = std::move(groups);
    }
    void start() {
        const auto clocks = time.clocks();
        access::Directory directory;
        directory.by_name = [this](const std::string& name) -> std::optional<os::User> {
            ++looks;
            const auto found = users.find(name);
            return found == users.end() ? std::nullopt : std::optional(found->second);
        };
        directory.by_uid = [this](uid_t uid) -> std::optional<os::User> {
            ++looks;
            for (const auto& [name, user] : users)
                if (user.uid == uid)
                    return user;
            return std::nullopt;
        };
        directory.groups = [this](const os::User& user) { return member_of.at(user.name); };
        accounts.emplace(directory, clocks);
        sessions.emplace(*store.database, access::SessionLimits{}, clocks);
        limiter.emplace(clocks);
        gate.emplace(
            host, *accounts, *sessions, *limiter, [this](const auto& session) { ended.push_back(session); },
            clocks);
    }
    void stop() {
        gate.reset();
        limiter.reset();
        sessions.reset();
        accounts.reset();
        store.open();
    }
    static http::Client from(const std::string& address) { return {false, 0, address}; }
    Gate::LogIn log_in(const std::string& user, const std::string& source = "10.0.0.9") {
        return gate->log_in(user, Secret("right-" + user), from(source));
    }
    std::string failure(const std::string& user, const std::string& password,
                        const std::string& source = "10.0.0.9") {
        try {
            gate->log_in(user, Secret(password), from(source));
        } catch (const Error& error) {
            return error.what();
        }
        return "let in";
    }
    static std::string id(Code code) { return Error(code).what(); }

    access::test::TestStore store;
    access::test::Time time;
    std::map<std::string, os::User> users;
    std::map<std::string, std::vector<std::string>> member_of;
    int looks = 0;
    FakeHost host;
    std::vector<std::string> ended;
    std::optional<access::Accounts> accounts;
    std::optional<access::Sessions> sessions;
    std::optional<access::Limiter> limiter;
    std::optional<Gatekeeper> gate;
};

TEST_F(GatekeeperTest, LogsInWithTheRoleOfTheGroups) {
    for (const auto& [user, role] :
         {std::pair{"ann", Role::administrator}, {"dev1", Role::member}, {"eve", Role::viewer}}) {
        const auto made = log_in(user);
        EXPECT_EQ(made.caller.role, role) << user;
        EXPECT_EQ(made.token.reveal().size(), 64U);
        EXPECT_NE(made.caller.session, made.token.reveal());
        const auto seen = gate->glance(made.token.reveal(), from("10.0.0.9"));
        ASSERT_TRUE(seen.settled && seen.caller) << user;
        EXPECT_EQ(seen.caller->user.str(), user);
        EXPECT_EQ(seen.caller->role, role);
        EXPECT_EQ(seen.caller->session, made.caller.session);
        EXPECT_TRUE(gate->still(*seen.caller));
    }
    EXPECT_EQ(host.client, "10.0.0.9");
    EXPECT_NE(log_in("dev1").token.reveal(), log_in("dev1").token.reveal());
}

TEST_F(GatekeeperTest, WrongPasswordAndUnknownUserAreTheSame) {
    const auto wrong = failure("dev1", "nonsense", "10.0.0.1");
    EXPECT_EQ(wrong, id(Code::bad_credentials));
    EXPECT_EQ(failure("nobody-here", "nonsense", "10.0.0.2"), wrong);
    EXPECT_EQ(failure("; rm -rf /", "nonsense", "10.0.0.3"), wrong);
    EXPECT_EQ(failure("", "nonsense", "10.0.0.4"), wrong);
    EXPECT_EQ(failure("joe", "nonsense", "10.0.0.5"), wrong);
    EXPECT_NE(failure("joe", "right-joe", "10.0.0.5").find("access.forbidden"), std::string::npos);
    // An account that the host has lost between the check and the look.
    EXPECT_EQ(failure("ghost", "right-ghost", "10.0.0.6"), wrong);
}

TEST_F(GatekeeperTest, TheSixthAttemptWaits) {
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(failure("dev1", "nonsense"), id(Code::bad_credentials));
    const int asked = host.asked;
    try {
        gate->log_in("dev1", Secret("right-dev1"), from("10.0.0.9"));
        FAIL();
    } catch (const RetryLater& later) {
        EXPECT_EQ(later.code(), Code::too_many_attempts);
        EXPECT_GT(later.after.count(), 0);
        EXPECT_LE(later.after, std::chrono::minutes(5));
        time.passed += later.after;
    }
    EXPECT_EQ(host.asked, asked);
    log_in("dev1");
}

TEST_F(GatekeeperTest, OutagesOfHostdDoNotCount) {
    host.away = true;
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(failure("dev1", "right-dev1"), id(Code::hostd_away));
    host.away = false;
    log_in("dev1");
}

TEST_F(GatekeeperTest, CookiesOfNobodyAreNobody) {
    log_in("dev1");
    for (const auto& cookie : {std::string(), std::string("x"), std::string(64, 'a'), std::string(64, 'A'),
                               std::string(1000, 'a')}) {
        const auto seen = gate->glance(cookie, from("10.0.0.9"));
        EXPECT_TRUE(seen.settled && !seen.caller);
        EXPECT_FALSE(gate->identify(cookie, from("10.0.0.9")));
    }
    // What the table holds is of no use as a cookie.
    EXPECT_FALSE(gate->glance(sessions->all().front().hash, from("10.0.0.9")).caller);
}

TEST_F(GatekeeperTest, LogOutIsForGood) {
    const auto one = log_in("dev1");
    const auto two = log_in("dev1");
    gate->log_out(one.caller);
    EXPECT_FALSE(gate->glance(one.token.reveal(), from("10.0.0.9")).caller);
    EXPECT_FALSE(gate->still(one.caller));
    EXPECT_TRUE(gate->glance(two.token.reveal(), from("10.0.0.9")).caller);
    stop();
    start();
    EXPECT_FALSE(gate->identify(one.token.reveal(), from("10.0.0.9")));
    EXPECT_TRUE(gate->identify(two.token.reveal(), from("10.0.0.9")));
}

TEST_F(GatekeeperTest, SessionsOutliveARestart) {
    const auto one = log_in("dev1");
    const auto two = log_in("dev2");
    stop();
    start();
    // Memory does not know the account yet: a worker asks.
    const auto seen = gate->glance(one.token.reveal(), from("10.0.0.9"));
    EXPECT_TRUE(!seen.settled && !seen.caller);
    EXPECT_EQ(gate->identify(one.token.reveal(), from("10.0.0.9"))->user.str(), "dev1");
    EXPECT_EQ(gate->identify(two.token.reveal(), from("10.0.0.9"))->user.str(), "dev2");
    EXPECT_TRUE(gate->glance(one.token.reveal(), from("10.0.0.9")).caller);
}

TEST_F(GatekeeperTest, ChangedGroupsTakeEffectAtTheNextLook) {
    const auto made = log_in("dev1");
    member_of["dev1"] = {"dev1", "bhype-view"};
    time.passed += std::chrono::seconds(3);
    gate->look();
    EXPECT_FALSE(gate->still(made.caller));
    const auto seen = gate->glance(made.token.reveal(), from("10.0.0.9"));
    EXPECT_EQ(seen.caller->role, Role::viewer);
    member_of["dev1"] = {"dev1"};
    gate->look();
    EXPECT_FALSE(gate->glance(made.token.reveal(), from("10.0.0.9")).caller);
    EXPECT_EQ(ended, std::vector{made.caller.session});
    member_of["dev1"] = {"dev1", "bhype"};
    gate->look();
    EXPECT_FALSE(gate->identify(made.token.reveal(), from("10.0.0.9"))) << "an ended session came back";
}

TEST_F(GatekeeperTest, LeavingAGroupEndsStreamsToo) {
    const auto made = log_in("dev1");
    EXPECT_TRUE(gate->still(made.caller));
    member_of["dev1"] = {"dev1", "bhype"};
    gate->look();
    EXPECT_FALSE(gate->still(made.caller));
    EXPECT_TRUE(gate->glance(made.token.reveal(), from("10.0.0.9")).caller);
}

TEST_F(GatekeeperTest, AccountsThatAreGoneOrAnothersLoseTheirSessions) {
    const auto one = log_in("dev1");
    const auto two = log_in("dev2");
    users.erase("dev1");
    users["dev2"].uid = 2003; // removed and made again
    gate->look();
    EXPECT_FALSE(gate->glance(one.token.reveal(), from("10.0.0.9")).caller);
    EXPECT_FALSE(gate->glance(two.token.reveal(), from("10.0.0.9")).caller);
    EXPECT_FALSE(gate->still(one.caller));
    EXPECT_TRUE(sessions->all().empty());
    // Also when it happened while bhyped did not run.
    const auto three = log_in("dev2");
    stop();
    users["dev2"].uid = 3003;
    start();
    EXPECT_FALSE(gate->identify(three.token.reveal(), from("10.0.0.9")));
}

TEST_F(GatekeeperTest, LockedAccountsLoseTheirSessions) {
    const auto one = log_in("dev1");
    const auto two = log_in("dev2");
    host.barred = "dev1";
    time.passed += std::chrono::seconds(31);
    host.away = true;
    gate->look();
    EXPECT_TRUE(gate->still(one.caller)) << "hostd is away, which says nothing";
    host.away = false;
    time.passed += std::chrono::seconds(29);
    gate->look();
    EXPECT_TRUE(gate->still(one.caller));
    time.passed += std::chrono::seconds(1);
    gate->look();
    EXPECT_FALSE(gate->still(one.caller));
    EXPECT_TRUE(gate->still(two.caller));
    EXPECT_EQ(ended, std::vector{one.caller.session});
    EXPECT_FALSE(gate->identify(one.token.reveal(), from("10.0.0.9")));
}

TEST_F(GatekeeperTest, MemoryIsAskedAndNotTheNameService) {
    const auto made = log_in("dev1");
    const int before = looks;
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(gate->glance(made.token.reveal(), from("10.0.0.9")).caller);
    EXPECT_EQ(looks, before);
    time.passed += std::chrono::seconds(31); // nobody looked: memory is too old
    EXPECT_FALSE(gate->glance(made.token.reveal(), from("10.0.0.9")).settled);
    EXPECT_TRUE(gate->identify(made.token.reveal(), from("10.0.0.9")));
}

TEST_F(GatekeeperTest, TheCommandLineIsKnownByItsUid) {
    const auto cli = [](uid_t uid) { return http::Client{true, uid, "cli"}; };
    const auto root = gate->glance("", cli(0));
    EXPECT_EQ(root.caller->user.str(), "root");
    EXPECT_EQ(root.caller->role, Role::administrator);
    EXPECT_EQ(root.caller->source, "cli");
    EXPECT_EQ(looks, 0);
    EXPECT_FALSE(gate->glance("", cli(1002)).settled);
    EXPECT_EQ(gate->identify("", cli(1002))->user.str(), "dev1");
    const auto dev1 = gate->glance("", cli(1002));
    EXPECT_EQ(dev1.caller->role, Role::member);
    EXPECT_TRUE(dev1.caller->session.empty());
    EXPECT_EQ(gate->identify("", cli(1005))->role, Role::none);
    EXPECT_FALSE(gate->identify("", cli(4711)));
    // A cookie says nothing here.
    const auto made = log_in("ann");
    EXPECT_EQ(gate->identify(made.token.reveal(), cli(1003))->user.str(), "dev2");
    EXPECT_TRUE(gate->still(*dev1.caller));
    member_of["dev1"] = {"dev1"};
    gate->look();
    time.passed += std::chrono::seconds(31);
    EXPECT_EQ(gate->identify("", cli(1002))->role, Role::none);
}

TEST_F(GatekeeperTest, RunsByItself) {
    const auto made = log_in("dev1");
    gate->start(std::chrono::milliseconds(10));
    member_of["dev1"].clear();
    for (int i = 0; i < 500 && sessions->find(made.caller.session, false); ++i)
        ::usleep(10'000);
    EXPECT_FALSE(sessions->find(made.caller.session, false));
    gate->stop();
}

} // namespace
} // namespace bhype::api
