// A bhype-vmd of protocol version 1 as it was when that was frozen: the bytes are written out here, and no
// code is shared with today's. Guests keep such a vmd across an upgrade of everything else; so this file is
// never changed to suit a change elsewhere. A version 2 gets a file of its own.
//
//     vmd_v1 DIRECTORY     serves DIRECTORY/vmd.sock until it is told to kill its guest, or until its parent
//     ends

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <map>
#include <string>

static std::string state = "running", reason;
static std::string directory;
static std::map<int, std::string> peers; // what each has sent and is not whole yet
static int master = -1;                  // the stand-in of the serial line

static std::string status() {
    return "vm=web1\nstate=" + state + "\nreason=" + reason +
           "\nlast=a\\\\b\nlast=second\nsince=1700000000\nstarted=1700000001\nreboots=2\nbhyve_pid=" +
           (state == "stopped" ? "0" : "4242") + "\nbhyve_started=99\nvmd_pid=" + std::to_string(getpid()) +
           "\ngeneration=7\nquick_resets=0\nlog_start=0\nbooted=1700000001000\nstop_until=0\nstop_seconds="
           "0\n";
}

static void save() {
    FILE* file = fopen((directory + "/state").c_str(), "w");
    fputs(status().c_str(), file);
    fclose(file);
}

static void send_message(int to, unsigned kind, const char* tag, const std::string& text,
                         int descriptor = -1) {
    const uint32_t size = text.size();
    std::string bytes;
    for (const unsigned byte :
         {size >> 24, size >> 16 & 255, size >> 8 & 255, size & 255, kind >> 8, kind & 255, 0u, 0u})
        bytes += static_cast<char>(byte);
    bytes.append(tag, 4);
    bytes += text;
    struct iovec piece = {&bytes[0], bytes.size()};
    struct msghdr message = {};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (descriptor >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    if (sendmsg(to, &message, MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
        fputs("vmd_v1: a peer does not take its answer\n", stderr);
}

static void change(const char* new_state, const std::string& why) {
    state = new_state;
    reason = why;
    save();
    for (const auto& peer : peers)
        send_message(peer.first, 128, "\0\0\0\0", status());
}

static void serve(int peer, unsigned kind, const char* tag, const std::string& text) {
    switch (kind) {
    case 1:
        if (text.compare(0, 8, "version=") != 0)
            send_message(peer, 65, tag, "code=api.invalid_request\ntext=no version\n");
        else
            send_message(peer, 64, tag, "version=1\nvm=web1\n");
        break;
    case 2:
        send_message(peer, 64, tag, status());
        break;
    case 3: {
        const auto at = ("\n" + text).find("\nseconds=");
        change("stopping",
               at == std::string::npos ? "60" : text.substr(at + 8, text.find('\n', at) - at - 8));
        send_message(peer, 64, tag, status());
        break;
    }
    case 4:
        change("stopping", "is being killed");
        change("stopped", "killed");
        send_message(peer, 64, tag, status());
        exit(0);
    case 5:
        send_message(peer, 64, tag, status());
        break;
    case 6: {
        int ends[2];
        if (text.find("mode=control\n") != std::string::npos) {
            send_message(peer, 65, tag, "code=console.in_use\ntext=\n");
        } else if (text.find("mode=take-over\n") == std::string::npos &&
                   text.find("mode=watch\n") == std::string::npos) {
            send_message(
                peer, 65, tag,
                "code=api.not_found\ntext=the VM has no such console now, or it has too many viewers\n");
        } else if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0) {
            const char* words = text.find("kind=screen\n") != std::string::npos ? "RFB 003.008\n" : "login: ";
            if (write(ends[0], words, strlen(words)) < 0)
                exit(1);
            send_message(peer, 64, tag, "viewers=1\nfd=1\n", ends[1]);
            close(ends[0]);
            close(ends[1]);
        }
        break;
    }
    case 7:
        send_message(peer, 64, tag, text == "bytes=100\n" ? "text=first\\nsecond\\\\n\\n\n" : "text=\n");
        break;
    case 8:
        send_message(peer, 64, tag, "fd=1\n", master);
        break;
    default:
        send_message(peer, 65, tag,
                     "code=api.invalid_request\ntext=this bhype-vmd does not know that request\n");
    }
}

int main(int count, char** arguments) {
    if (count != 2)
        return 2;
    directory = arguments[1];
    master = posix_openpt(2 /* O_RDWR */);
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/vmd.sock", arguments[1]);
    const int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    save();
    if (bind(listening, reinterpret_cast<struct sockaddr*>(&address), sizeof address) != 0 ||
        listen(listening, 8) != 0)
        return 1;
    const pid_t parent = getppid();
    while (getppid() == parent) {
        struct pollfd waiting[16] = {{listening, POLLIN, 0}};
        int number = 1;
        for (const auto& peer : peers)
            waiting[number++] = {peer.first, POLLIN, 0};
        poll(waiting, static_cast<nfds_t>(number), 1000);
        for (int i = 1; i < number; ++i) {
            if (waiting[i].revents == 0)
                continue;
            char bytes[4096];
            const ssize_t got = recv(waiting[i].fd, bytes, sizeof bytes, 0);
            if (got <= 0) {
                peers.erase(waiting[i].fd);
                close(waiting[i].fd);
                continue;
            }
            std::string& in = peers[waiting[i].fd];
            in.append(bytes, static_cast<size_t>(got));
            while (in.size() >= 12) {
                const auto at = [&](size_t n) {
                    return static_cast<unsigned>(static_cast<unsigned char>(in[n]));
                };
                const size_t size = at(0) << 24 | at(1) << 16 | at(2) << 8 | at(3);
                if (in.size() < 12 + size)
                    break;
                serve(waiting[i].fd, at(4) << 8 | at(5), &in[8], in.substr(12, size));
                in.erase(0, 12 + size);
            }
        }
        if (waiting[0].revents != 0 && peers.size() < 8)
            peers[accept(listening, nullptr, nullptr)];
    }
    return 0;
}
