#include "wire/frame.h"
#include "wire/host.h"

#include "base/log.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <thread>

namespace bhype::wire {

namespace {

using std::chrono::milliseconds;

/// hostd ends an operation at its deadline; this is for saying so.
constexpr std::chrono::seconds grace{15};
constexpr milliseconds first_pause{50};
constexpr milliseconds longest_pause{1000};
constexpr timeval hello_patience{5, 0};
constexpr timeval for_ever{0, 0};

class Client : public Host {
  public:
    Client(std::string path, std::function<void(const host::Guest&)> on_guest,
           std::function<void(bool)> on_connected)
        : path_(std::move(path)), on_guest_(std::move(on_guest)), on_connected_(std::move(on_connected)),
          reader_([this] { read_loop(); }) {}

    ~Client() override {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            if (channel_)
                channel_->shut_down();
        }
        changed_.notify_all();
        reader_.join();
    }

    Answer perform(std::string_view operation, const json::value& arguments, std::chrono::seconds deadline,
                   const CallOptions& options) override {
        json::object body{{"id", options.id},
                          {"operation", operation},
                          {"arguments", arguments},
                          {"deadline", deadline.count()}};
        return call("request", std::move(body), deadline, options);
    }

    std::vector<std::string> in_flight() override {
        return decode<std::vector<std::string>>(
            call("in_flight", {}, std::chrono::seconds(10), CallOptions{}).result);
    }

    void cancel(const std::string& id) override {
        std::unique_lock lock(mutex_);
        const auto channel = channel_;
        lock.unlock();
        if (channel)
            channel->send({{"cancel", {{"id", id}}}});
    }

  private:
    struct Call {
        std::deque<Frame> frames;
        bool broken = false;
    };

    Answer call(std::string_view kind, json::object body, std::chrono::seconds deadline,
                const CallOptions& options) {
        std::unique_lock lock(mutex_);
        const auto channel = connected(lock);
        const auto number = ++last_number_;
        auto& call = calls_[number];
        struct Forget {
            Client& client;
            std::unique_lock<std::mutex>& lock;
            std::int64_t number;
            ~Forget() {
                if (!lock.owns_lock())
                    lock.lock();
                client.calls_.erase(number);
            }
        } forget{*this, lock, number};

        lock.unlock();
        body["number"] = number;
        if (!channel->send({{kind, std::move(body)}}, options.descriptor))
            throw Error(Code::hostd_away); // an incomplete frame is never performed
        lock.lock();

        Answer answer;
        const auto until = std::chrono::steady_clock::now() + deadline + grace;
        for (;;) {
            if (!changed_.wait_until(lock, until, [&] { return call.broken || !call.frames.empty(); }))
                throw Error(Code::result_unknown, "bhype-hostd did not answer in time");
            if (call.frames.empty())
                throw Error(Code::result_unknown, "the connection to bhype-hostd broke");
            Frame frame = std::move(call.frames.front());
            call.frames.pop_front();
            lock.unlock();
            if (take(frame, answer, options))
                return answer;
            lock.lock();
        }
    }

    /// True when the frame was the answer.
    static bool take(Frame& frame, Answer& answer, const CallOptions& options) {
        if (auto* progress = frame.body.if_contains("progress")) {
            if (options.progress)
                options.progress(progress->at("fraction").to_number<double>());
        } else if (auto* ran = frame.body.if_contains("ran")) {
            answer.commands.push_back(decode<Ran>(ran->at("command")));
            if (options.ran)
                options.ran(answer.commands.back());
        } else if (auto* body = frame.body.if_contains("answer")) {
            if (const auto* problem = body->as_object().if_contains("error"))
                throw error_from(*problem);
            answer.result = body->at("result");
            answer.descriptor = std::move(frame.descriptor);
            return true;
        }
        return false;
    }

    std::shared_ptr<Channel> connected(std::unique_lock<std::mutex>& lock) {
        if (!channel_) {
            const auto attempt = attempts_;
            wanted_ = true;
            changed_.notify_all();
            changed_.wait(lock, [&] { return channel_ || attempts_ > attempt || stopping_; });
        }
        if (!channel_)
            throw Error(Code::hostd_away, refusal_);
        return channel_;
    }

    void read_loop() {
        auto pause = first_pause;
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            wanted_ = false;
            lock.unlock();
            std::string refusal;
            auto channel = connect(refusal);
            lock.lock();
            ++attempts_;
            refusal_ = refusal;
            channel_ = channel;
            changed_.notify_all();
            if (channel_ && !stopping_) {
                lock.unlock();
                tell(true);
                read(*channel);
                lock.lock();
                channel_.reset();
                for (auto& [number, call] : calls_)
                    call.broken = true;
                changed_.notify_all();
                lock.unlock();
                tell(false);
                lock.lock();
                pause = first_pause;
            }
            changed_.wait_for(lock, pause, [&] { return stopping_ || wanted_; });
            pause = std::min(pause * 2, longest_pause);
        }
    }

    void tell(bool connected) {
        if (on_connected_)
            on_connected_(connected);
    }

    std::shared_ptr<Channel> connect(std::string& refusal) const {
        try {
            Fd socket = connect_to(path_);
            if (!socket)
                return nullptr;
            ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &hello_patience, sizeof hello_patience);
            auto channel = std::make_shared<Channel>(std::move(socket), longest_answer, longest_request);
            if (!channel->send({{"hello", {{"protocol", protocol_version}, {"version", BHYPE_VERSION}}}}))
                return nullptr;
            auto frame = channel->receive();
            if (!frame)
                return nullptr;
            if (const auto* refused = frame->body.if_contains("refused")) {
                refusal = error_from(*refused).detail();
                return nullptr;
            }
            if (!frame->body.if_contains("hello"))
                return nullptr;
            ::setsockopt(channel->socket(), SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof for_ever);
            return channel;
        } catch (const std::exception&) {
            return nullptr;
        }
    }

    void read(Channel& channel) {
        try {
            while (auto frame = channel.receive()) {
                if (const auto* guest = frame->body.if_contains("guest")) {
                    if (on_guest_)
                        on_guest_(decode<host::Guest>(*guest));
                    continue;
                }
                std::int64_t number = 0;
                for (const auto* kind : {"answer", "ran", "progress"})
                    if (const auto* body = frame->body.if_contains(kind))
                        number = body->at("number").to_number<std::int64_t>();
                const std::lock_guard lock(mutex_);
                if (const auto found = calls_.find(number); found != calls_.end())
                    found->second.frames.push_back(std::move(*frame));
                changed_.notify_all();
            }
        } catch (const std::exception& error) {
            log::warning("connection to bhype-hostd: {}", error.what());
        }
        channel.shut_down();
    }

    const std::string path_;
    const std::function<void(const host::Guest&)> on_guest_;
    const std::function<void(bool)> on_connected_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<Channel> channel_;
    std::map<std::int64_t, Call> calls_;
    std::int64_t last_number_ = 0;
    std::uint64_t attempts_ = 0;
    std::string refusal_;
    bool wanted_ = false;
    bool stopping_ = false;
    std::thread reader_; ///< last: it uses all the others
};

} // namespace

std::unique_ptr<Host> connect_host(const std::string& socket_path,
                                   std::function<void(const host::Guest&)> on_guest,
                                   std::function<void(bool)> on_connected) {
    return std::make_unique<Client>(socket_path, std::move(on_guest), std::move(on_connected));
}

} // namespace bhype::wire
