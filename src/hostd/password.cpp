#include "hostd/password.h"

#include "base/secret.h"

#include <fcntl.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace bhype::hostd {

namespace {

constexpr unsigned longest_check = 15; ///< seconds
constexpr std::size_t longest_password = 1024;

/// pam_conv(3): gives the password to whatever asks without echo, nothing to other questions.
int converse(int count, const pam_message** messages, pam_response** answers, void* data) {
    if (count <= 0 || count > PAM_MAX_NUM_MSG)
        return PAM_CONV_ERR;
    auto* given =
        static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
    if (!given)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; ++i)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            given[i].resp = ::strdup(static_cast<const Secret*>(data)->reveal().c_str());
    *answers = given;
    return PAM_SUCCESS;
}

bool ask_pam(const std::string& service, const std::string& user, const std::string& client,
             const Secret& password, bool allow_empty) {
    pam_conv conversation{converse, const_cast<Secret*>(&password)};
    pam_handle_t* handle = nullptr;
    const int null_token = allow_empty ? 0 : PAM_DISALLOW_NULL_AUTHTOK;
    int result = ::pam_start(service.c_str(), user.c_str(), &conversation, &handle);
    if (result != PAM_SUCCESS)
        return false;
    if (result == PAM_SUCCESS)
        result = ::pam_set_item(handle, PAM_RHOST, client.c_str());
    if (result == PAM_SUCCESS)
        result = ::pam_authenticate(handle, PAM_SILENT | null_token);
    // An account that is locked or expired, or a password that must be changed first, is a refusal.
    if (result == PAM_SUCCESS)
        result = ::pam_acct_mgmt(handle, PAM_SILENT | null_token);
    ::pam_end(handle, result);
    return result == PAM_SUCCESS;
}

/// What pam_acct_mgmt(3) of both systems' modules gives for accounts that may not be used; other failures say
/// that it could not be found out.
bool is_barred(const std::string& service, const std::string& user, const std::string& client) {
    const Secret none;
    pam_conv conversation{converse, const_cast<Secret*>(&none)};
    pam_handle_t* handle = nullptr;
    int result = ::pam_start(service.c_str(), user.c_str(), &conversation, &handle);
    if (result != PAM_SUCCESS)
        return false;
    if (::pam_set_item(handle, PAM_RHOST, client.c_str()) == PAM_SUCCESS)
        result = ::pam_acct_mgmt(handle, PAM_SILENT);
    ::pam_end(handle, result);
    return result == PAM_AUTH_ERR || result == PAM_PERM_DENIED || result == PAM_ACCT_EXPIRED ||
           result == PAM_NEW_AUTHTOK_REQD || result == PAM_USER_UNKNOWN;
}

Secret read_password(int fd) {
    std::string text;
    char buffer[256];
    for (ssize_t got; text.size() <= longest_password && (got = ::read(fd, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    return Secret(std::move(text));
}

constexpr char is_password_right = 'p';
constexpr char is_account_barred = 'a';

/// Waits for questions: one of the letters above and "user\nclient", with two descriptors, the password's and
/// the answer's, which is '1' for yes.
[[noreturn]] void answer_questions(int questions, const std::string& service, bool allow_empty) {
    ::signal(SIGCHLD, SIG_IGN); // children are not waited for
    ::signal(SIGTERM, SIG_IGN); // it ends with its parent
    ::signal(SIGINT, SIG_IGN);
    for (;;) {
        char text[1024];
        alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
        iovec piece{text, sizeof text};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const auto got = ::recvmsg(questions, &message, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            ::_exit(0);
        const cmsghdr* header = CMSG_FIRSTHDR(&message);
        int descriptors[2] = {-1, -1};
        if (!header || header->cmsg_len != CMSG_LEN(sizeof descriptors))
            continue;
        std::memcpy(descriptors, CMSG_DATA(header), sizeof descriptors);
        if (::fork() == 0) {
            ::signal(SIGCHLD, SIG_DFL); // modules start helpers and wait for them
            ::signal(SIGTERM, SIG_DFL);
            ::alarm(longest_check);
            ::close(questions);
            const std::string question(text, static_cast<std::size_t>(got));
            const auto line = question.find('\n');
            const auto user = question.substr(1, line - 1);
            const auto client = question.substr(line + 1);
            bool yes = false;
            if (question.front() == is_account_barred) {
                yes = is_barred(service, user, client);
            } else {
                const auto password = read_password(descriptors[0]);
                yes = password.reveal().size() <= longest_password &&
                      password.reveal().find('\0') == std::string::npos &&
                      (allow_empty || !password.empty()) &&
                      ask_pam(service, user, client, password, allow_empty);
            }
            const char answer = yes ? '1' : '0';
            ::_exit(::write(descriptors[1], &answer, 1) == 1 ? 0 : 1);
        }
        ::close(descriptors[0]);
        ::close(descriptors[1]);
    }
}

} // namespace

Passwords::Passwords(const std::string& service, bool allow_empty) {
    int ends[2];
    // Not a stream: each question is one piece.
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        throw Error(Code::internal, "socketpair");
    pid_ = ::fork();
    if (pid_ < 0)
        throw Error(Code::internal, "fork");
    if (pid_ == 0) {
        ::close(ends[0]);
        answer_questions(ends[1], service, allow_empty);
    }
    ::close(ends[1]);
    asking_ = Fd(ends[0]);
}

Passwords::~Passwords() {
    asking_.reset();
    ::waitpid(pid_, nullptr, 0);
}

bool Passwords::check(const UserName& user, const std::string& client, int password) {
    return ask(is_password_right, user, client, password);
}

bool Passwords::barred(const UserName& user, const std::string& client) {
    return ask(is_account_barred, user, client, -1);
}

bool Passwords::ask(char kind, const UserName& user, const std::string& client, int password) {
    std::string question = kind + user.str() + "\n";
    for (const char c : client.substr(0, 128))
        if (static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f)
            question += c;
    auto [answer, theirs] = Pipe();
    const int descriptors[2] = {password >= 0 ? password : theirs.get(), theirs.get()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptors)]{};
    iovec piece{question.data(), question.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptors);
    std::memcpy(CMSG_DATA(header), descriptors, sizeof descriptors);
    {
        const std::lock_guard lock(mutex_);
        if (::sendmsg(asking_.get(), &message, MSG_NOSIGNAL) < 0)
            throw Error(Code::internal, "the password process has gone");
    }
    theirs.reset();
    pollfd waiting{answer.get(), POLLIN, 0};
    char said = '0';
    return ::poll(&waiting, 1, (longest_check + 1) * 1000) == 1 && ::read(answer.get(), &said, 1) == 1 &&
           said == '1';
}

} // namespace bhype::hostd
