#pragma once

// What differs between FreeBSD and Linux. Every difference has two files here, and no other room may ask
// which system it runs on.
//
//   call                                  FreeBSD                            Linux
//   peer_of()                 peer_*      LOCAL_PEERCRED, struct xucred      SO_PEERCRED, struct ucred
//   process_id(), processes() process_*   sysctl kern.proc                   /proc
//   ProcessWatch              watch_*     kqueue EVFILT_PROC NOTE_EXIT       pidfd; PTRACE_SEIZE for the
//   status
//                                                                            of a process that is no child
//
// The same on both, kept here because both offer it under the same name since not long ago:
//   closefrom(2)                                       FreeBSD 8, glibc 2.34
//   posix_spawn_file_actions_addclosefrom_np(3)        FreeBSD 13.1, glibc 2.34 (used by run/)
//   openpty by posix_openpt(2), ptsname_r(3)           tty.h
//   users and groups by getpwnam_r(3), getgrouplist(3) accounts.h
//   opening below a directory descriptor, whole files  files.h (openat(2) with O_NOFOLLOW, step by step)

#include "os/accounts.h"
#include "os/files.h"
#include "os/peer.h"
#include "os/process.h"
#include "os/tty.h"
