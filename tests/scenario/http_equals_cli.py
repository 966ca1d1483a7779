"""Point 3: HTTP equals the command line: the session's cookie, lists, log-ins that fail, Origins, problems, idempotency."""

import time
import uuid

from labkit import eventually


def run(lab, report):
    if not lab.vm("web1"):
        lab.make_vm("web1", start=False)
    password = lab.accounts["dev1"][0]
    web = lab.web()
    answer = web.log_in("dev1", password)
    report.same("log-in answers 201", answer.status, 201)
    cookie = answer.headers.get("Set-Cookie", "")
    parts = [part.strip() for part in cookie.split(";")]
    report.check("the cookie is named __Host-", parts[0].startswith("__Host-"), parts[0].split("=")[0])
    report.same("the cookie is HttpOnly, Secure, SameSite=Strict, for / and no domain",
                sorted(part for part in parts[1:] if not part.startswith(("Max-Age", "Expires"))),
                ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"])
    report.same("the answer may not be stored", answer.headers.get("Cache-Control"), "no-store")
    report.same("whoami over HTTPS", web.get("/api/v1/whoami").json().get("user"), "dev1")

    def both():
        over_http = web.get("/api/v1/vms").body.decode()
        by_command = lab.bhype("vm", "list", "--json", user="dev1").out.rstrip("\n")
        return (over_http, by_command) if over_http == by_command else None

    same = eventually(both, 20)
    report.check("GET /vms equals vm list --json, byte for byte", same,
                 (web.get("/api/v1/vms").body.decode(), lab.bhype("vm", "list", "--json", user="dev1").out))
    report.check("and is not empty", same and '"web1"' in same[0], same)
    for path, command in (("/api/v1/vms/web1", ("vm", "show", "web1")), ("/api/v1/templates", ("template", "list")),
                          ("/api/v1/switches", ("switch",))):
        pair = eventually(lambda: (lambda a, b: (a, b) if a == b else None)(
            web.get(path).body.decode(), lab.bhype(*command, "--json", user="dev1").out.rstrip("\n")), 10)
        report.check("GET %s equals `bhype %s --json`" % (path, " ".join(command)), pair,
                     (web.get(path), lab.bhype(*command, "--json", user="dev1")))

    failed_log_ins(lab, report)
    origins(lab, report, web)
    answer = web.post("/api/v1/vms", {"name": "-rf", "memory": "1"})
    report.same("a bad name and bad memory are 422", (answer.status, answer.code), (422, "api.invalid_field"))
    report.check("naming both fields", {"name", "memory"} <= set(answer.fields), answer.fields, "name, memory")
    idempotency(lab, report, web)
    report.same("log-out answers 204", web.delete("/api/v1/session").status, 204)
    report.same("the session is over", web.get("/api/v1/vms").status, 401)


def failed_log_ins(lab, report):
    def attempt(user, password):
        began = time.monotonic()
        answer = lab.web().log_in(user, password)
        return answer, time.monotonic() - began

    wrong, took_wrong = attempt("dev2", "not this one")
    unknown, took_unknown = attempt("nosuchuser", "not this one")
    report.same("a wrong password is 401", (wrong.status, wrong.code), (401, "access.bad_credentials"))
    headers = lambda answer: sorted((name, value) for name, value in answer.headers.items() if name != "Date")
    report.same("an unknown user gets the same", (unknown.status, unknown.body, headers(unknown)),
                (wrong.status, wrong.body, headers(wrong)))
    report.check("both after at least a second", min(took_wrong, took_unknown) >= 1, (took_wrong, took_unknown))
    report.check("and at most a second apart", abs(took_wrong - took_unknown) < 1, (took_wrong, took_unknown))
    for name in ("root", "_bhype", "", "dev1\0", "x" * 300):
        answer, _ = attempt(name, "not this one")
        report.check("log-in as %r fails as any other" % name[:20], answer.status in (401, 422) and answer.is_problem, answer)
    statuses = [wrong.status]
    for _ in range(5):
        answer, _ = attempt("dev2", "not this one")
        statuses.append(answer.status)
    report.same("the sixth failure of an account is 429", statuses, [401] * 5 + [429])
    report.check("with Retry-After", (answer.headers.get("Retry-After") or "").isdigit(), dict(answer.headers))
    report.same("and the code", answer.code, "access.too_many_attempts")
    right, _ = attempt("dev2", lab.accounts["dev2"][0])
    report.same("then the right password is 429, too", right.status, 429)
    report.same("another account still gets in", attempt("dev1", lab.accounts["dev1"][0])[0].status, 201)


def origins(lab, report, web):
    body = {"name": "never1", "template": "tiny-linux"}
    for origin, what in (("https://evil.example", "a foreign Origin"), (None, "no Origin"), ("null", "Origin null"),
                         ("http://" + web.host, "an Origin of http"), (web.origin + ".evil.example", "a longer Origin"),
                         ("https://127.0.0.1", "an Origin of another port")):
        answer = web.post("/api/v1/vms", body, headers={"Origin": origin})
        report.same("POST with %s is 403" % what, (answer.status, answer.code), (403, "access.bad_origin"))
        answer = lab.web().post("/api/v1/session", {"user": "dev1", "password": lab.accounts["dev1"][0]},
                                headers={"Origin": origin})
        report.same("log-in with %s is 403" % what, (answer.status, answer.code, answer.headers.get("Set-Cookie")),
                    (403, "access.bad_origin", None))
    report.same("nothing was made", lab.vm("never1"), None)


def idempotency(lab, report, web):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"name": "once1", "template": "tiny-linux", "memory": "256M"}
    first = web.post("/api/v1/vms", body, headers=key)
    second = web.post("/api/v1/vms", body, headers=key)
    report.same("the same Idempotency-Key twice: both 202", (first.status, second.status), (202, 202))
    if first.status != 202 or second.status != 202:
        report.say("%r, then %r" % (first, second))
        return
    report.same("and one task", second.json()["id"], first.json()["id"])
    report.same("with its address", first.headers.get("Location"), "/api/v1/tasks/" + first.json()["id"])
    task = web.get("/api/v1/tasks/%s?wait=60" % first.json()["id"]).json()
    report.same("the task ends", (task["state"], task.get("error")), ("done", None))
    third = web.post("/api/v1/vms", body, headers=key)
    report.same("the key once more, when all is done: the same task", (third.status, third.json().get("id")),
                (202, first.json()["id"]))
    names = [vm["name"] for vm in web.get("/api/v1/vms").json()]
    report.same("one VM", names.count("once1"), 1)
    tasks = web.get("/api/v1/tasks?object=vm/once1").json()
    report.same("one task of that VM", [task["id"] for task in tasks], [first.json()["id"]])
    other = web.post("/api/v1/vms", {**body, "name": "once2"}, headers=key)
    report.same("the same key for something else is refused", (other.status, other.code), (422, "api.idempotency_key_reused"))
    report.same("and makes nothing", lab.vm("once2"), None)
    lab.delete_vm("once1")
