"""Memory of the daemons with 1,000 VMs defined, beside libvirtd with 1,000 domains; of a guest's bhype-vmd."""

from measure import memory


def mebibytes(size):
    return "%.1f MiB" % (size / (1 << 20))


def run(bench):
    host = bench.host
    host.start()
    host.list()
    bench.libvirtd.list()
    bhyped, hostd = memory(host.pid("bhyped")), memory(host.pid("bhype-hostd"))
    bench.limit("memory of bhyped and bhype-hostd, 1,000 VMs", bhyped + hostd, 40 << 20, mebibytes,
                "%s (libvirtd, 1,000 domains)" % mebibytes(memory(bench.libvirtd.pid)))
    bench.limit("memory of a bhype-vmd", memory(host.pid("bhype-vmd")), 3 << 20, mebibytes)
