/*
 * Linked into zfs(8) and zpool(8) of the appliance by the linker's --wrap: the few calls whose effect belongs to the
 * lab and not to the appliance. Each asks the forwarder, through descriptor 3 and the agent, at the moment OpenZFS
 * itself makes the call, so that nothing about mounts is guessed from arguments.
 *
 * A request is one message of NUL-ended strings; the reply is an int32 errno value and, if that is 0, a payload.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { upcall_fd = 3, reply_limit = 256 * 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Returns 0 or an errno value; a payload is left in *data, to be freed. */
static int ask(char **data, size_t *length, const char *kind, ...)
{
    char request[16384];
    size_t used = 0;
    va_list list;

    va_start(list, kind);
    for (const char *word = kind; word != NULL; word = va_arg(list, const char *)) {
        size_t n = strlen(word) + 1;
        if (used + n > sizeof(request)) {
            va_end(list);
            return ENAMETOOLONG;
        }
        memcpy(request + used, word, n);
        used += n;
    }
    va_end(list);

    char *reply = malloc(reply_limit);
    if (reply == NULL)
        return ENOMEM;
    ssize_t got = -1;
    pthread_mutex_lock(&lock);
    if (send(upcall_fd, request, used, MSG_NOSIGNAL) == (ssize_t)used) {
        do
            got = recv(upcall_fd, reply, reply_limit, 0);
        while (got < 0 && errno == EINTR);
    }
    pthread_mutex_unlock(&lock);

    int32_t status = EIO;
    if (got >= (ssize_t)sizeof(status))
        memcpy(&status, reply, sizeof(status));
    if (status == 0 && data != NULL) {
        *length = (size_t)got - sizeof(status);
        memmove(reply, reply + sizeof(status), *length);
        reply[*length] = '\0';
        *data = reply;
    } else {
        free(reply);
    }
    return status;
}

static int fail(int error)
{
    errno = error;
    return -1;
}

int __real_umount2(const char *target, int flags);
int __real_mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int __real_rmdir(const char *path);
int __real_open(const char *path, int flags, ...);

int __wrap_mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)
{
    if (__real_mount(source, target, type, flags, data) != 0)
        return -1;
    if (flags & MS_REMOUNT)
        return 0;
    char text[32];
    snprintf(text, sizeof(text), "%lu", flags);
    int error = ask(NULL, NULL, "mount", source, target, text, NULL);
    if (error != 0) {
        __real_umount2(target, 0);
        return fail(error);
    }
    return 0;
}

int __wrap_umount2(const char *target, int flags)
{
    int error = ask(NULL, NULL, "unmount", target, flags & MNT_FORCE ? "force" : "", NULL);
    if (error != 0)
        return fail(error);
    return __real_umount2(target, flags);
}

/* libzfs removes the directory of a dataset that is gone; the lab's own directory goes first. */
int __wrap_rmdir(const char *path)
{
    ask(NULL, NULL, "rmdir", path, NULL);
    return __real_rmdir(path);
}

static int begins_with_any(const char *path, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
            return 1;
    return 0;
}

/* A file that the administrator named is a file of the lab: channel programs, configurations of pools. */
static int is_of_the_lab(const char *path, int writing)
{
    static const char *const own[] = {"/dev/", "/proc/", "/sys/", "/run/", "/etc/blkid.conf", "/etc/dfs/",
                                      "/etc/hostid", "/etc/mtab", "/etc/zfs/", "/usr/share/zfs/"};
    return !writing && path[0] != '\0' && !begins_with_any(path, own, sizeof(own) / sizeof(own[0]));
}

static int open_of_the_lab(const char *path)
{
    char *data = NULL;
    size_t length = 0;
    int error = ask(&data, &length, "read", path, NULL);
    /* A directory can be opened and not read; that is for libzfs to find out. */
    if (error == EISDIR)
        return __real_open("/", O_RDONLY | O_CLOEXEC);
    if (error != 0)
        return fail(error);
    int fd = memfd_create("lab", MFD_CLOEXEC);
    if (fd >= 0 && (write(fd, data, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        fd = fail(EIO);
    }
    explicit_bzero(data, length);
    free(data);
    return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    int mode = va_arg(list, int);
    va_end(list);
    if (!(flags & (O_DIRECTORY | O_PATH)) && is_of_the_lab(path, (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT))
        return open_of_the_lab(path);
    return __real_open(path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    int mode = va_arg(list, int);
    va_end(list);
    return __wrap_open(path, flags, mode);
}

FILE *__real_fopen(const char *path, const char *mode);

/* A key may lie anywhere in the lab, also where open() would look at the appliance's own files. */
FILE *__wrap_fopen(const char *path, const char *mode)
{
    static const char *const own[] = {"/proc/", "/sys/", "/etc/blkid.conf", "/etc/dfs/", "/etc/exports.d/",
                                      "/etc/mtab"};
    if (mode[0] != 'r' || strchr(mode, '+') != NULL ||
        begins_with_any(path, own, sizeof(own) / sizeof(own[0])))
        return __real_fopen(path, mode);
    int fd = open_of_the_lab(path);
    return fd < 0 ? NULL : fdopen(fd, "r");
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
    return __wrap_fopen(path, mode);
}

/* The lab's accounts: the reply is "NAME\0ID". */
static int account(const char *kind, const char *key, char **name, unsigned *id)
{
    static __thread char kept[512];
    char *data = NULL;
    size_t length = 0;
    if (ask(&data, &length, kind, key, NULL) != 0)
        return 0;
    size_t end = strnlen(data, length);
    int ok = end > 0 && end + 1 < length && end < sizeof(kept);
    if (ok) {
        memcpy(kept, data, end + 1);
        *name = kept;
        *id = (unsigned)strtoul(data + end + 1, NULL, 10);
    }
    free(data);
    return ok;
}

static struct passwd *passwd_of(const char *kind, const char *key)
{
    static __thread struct passwd entry;
    memset(&entry, 0, sizeof(entry));
    if (!account(kind, key, &entry.pw_name, &entry.pw_uid))
        return NULL;
    entry.pw_passwd = entry.pw_gecos = entry.pw_dir = entry.pw_shell = "";
    return &entry;
}

static struct group *group_of(const char *kind, const char *key)
{
    static __thread struct group entry;
    static char *nobody[] = {NULL};
    memset(&entry, 0, sizeof(entry));
    if (!account(kind, key, &entry.gr_name, &entry.gr_gid))
        return NULL;
    entry.gr_passwd = "";
    entry.gr_mem = nobody;
    return &entry;
}

struct passwd *__wrap_getpwnam(const char *name)
{
    return passwd_of("getpwnam", name);
}

struct passwd *__wrap_getpwuid(uid_t uid)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", uid);
    return passwd_of("getpwuid", text);
}

struct group *__wrap_getgrnam(const char *name)
{
    return group_of("getgrnam", name);
}

struct group *__wrap_getgrgid(gid_t gid)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", gid);
    return group_of("getgrgid", text);
}

/* Which of the caller's descriptors are terminals comes with the request. */
int __wrap_isatty(int fd)
{
    const char *mask = getenv("LAB_TTY");
    if (mask != NULL && fd >= 0 && fd <= 2 && (atoi(mask) >> fd & 1))
        return 1;
    errno = ENOTTY;
    return 0;
}

/*
 * Keys come from standard input. It is fetched piece by piece when libzfs reads, so that a command which needs no key
 * leaves it to the script that called the command.
 */
static FILE *input;

static ssize_t read_input(void *cookie, char *to, size_t size)
{
    (void)cookie;
    char text[24];
    char *data = NULL;
    size_t length = 0;
    snprintf(text, sizeof(text), "%zu", size);
    int error = ask(&data, &length, "input", text, NULL);
    if (error != 0)
        return fail(error);
    if (length > size)
        length = size;
    memcpy(to, data, length);
    explicit_bzero(data, length);
    free(data);
    return (ssize_t)length;
}

__attribute__((constructor)) static void prepare_streams(void)
{
    const cookie_io_functions_t functions = {.read = read_input};
    input = fopencookie(NULL, "r", functions);
    if (input != NULL)
        stdin = input;
    /* As on a terminal: the line after a prompt comes before what standard error says next. */
    if (__wrap_isatty(STDOUT_FILENO))
        setlinebuf(stdout);
}

int __real_fileno(FILE *stream);

int __wrap_fileno(FILE *stream)
{
    return stream == input ? STDIN_FILENO : __real_fileno(stream);
}

/* libzfs only turns the echo off and on again. */
int __wrap_tcgetattr(int fd, struct termios *state)
{
    if (!__wrap_isatty(fd))
        return -1;
    memset(state, 0, sizeof(*state));
    state->c_lflag = ECHO | ECHOE | ECHOK;
    return 0;
}

int __wrap_tcsetattr(int fd, int when, const struct termios *state)
{
    (void)when;
    if (!__wrap_isatty(fd))
        return -1;
    int error = ask(NULL, NULL, "echo", state->c_lflag & ECHO ? "on" : "off", NULL);
    return error == 0 ? 0 : fail(error);
}

/* FreeBSD gives the disk to ZFS as it is; Linux would write a partition table first. */
int __wrap_zfs_dev_is_whole_disk(const char *path)
{
    (void)path;
    return 0;
}
