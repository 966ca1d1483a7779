// NBD, the fixed newstyle handshake and simple replies, after the protocol's own description (doc/proto.md of
// the NetworkBlockDevice project). The export name is the dataset's; the volume is open only while somebody
// is connected.
#include "agent.h"

#include <cerrno>
#include <cstring>
#include <endian.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace bhype::lab::agent {

namespace {

constexpr std::uint64_t magic_init = 0x4e42444d41474943;   // NBDMAGIC
constexpr std::uint64_t magic_option = 0x49484156454f5054; // IHAVEOPT
constexpr std::uint64_t magic_reply = 0x3e889045565a9;
constexpr std::uint32_t magic_request = 0x25609513;
constexpr std::uint32_t magic_simple = 0x67446698;

enum Option : std::uint32_t { export_name = 1, abort_option = 2, list = 3, info = 6, go = 7 };
enum Reply : std::uint32_t {
    ack = 1,
    server = 2,
    information = 3,
    unsupported = 0x80000001,
    unknown = 0x80000006
};
enum Command : std::uint16_t { read_command, write_command, disconnect, flush, trim, cache, write_zeroes };
// has flags, flush, FUA, trim, write zeroes, several connections see each other's writes
constexpr std::uint16_t transmission_flags = 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 8;
constexpr std::uint16_t flag_fua = 1;
constexpr std::uint32_t request_limit = 32u << 20;

struct [[gnu::packed]] Request {
    std::uint32_t magic;
    std::uint16_t flags;
    std::uint16_t type;
    std::uint64_t cookie;
    std::uint64_t offset;
    std::uint32_t length;
};

struct [[gnu::packed]] SimpleReply {
    std::uint32_t magic;
    std::uint32_t error;
    std::uint64_t cookie;
};

class Session {
  public:
    explicit Session(int fd) : fd_(fd) {}
    ~Session() {
        if (volume_ >= 0)
            ::close(volume_);
    }

    void run() {
        if (handshake())
            transmit();
    }

  private:
    template <typename Integer>
    bool put(Integer value) {
        return write_all(fd_, &value, sizeof(value));
    }

    bool reply(std::uint32_t option, std::uint32_t type, const std::string& data = {}) {
        return put(htobe64(magic_reply)) && put(htobe32(option)) && put(htobe32(type)) &&
               put(htobe32(static_cast<std::uint32_t>(data.size()))) &&
               write_all(fd_, data.data(), data.size());
    }

    bool open_export(const std::string& name) {
        std::string device = zvol_device(name);
        if (device.empty())
            return false;
        volume_ = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
        if (volume_ < 0)
            volume_ = ::open(device.c_str(), O_RDONLY | O_CLOEXEC);
        return volume_ >= 0 && ::ioctl(volume_, BLKGETSIZE64, &size_) == 0;
    }

    bool handshake() {
        std::uint32_t client_flags = 0;
        if (!put(htobe64(magic_init)) || !put(htobe64(magic_option)) || !put(htobe16(3)) ||
            !read_all(fd_, &client_flags, sizeof(client_flags)))
            return false;
        bool no_zeroes = be32toh(client_flags) & 2;
        for (;;) {
            struct [[gnu::packed]] {
                std::uint64_t magic;
                std::uint32_t option;
                std::uint32_t length;
            } header{};
            if (!read_all(fd_, &header, sizeof(header)) || be64toh(header.magic) != magic_option ||
                be32toh(header.length) > 65536)
                return false;
            std::uint32_t option = be32toh(header.option);
            std::string data(be32toh(header.length), '\0');
            if (!read_all(fd_, data.data(), data.size()))
                return false;
            if (option == export_name) {
                std::string zeroes(no_zeroes ? 0 : 124, '\0');
                return open_export(data) && put(htobe64(size_)) && put(htobe16(transmission_flags)) &&
                       write_all(fd_, zeroes.data(), zeroes.size());
            }
            if (option == abort_option)
                return reply(option, ack), false;
            if (option == go || option == info) {
                if (!answer_info(option, data))
                    return false;
                if (option == go && volume_ >= 0)
                    return true;
            } else if (option == list) {
                for (const auto& name : zvol_names()) {
                    std::uint32_t length = htobe32(static_cast<std::uint32_t>(name.size()));
                    reply(option, server, std::string(reinterpret_cast<char*>(&length), 4) + name);
                }
                if (!reply(option, ack))
                    return false;
            } else if (!reply(option, unsupported)) {
                return false;
            }
        }
    }

    bool answer_info(std::uint32_t option, const std::string& data) {
        std::uint32_t length = 0;
        if (data.size() < 4)
            return false;
        std::memcpy(&length, data.data(), 4);
        length = be32toh(length);
        if (length > data.size() - 4)
            return false;
        if (!open_export(data.substr(4, length)))
            return reply(option, unknown);
        struct [[gnu::packed]] {
            std::uint16_t type;
            std::uint64_t size;
            std::uint16_t flags;
        } about{0, htobe64(size_), htobe16(transmission_flags)};
        bool sent = reply(option, information, std::string(reinterpret_cast<char*>(&about), sizeof(about))) &&
                    reply(option, ack);
        if (option == info) {
            ::close(volume_);
            volume_ = -1;
        }
        return sent;
    }

    void transmit() {
        std::string buffer;
        for (Request request{}; read_all(fd_, &request, sizeof(request));) {
            if (be32toh(request.magic) != magic_request || be16toh(request.type) == disconnect)
                return;
            std::uint32_t length = be32toh(request.length);
            auto offset = static_cast<off_t>(be64toh(request.offset));
            std::uint16_t type = be16toh(request.type);
            bool carries = type == read_command || type == write_command;
            if (carries && length > request_limit)
                return;
            if (carries)
                buffer.resize(length);
            if (type == write_command && !read_all(fd_, buffer.data(), length))
                return;
            int error = perform(type, offset, length, buffer);
            if (error == 0 && be16toh(request.flags) & flag_fua)
                error = ::fdatasync(volume_) == 0 ? 0 : errno;
            SimpleReply answer{htobe32(magic_simple), htobe32(static_cast<std::uint32_t>(error)),
                               request.cookie};
            if (!write_all(fd_, &answer, sizeof(answer)))
                return;
            if (type == read_command && error == 0 && !write_all(fd_, buffer.data(), length))
                return;
        }
    }

    // Zero or an errno value that NBD knows (EPERM, EIO, ENOMEM, EINVAL, ENOSPC).
    int perform(std::uint16_t type, off_t offset, std::uint32_t length, std::string& buffer) {
        std::uint64_t range[2] = {static_cast<std::uint64_t>(offset), length};
        auto wanted = static_cast<ssize_t>(length);
        switch (type) {
        case read_command:
            return ::pread(volume_, buffer.data(), length, offset) == wanted ? 0 : EIO;
        case write_command:
            errno = EIO;
            return write_volume(volume_, buffer.data(), length, offset) == wanted ? 0
                   : errno == ENOSPC                                              ? ENOSPC
                                                                                  : EIO;
        case flush:
            return ::fdatasync(volume_) == 0 ? 0 : EIO;
        case trim:
            return ::ioctl(volume_, BLKDISCARD, range) == 0 ? 0 : EIO;
        case write_zeroes:
            return ::ioctl(volume_, BLKZEROOUT, range) == 0 ? 0 : EIO;
        default:
            return EINVAL;
        }
    }

    int fd_;
    int volume_ = -1;
    std::uint64_t size_ = 0;
};

} // namespace

void serve_nbd(int fd) {
    Session(fd).run();
}

} // namespace bhype::lab::agent
