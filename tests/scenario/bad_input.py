"""Point 9: bad input by the hundred, over HTTPS and over cli.sock: a 4xx problem document each time, nothing changed."""

import http.client
import json
import socket
import urllib.parse

from labkit import POOL, exchange
from other_user import operations, state

LONG = "x" * 300
NAMES = ["", " ", "-rf", "--help", ".", "..", "../web1", "a/b", "/etc/passwd", "a\0b", "web1\n", "web 1", "wéb", "a" * 32,
         LONG, "a..b/", "$(reboot)", "`id`", "web1;reboot", "web1'", "\\", "%00", "*", "\u202ename", "web1@snap", "tank/bhype"]
SIZES = ["", "1", "0", "-1", "-1G", "1.5G", "1e3", "G", "1GG", "1 G", "0x10", "999999999999T", "18446744073709551616", "1B", "1K",
         "65T", LONG, 1, 0, -1, -2147483648, 1.5, 1e308, 9223372036854775807, True, None, [], ["1G"], {}, {"bytes": 1}]
CPUS = [0, -1, 1025, 1.5, 1e9, 9223372036854775807, -9223372036854775808, "2", "", True, None, [], {}, [1]]
TEMPLATES = ["", "../x", "no-such-template", "a/b", "a\0b", LONG, 1, True, None, [], {}]
ACCOUNTS = ["", "-", "root;id", "a/b", LONG, "no such", "nosuchuser", 1, False, [], {}]
SWITCHES = ["", "-", "a/b", LONG, "no-such", 1, None, [], {}]
NOTES = ["a\nb", "a\0b", "\x7f\x01", "n" * 201, 1, True, [], {}]
FLAGS = ["", "yes", "true", 1, 0, None, [], {}]
GOOD = {"name": "never1", "template": "tiny-linux", "memory": "256M"}


def create_bodies():
    """(what, body, the field that must be named)"""
    for field, values in (("name", NAMES + [1, True, None, [], {}, ["web1"]]), ("memory", SIZES), ("disk", SIZES), ("cpus", CPUS),
                          ("template", TEMPLATES), ("owner", ACCOUNTS), ("group", ACCOUNTS), ("switch", SWITCHES), ("note", NOTES),
                          ("start", FLAGS), ("plan", FLAGS)):
        for value in values:
            # What may be left out may be null; zero vCPUs and the like may not.
            if value is None and field not in ("name", "template", "start", "plan"):
                continue
            yield "%s = %s" % (field, json.dumps(value)[:40]), {**GOOD, field: value}, field
    for field in ("Name", "nam", "memory ", "__proto__", "", LONG, "id", "dataset"):
        yield "a field %s" % json.dumps(field)[:40], {**GOOD, field: "x"}, field[:64] or "body"  # a name that can be told
    for field in ("name", "template"):
        yield "no " + field, {key: value for key, value in GOOD.items() if key != field}, field


def other_bodies(all_of_them):
    """Every operation that takes JSON, from its schema: unknown fields and wrong types. Objects that are named exist."""
    for operation in all_of_them:
        if not operation.needs_body:
            continue
        log_in = operation.path == "/api/v1/session"
        address = operation.address(name="web1", id="t" + "0" * 16, pool=POOL, disk="nda0")
        example = operation.example
        yield operation, address, "an unknown field", {**example, "nonsense": 1}, "nonsense"
        reference = operation.declared["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        for field in sorted(operation.schemas[reference].get("properties", {})):
            for wrong in ([[]], {"a": {"b": 1}}, "\0", -1.5, "x" * 5000):
                if log_in and isinstance(wrong, str):
                    continue  # text like any other there, and wrong as such: log_ins() has it
                yield operation, address, "%s = %s" % (field, json.dumps(wrong)[:30]), {**example, field: wrong}, field


# What each list may be asked for: the query, and the parameter that must be named.
QUERIES = [(path, name) for path, name, values in (
    ("/api/v1/vms/web1/log?bytes=", "bytes", ("", "-1", "0", "x", "1e3", "999999999999", "1&bytes=1")),
    ("/api/v1/vms/web1/snapshots?limit=", "limit", ("", "0", "-1", "x", "1001", "1&limit=2")),
    ("/api/v1/vms/web1/snapshots?offset=", "offset", ("", "-1", "x", "99999999999999999999")),
    ("/api/v1/layouts?disks=", "disks", ("-f", "/dev/nda0", "nda0", "nda9", "nda2,-f", "nda2;reboot", LONG)),
    ("/api/v1/tasks?most=", "most", ("", "0", "-1", "x", "1001", "99999999999999999999", "1&most=2")),
    ("/api/v1/tasks?user=", "user", ("", "-rf", "a%2fb", "a%00b", "a%20b", "root%3bid", LONG, "dev1&user=dev2")),
    ("/api/v1/tasks?object=", "object", ("", "a%00b", "a%0ab", "%7f", LONG, "vm/web1&object=vm/web1")),
    ("/api/v1/audit?user=", "user", ("", "-rf", "a%2fb", "a%00b", "a%20b", "root%3bid", LONG, "dev1&user=dev2")),
    ("/api/v1/audit?object=", "object", ("", "a%00b", "a%0ab", "%7f", LONG, "web1&object=web1")),
    ("/api/v1/audit?before=", "before", ("", "0", "-1", "x", "1e3", "99999999999999999999", "1&before=2")),
    ("/api/v1/audit?most=", "most", ("", "0", "-1", "x", "1001", "1&most=2")),
    ("/api/v1/vms?", "nonsense", ("nonsense=1", "nonsense")), ("/api/v1/audit?", "nonsense", ("nonsense=1",)),
    ("/api/v1/tasks?", "a", ("a=1&" * 1000, "a=1")),
) for path in [path + value for value in values]]
# Log-ins that are nobody's: too long or of another type is named; what is text is as wrong as any password.
LOG_INS = [({"user": "dev1"}, 422, "api.invalid_field", "password"), ({"password": "x"}, 422, "api.invalid_field", "user"),
           ({"user": "dev1", "password": "x" * 1025}, 422, "api.invalid_field", "password"),
           ({"user": "dev1", "password": None}, 422, "api.invalid_field", "password"),
           ({"user": None, "password": "x"}, 422, "api.invalid_field", "user"),
           ({"user": "dev1", "password": "x", "role": "administrator"}, 422, "api.invalid_field", "role"),
           ({"user": "x" * 5000, "password": "x"}, 413, "api.too_large", None),
           ({"user": "dev1", "password": "x" * 5000}, 413, "api.too_large", None),
           ({"user": "dev1", "password": "\0"}, 401, "access.bad_credentials", None),
           ({"user": "", "password": "x"}, 401, "access.bad_credentials", None),
           ({"user": "a\0b", "password": "x"}, 401, "access.bad_credentials", None),
           ({"user": "x" * 33, "password": "x"}, 401, "access.bad_credentials", None),
           ({"user": "../root", "password": "x"}, 401, "access.bad_credentials", None),
           ({"user": "root;id", "password": "x"}, 401, "access.bad_credentials", None),
           # Whatever cannot be a user counts as one, and five were let in.
           ({"user": "-rf", "password": "x"}, 429, "access.too_many_attempts", None)]


def deep(levels, opening, closing):
    return (opening * levels + "1" + closing * levels).encode()


RAW = [
    ("no body", b""), ("no JSON", b"hello"), ("truncated", b'{"name": "never1", "templ'), ("two values", b"{} {}"),
    ("a comma too many", b'{"name": "never1",}'), ("single quotes", b"{'name': 'never1'}"), ("a comment", b"{/* */}"),
    ("NaN", b'{"name": "never1", "template": "tiny-linux", "cpus": NaN}'), ("a list", b"[]"), ("text", b'"never1"'), ("null", b"null"),
    ("a number", b"1"), ("a name twice", b'{"name": "never1", "name": "never2", "template": "tiny-linux", "memory": "1"}'),
    ("bytes that are no UTF-8", b'{"name": "\xff\xfe", "template": "tiny-linux"}'), ("half a surrogate", b'{"name": "\\ud800", "template": "x"}'),
    ("a NUL", b"\0"), ("a byte order mark", b"\xef\xbb\xbf{}"), ("UTF-16", '{"name": "never1"}'.encode("utf-16")),
    ("deep lists", deep(100000, "[", "]")), ("deep objects", b'{"name":' * 50000 + b"1" + b"}" * 50000),
    ("deep in a field", b'{"name": ' + deep(2000, "[", "]") + b"}"),
    ("a huge text", json.dumps({**GOOD, "note": "n" * 900000}).encode()),
    ("a huge list", json.dumps({"name": list(range(100000))}).encode()),
    ("ten thousand fields", json.dumps({**{"f%d" % i: i for i in range(10000)}}).encode()),
    ("two megabytes", json.dumps({**GOOD, "note": "n" * 2000000}).encode()),
    ("a number of a thousand digits", b'{"name": "never1", "template": "tiny-linux", "cpus": ' + b"9" * 1000 + b"}"),
]


def good(answer, field=None):
    """A problem document with a code that names the field, if there is one to name."""
    if not 400 <= answer.status < 500 or not answer.is_problem or not answer.code:
        return False
    if answer.status in (401, 403, 404, 429):
        return False  # whoever asks here may do it all, and what is named exists
    return field is None or field in [(named or "").split("[")[0].split(".")[0] for named in answer.fields]


def run(lab, report):
    vm = lab.vm("web1")
    if not vm:
        lab.make_vm("web1", start=False)
    lab.bhype("plan", "create", "web1", "--schedule", "@yearly", "--vm", "web1")
    before = state(lab)
    all_of_them = operations(lab)
    schemas = lab.local().get("/api/v1/openapi.json").json()["components"]["schemas"]
    for operation in all_of_them:
        operation.schemas = schemas
    apis = {"https": lab.web("boss"), "cli": lab.local("boss")}
    total = 0
    for way, api in apis.items():
        bad, count = [], 0
        for what, body, field in create_bodies():
            answer = api.post("/api/v1/vms", body)
            count += 1
            if not good(answer, field):
                bad.append("%s: %r" % (what, answer))
        report.check("%d bad fields of a new VM are named, %s" % (count, way), count > 100 and not bad, bad)
        total += count

        bad, count = [], 0
        for operation, address, what, body, field in other_bodies(all_of_them):
            answer = api.request(operation.method.upper(), address, body)
            count += 1
            if not good(answer, field):
                bad.append("%s, %s: %r" % (operation.name, what, answer))
        report.check("%d bad fields of every other request are named, %s" % (count, way), count > 30 and not bad, bad)
        total += count

        bad, count = [], 0
        for what, raw in RAW:
            answer = send(api, "POST", "/api/v1/vms", raw)
            count += 1
            if answer is None or not good(answer):
                bad.append("%s: %r" % (what, answer))
        report.check("%d bodies that are no such JSON, %s" % (count, way), not bad, bad)
        total += count

        bad, count = [], 0
        for name in NAMES[1:]:
            quoted = urllib.parse.quote(name, safe="")
            if quoted in (".", ".."):
                continue
            for method, rest in (("GET", ""), ("POST", "/start"), ("DELETE", ""), ("PATCH", ""), ("GET", "/log")):
                answer = api.request(method, "/api/v1/vms/%s%s" % (quoted, rest), {"note": "x"} if method == "PATCH" else None)
                count += 1
                refused_by_nginx = "\0" in name and way == "https"
                if (answer.status, answer.code) != ((400, "api.invalid_request") if refused_by_nginx else (404, "api.not_found")):
                    bad.append("%s %s%s: %r" % (method, quoted, rest, answer))
        for path in ("/api/v1/vms/%ff", "/api/v1/tasks/x", "/api/v1/tasks/t" + "0" * 15, "/api/v1/tasks/" + LONG, "/api/v1/nothing", "/api/v1",
                     "/api/v1/vms/web1/nothing", "/api/v1/vms//start", "/api/v1/vms/" + "a" * 7000):
            answer = send(api, "GET", path)
            count += 1
            if not answer or (answer.status, answer.code) != (404, "api.not_found"):
                bad.append("GET %s: %r" % (path[:60], answer))
        report.check("%d bad names and paths are answered as missing ones, %s" % (count, way), not bad, bad)
        total += count

        bad, count = [], 0
        for path in ("/api/v1/vms/%", "/api/v1/vms/%zz", "/api/v1/tasks?most=%zz", "/api/v1/tasks?user=%ff",
                     "/api/v1/audit?object=%", "/api/v1/audit?user=%c3"):
            answer = send(api, "GET", path)
            count += 1
            if not answer or (answer.status, answer.code) != (400, "api.invalid_request"):
                bad.append("GET %s: %r" % (path, answer))
        for path, name in QUERIES:
            answer = send(api, "GET", path)
            count += 1
            if not answer or (answer.status, answer.code) != (422, "api.invalid_field") or "query." + name not in answer.fields:
                bad.append("GET %s: %r" % (path[:60], answer))
        report.check("%d bad escapes and queries are named, %s" % (count, way), not bad, bad)
        total += count

        total += log_ins(lab, report, way)
        bad, count = [], 0
        for what, method, headers in (
                ("another type", "POST", {"Content-Type": "text/plain"}), ("a form", "POST", {"Content-Type": "application/x-www-form-urlencoded"}),
                ("an Idempotency-Key of 200 letters", "POST", {"Idempotency-Key": "k" * 200}),
                ("an Idempotency-Key with a space", "POST", {"Idempotency-Key": "a b"}),
                ("a method that nobody declared", "PUT", {}), ("a method that nobody knows", "FROBNICATE", {}), ("TRACE", "TRACE", {})):
            answer = send(api, method, "/api/v1/vms", json.dumps({**GOOD, "memory": "1"}).encode(), headers)
            count += 1
            if answer is None or not (400 <= answer.status < 500):
                bad.append("%s: %r" % (what, answer))
        for value in ("W/\"x\"", "x", "\"a\", \"b\"", "\"" + "x" * 1000 + "\""):
            answer = send(api, "PATCH", "/api/v1/vms/web1", b'{"note": "never"}', {"If-Match": value})
            count += 1
            if answer is None or not good(answer):
                bad.append("If-Match %s: %r" % (value[:20], answer))
        report.check("%d bad methods and headers, %s" % (count, way), not bad, bad)
        total += count
    total += raw_requests(lab, report, apis["https"])
    command_line(lab, report)
    report.check("%d in all" % total, total >= 500, total)
    report.same("nothing has changed", state(lab), before)
    report.same("and the daemons are the same", (len(lab.pids("bhyped")), len(lab.pids("bhype-hostd")) >= 1), (1, True))


def log_ins(lab, report, way):
    """Before and after them bhyped is started again, which forgives: this is about words, not about patience."""
    lab.restart("bhyped")
    api = lab.web() if way == "https" else lab.local("boss")
    bad = []
    for body, status, code, field in LOG_INS:
        if status == 413 and way == "cli":
            continue  # strangers' limit
        answer = send(api, "POST", "/api/v1/session", json.dumps(body).encode())
        if not answer or (answer.status, answer.code) != (status, code) or field and answer.fields != [field] or "Set-Cookie" in answer.headers:
            bad.append("%s: %r" % (json.dumps(body)[:60], answer))
    for what, raw in RAW:
        answer = send(api, "POST", "/api/v1/session", raw)
        if not answer or not good(answer):
            bad.append("%s: %r" % (what, answer))
    lab.restart("bhyped")
    report.check("%d bad log-ins, %s" % (len(LOG_INS) + len(RAW), way), not bad, bad)
    return len(LOG_INS) + len(RAW)


def send(api, method, path, raw=None, headers=None):
    """Nothing when the other side hangs up instead."""
    try:
        return api.request(method, path, raw=raw, headers=headers)
    except (OSError, http.client.HTTPException, ValueError):
        return None


def raw_requests(lab, report, web):
    """What no client library sends. Whoever breaks HTTP gets 400 or is hung up on; never 5xx, never another's answer."""
    head = b"Host: localhost\r\nOrigin: https://localhost\r\nContent-Type: application/json\r\n"
    post = b"POST /api/v1/vms HTTP/1.1\r\n" + head
    body = json.dumps({**GOOD, "memory": "1"}).encode()
    requests = [
        ("nothing", b""), ("line feeds", b"\r\n\r\n\r\n"), ("zeros", b"\0" * 100), ("a TLS hello", b"\x16\x03\x01\x02\0\x01\0"),
        ("half a request", post), ("no version", b"GET /api/v1/vms\r\n\r\n"), ("HTTP/9.9", b"GET /api/v1/vms HTTP/9.9\r\n" + head + b"\r\n"),
        ("no Host", b"GET /api/v1/vms HTTP/1.1\r\n\r\n"), ("two Hosts", b"GET /api/v1/vms HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("a space in a name", b"GET /api/v1/vms HTTP/1.1\r\nHost : a\r\n\r\n"), ("a NUL in a header", b"GET /api/v1/vms HTTP/1.1\r\nHost: a\0b\r\n\r\n"),
        ("a folded header", b"GET /api/v1/vms HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"),
        ("a megabyte of headers", b"GET /api/v1/vms HTTP/1.1\r\nX: " + b"x" * 1000000 + b"\r\n\r\n"),
        ("ten thousand headers", b"GET /api/v1/vms HTTP/1.1\r\n" + b"X: y\r\n" * 10000 + b"\r\n"),
        ("a path of a megabyte", b"GET /" + b"x" * 1000000 + b" HTTP/1.1\r\n" + head + b"\r\n"),
        ("length -1", post + b"Content-Length: -1\r\n\r\n" + body), ("length x", post + b"Content-Length: x\r\n\r\n" + body),
        ("length 2^64", post + b"Content-Length: 18446744073709551616\r\n\r\n" + body),
        ("two lengths", post + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + body),
        ("length and chunks", post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("broken chunks", post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body), ("another coding", post + b"Transfer-Encoding: gzip\r\n\r\n" + body),
        ("a body that ends early", post + b"Content-Length: 5000\r\n\r\n" + body),
        ("ten gigabytes announced", post + b"Content-Length: 10737418240\r\n\r\n" + body),
        ("a WebSocket without a key", b"GET /api/v1/console HTTP/1.1\r\n" + head + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        ("an absolute address", b"GET http://evil.example/api/v1/vms HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        ("CONNECT", b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ]
    for way in ("cli", "https"):
        bad = []
        for what, data in requests:
            if way == "https":
                answer = web.bytes(data, 3)
            else:
                with lab.cli_socket("looker") as connection:
                    answer = exchange(connection, data, 3)
            # HTTP/0.9 has no head: its answer is the body.
            status = answer.split(b" ")[1] if answer.startswith(b"HTTP/") else answer.partition(b'"status":')[2]
            may = what in ("an absolute address", "a folded header") and status == b"200"  # RFC 9112, 3.2.2 and 5.2
            if answer and not status.startswith(b"4") and not may:
                bad.append("%s: %r" % (what, answer[:200]))
        report.same("%d broken requests, %s: 4xx or nothing" % (len(requests), way), bad, [])
    return 2 * len(requests)


def command_line(lab, report):
    """The same from a shell: exit 2 or 3 and words, never a crash."""
    bad = []
    for words in (("vm", "create", "../x", "--template", "tiny-linux"), ("vm", "create", "-rf"), ("vm", "create", "never1"),
                  ("vm", "create", "never1", "--template", "tiny-linux", "--memory", "1"),
                  ("vm", "create", "never1", "--template", "tiny-linux", "--cpus", "-1"),
                  ("vm", "create", "never1", "--template", "tiny-linux", "--cpus", "many"),
                  ("vm", "create", "never1", "--template", "../../etc/passwd"), ("vm", "set", "web1", "cpus=many"),
                  ("vm", "set", "web1", "cpus"), ("vm", "set", "web1", "nonsense=1"), ("vm", "show", LONG), ("vm", "stop", "web1", "--seconds", "0x"),
                  ("vm", "frobnicate"), ("frobnicate",), ("task", "show", "x"), ("task", "show", "t0000000000000000"),
                  ("setup", "--pool", "a/b", "--disks", "nda0", "--yes"), ("template", "show", "../x"), ()):
        result = lab.bhype(*words, user="boss")
        if result.status not in (2, 3) or not result.err.strip():
            bad.append("bhype %s: %r" % (" ".join(words), result))
    report.same("bad words on the command line: exit 2 or 3 with a reason", bad, [])
