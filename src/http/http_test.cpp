#include "http/server.h"
#include "http/test_client.h"
#include "http/websocket.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <csignal>
#include <mutex>
#include <random>
#include <thread>

namespace bhype::http {
namespace {

class Echo : public Handler {
  public:
    Verdict head(const Request& request) override {
        if (request.path == "/now") {
            Response response;
            response.body = std::string(request.client.address);
            return {0, std::move(response)};
        }
        if (request.path == "/no")
            return {0, problem(Error(Code::forbidden))};
        return {1000, std::nullopt};
    }
    void handle(std::shared_ptr<const Request> request, Responder respond) override {
        if (request->path == "/throw")
            throw std::runtime_error("handler");
        if (request->path == "/forget")
            return;
        Response response;
        if (request->path == "/stream")
            response.on_stream = [this](std::shared_ptr<Stream> stream) {
                const std::lock_guard lock(mutex);
                streams.push_back(std::move(stream));
            };
        if (request->path == "/evil")
            response.headers.emplace_back("X-Evil", "a\r\nSet-Cookie: b");
        if (request->path == "/file" || request->path == "/short") {
            Pipe ends;
            response.source = std::make_shared<Source>();
            response.source->from = std::move(ends.reading);
            response.source->size = 1'000'000;
            response.source->keep = std::shared_ptr<void>(nullptr, [this](void*) { ++let_go; });
            writers.emplace_back([this, to = std::make_shared<Fd>(std::move(ends.writing)),
                                  left = request->path == "/file" ? 1'000'000 : 1'000]() mutable {
                const std::string text(50'000, 'f');
                while (left > 0) {
                    const auto written =
                        ::write(to->get(), text.data(), std::min<std::size_t>(text.size(), left));
                    if (written <= 0) {
                        ++broken;
                        return;
                    }
                    left -= static_cast<int>(written);
                }
            });
            respond(std::move(response));
            return;
        }
        response.body = std::string(request->path) + "|" + std::string(request->body);
        respond(std::move(response));
    }
    ~Echo() override {
        for (auto& writer : writers)
            writer.join();
    }
    std::mutex mutex;
    std::vector<std::shared_ptr<Stream>> streams;
    std::vector<std::thread> writers;
    std::atomic<int> let_go = 0;
    std::atomic<int> broken = 0; ///< writers whose reader went away
};

class HttpTest : public testing::Test {
  protected:
    HttpTest() {
        ::signal(SIGPIPE, SIG_IGN); // as bhyped does: a writer whose reader has gone is told by errno
        Options options;
        options.header_deadline = std::chrono::milliseconds(500);
        options.local_connections_per_user = 4;
        server = std::make_unique<Server>(echo, options);
        server->listen_web(path, 0660);
        server->listen_local(directory.path + "/cli.sock");
        server->start();
    }
    test::Answer ask(const std::string& text, bool end = false) {
        test::Client client(path);
        client.send(text);
        if (end)
            client.end();
        return client.answer();
    }
    int let_go_of() const { return echo.let_go; }
    test::Directory directory;
    std::string path = directory.path + "/http.sock";
    Echo echo;
    std::unique_ptr<Server> server;
};

TEST_F(HttpTest, AnswersPipelinedRequestsInOrder) {
    test::Client client(path);
    client.send(
        "GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz"
        "GET /now HTTP/1.1\r\nHost: h\r\nX-Real-IP: 2001:db8::1\r\n\r\n"
        "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
    EXPECT_EQ(client.answer().body, "/a|");
    EXPECT_EQ(client.answer().body, "/b|xyz");
    EXPECT_EQ(client.answer().body, "2001:db8::1");
    EXPECT_EQ(client.answer().body, "/c|hi");
}

TEST_F(HttpTest, RefusesWhatIsNotHttp) {
    const std::string host = "Host: h\r\n";
    const std::vector<std::pair<std::string, int>> cases = {
        {"nonsense\r\n\r\n", 400},
        {std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28), 400},
        {"GET / HTTP/1.0\r\n" + host + "\r\n", 400},
        {"GET / HTTP/2.0\r\n" + host + "\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
        {"GET / HTTP/1.1\r\n" + host + "Cookie: a=1\r\nCookie: a=2\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" + host + "X-Real-IP: 1.1.1.1\r\nX-Real-IP: 2.2.2.2\r\n\r\n", 400},
        {"GET http://h/ HTTP/1.1\r\n" + host + "\r\n", 400},
        {"GET / HTTP/1.1\r\n" + host + " folded: x\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
        {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1001\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x'),
         413},
        {"GET / HTTP/1.1\r\n" + host + "A: " + std::string(9000, 'a') + "\r\n\r\n", 413},
        {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n" + host + "\r\n", 413}};
    for (const auto& [text, status] : cases) {
        const auto answer = ask(text);
        if (status != 0) {
            EXPECT_EQ(answer.status, status) << text.substr(0, 80);
        }
        EXPECT_LT(answer.status, 500) << text.substr(0, 80);
    }
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab", true).status, 400);
}

TEST_F(HttpTest, SurvivesRandomBytes) {
    std::mt19937 random(7);
    const std::string good =
        "POST /a?b=c HTTP/1.1\r\nHost: h\r\nCookie: x=y\r\nContent-Length: 4\r\n\r\nbody";
    for (int i = 0; i < 500; ++i) {
        auto text = good;
        for (int changes = 1 + static_cast<int>(random() % 6); changes > 0; --changes)
            text[random() % text.size()] = static_cast<char>(random());
        if (random() % 4 == 0)
            text.resize(random() % text.size());
        EXPECT_LT(ask(text, true).status, 500) << i;
    }
    EXPECT_EQ(ask(good).status, 200);
}

TEST_F(HttpTest, EndsSlowHeaders) {
    test::Client client(path);
    client.send("GET / HTTP/1.1\r\nHo");
    EXPECT_TRUE(client.closed());
}

TEST_F(HttpTest, AnswersBeforeABodyIsRead) {
    test::Client client(path);
    client.send("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n" + std::string(900'000, 'x'));
    EXPECT_EQ(client.answer().status, 403);
    EXPECT_TRUE(client.closed());
}

TEST_F(HttpTest, SaysContinue) {
    test::Client client(path);
    client.send("POST /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    EXPECT_EQ(client.answer().body, "/b|ok");
}

TEST_F(HttpTest, CoversHandlersThatFail) {
    EXPECT_EQ(ask("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n").status, 500);
    EXPECT_EQ(ask("GET /forget HTTP/1.1\r\nHost: h\r\n\r\n").status, 500);
    const auto evil = ask("GET /evil HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(evil.status, 200);
    EXPECT_EQ(evil.head.find("Evil"), std::string::npos);
}

TEST_F(HttpTest, KnowsLocalClientsAndBoundsThem) {
    std::vector<std::unique_ptr<test::Client>> clients;
    for (int i = 0; i < 5; ++i) {
        clients.push_back(std::make_unique<test::Client>(directory.path + "/cli.sock"));
        clients.back()->send("GET /now HTTP/1.1\r\nHost: h\r\nX-Real-IP: 9.9.9.9\r\n\r\n");
        EXPECT_EQ(clients.back()->answer().body, i < 4 ? "cli" : "");
    }
}

TEST_F(HttpTest, SendsWhatComesFromADescriptor) {
    test::Client client(path);
    for (int i = 0; i < 2; ++i) { // on one connection
        client.send("GET /file HTTP/1.1\r\nHost: h\r\n\r\n");
        const auto answer = client.answer();
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, std::string(1'000'000, 'f'));
    }
    client.send("HEAD /file HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_NE(client.answer(true).head.find("Content-Length: 1000000"), std::string::npos);
    client.send("GET /short HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_LT(client.answer().body.size(), 1'000'000U);
    EXPECT_TRUE(client.closed()) << "what is too short is no whole answer";
    {
        test::Client leaver(path);
        leaver.send("GET /file HTTP/1.1\r\nHost: h\r\n\r\n");
        leaver.until("\r\n\r\n");
    }
    for (int i = 0; i < 500 && let_go_of() < 5; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_EQ(let_go_of(), 5);
    EXPECT_EQ(echo.broken, 2) << "of the HEAD and of who left";
}

TEST_F(HttpTest, DropsSlowReadersOfStreams) {
    test::Client client(path);
    client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.answer().status, 200);
    std::shared_ptr<Stream> stream;
    for (int i = 0; i < 500 && !stream; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        const std::lock_guard lock(echo.mutex);
        if (!echo.streams.empty())
            stream = echo.streams.front();
    }
    ASSERT_TRUE(stream);
    for (int i = 0; i < 500; ++i)
        stream->send(std::make_shared<const std::string>(std::to_string(i) + std::string(20'000, 'x')));
    for (int i = 0; i < 500 && !stream->closed(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_TRUE(stream->closed());
}

TEST_F(HttpTest, TakesOverASocketThatNobodyListensOn) {
    struct stat found {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0660U);
    Server other(echo, {});
    EXPECT_THROW(other.listen_web(path), Error);
    server->stop();
    EXPECT_NE(::stat(path.c_str(), &found), 0);
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    other.listen_web(path);
}

TEST(WebSocket, HashesAsRfc3174Says) {
    const auto hex = [](std::string_view text) {
        std::string digits;
        for (const auto byte : sha1(text)) {
            digits += "0123456789abcdef"[byte >> 4];
            digits += "0123456789abcdef"[byte & 15];
        }
        return digits;
    };
    EXPECT_EQ(hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

TEST(Text, Utf8) {
    EXPECT_TRUE(valid_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    for (const char* bad :
         {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xff"})
        EXPECT_FALSE(valid_utf8(bad));
}

} // namespace
} // namespace bhype::http
