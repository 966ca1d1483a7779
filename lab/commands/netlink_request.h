#pragma once

#include <linux/rtnetlink.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace bhype::lab::rtnetlink {

/// A request under construction: header, body, attributes.
class Request {
  public:
    template <class Body>
    Request(std::uint16_t type, std::uint16_t flags, const Body& body) {
        bytes_.resize(NLMSG_SPACE(sizeof body));
        auto* header = reinterpret_cast<nlmsghdr*>(bytes_.data());
        header->nlmsg_type = type;
        header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        header->nlmsg_seq = 1;
        std::memcpy(NLMSG_DATA(header), &body, sizeof body);
    }

    void add(std::uint16_t type, const void* data, std::size_t size) {
        const auto begin = bytes_.size();
        bytes_.resize(begin + RTA_SPACE(size));
        auto* attribute = reinterpret_cast<rtattr*>(bytes_.data() + begin);
        attribute->rta_type = type;
        attribute->rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
        if (size)
            std::memcpy(RTA_DATA(attribute), data, size);
    }
    void add(std::uint16_t type, const std::string& text) { add(type, text.c_str(), text.size() + 1); }
    template <class Number>
    void add_number(std::uint16_t type, Number value) {
        add(type, &value, sizeof value);
    }

    /// Everything that `fill` adds becomes the value of one attribute.
    void nest(std::uint16_t type, const std::function<void()>& fill) {
        const auto begin = bytes_.size();
        add(type, nullptr, 0);
        fill();
        reinterpret_cast<rtattr*>(bytes_.data() + begin)->rta_len =
            static_cast<unsigned short>(bytes_.size() - begin);
    }
    template <class Body>
    void raw(const Body& body) {
        const auto begin = bytes_.size();
        bytes_.resize(begin + NLMSG_ALIGN(sizeof body));
        std::memcpy(bytes_.data() + begin, &body, sizeof body);
    }

    std::vector<char>& finished() {
        reinterpret_cast<nlmsghdr*>(bytes_.data())->nlmsg_len = static_cast<unsigned>(bytes_.size());
        return bytes_;
    }

  private:
    std::vector<char> bytes_;
};

/// Sends a request and hands each answer to `each`; returns the errno of the kernel's verdict.
int exchange(Request request, const std::function<void(const nlmsghdr*)>& each);

/// exchange() of what has no answer but the verdict.
int change(Request request);

template <class Body>
void each_attribute(const nlmsghdr* header, const std::function<void(int, const void*, std::size_t)>& each) {
    auto* attribute = reinterpret_cast<const rtattr*>(static_cast<const char*>(NLMSG_DATA(header)) +
                                                      NLMSG_ALIGN(sizeof(Body)));
    auto left = static_cast<int>(header->nlmsg_len - NLMSG_LENGTH(sizeof(Body)));
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
        each(attribute->rta_type & NLA_TYPE_MASK, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
}

/// "58:9c:fc:00:11:22" of six bytes.
std::string ether_text(const void* data);

constexpr std::uint16_t ack = NLM_F_ACK;
constexpr std::uint16_t create = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;

} // namespace bhype::lab::rtnetlink
