"""Point browse: looking into the disks of a VM's snapshots without rolling back or cloning."""

import json
import os
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse

from labkit import POOL, eventually

DISK = "/dev/zvol/%s/bhype/vm/%%s/disk0" % POOL


def done(report, name, result):
    report.same(name, (result.status, result.err if result.status else ""), (0, ""))
    return result


def clones(lab):
    """Those that are there for looking."""
    listed = lab.exec("zfs", "list", "-H", "-o", "name", "-r", "%s/bhype/.new" % POOL).out.split("\n")
    return [name for name in listed if "/look-" in name]


def address(vm, snapshot, what="file", **query):
    return "/api/v1/vms/%s/snapshots/%s/%s?%s" % (vm, snapshot, what, urllib.parse.urlencode(query))


def run(lab, report):
    lab.make_vm("look1", start=False)
    of_a_guest(lab, report)
    bad_input(lab, report)
    others(lab, report)
    leaves_nothing(lab, report)
    lab.bhype("vm", "kill", "look1", user="dev1")
    of_partitions(lab, report)


def put_files(lab):
    """Into the FAT file system on the disk of look1; returns at which byte a file lies."""
    disk = lab.path(DISK % "look1")
    with tempfile.TemporaryDirectory() as work:
        for name, text in (("numbers.txt", "".join("%d\n" % number for number in range(1, 20001))), ("hi", "MARK!\n")):
            with open(work + "/" + name, "w") as file:
                file.write(text)
        for command in (["mmd", "-i", disk, "::docs", "::docs/deep"], ["mcopy", "-i", disk, work + "/numbers.txt", "::docs"],
                        ["mcopy", "-i", disk, work + "/hi", "::docs/deep"]):
            subprocess.run(command, check=True)
    with open(disk, "rb") as file:
        return file.read(64 << 20).index(b"MARK!\n")


def of_a_guest(lab, report):
    """What the guest wrote is what is read."""
    place = put_files(lab)
    done(report, "it is started", lab.bhype("vm", "start", "look1", user="dev1"))
    lab.wait_running("look1")
    with lab.serial("look1") as line:  # the guest has no driver for its disk's file system: into a file's block, then
        line.log_in()
        wrote = line.answer("for d in /dev/vda /dev/nvme0n1; do [ ! -b $d ] || echo hello | dd of=$d bs=1 seek=%d conv=notrunc; done; sync; echo wr''itten" % place,
                            "written", 60)
        report.check("a guest writes into a file", wrote, line.text[-400:])
    done(report, "it is snapshot", lab.bhype("snapshot", "create", "look1", "files", user="dev1"))
    shown = done(report, "its disk is looked at", lab.bhype("snapshot", "files", "look1", "files", "--json", user="dev1"))
    if shown.status != 0:
        return
    report.check("a file system is found", [one for one in shown.json()["partitions"] if one["readable"] and one["file_system"].startswith("fat")], shown)
    listed = lab.bhype("snapshot", "files", "look1", "files", "/docs", user="dev1")
    report.check("a folder is listed as ls -l does", "numbers.txt" in listed.out and "108894" in listed.out and "drwx" in listed.out, listed)
    expected = "".join("%d\n" % number for number in range(1, 20001))
    got = lab.bhype("snapshot", "get", "look1", "files", "/docs/numbers.txt", user="dev1")
    report.check("a file is what the guest wrote", got.status == 0 and got.out == expected, (got.status, len(got.out), got.err))
    got = lab.sh("cd /tmp && bhype snapshot get look1 files --disk disk0 /docs/deep/hi -o hi.txt && cat hi.txt && rm hi.txt", user="dev1")
    report.same("also into a file", (got.status, got.out, got.err), (0, "hello\n", ""))
    report.same("the guest runs on", lab.vm("look1")["state"], "running")


def bad_input(lab, report):
    for words, reason in ((["--disk", "disk9", "/"], "disk:"), (["--disk", "../x", "/"], "disk:"), (["--partition", "77", "/"], "partition:"),
                          (["--partition", "x", "/"], "partition:"), (["/none"], "there is no /none"), (["/../etc"], "path:"), (["etc"], "path:"),
                          (["/docs/numbers.txt"], "is no directory")):
        bad = lab.bhype("snapshot", "files", "look1", "files", *words, user="dev1")
        report.check("%s is refused with its reason" % " ".join(words), bad.status == 3 and reason in bad.err, bad)
    bad = lab.bhype("snapshot", "get", "look1", "files", "/docs", "-o", "/tmp/no", user="dev1")
    report.check("a folder is no file to get", bad.status == 3 and "is no file" in bad.err, bad)
    report.same("and no file is made of it", lab.exec("test", "-e", "/tmp/no").status, 1)
    report.same("of a snapshot that is not there nothing", lab.bhype("snapshot", "files", "look1", "none", user="dev1").status, 3)
    api = lab.local("dev1")
    for query in ({}, {"path": "/x", "from": "1"}, {"path": "/x", "disk": "$(reboot)"}, {"path": "/" + "a/" * 70 + "a"}, {"path": "/a\x00b"}):
        report.same("the API refuses %.60r" % query, api.get(address("look1", "files", **query)).status, 422)
    for query in ({"from": "-1"}, {"limit": "1001"}, {"limit": "x"}):
        report.same("and %r" % query, api.get(address("look1", "files", "files", **query)).status, 422)


def others(lab, report):
    for user in ("dev2", "looker"):
        refused = lab.bhype("snapshot", "files", "look1", "files", user=user)
        report.check("%s sees no files" % user, refused.status == 3 and ("access.forbidden" in refused.err or "api.not_found" in refused.err), refused)
        refused = lab.bhype("snapshot", "get", "look1", "files", "/docs/deep/hi", user=user)
        report.check("%s gets none" % user, refused.status == 3 and "hello" not in refused.out, refused)
    read = [(one["user"], one["object"], one["outcome"]) for one in lab.local().get("/api/v1/audit").json()
            if one["action"].endswith("/file")]
    report.check("each file is recorded with who and what", ("dev1", "look1/files disk0::/docs/deep/hi", "ok") in read, read)
    report.check("refused ones too", [one for one in read if one[0] == "dev2" and one[2] != "ok"], read)


def leaves_nothing(lab, report):
    report.same("one clone is kept for a while", len(clones(lab)), 1)
    listed = lab.bhype("snapshot", "list", "look1", "--json", user="dev1").json()["snapshots"]
    report.same("it is nobody's clone", [one["clones"] for one in listed], [[] for one in listed])
    lab.kill(*lab.pids("bhype-hostd"))
    report.same("a killed hostd leaves nothing", eventually(lambda: not clones(lab), 60, 1), True)
    report.check("then looking goes on", eventually(lambda: lab.bhype("snapshot", "files", "look1", "files", user="dev1").status == 0, 30, 1))
    done(report, "what is looked at can be deleted", lab.bhype("snapshot", "delete", "look1", "files", "--yes", user="dev1"))
    report.same("and leaves nothing", clones(lab), [])


def disk_of(parts, size):
    """An MBR with these (type, bytes), from the second MiB on, 20 MiB apart."""
    disk = bytearray(size)
    for number, (kind, data) in enumerate(parts):
        begin = 2048 + number * 40960
        disk[446 + 16 * number:462 + 16 * number] = struct.pack("<B3xB3xII", 0, kind, begin, len(data) // 512)
        disk[begin * 512:begin * 512 + len(data)] = data
    disk[510:512] = b"\x55\xaa"
    return bytes(disk)


def ext4(work, large):
    os.makedirs(work + "/tree/etc")
    for name, data in (("etc/shadow", b"secret\n"), ("large", large), ("<b>\n\x1b[2J", b"odd")):
        with open("%s/tree/%s" % (work, name), "wb") as file:
            file.write(data)
    os.chmod(work + "/tree/etc/shadow", 0o600)
    os.symlink("etc/shadow", work + "/tree/link")
    subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-d", work + "/tree", work + "/image", "16M"], check=True, stdout=subprocess.DEVNULL)
    with open(work + "/image", "rb") as file:
        return file.read()


def of_partitions(lab, report):
    """Several partitions, of which one must be chosen; over HTTPS."""
    lab.make_vm("look2", start=False)
    large = os.urandom(9 << 20)
    with tempfile.TemporaryDirectory() as work:
        image = ext4(work, large)
    disk = disk_of(((0x83, image), (0x83, image), (0x83, b"XFSB" + bytes(1 << 20))), 62 << 20)
    with open(lab.path("/tmp/disk.raw"), "wb") as file:
        file.write(disk)
    written = lab.sh("dd if=/tmp/disk.raw of=%s bs=1M conv=notrunc,sync && rm /tmp/disk.raw" % (DISK % "look2"))
    report.same("a disk is written", (written.status, written.err if written.status else ""), (0, ""))
    done(report, "it is snapshot", lab.bhype("snapshot", "create", "look2", "parts", user="dev1"))
    began = time.monotonic()
    first = lab.local("dev1").get(address("look2", "parts", "files"))
    report.say("a disk that is not open yet: %.0f ms" % (1000 * (time.monotonic() - began)))
    report.same("its disk is looked at", first.status, 200)
    shown = lab.bhype("snapshot", "files", "look2", "parts", user="dev1")
    report.check("its partitions are listed", [line.split()[0] for line in shown.out.split("\n")[1:4]] == ["1", "2", "3"] and "XFS is not read here" in shown.out, shown)
    refused = lab.bhype("snapshot", "files", "look2", "parts", "--partition", "3", user="dev1")
    report.check("one that cannot be read says what to do", refused.status == 3 and "clone the snapshot" in refused.err, refused)
    shown = lab.bhype("snapshot", "files", "look2", "parts", "--partition", "2", user="dev1")
    report.check("names do no harm", "<b>\\x0a\\x1b[2J" in shown.out and "\x1b" not in shown.out, shown)
    web = lab.web("dev1")
    began = time.monotonic()
    got = web.get(address("look2", "parts", partition=1, path="/large"))
    took = time.monotonic() - began
    report.check("a large file comes whole over HTTPS", got.status == 200 and got.body == large, (got.status, len(got.body)))
    report.say("%d bytes in %.2f s" % (len(got.body), took))
    report.same("as bytes to be saved", [got.headers.get(name) for name in ("Content-Type", "Content-Disposition", "X-Content-Type-Options")],
                ["application/octet-stream", "attachment; filename=\"large\"; filename*=UTF-8''large", "nosniff"])
    began = time.monotonic()
    got = web.get(address("look2", "parts", "files", partition=1, path="/etc"))
    report.same("a folder over HTTPS", [one["name"] for one in got.json()["entries"]], ["shadow"])
    report.say("a folder of a disk that is kept open: %.0f ms" % (1000 * (time.monotonic() - began)))
    report.same("links are followed", web.get(address("look2", "parts", partition=1, path="/link")).body, b"secret\n")
    odd = json.loads(lab.bhype("snapshot", "files", "look2", "parts", "--partition", "1", "--json", user="dev1").out)["entries"]
    odd = [one["name"] for one in odd if one["name"].startswith("<b>")][0]
    report.same("an odd name leads to its file", web.get(address("look2", "parts", partition=1, path="/" + odd)).body, b"odd")
    at_once(lab, report)
    in_the_middle(lab, report, len(large))
    done(report, "the VM can be deleted", lab.bhype("vm", "delete", "look2", "--yes", user="dev1"))
    report.same("with what was looked at", clones(lab), [])


def begin_download(lab):
    """A connection with the first bytes of a file that nobody reads on."""
    connection = lab.cli_socket("dev1")
    connection.settimeout(60)
    connection.sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % address("look2", "parts", partition=1, path="/large")).encode())
    return connection, connection.recv(4096)


def rest(connection):
    count = 0
    try:
        while True:
            got = len(connection.recv(1 << 20))
            count += got
            if not got:
                return count
    except OSError:
        return count


def in_the_middle(lab, report, size):
    """A killed hostd, a deleted snapshot and a client that leaves, each while a file is read."""
    connection, head = begin_download(lab)
    report.check("a download is begun", head.startswith(b"HTTP/1.1 200") and len(lab.pids("bhype-look")) == 1, head)
    lab.kill(*lab.pids("bhype-hostd"))
    eventually(lambda: lab.bhype("snapshot", "list", "look2", user="dev1").status == 0, 30)
    connection.close()
    report.same("hostd is killed in the middle: no reader stays", eventually(lambda: not lab.pids("bhype-look"), 30, 1), True)
    report.same("nor a clone", eventually(lambda: not clones(lab), 60, 1), True)
    done(report, "another snapshot", lab.bhype("snapshot", "create", "look2", "more", user="dev1"))
    connection, head = begin_download(lab)
    report.check("another download is begun", head.startswith(b"HTTP/1.1 200"), head)
    done(report, "its snapshot is deleted in the middle", lab.bhype("snapshot", "delete", "look2", "parts", "--yes", user="dev1"))
    report.check("the download ends early, which its client can tell", rest(connection) < size)
    connection.close()
    report.same("no reader and no clone stays", (lab.pids("bhype-look"), clones(lab)), ([], []))


def at_once(lab, report):
    """Many at a time: two of them go on, none hangs, none is wrong."""
    outcomes = []

    def look():
        answer = lab.local("dev1").get(address("look2", "parts", "files", partition=1, path="/etc"))
        outcomes.append(answer.status)
    threads = [threading.Thread(target=look) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.check("many at once are answered or told to wait", set(outcomes) <= {200, 429} and 200 in outcomes, outcomes)
