#pragma once

namespace bhype::lab {

/// The machine's programs that a FreeBSD host has under the same name, by FreeBSD's folder; "NAME=OTHER"
/// where the machine's is called otherwise. From the base system's Makefiles (bin/, sbin/, usr.bin/,
/// usr.sbin/), and packages that people install in /usr/local. They are the machine's own: GNU's options are
/// not FreeBSD's.
struct ProgramFolder {
    const char* folder;
    const char* names;
};

constexpr ProgramFolder program_folders[] = {
    {"/bin", "[ cat chmod cp date df echo ed expr hostname kill link ln ls mkdir mv ps pwd realpath rm rmdir "
             "sh=dash sleep stty sync test unlink uuidgen pgrep pkill"},
    {"/sbin", "ping=busybox"},
    {"/usr/bin", "awk=mawk basename cmp comm cut diff dirname du env expand false file find fold getent grep "
                 "egrep fgrep head id "
                 "install join killall less logger login logname lsof mesg mkfifo mktemp more nice nl nohup "
                 "od openssl paste "
                 "passwd printf readlink renice sed seq sort split ssh ssh-keygen scp stat strings su tail "
                 "tar tee time timeout "
                 "touch tr true truncate tty uniq unexpand uptime users vi vmstat w wc whereis which who "
                 "whoami xargs xz gzip "
                 "gunzip zcat bzip2 bunzip2 yes top nproc"},
    {"/usr/sbin", "chown chroot sshd"},
    {"/usr/local/bin", "bash curl jq rsync socat sqlite3 python3 strace tcpdump"},
    {"/usr/local/sbin", "dnsmasq"},
};

/// Files of the machine's /etc that its programs need inside as well.
constexpr const char* copied_etc[] = {
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "protocols",
    "services",    "mime.types", "login.defs",   "security",  "mke2fs.conf",
};

} // namespace bhype::lab
