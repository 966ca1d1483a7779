"""What test-boot runs inside a lab. Prints a line for each check, at the end "N passed, N failed"."""
import os, pty, re, select, shutil, signal, socket, struct, subprocess, sys, threading, time, urllib.request

UEFI = "/usr/local/share/uefi-firmware/"
IMAGES = "/var/bhype/images/"
passed = failed = 0


def check(name, right, seen=""):
    global passed, failed
    passed, failed = passed + bool(right), failed + (not right)
    print(("ok    " if right else "FAIL  ") + name + ("" if right else "   saw: %r" % (seen,)), flush=True)


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


class Machine:
    def __init__(self, name, disk, *more, memory="256M", options=()):
        self.name = name
        self.vars = "/tmp/%s.fd" % name
        if not os.path.exists(self.vars):
            shutil.copy(UEFI + "BHYVE_UEFI_VARS.fd", self.vars)
        self.master, slave = pty.openpty()
        self.text = b""
        self.started = time.time()
        self.process = subprocess.Popen(
            ["/usr/sbin/bhyve", "-A", "-H", "-P", "-w", "-u", *options, "-c", "cpus=1,sockets=1,cores=1,threads=1", "-m", memory,
             "-s", "0,hostbridge", "-s", "31,lpc", "-l", "com1," + os.ttyname(slave),
             "-l", "bootrom,%sBHYVE_UEFI_CODE.fd,%s" % (UEFI, self.vars), "-s", "4,nvme," + disk, *more, name],
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        os.close(slave)

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            try:
                self.text += os.read(self.master, 65536)
            except OSError:
                time.sleep(0.05)

    def wait_for(self, word, seconds=60):
        end = time.time() + seconds
        while word.encode() not in self.text and time.time() < end and self.process.poll() is None:
            self.read(0.2)
        return word.encode() in self.text

    def type(self, line):
        os.write(self.master, line.encode())

    def end(self, seconds=60):
        limit = time.time() + seconds
        while self.process.poll() is None and time.time() < limit:
            self.read(0.1)
        return self.process.poll()


class Vnc:
    """A small RFB client: raw encoding only."""

    def __init__(self, port, password=None, kind=None):
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.version = self.take(12)
        self.socket.sendall(b"RFB 003.008\n")
        self.kinds = self.take(self.take(1)[0])
        self.socket.sendall(bytes([kind or self.kinds[0]]))
        self.reason = None
        if password is not None and not kind:
            self.socket.sendall(answer(password, self.take(16)))
        if self.take(4) != b"\0\0\0\0":
            self.reason = self.take(struct.unpack(">I", self.take(4))[0]).decode()
            return
        self.socket.sendall(b"\1")
        head = self.take(24)
        self.width, self.height = struct.unpack(">HH", head[:4])
        self.title = self.take(struct.unpack(">I", head[20:])[0]).decode()
        self.socket.sendall(struct.pack(">BBHii", 2, 0, 2, 0, -223))

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def picture(self):
        self.socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, self.width, self.height))
        image = bytearray(self.width * self.height * 4)
        covered = 0
        while covered < self.width * self.height:
            count = struct.unpack(">xxH", self.take(4))[0]
            for _ in range(count):
                x, y, w, h, encoding = struct.unpack(">HHHHi", self.take(12))
                if encoding == -223:
                    self.width, self.height = w, h
                    image, covered = bytearray(w * h * 4), 0
                    continue
                data = self.take(w * h * 4)
                covered += w * h
                for row in range(h):
                    at = ((y + row) * self.width + x) * 4
                    image[at:at + w * 4] = data[row * w * 4:(row + 1) * w * 4]
        return bytes(image)

    def type(self, text):
        for letter in text:
            key = 0xFF0D if letter == "\n" else ord(letter)
            for down in (1, 0):
                self.socket.sendall(struct.pack(">BBHI", 4, down, 0, key))
            time.sleep(0.03)


def answer(password, challenge):
    """By OpenSSL, so that the lab's own DES is not its own judge."""
    key = bytes(int("{:08b}".format(b)[::-1], 2) for b in password.encode()[:8].ljust(8, b"\0"))
    return subprocess.run(["openssl", "enc", "-des-ede3", "-nopad", "-K", (key * 3).hex()], input=challenge,
                          capture_output=True, check=True).stdout


def ping(address):
    """ICMP echo by hand, as not every machine has ping(8)."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        s.settimeout(3)
        body = struct.pack(">BBHHH", 8, 0, 0, 4711, 1)
        s.sendto(struct.pack(">BBHHH", 8, 0, 0xFFFF - sum(struct.unpack(">4H", body)) % 0xFFFF, 4711, 1), (address, 0))
        try:
            while True:
                reply, sender = s.recvfrom(1024)
                if sender[0] == address and reply[20] == 0 and reply[24:26] == struct.pack(">H", 4711):
                    return True
        except (socket.timeout, OSError):
            return False


def qemu_of(name):
    """Processes that run a machine, found by their arguments."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if b"guest=" + name.encode() + b"\0" in open("/proc/%s/cmdline" % pid, "rb").read():
                found.append(int(pid))
        except OSError:
            pass
    return found


run("kldload", "-n", "vmm")
release = float(run("freebsd-version")[1].split("-")[0])
for command in ("bridge0 create", "tap0 create", "bridge0 addm tap0", "bridge0 inet 10.9.0.1/24 up"):
    run("ifconfig", *command.split())
dhcp = subprocess.Popen(["/usr/local/sbin/dnsmasq", "-k", "--conf-file=/dev/null", "--interface=bridge0", "--bind-interfaces",
                         "--port=0", "--dhcp-range=10.9.0.10,10.9.0.20", "--dhcp-leasefile=/tmp/leases", "--pid-file=",
                         "--user=root"], stderr=subprocess.DEVNULL)

print("== a whole machine, %s" % release)
shutil.copy(IMAGES + "tiny-linux.raw", "/tmp/web1.raw")
with open("/tmp/secret.conf", "w") as secret:
    secret.write("pci.0.29.0.password=geheimnis\n")
os.chmod("/tmp/secret.conf", 0o600)
devices = ["-s", "6,virtio-net,tap0,mac=58:9c:fc:00:00:01", "-s", "28,virtio-rnd", "-s", "29,fbuf,tcp=127.0.0.1:5901,w=1024,h=768",
           "-s", "30,xhci,tablet", "-k", "/tmp/secret.conf"]
m = Machine("web1", "/tmp/web1.raw", *devices)
silent = None
time.sleep(1.5)
early = Vnc(5901, "geheimnis")
check("VNC: size and title before the firmware has a mode", (early.width, early.height, early.title) == (1024, 768, "bhyve:web1"),
      (early.width, early.height, early.title))
early.socket.close()
check("boot text on the serial line", m.wait_for("Linux version"), m.text[-300:])
check("login prompt on the serial line", m.wait_for("login:"), m.text[-300:])
print("      login after %.1f s" % (time.time() - m.started))
check("process title", open("/proc/%d/cmdline" % m.process.pid).read() == "bhyve: web1\0", open("/proc/%d/cmdline" % m.process.pid).read())
m.type("root\n")
m.wait_for("# ", 10)
m.type("echo $((6*7))\n")
check("the shell answers", m.wait_for("\n42", 10), m.text[-200:])
qemu = qemu_of("web1")
ticks = lambda: sum(map(int, open("/proc/%d/stat" % qemu[0]).read().rsplit(")", 1)[1].split()[11:13]))
time.sleep(3)
before = ticks()
time.sleep(5)
idle = (ticks() - before) / 5
rss = int(re.search(r"VmRSS:\s+(\d+)", open("/proc/%d/status" % qemu[0]).read())[1]) // 1024
print("      idle CPU %.1f %%, RSS %d MB" % (idle, rss))
check("an idle guest idles (under 10 %)", idle < 10, idle)

lease = open("/tmp/leases").read()
check("DHCP lease with a host name", re.search(r"58:9c:fc:00:00:01 10\.9\.0\.\d+ lab-000001", lease), lease)
address = (re.search(r"10\.9\.0\.\d+", lease) or [""])[0]
try:
    page = urllib.request.urlopen("http://%s/" % address, timeout=5).read().decode()
except OSError as error:
    page = str(error)
check("web page names the host", "lab-000001" in page, page)
check("ping is answered", ping(address))

wrong = Vnc(5901, "falsch")
check("VNC: wrong password", wrong.reason == "Auth Failed: Invalid Password.", wrong.reason)
other = Vnc(5901, kind=1)
check("VNC: another security type", other.reason == "Auth failed: authentication type mismatch", other.reason)
v = Vnc(5901, "geheimnis and more")
first = v.picture()
check("VNC: picture is not blank", len(set(first)) > 1)
v.type("root\n")
time.sleep(1.5)
second = v.picture()
check("VNC: typing changes the picture", first != second)
blocked = socket.create_connection(("127.0.0.1", 5901), 5)
blocked.settimeout(1)
try:
    heard = blocked.recv(12)
except socket.timeout:
    heard = None
check("VNC: a second client waits unanswered", heard is None, heard)
v.socket.close()
blocked.settimeout(5)
check("VNC: and is next", blocked.recv(12) == b"RFB 003.008\n")
blocked.close()

code, out, err = run("bhyve", "-A", "-c", "1", "-m", "256M", "-s", "0,hostbridge", "-s", "31,lpc", "-l",
                     "bootrom,%sBHYVE_UEFI_CODE.fd" % UEFI, "-s", "6,virtio-net,tap0", "web2")
check("a tap that is open elsewhere", code == 4 and "open of tap device /dev/tap0 failed" in err, (code, err))
code, out, err = run("bhyve", "-A", "-m", "256M", "-s", "0,hostbridge", "-s", "31,lpc", "-l", "bootrom,%sBHYVE_UEFI_CODE.fd" % UEFI, "web1")
busy = "bhyve: vm_openf: Device busy\n" if release >= 15 else "vm_reinit: Device busy\n"
check("a VM that runs already", (code, err) == (4, busy), (code, err))
stats = run("bhyvectl", "--vm=web1", "--get-stats")
check("bhyvectl --get-stats", stats[1].startswith("vcpu0 stats:\nResident memory" + " " * 25 + "\t"), stats)
m.type("reboot\n")
check("reboot: exit 0", m.end() == 0, m.process.returncode)
check("/dev/vmm/web1 stays", os.path.exists("/dev/vmm/web1"))
check("QEMU is gone", not qemu_of("web1"))

print("== ends")
code, out, err = run("bhyve", "-A", "-m", "128M", "-s", "0,hostbridge", "-s", "31,lpc", "-l", "bootrom,%sBHYVE_UEFI_CODE.fd" % UEFI, "web1")
check("another memory size of a VM that is there", (code, err) == (4, "Unable to setup memory (22)\n"), (code, err))
m = Machine("web1", "/tmp/web1.raw", *devices)
m.wait_for("login:")
m.process.terminate()
check("SIGTERM once the guest is up: power button, exit 1", m.end(20) == 1, (m.process.returncode, m.text[-200:]))
m = Machine("web1", "/tmp/web1.raw", *devices)
time.sleep(1.2)
m.process.terminate()
check("SIGTERM in the firmware kills", m.end(10) == -signal.SIGTERM and not qemu_of("web1"), m.process.returncode)
m = Machine("web1", "/tmp/web1.raw")
time.sleep(1.2)
m.process.kill()
m.end(5)
time.sleep(0.5)
check("SIGKILL takes QEMU along, leaves the node", not qemu_of("web1") and os.path.exists("/dev/vmm/web1"), qemu_of("web1"))
for action, status in (("--force-poweroff", 1), ("--force-reset", 0)):
    m = Machine("web1", "/tmp/web1.raw")
    time.sleep(1.5)
    result = run("bhyvectl", "--vm=web1", action)
    check("bhyvectl %s: exit %d" % (action, status), result[0] == 0 and m.end(10) == status, (result, m.process.returncode))
check("bhyvectl --destroy", run("bhyvectl", "--vm=web1", "--destroy")[0] == 0 and not os.path.exists("/dev/vmm/web1"))
check("bhyvectl of no VM", run("bhyvectl", "--vm=web1", "--force-reset")[0] == 1)

m = Machine("deaf", IMAGES + "tiny-deaf.raw")
m.wait_for("login:")
m.process.terminate()
time.sleep(4)
check("a deaf guest lives on after SIGTERM", m.process.poll() is None, m.process.returncode)
m.process.kill()
m.end(5)
m = Machine("again", IMAGES + "tiny-reset.raw")
check("a guest that resets at once: exit 0", m.end(30) == 0 and b"restarting at once" in m.text, (m.process.returncode, m.text))
print("      in %.1f s" % (time.time() - m.started))
m = Machine("fault", IMAGES + "tiny-fault.raw")
check("a triple fault: exit 3", m.end(30) == 3, m.process.returncode)
m = Machine("gone", "/tmp/web1.raw", options=("-D",))
m.wait_for("login:")
m.process.terminate()
check("-D: exit 1, no node", m.end(20) == 1 and not os.path.exists("/dev/vmm/gone"), m.process.returncode)

print("== an installation")
with open("/tmp/blank.raw", "wb") as blank:
    blank.truncate(48 << 20)
cd = ["-s", "3,ahci-cd,%stiny-install.iso,ro" % IMAGES]
m = Machine("inst", "/tmp/blank.raw", *cd)
check("the CD installs and restarts: exit 0", m.end(90) == 0 and b"installing on /dev/nvme0n1" in m.text, (m.process.returncode, m.text[-300:]))
m = Machine("inst", "/tmp/blank.raw", *cd)
check("the disk boots", m.wait_for("login:"), m.text[-300:])
m.process.kill()
m.end(5)

dhcp.terminate()
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed > 0)
