#include "hostd/vmd_client.h"

#include "base/error.h"
#include "wire/frame.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace bhype::hostd {

using vmd::Kind;
using vmd::Message;

VmdClient::VmdClient(const std::string& socket_path) : socket_(wire::connect_to(socket_path)) {
    if (!socket_)
        throw Error(Code::vmd_away, socket_path);
    ask(Kind::hello, {{"version", std::to_string(vmd::version)}}, std::chrono::seconds(5));
}

/// False at the end of the stream.
bool VmdClient::receive(bool wait) {
    char bytes[16384];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 4)];
    iovec piece{bytes, sizeof bytes};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const auto got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
            descriptors_.emplace_back(descriptor);
        }
    in_.feed(bytes, static_cast<std::size_t>(got));
    return got > 0;
}

/// The next whole message, and the descriptor that is its own.
std::optional<Message> VmdClient::next(Fd& descriptor) {
    descriptor.reset();
    auto message = in_.next();
    if (message && message->fields.has("fd") && !descriptors_.empty()) {
        descriptor = std::move(descriptors_.front());
        descriptors_.pop_front();
    }
    return message;
}

vmd::Fields VmdClient::ask(Kind kind, vmd::Fields fields, std::chrono::milliseconds patience,
                           Fd* descriptor) {
    const auto tag = ++tag_;
    const auto text = vmd::print(Message{kind, tag, std::move(fields)});
    if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
        throw Error(Code::vmd_away, "it took no request");
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        Fd came;
        while (auto message = next(came)) {
            if (message->tag != tag) {
                events_.push_back(std::move(*message));
                continue;
            }
            if (message->kind == Kind::failed)
                throw Error(code_from_id(message->fields.text("code")).value_or(Code::internal),
                            message->fields.text("text"));
            if (descriptor)
                *descriptor = std::move(came);
            return std::move(message->fields);
        }
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
        pollfd waiting{socket_.get(), POLLIN, 0};
        if (left <= 0 || in_.broken() || ::poll(&waiting, 1, static_cast<int>(left)) < 1 || !receive(false))
            throw Error(Code::vmd_away, "it did not answer");
    }
}

bool VmdClient::has_event() {
    Fd unwanted;
    while (auto message = next(unwanted))
        events_.push_back(std::move(*message));
    return !events_.empty();
}

std::optional<Message> VmdClient::event(bool& gone) {
    gone = false;
    if (!has_event()) {
        const bool there = receive(false);
        if (!has_event()) {
            gone = !there || in_.broken();
            return std::nullopt;
        }
    }
    auto message = std::move(events_.front());
    events_.pop_front();
    return message;
}

} // namespace bhype::hostd
