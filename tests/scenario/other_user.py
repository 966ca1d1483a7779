"""Point 8: another user cannot. The matrix comes from the declared endpoints, so that a new one is covered at once."""

import re
import time

from labkit import Failed, Web, eventually

SAFE = ("get",)
# Who may what: access/caller.h.
ALLOWED = {"open": {"stranger", "looker", "dev2", "boss"}, "session": {"stranger", "looker", "dev2", "boss"},
           "look": {"looker", "dev2", "boss"}, "use": {"dev2", "boss"}, "make": {"dev2", "boss"}, "administer": {"boss"}}


class Operation:
    def __init__(self, path, method, declared):
        self.path, self.method, self.declared = path, method, declared
        self.privilege = declared["x-privilege"]
        self.name = "%s %s" % (method.upper(), path)
        self.needs_body = "requestBody" in declared

    @property
    def safe(self):
        return self.method in SAFE

    @property
    def streams(self):
        return any("text/event-stream" in answer.get("content", {}) for answer in self.declared["responses"].values())

    @property
    def is_socket(self):
        return "101" in self.declared["responses"]

    @property
    def example(self):
        return self.declared["requestBody"]["content"]["application/json"].get("example", {}) if self.needs_body else None

    def address(self, **names):
        return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], "nothing"), self.path)

    def send(self, api, address, **headers):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.is_socket:
            fields.update({"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                           "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "binary"})
            if isinstance(api, Web):
                fields.setdefault("Origin", api.origin)  # browsers send it with the request for a WebSocket
        return api.request(self.method.upper(), address, self.example, headers=fields)


def operations(lab):
    document = lab.local().get("/api/v1/openapi.json").json()
    return [Operation(path, method, declared) for path, item in sorted(document["paths"].items())
            for method, declared in item.items()]


def state(lab):
    """What must be the same afterwards."""
    local = lab.local()
    names = [vm["name"] for vm in local.get("/api/v1/vms").json()]
    vms = [{key: vm[key] for key in ("name", "state", "owner", "group", "generation", "note", "started")}
           for vm in (local.get("/api/v1/vms/" + name).json() for name in names)]
    tasks = [task["id"] for task in local.get("/api/v1/tasks?most=1000").json()]
    return {"vms": vms, "tasks": tasks, "datasets": lab.datasets()}


def run(lab, report):
    lab.running_vm("web1")
    all_of_them = operations(lab)
    report.check("the document lists operations with their privileges", len(all_of_them) >= 20 and
                 all(operation.privilege in ALLOWED for operation in all_of_them), len(all_of_them))
    task = lab.bhype("task", "list", "--json", user="dev1").json()[0]["id"]
    names = {"name": "web1", "id": task}
    before = state(lab)

    old = lab.web("dev1")
    kept = old.cookie
    report.same("log-out", old.delete("/api/v1/session").status, 204)
    ended = lab.web()
    ended.cookie = kept
    made_up = lab.web()
    made_up.cookie = kept.split("=")[0] + "=" + "A" * len(kept.split("=")[1])
    without(lab, report, all_of_them, names, lab.web(), "without a session")
    without(lab, report, all_of_them, names, ended, "with a session that was ended")
    without(lab, report, all_of_them, names, made_up, "with a session that never was")
    roles(lab, report, all_of_them, names)
    foreign(lab, report, all_of_them, names)
    report.same("nothing has changed", state(lab), before)
    others(lab, report, all_of_them, names)
    report.same("nothing has changed by another user", state(lab), before)
    tickets(lab, report)
    group(lab, report)
    expired(lab, report, all_of_them, names)


def without(lab, report, all_of_them, names, web, what):
    bad = []
    for operation in all_of_them:
        answer = operation.send(web, operation.address(**names))
        good = answer.status != 401 if operation.privilege == "open" else (answer.status, answer.code) == (401, "access.no_session")
        if operation.path == "/api/v1/session" and operation.method == "post":
            good = (answer.status, answer.code) in ((401, "access.bad_credentials"), (429, "access.too_many_attempts"))
        if not good:
            bad.append("%s: %r" % (operation.name, answer))
    report.same("%s: 401 from every operation" % what, bad, [])


def roles(lab, report, all_of_them, names):
    for user in ("stranger", "looker", "dev2"):
        bad, tried = [], 0
        apis = {"cli": lab.local(user)}
        try:
            apis["https"] = lab.web(user)
        except Failed as refused:
            report.check("log-in of %s" % user, user == "stranger", refused)
        for way, api in apis.items():
            for operation in all_of_them:
                if user in ALLOWED[operation.privilege]:
                    continue
                tried += 1
                answer = operation.send(api, operation.address(**names))
                # Somebody without a role may be told either.
                good = [(403, "access.forbidden")] + ([(401, "access.no_session")] if user == "stranger" else [])
                if (answer.status, answer.code) not in good:
                    bad.append("%s, %s: %r" % (operation.name, way, answer))
        report.check("%d operations beyond the role of %s are refused" % (tried, user), tried and not bad, bad)


def foreign(lab, report, all_of_them, names):
    bad = []
    web = lab.web("boss")
    for operation in all_of_them:
        if operation.safe and not operation.is_socket:
            continue
        for origin in ("https://evil.example", None, "null"):
            answer = operation.send(web, operation.address(**names), Origin=origin)
            if (answer.status, answer.code) != (403, "access.bad_origin"):
                bad.append("%s from %s: %r" % (operation.name, origin, answer))
    report.same("a foreign or missing Origin: 403 from every operation that changes something", bad, [])


def others(lab, report, all_of_them, names):
    """dev2, who has VMs of its own, on what is dev1's: byte for byte the answer for a name that does not exist."""
    visible = lambda answer: (answer.status, answer.body, sorted((name, value) for name, value in answer.headers.items()
                                                                 if name != "Date"))
    for way, api in (("https", lab.web("dev2")), ("cli", lab.local("dev2"))):
        bad, tried = [], 0
        for operation in all_of_them:
            if "{" not in operation.path or operation.path.startswith("/api/v1/templates/"):
                continue
            if "dev2" not in ALLOWED[operation.privilege]:
                continue  # refused whatever it names: roles() has it
            tried += 1
            there = operation.send(api, operation.address(**names))
            missing = operation.send(api, operation.address(name="web9", id="t" + "0" * 16))
            if visible(there) != visible(missing) or there.status != 404:
                bad.append("%s: %r, but for a missing one %r" % (operation.name, there, missing))
        report.check("%d operations of dev2 on dev1's objects answer as for missing ones, %s" % (tried, way),
                     tried >= 8 and not bad, bad)
        report.same("dev2's lists show none of it, %s" % way, [
            text for text in ("web1", names["id"]) for path in ("/api/v1/vms", "/api/v1/tasks")
            if text in api.get(path).body.decode()], [])
        hidden = api.get("/api/v1/tasks?object=vm/web1"), api.get("/api/v1/tasks?object=vm/web9")
        report.same("nor by asking for the object's tasks, %s" % way, hidden[0].body, hidden[1].body)
    for words in (("vm", "show", "web1"), ("vm", "stop", "web1"), ("vm", "delete", "web1", "--yes"),
                  ("vm", "set", "web1", "note=mine"), ("vm", "log", "web1"), ("vm", "console", "web1")):
        there = lab.bhype(*words, user="dev2")
        missing = lab.bhype(*["web9" if word == "web1" else word for word in words], user="dev2")
        report.same("`bhype %s` of dev2 as for a missing one" % " ".join(words),
                    (there.status, there.out, there.err), (3, missing.out, missing.err))


def tickets(lab, report):
    """A ticket is good for who asked, once."""
    mine, other = lab.web("dev1"), lab.web("dev2")
    ticket = mine.post("/api/v1/vms/web1/console", {"kind": "serial", "mode": "take-over"}).json()

    def redeemed(web):
        try:
            websocket = lab.redeem(web, ticket)
        except Failed:
            return b""
        until = time.monotonic() + 2
        while time.monotonic() < until and not websocket.data and websocket.receive(0.2):
            pass
        websocket.close()
        return websocket.data

    report.same("a ticket brought by dev2 gives no byte", redeemed(other), b"")
    ticket = mine.post("/api/v1/vms/web1/console", {"kind": "serial", "mode": "take-over"}).json()
    report.check("brought by whoever asked it gives the line", redeemed(mine), "nothing")
    report.same("brought twice it gives no byte", redeemed(mine), b"")


def group(lab, report):
    """Who may use it no longer loses the console that is open."""
    lab.bhype("vm", "set", "web1", "group=bhype", user="dev1")
    line = lab.serial("web1", lab.web("dev2"))
    report.check("a member of the VM's group opens its console", line.log_in(), line.text[-300:])
    result = lab.bhype("vm", "set", "web1", "group=", user="dev1")
    report.same("the owner takes the group away", (result.status, result.err), (0, ""))
    report.check("the console ends within 5 s", eventually(lambda: not line.websocket.receive(0.2), 5), line.websocket.closed)
    report.same("as a matter of policy", line.websocket.closed, 1008)


def expired(lab, report, all_of_them, names):
    """A session that nobody used for longer than bhype.toml allows."""
    file = lab.path("/usr/local/etc/bhype/bhype.toml")
    try:
        with open(file) as old:
            before = old.read()
    except FileNotFoundError:
        before = None
    with open(file, "w") as new:
        new.write("session_idle_minutes = 1\n")
    lab.restart("bhyped")
    idle, used = lab.web("dev1"), lab.web("dev1")
    until = time.monotonic() + 62
    good = []
    while time.monotonic() < until:
        good.append(used.get("/api/v1/whoami").status)
        time.sleep(2)
    report.same("a session in use lives on", set(good), {200})
    without(lab, report, all_of_them, names, idle, "with a session that nobody used for a minute")
    if before is None:
        lab.exec("rm", "/usr/local/etc/bhype/bhype.toml")
    else:
        with open(file, "w") as old:
            old.write(before)
    lab.restart("bhyped")
