#pragma once

// What pam(3), pam_conv(3), pam_start(3) and pam_set_item(3) of FreeBSD (OpenPAM) say of the names that hostd
// uses. zig carries FreeBSD's libc but not its libpam; tools/dev/check-freebsd alone reads this file, nothing
// is built from it.

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PAM_SUCCESS = 0,
    PAM_BUF_ERR = 5,
    PAM_CONV_ERR = 6,
    PAM_PERM_DENIED = 7,
    PAM_AUTH_ERR = 9,
    PAM_NEW_AUTHTOK_REQD = 10,
    PAM_USER_UNKNOWN = 13,
    PAM_ACCT_EXPIRED = 17
};
enum {
    PAM_PROMPT_ECHO_OFF = 1,
    PAM_PROMPT_ECHO_ON = 2,
    PAM_ERROR_MSG = 3,
    PAM_TEXT_INFO = 4,
    PAM_MAX_NUM_MSG = 32
};
enum { PAM_SILENT = 0x80000000, PAM_DISALLOW_NULL_AUTHTOK = 0x1 };
enum { PAM_SERVICE = 1, PAM_USER = 2, PAM_TTY = 3, PAM_RHOST = 4, PAM_CONV = 5 };

struct pam_message {
    int msg_style;
    const char* msg;
};
struct pam_response {
    char* resp;
    int resp_retcode;
};
struct pam_conv {
    int (*conv)(int, const struct pam_message**, struct pam_response**, void*);
    void* appdata_ptr;
};
typedef struct pam_handle pam_handle_t;

int pam_start(const char*, const char*, const struct pam_conv*, pam_handle_t**);
int pam_end(pam_handle_t*, int);
int pam_set_item(pam_handle_t*, int, const void*);
int pam_authenticate(pam_handle_t*, int);
int pam_acct_mgmt(pam_handle_t*, int);

#ifdef __cplusplus
}
#endif
