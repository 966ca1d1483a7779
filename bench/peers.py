"""The programs that bHype is measured beside, each in a folder of its own, on unix sockets or the loopback."""

import os
import shutil
import socket
import time

import libvirt

from labkit import Failed, eventually
from measure import Program, children

STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


def until_listening(path):
    def probe():
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(path) == 0

    if not eventually(probe, 20, 0.05):
        raise Failed("nobody listens on " + path)


class Nginx(Program):
    """One worker: `files` serves `www`, `stream` leads to the unix socket `guest`."""

    def __init__(self, folder, guest):
        self.files, self.stream = folder + "/nginx-files.sock", folder + "/nginx-stream.sock"
        self.www = folder + "/www"
        os.mkdir(self.www)
        with open(folder + "/nginx.conf", "w") as file:
            file.write("""%s
daemon off; user root; worker_processes 1; pid %s/nginx.pid; error_log %s/nginx.log;
events { worker_connections 1024; }
http {
    sendfile on; access_log off; keepalive_requests 1000000;
    server { listen unix:%s; root %s; }
}
stream { server { listen unix:%s; proxy_pass unix:%s; } }
""" % ("load_module %s;" % STREAM_MODULE if os.path.exists(STREAM_MODULE) else "", folder, folder, self.files,
       self.www, self.stream, guest))
        super().__init__("/usr/sbin/nginx", "-c", folder + "/nginx.conf")
        until_listening(self.files)
        self.worker = children(self.pid)[0]


class Websockify(Program):
    """It has no unix socket to listen on, hence a port of the loopback."""

    def __init__(self, guest):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        super().__init__("/usr/bin/websockify", "--unix-target=" + guest, "127.0.0.1:%d" % port)
        self.address = "tcp:%d" % port

        def listening():
            with socket.socket() as connection:
                return connection.connect_ex(("127.0.0.1", port)) == 0

        if not eventually(listening, 20, 0.05):
            raise Failed("websockify does not listen")
        time.sleep(0.3)  # that connection's process


DOMAIN = """<domain type='qemu'><name>%(name)s</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%(disk)s'/>
<target dev='vda' bus='virtio'/></disk>
<interface type='ethernet'><mac address='52:54:00:00:%(high)02x:%(low)02x'/><model type='virtio'/></interface>
<serial type='pty'/><graphics type='vnc' port='-1'/><video><model type='vga'/></video>
</devices></domain>"""


class Libvirtd(Program):
    """libvirtd with its QEMU driver in namespaces of its own, so that the machine's libvirt is neither seen nor
    changed. Its domains are defined and stopped, as bHype's VMs are, so no KVM is needed."""

    def __init__(self, folder, domains):
        self.socket = folder + "/libvirt-sock"
        disk = folder + "/disk"
        with open(disk, "w") as file:
            file.truncate(1 << 30)
        with open(folder + "/libvirtd.conf", "w") as file:
            file.write('unix_sock_dir = "%s"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\n' % folder)
        # Its QEMU driver wants an account that comes with a package which would start it on the machine, and folders of its
        # own in these.
        etc = folder + "/etc"
        shutil.copytree("/etc", etc, symlinks=True)
        os.makedirs(etc + "/libvirt", exist_ok=True)
        for name, line in (("passwd", "libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin"), ("group", "libvirt-qemu:x:64055:")):
            with open("%s/%s" % (etc, name), "a") as file:
                file.write(line + "\n")
        with open(etc + "/libvirt/qemu.conf", "w") as file:
            file.write('user = "root"\n')
        script = "set -e; mount --bind %s /etc; " % etc
        # A /dev/kvm that QEMU cannot use makes libvirtd ask QEMU for its abilities again and again.
        script += "mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/zero c 1 5; "
        script += "mknod -m 666 /dev/urandom c 1 9; mknod -m 666 /dev/random c 1 8; mkdir /dev/pts /dev/shm; "
        script += "".join("mount -t tmpfs none %s; " % path for path in ("/var/lib", "/var/cache", "/var/log", "/run"))
        script += "exec /usr/sbin/libvirtd --config %s/libvirtd.conf --pid-file %s/libvirtd.pid" % (folder, folder)
        self._log = open(folder + "/libvirtd.log", "w")
        super().__init__("/usr/bin/unshare", "--mount", "--net", "/bin/sh", "-c", script, stderr=self._log)
        until_listening(self.socket)
        self.connection = libvirt.open("qemu+unix:///system?socket=" + self.socket)
        for number in range(domains):
            self.connection.defineXML(DOMAIN % {"name": "vm%04d" % number, "disk": disk, "high": number >> 8,
                                                "low": number & 255})

    def list(self):
        """One call: what bHype's list tells of its VMs, of all domains."""
        return self.connection.getAllDomainStats(
            libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_BALLOON | libvirt.VIR_DOMAIN_STATS_VCPU |
            libvirt.VIR_DOMAIN_STATS_INTERFACE | libvirt.VIR_DOMAIN_STATS_BLOCK)

    def end(self):
        self.connection.close()
        super().end()
        self._log.close()
