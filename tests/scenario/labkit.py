"""A lab as a handle, bHype's API over both ways, and the small tools that scenarios need. Standard library only; root.

    from labkit import Lab, Report, Web, eventually

    report = Report()
    with Lab(release="14.3") as lab:                      # ./dev lab up in a folder of its own; down at the end
        lab.set_up_host()                                 # bhype setup, a mirror of the two disks
        lab.bhype("vm", "list", "--json", user="dev1")    # Result: status, out, err, json()
        web = lab.web("dev1")                             # logged in over HTTPS, with an Origin as browsers send it
        answer = web.get("/api/v1/vms")                   # Answer: status, headers, body, json(), code
        vm = lab.make_vm("web1", user="dev1")             # made, running and with an address
        lab.guest_page(vm)                                # HTTP from the lab's own network, as its host would
        with lab.serial("web1") as line:                  # WebSocket of the serial line, by ticket
            line.type("root\\n"); line.wait_for("# ")
        report.check("name", eventually(lambda: ..., 60), got="what was seen", wanted="what should be")

What waits has a deadline and looks again and again; nothing sleeps for a fixed time. `Lab` and `Report` know nothing of
any scenario, so that the browser's tests and the sweep can use them.
"""

import base64
import contextlib
import ctypes
import http.client
import json
import os
import pty
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
POOL = "tank"
DISKS = "nda0,nda1"

# name: (password, groups). The lab alone has them.
ACCOUNTS = {
    "boss": ("Boss-pa55word", "wheel"),
    "dev1": ("Dev1-pa55word", "bhype"),
    "dev2": ("Dev2-pa55word", "bhype"),
    "looker": ("Look-pa55word", "bhype-view"),
    "stranger": ("Strange-pa55word", ""),
}


def eventually(probe, seconds, pause=0.1):
    """Calls `probe` until it gives something true or the time is over; returns what it gave last."""
    until = time.monotonic() + seconds
    while True:
        value = probe()
        if value or time.monotonic() > until:
            return value
        time.sleep(pause)


class Report:
    """One line a check: "ok NAME" or "FAILED NAME: got ..., wanted ..."."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.prefix = ""
        self.started = time.monotonic()

    def check(self, name, good, got=None, wanted=None):
        name = self.prefix + name
        if good:
            self.passed += 1
            print("ok %s" % name, flush=True)
        else:
            self.failed += 1
            text = "FAILED %s: got %s" % (name, shortened(got))
            print(text + ("" if wanted is None else ", wanted %s" % shortened(wanted)), flush=True)
        return bool(good)

    def same(self, name, got, wanted):
        return self.check(name, got == wanted, got, wanted)

    def holds(self, name, got, part):
        return self.check(name, part in got, got, "something with %r" % (part,))

    def say(self, text):
        print("   %5.0f s  %s" % (time.monotonic() - self.started, text), flush=True)


def shortened(value, most=1500):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else text[:most] + "... (%d more)" % (len(text) - most)


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return "exit %s, stdout %r, stderr %r" % (self.status, shortened(self.out), shortened(self.err))


class Failed(Exception):
    """The scenario cannot go on."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def is_problem(self):
        return (self.headers.get("Content-Type") or "").split(";")[0] == "application/problem+json"

    @property
    def code(self):
        """The stable code of a problem document, else nothing."""
        try:
            return self.json().get("code") if self.is_problem else None
        except (ValueError, AttributeError):
            return None

    @property
    def fields(self):
        """The fields that a problem document names."""
        try:
            return [problem.get("field") for problem in self.json().get("problems") or []]
        except (ValueError, AttributeError):
            return []

    def __repr__(self):
        return "%d %s" % (self.status, shortened(self.body.decode(errors="replace")))


class Api:
    """JSON over HTTP/1.1; one connection, opened anew when the other side has closed it."""

    def __init__(self, open_connection):
        self._open = open_connection
        self._connection = None
        self.headers = {}

    def request(self, method, path, body=None, headers=None, raw=None):
        """`body` is sent as JSON, `raw` as it is."""
        fields = dict(self.headers)
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            fields["Content-Type"] = "application/json"
        fields.update(headers or {})
        fields = {name: value for name, value in fields.items() if value is not None}
        for attempt in (1, 2):
            fresh = self._connection is None
            if fresh:
                self._connection = self._open()
            try:
                # By hand, since http.client refuses the very paths that tests want to send.
                self._connection.putrequest(method, path, skip_host="Host" in fields, skip_accept_encoding=True)
                for name, value in fields.items():
                    self._connection.putheader(name, value)
                if data is not None or method in ("POST", "PUT", "PATCH"):
                    if "Content-Length" not in fields and "Transfer-Encoding" not in fields:
                        self._connection.putheader("Content-Length", str(len(data or b"")))
                self._connection.endheaders(data)
                response = self._connection.getresponse()
                answer = Answer(response.status, response.headers, response.read())
                if response.will_close:
                    self.close()
                return answer
            except (OSError, http.client.HTTPException):
                self.close()
                if fresh or attempt == 2:
                    raise

    def close(self):
        if self._connection:
            self._connection.close()
        self._connection = None

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.request("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)


class Web(Api):
    """HTTPS as a browser speaks it: a cookie, and the page's own Origin with what is not safe."""

    def __init__(self, port):
        self.port = port
        self.host = "127.0.0.1:%d" % port
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the lab signs its own

        class Connection(http.client.HTTPSConnection):
            def _validate_path(self, url):
                pass

        super().__init__(lambda: Connection("127.0.0.1", port, timeout=90, context=context))
        self.context = context
        self.origin = "https://" + self.host
        self.cookie = None

    def request(self, method, path, body=None, headers=None, raw=None):
        fields = {}
        if method != "GET" and self.origin:
            fields["Origin"] = self.origin
        if self.cookie:
            fields["Cookie"] = self.cookie
        fields.update(headers or {})
        return super().request(method, path, body, fields, raw)

    def log_in(self, user, password):
        answer = self.post("/api/v1/session", {"user": user, "password": password})
        if answer.status == 201:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        return answer

    def bytes(self, data, seconds=10):
        """Sends bytes as they are over a connection of their own; whatever comes back."""
        with socket.create_connection(("127.0.0.1", self.port), seconds) as plain:
            with self.context.wrap_socket(plain) as secure:
                return exchange(secure, data, seconds)


def exchange(connection, data, seconds=10):
    """Sends bytes, says that no more will come, and reads to the end."""
    connection.settimeout(seconds)
    received = b""
    try:
        connection.sendall(data)
        if not isinstance(connection, ssl.SSLSocket):
            connection.shutdown(socket.SHUT_WR)
        while more := connection.recv(65536):
            received += more
            if complete(received):
                break
    except (OSError, ValueError):
        pass
    return received


def complete(answer):
    """Whether an HTTP answer with a Content-Length is all there."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *([0-9]+)", head)
    return bool(separator and length and len(body) >= int(length[1]))


class WebSocket:
    """RFC 6455, as much as a console needs: binary messages both ways."""

    def __init__(self, connection, host, path, protocols, headers=None):
        self.connection = connection
        self.data = b""
        self.closed = None
        lines = ["GET %s HTTP/1.1" % path, "Host: " + host, "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(),
                 "Sec-WebSocket-Protocol: " + ", ".join(protocols)]
        lines += ["%s: %s" % item for item in (headers or {}).items() if item[1] is not None]
        connection.settimeout(20)
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        received = b""
        while b"\r\n\r\n" not in received:
            more = connection.recv(4096)
            if not more:
                break
            received += more
        head, _, self._frames = received.partition(b"\r\n\r\n")
        self.status = int(head.split(b" ")[1]) if head.startswith(b"HTTP/") else 0
        self.head = head.decode(errors="replace")

    def send(self, payload, opcode=2):
        if isinstance(payload, str):
            payload = payload.encode()
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0x80 | 126, size)
        self.connection.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def _frame(self):
        frames = self._frames
        if len(frames) < 2:
            return False
        size, at = frames[1] & 0x7F, 2
        if size == 126:
            if len(frames) < 4:
                return False
            size, at = struct.unpack(">H", frames[2:4])[0], 4
        elif size == 127:
            if len(frames) < 10:
                return False
            size, at = struct.unpack(">Q", frames[2:10])[0], 10
        if len(frames) < at + size:
            return False
        payload, self._frames = frames[at:at + size], frames[at + size:]
        opcode = frames[0] & 15
        if opcode == 8:
            self.closed = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
        elif opcode == 9:
            self.send(payload, 10)
        elif opcode in (0, 1, 2):
            self.data += payload
        return True

    def receive(self, seconds):
        """Takes what comes within that time; false once the other side has gone."""
        while self._frame():
            pass
        if self.closed is not None:
            return False
        pending = getattr(self.connection, "pending", lambda: 0)()
        if not pending and not select.select([self.connection], [], [], seconds)[0]:
            return True
        try:
            more = self.connection.recv(65536)
        except OSError:
            more = b""
        if not more:
            self.closed = self.closed or 1006
        self._frames += more
        while self._frame():
            pass
        return self.closed is None

    def close(self):
        with contextlib.suppress(OSError):
            self.send(struct.pack(">H", 1000), 8)
        self.connection.close()


class Serial:
    """A serial line, by text."""

    def __init__(self, websocket):
        self.websocket = websocket
        self.at = 0  # what is before was waited for already

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.websocket.close()

    @property
    def text(self):
        """What came, without what moves the cursor: the guest's shell asks for its place at each prompt."""
        return re.sub(r"\x1b\[[0-9;=?]*[A-Za-z]|\r", "", self.websocket.data.decode(errors="replace"))

    def type(self, text):
        self.websocket.send(text)

    def wait_for(self, text, seconds=30):
        """Whether `text` comes after what was last waited for."""
        until = time.monotonic() + seconds
        while True:
            found = self.text.find(text, self.at)
            if found >= 0:
                self.at = found + len(text)
                return True
            left = until - time.monotonic()
            if left < 0 or not self.websocket.receive(min(left, 1)):
                if left < 0 or self.text.find(text, self.at) < 0:
                    return False

    def log_in(self, seconds=60):
        """To a shell of the lab's own guests, whatever was going on; the boot's prompts may be long past."""
        until = time.monotonic() + seconds
        came = -1
        while came != len(self.text) and time.monotonic() < until:  # what was printed before is told again first
            came = len(self.text)
            self.websocket.receive(0.5)
        while time.monotonic() < until and self.websocket.closed is None:
            self.at = len(self.text)
            self.type("\n")
            if not eventually(lambda: self.websocket.receive(0.3) and re.search(r"login: $|# $", self.text[self.at:]), 3):
                continue
            if self.text.rstrip(" ").endswith("login:"):
                self.at = len(self.text)  # what was printed before may hold another session's prompt
                self.type("root\n")
                if not self.wait_for("# ", 10):
                    continue
            self.at = len(self.text)
            return True
        return False

    def answer(self, command, wanted, seconds=20):
        """Types a command and tells whether a line of its answer ends with `wanted`."""
        self.at = len(self.text)
        self.type(command + "\n")
        return self.wait_for(wanted + "\n", seconds)


# seteuid changes the whole process.
_identity = threading.Lock()


class Lab:
    """One lab in a folder of its own. `keep`: it stays up afterwards, for looking at it."""

    def __init__(self, release="14.3", disks="2x20G", memory="8G", accounts=None, directory=None, keep=False, nics=1):
        self.release, self.disks, self.memory, self.nics = release, disks, memory, nics
        self.accounts = ACCOUNTS if accounts is None else accounts
        self.keep = keep
        self.made = directory is None
        self.dir = directory or tempfile.mkdtemp(prefix="bhype-lab-")
        self.root = os.path.join(self.dir, "root")
        self.port = None

    # ---- its life

    def __enter__(self):
        try:
            return self.up()
        except BaseException:
            self.down()
            raise

    def __exit__(self, *_):
        self.down()

    def up(self):
        options = ["--release", self.release, "--disks", self.disks, "--memory", self.memory, "--nics", str(self.nics)]
        for name, (password, groups) in self.accounts.items():
            options += ["--account", "%s:%s%s" % (name, password, ":" + groups if groups else "")]
        result = self.verb("up", *options, timeout=1800)
        if result.status != 0:
            raise Failed("lab up: %r" % result)
        self.port = int(re.search(r":(\d+)/", result.out)[1])
        self.wait_ready()
        return self

    def attach(self):
        """Uses the lab that is up in the folder."""
        self.port = int(re.search(r":(\d+)/", self.verb("address").out)[1])
        return self

    def down(self):
        if self.keep:
            print("the lab stays in %s" % self.dir, flush=True)
            return
        result = self.verb("down", timeout=120)
        if result.status != 0:
            print("lab down: %r" % result, file=sys.stderr, flush=True)
        if self.made:
            shutil.rmtree(self.dir, ignore_errors=True)

    def reboot(self):
        """What is then not there yet is waited for by wait_ready()."""
        result = self.verb("reboot", timeout=300)
        if result.status != 0:
            raise Failed("lab reboot: %r" % result)

    # ---- commands

    def verb(self, name, *arguments, timeout=120, stdin=None):
        """./dev lab NAME --dir DIR ..."""
        command = [TOP + "/dev", "lab", name, "--dir", self.dir, *arguments]
        with subprocess.Popen(command, cwd=TOP, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                              start_new_session=True) as process:
            try:
                out, err = process.communicate(stdin, timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                out, err = process.communicate()
                return Result("after more than %d s" % timeout, out, err)
            return Result(process.returncode, out, err)

    def exec(self, *command, user="root", timeout=120, stdin=None):
        return self.verb("exec", "--user", user, "--", *command, timeout=timeout, stdin=stdin)

    def sh(self, script, user="root", timeout=120):
        return self.exec("sh", "-c", script, user=user, timeout=timeout)

    def bhype(self, *arguments, user="root", timeout=180, stdin=None):
        return self.exec("bhype", *arguments, user=user, timeout=timeout, stdin=stdin)

    def fail(self, command, number, status=None, text=None, hang=None):
        """The `number`th next call of `command` fails with `status` and `text`, or hangs for `hang` seconds first."""
        options = []
        if status is not None:
            options += ["--exit", str(status)]
        if text is not None:
            options += ["--stderr", text]
        if hang is not None:
            options += ["--hang", str(hang)]
        result = self.verb("fail", command, str(number), *options)
        if result.status != 0:
            raise Failed("lab fail: %r" % result)

    def calls(self, clear=False):
        """FreeBSD's commands that were run: (exit status or "-", milliseconds, user id, arguments as one text)."""
        if clear:
            self.verb("calls", "--clear")
            return []
        found = []
        for line in self.verb("calls").out.splitlines():
            status, took, uid, arguments = line.split(" ", 3)
            found.append((status, took, uid, arguments))
        return found

    @contextlib.contextmanager
    def terminal(self, *command, user="root"):
        """A command on a terminal of its own, as under script(1): a Terminal."""
        master, slave = pty.openpty()
        process = subprocess.Popen([TOP + "/dev", "lab", "exec", "--dir", self.dir, "--user", user, "--", *command],
                                   cwd=TOP, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        try:
            yield Terminal(master, process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 15)
            os.close(master)
            process.wait(20)

    # ---- what is inside

    @property
    def init(self):
        """The machine's number of the lab's first process."""
        with open(os.path.join(self.dir, "pid")) as file:
            return int(file.read().split()[0])

    def path(self, inside):
        """A file of the lab as the machine sees it, datasets and devices included."""
        return "/proc/%d/root%s" % (self.init, inside)

    def pids(self, program):
        """The lab's numbers of the processes of a program."""
        return sorted(map(int, self.exec("pgrep", "-x", program[:15]).out.split()))

    def kill(self, *pids, signal=9):
        return self.exec("kill", "-%d" % signal, *map(str, pids))

    def uid(self, user):
        with open(os.path.join(self.root, "etc/passwd")) as file:
            for line in file:
                if line.startswith(user + ":"):
                    return int(line.split(":")[2])
        raise Failed("no user " + user)

    def in_network(self, make):
        """What `make` returns when it runs in the lab's network: a socket made there stays there."""
        result = []

        def run():
            try:
                with open("/proc/%d/ns/net" % self.init) as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                result.append((make(), None))
            except BaseException as error:
                result.append((None, error))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        value, error = result[0]
        if error:
            raise error
        return value

    def listeners(self):
        """TCP ports that somebody in the lab listens on."""
        ports = set()
        for file in ("tcp", "tcp6"):
            for line in self.exec("cat", "/proc/net/" + file).out.splitlines()[1:]:
                fields = line.split()
                if len(fields) > 3 and fields[3] == "0A":
                    ports.add(int(fields[1].rsplit(":", 1)[1], 16))
        return ports

    def datasets(self, kind="all"):
        """Names of datasets and snapshots."""
        return self.exec("zfs", "list", "-H", "-t", kind, "-o", "name").out.split()

    def logs(self, lines=30):
        """The ends of bHype's logs, for whoever reads a failure."""
        script = "for f in /var/log/bhype/*.log /var/log/messages; do echo \"== $f\"; tail -n %d $f; done" % lines
        return self.sh(script + " 2>/dev/null").out

    # ---- bHype

    def ready(self):
        """Whether bhyped answers and has hostd."""
        try:
            answer = self.local().get("/api/v1/host")
            return answer.status == 200 and answer.json()["daemons"]["hostd"]
        except (OSError, http.client.HTTPException):
            return False

    def wait_ready(self, seconds=30):
        if not eventually(self.ready, seconds):
            raise Failed("bhyped and hostd do not answer")

    def restart(self, *services):
        """service NAME restart, and waits until bHype answers again."""
        for service in services:
            self.exec("service", service, "restart")
        self.wait_ready()

    def set_up_host(self):
        result = self.bhype("setup", "--pool", POOL, "--disks", DISKS, "--yes", timeout=300)
        if result.status != 0:
            raise Failed("bhype setup: %r" % result)

    def cli_socket(self, user="root"):
        """A connection to cli.sock whose peer is that user."""
        with _identity:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(90)
            # By a descriptor, since the way to it is root's alone and the address has room for 108 bytes.
            directory = os.open(self.path("/var/run/bhype/api"), os.O_PATH)
            try:
                os.seteuid(self.uid(user))
                connection.connect("/proc/self/fd/%d/cli.sock" % directory)
            except OSError:
                connection.close()
                raise
            finally:
                os.seteuid(0)
                os.close(directory)
        return connection

    def local(self, user="root"):
        """The API over cli.sock, as that user."""
        lab = self

        class Connection(http.client.HTTPConnection):
            def _validate_path(self, url):
                pass

            def connect(self):
                self.sock = lab.cli_socket(user)

        return Api(lambda: Connection("localhost", timeout=90))

    def web(self, user=None):
        """The API over HTTPS; logged in when a user is named."""
        web = Web(self.port)
        if user:
            answer = web.log_in(user, self.accounts[user][0])
            if answer.status != 201:
                raise Failed("log-in of %s: %r" % (user, answer))
        return web

    def vm(self, name, user="root"):
        """The VM as the API shows it, or nothing."""
        answer = self.local(user).get("/api/v1/vms/" + name)
        return answer.json() if answer.status == 200 else None

    def address(self, vm):
        return next((nic["address"] for nic in vm["nics"] if nic.get("address")), None) if vm else None

    def make_vm(self, name, user="dev1", template="tiny-linux", memory="256M", start=True, wait=True):
        """Makes a VM; with `wait` it runs and has an address in the end."""
        result = self.bhype("vm", "create", name, "--template", template, "--memory", memory,
                            *(["--start"] if start else []), user=user)
        if result.status != 0:
            raise Failed("vm create %s: %r" % (name, result))
        return self.wait_running(name) if start and wait else self.vm(name)

    def running_vm(self, name, user="dev1"):
        """Made or started if need be; it runs and has an address."""
        vm = self.vm(name)
        if not vm:
            return self.make_vm(name, user)
        if vm["state"] != "running":
            self.bhype("vm", "start", name, user=user)
        return self.wait_running(name)

    def wait_running(self, name, seconds=90):
        """Until it runs, has an address and answers there."""
        def probe():
            vm = self.vm(name)
            return vm if vm and vm["state"] == "running" and self.address(vm) and self.guest_page(vm) else None

        vm = eventually(probe, seconds, 0.3)
        if not vm:
            raise Failed("%s is not up after %d s: %r" % (name, seconds, self.vm(name)))
        return vm

    def delete_vm(self, name):
        """Gone when it returns, whatever it did."""
        vm = self.vm(name)
        if vm and vm["state"] not in ("stopped", "failed"):
            self.bhype("vm", "kill", name)
        if vm:
            result = self.bhype("vm", "delete", name, "--yes")
            if result.status != 0:
                raise Failed("vm delete %s: %r" % (name, result))

    def guest_page(self, vm, seconds=5):
        """What the guest's web server says, or nothing."""
        address = self.address(vm)
        try:
            with self.in_network(lambda: socket.create_connection((address, 80), seconds)) as connection:
                connection.settimeout(seconds)
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                page = b""
                while more := connection.recv(4096):
                    page += more
                return page.partition(b"\r\n\r\n")[2].decode(errors="replace")
        except OSError:
            return ""

    def console(self, api, name, kind="serial", mode=None):
        """A console's WebSocket by a ticket that `api` asks for. Throws Failed when it is refused."""
        body = {"kind": kind}
        if mode:
            body["mode"] = mode
        answer = api.post("/api/v1/vms/%s/console" % name, body)
        if answer.status != 201:
            raise Failed("console of %s: %r" % (name, answer))
        return self.redeem(api, answer.json())

    def redeem(self, api, ticket):
        protocols = ["binary", ticket["protocol"]]
        if isinstance(api, Web):
            plain = socket.create_connection(("127.0.0.1", self.port), 20)
            websocket = WebSocket(api.context.wrap_socket(plain), api.host, ticket["path"], protocols,
                                  {"Cookie": api.cookie, "Origin": api.origin})
        else:
            websocket = WebSocket(self.cli_socket(), "localhost", ticket["path"], protocols)
        if websocket.status != 101:
            websocket.connection.close()
            raise Failed("console: " + websocket.head)
        return websocket

    def serial(self, name, api=None, mode="take-over"):
        return Serial(self.console(api or self.local(), name, "serial", mode))


class Terminal:
    def __init__(self, master, process):
        self.master, self.process = master, process
        self.text = ""
        self.at = 0

    def type(self, text):
        os.write(self.master, text.encode())

    def receive(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            more = os.read(self.master, 65536)
        except OSError:
            more = b""
        self.text += more.decode(errors="replace").replace("\r", "")
        return bool(more)

    def wait_for(self, text, seconds=30):
        until = time.monotonic() + seconds
        while True:
            found = self.text.find(text, self.at)
            if found >= 0:
                self.at = found + len(text)
                return True
            if time.monotonic() > until or not self.receive(0.3):
                return False


class Pinger:
    """Pings an address from the lab's network until it is stopped; remembers what got no answer."""

    def __init__(self, lab, address, every=0.2, patience=10):
        self.address, self.every, self.patience = address, every, patience
        self.sent, self.answered, self.worst = {}, set(), 0
        self._stop = threading.Event()
        self._socket = lab.in_network(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
        self._id = os.getpid() & 0xFFFF
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Waits for the last answers. The numbers of the pings that got none."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self._socket.close()
        return sorted(set(self.sent) - self.answered)

    @property
    def lost_now(self):
        now = time.monotonic()
        return [n for n, at in list(self.sent.items()) if n not in self.answered and now - at > self.patience]

    def _run(self):
        number, next_at, until = 0, time.monotonic(), None
        while True:
            now = time.monotonic()
            if self._stop.is_set():
                until = until or now + self.patience
                if now > until or len(self.answered) == len(self.sent):
                    return
            elif now >= next_at:
                number += 1
                next_at += self.every
                body = struct.pack(">HH", self._id, number & 0xFFFF)
                total = sum(struct.unpack(">HH", body)) + 0x0800
                total = (total & 0xFFFF) + (total >> 16)
                total = (total & 0xFFFF) + (total >> 16)
                self.sent[number] = now
                with contextlib.suppress(OSError):
                    self._socket.sendto(struct.pack(">BBH", 8, 0, ~total & 0xFFFF) + body, (self.address, 0))
            if select.select([self._socket], [], [], max(0.01, min(0.2, next_at - now)))[0]:
                packet, sender = self._socket.recvfrom(2048)
                reply = packet[20:]
                if sender[0] == self.address and reply[:1] == b"\0" and reply[4:6] == struct.pack(">H", self._id):
                    got = struct.unpack(">H", reply[6:8])[0]
                    if got in self.sent and got not in self.answered:
                        self.answered.add(got)
                        self.worst = max(self.worst, time.monotonic() - self.sent[got])
