#pragma once

#include "lab/core/command.h"

namespace bhype::lab {

int arp_main(const Arguments& arguments);
int daemon_main(const Arguments& arguments);
int dhclient_main(const Arguments& arguments);
int diskinfo_main(const Arguments& arguments);
int dd_main(const Arguments& arguments);
int fetch_main(const Arguments& arguments);
int freebsd_version_main(const Arguments& arguments);
int geom_main(const Arguments& arguments);
int ifconfig_main(const Arguments& arguments);
int kenv_main(const Arguments& arguments);
int kldload_main(const Arguments& arguments);
int kldstat_main(const Arguments& arguments);
int kldunload_main(const Arguments& arguments);
int mount_main(const Arguments& arguments);
int ndp_main(const Arguments& arguments);
int netstat_main(const Arguments& arguments);
int sockstat_main(const Arguments& arguments);
int nginx_main(const Arguments& arguments);
int pfctl_main(const Arguments& arguments);
int pw_main(const Arguments& arguments);
int pwait_main(const Arguments& arguments);
int rcorder_main(const Arguments& arguments);
int route_main(const Arguments& arguments);
int service_main(const Arguments& arguments);
int swapctl_main(const Arguments& arguments);
int sysctl_main(const Arguments& arguments);
int sysrc_main(const Arguments& arguments);
int uname_main(const Arguments& arguments);

} // namespace bhype::lab
