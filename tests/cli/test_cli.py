#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The command against a fake daemon: arguments, protocol, text, JSON, errors and exit codes.

Runs in a mount namespace of its own with an empty /run, as root or not. EBPF_ROUTE names the
binary, WRAPPER words to put before it (valgrind -q --error-exitcode=99), SANITIZED=1 leaves out
the test that limits memory.
"""
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
from fake_daemon import DIRECTORY, FakeDaemon, answer  # noqa: E402

BINARY = os.environ.get("EBPF_ROUTE", os.path.join(HERE, "../../build/ebpf-route"))
WRAPPER = os.environ.get("WRAPPER", "").split()
TESTS = []


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def run(*words, **options):
    options.setdefault("timeout", 60)
    return subprocess.run([*WRAPPER, BINARY, *words], capture_output=True, text=True, **options)


def check(condition, said):
    if not condition:
        raise AssertionError(said)


def equal(is_value, should):
    check(is_value == should, f"got {is_value!r}, expected {should!r}")


def fails(result, code, *patterns):
    """Exit code, nothing on stdout, exactly one line on stderr that matches."""
    equal((result.returncode, result.stdout), (code, ""))
    check(re.fullmatch(r"ebpf-route: [^\n]+\n", result.stderr), f"stderr {result.stderr!r}")
    for pattern in patterns:
        check(re.search(pattern, result.stderr), f"{pattern!r} is not in {result.stderr!r}")


def prints(result, *lines):
    equal((result.returncode, result.stderr), (0, ""))
    equal(result.stdout, "".join(line + "\n" for line in lines))


# ---- arguments: all of them are checked before connecting, so no daemon runs here ----------------


@test
def usage_errors():
    for words, pattern in (
        (["frobnicate"], "'frobnicate' is not a command"),
        ([""], "'' is not a command"),
        (["s"], "'s' is ambiguous"),
        (["-x"], "'-x' is not an option"),
        (["--instance"], "--instance"),
        (["--instance", "a/b", "status"], "'a/b'"),
        (["--instance=", "status"], "--instance"),
        (["--instance", "a" * 65, "status"], "--instance"),
        (["status", "now"], "superfluous argument 'now', usage: ebpf-route .* status$"),
        (["stats", "eth0"], "superfluous argument 'eth0'"),
        (["stats", "-w", "x"], "'x' is not a number"),
        (["stats", "-w", "0"], "'0' is not a number"),
        (["stats", "-wnan"], "'nan' is not a number"),
        (["stats", "--watch=1e3"], "'1e3' is not a number"),
        (["route", "10.0.0.1/8"], "'10.0.0.1/8' has bits set beyond its length, usage:"),
        (["route", "10.0.0.0/33"], "not an IPv4 prefix"),
        (["route", "10.0.0.0/"], "not an IPv4 prefix"),
        (["route", "10.0"], "not an IPv4 prefix"),
        (["route", "2001:db8::/32"], "not an IPv4 prefix"),
        (["route", "show", "default", "x"], "superfluous argument 'x'"),
        (["neigh", "x"], "superfluous argument 'x'"),
        (["neigh", "dev"], "'dev' needs a value"),
        (["neigh", "dev", "a" * 16], "not an interface name"),
        (["nexthop", "show", "5"], "superfluous argument '5'"),
        (["link", "eth0"], "superfluous argument 'eth0'"),
        (["get"], "no address"),
        (["get", "example.org"], "not an IPv4 address"),
        (["get", "10.0.0.0/8"], "not an IPv4 address"),
        (["get", "10.0.0.1", "from"], "'from' needs a value"),
        (["get", "10.0.0.1", "from", "x"], "'x' is not an IPv4 address"),
        (["get", "10.0.0.1", "iif", "a" * 16], "not an interface name"),
        (["get", "10.0.0.1", "iif", "a", "iif", "b"], "'iif' is given twice"),
        (["get", "10.0.0.1", "via", "10.0.0.2"], "superfluous argument 'via'"),
        (["get", "10.0.0.1", "ttl"], "'ttl' needs a value"),
        (["get", "10.0.0.1", "ttl", "256"], "'256' is not a number from 0 to 255"),
        (["get", "10.0.0.1", "ttl", "-1"], "'-1' is not a number"),
        (["get", "10.0.0.1", "ttl", ""], "'' is not a number"),
        (["get", "10.0.0.1", "tos", "0x"], "'0x' is not a number from 0 to 255"),
        (["get", "10.0.0.1", "tos", "0x100"], "'0x100' is not a number"),
        (["get", "10.0.0.1", "ipproto", "ospf"], "'ospf' is not a protocol"),
        (["get", "10.0.0.1", "sport", "65536"], "'65536' is not a port number"),
        (["get", "10.0.0.1", "dport", "99999999999999999999"], "is not a port number"),
        (["get", "10.0.0.1", "ipproto", "icmp", "dport", "1"], "are not in an ICMP packet"),
        (["get", "10.0.0.1", "size", "19"], "'19' is not a number of bytes from 20 to 65535"),
        (["get", "10.0.0.1", "size", "65536"], "not a number of bytes"),
        (["get", "10.0.0.1", "iif", "a", "mac", "02:00:00:00:00"], "is not a MAC address"),
        (["get", "10.0.0.1", "iif", "a", "mac", "02:00:00:00:00:0g"], "is not a MAC address"),
        (["get", "10.0.0.1", "mac", "02:00:00:00:00:01"], "'mac' needs 'iif'"),
        (["get", "frame"], "'frame' needs a value, usage:"),
        (["get", "frame", "", "iif", "a"], "'' is not a frame of 1 to 9216 bytes"),
        (["get", "frame", "abc", "iif", "a"], "'abc' is not a frame"),
        (["get", "frame", "0x12", "iif", "a"], "'0x12' is not a frame"),
        (["get", "frame", "00" * 9217, "iif", "a"], r"'0{64}\.\.' is not a frame"),
        (["get", "frame", "0102"], "'frame' needs 'iif'"),
        (["get", "frame", "0102", "iif", "a", "ttl", "1"], "'frame' takes 'iif' only"),
        (["get", "frame", "0102", "frame", "03"], "superfluous argument 'frame'"),
        (["settle", "5"], "superfluous argument '5'"),
        (["settle", "--timeout"], "'--timeout' needs a value"),
        (["settle", "--timeout", "-1"], "'-1' is not a number"),
        (["r"], "'r' is ambiguous"),
        (["route", "proto"], "of protocols only 'user' can be selected"),
        (["route", "proto", "bird"], "of protocols only 'user' can be selected"),
        (["route", "proto", "user", "10.0.0.1/8"], "'10.0.0.1/8' has bits set beyond its length"),
        (["add"], "add: no prefix, usage: ebpf-route .* add PREFIX drop"),
        (["del"], "del: no prefix, usage: ebpf-route .* del PREFIX"),
        (["flush"], "flush: no selector, 'all' is all user routes, usage:"),
        (["batch"], "batch: no file"),
        (["-b"], "batch: no file"),
        (["-b", "a", "b"], "superfluous argument 'b'"),
        (["save", "a", "b"], "superfluous argument 'b'"),
        (["save", "--forse"], "superfluous argument '--forse'"),
        (["verify", "now"], "'now' is not an IPv4 address, usage:"),
        (["verify", "10.0.0.0/8"], "not an IPv4 address"),
        (["verify", "10.0.0.1", "--samples"], "'--samples' needs a value"),
        (["verify", "--samples=-1"], "'-1' is not a number"),
        (["verify", "--samples", "1000001"], "'1000001' is not a number"),
        (["verify", "--samples", "99999999999999999999"], "is not a number"),
        (["verify", "--samples="], "'' is not a number"),
    ):
        fails(run(*words), 1, pattern)


@test
def no_command_prints_usage():
    result = run()
    equal((result.returncode, result.stdout), (1, ""))
    check("Usage:" in result.stderr, result.stderr)


@test
def help_and_version():
    result = run("-h")
    equal((result.returncode, result.stderr), (0, ""))
    for name in ("status stats route neigh nexthop link get verify settle "
                 "add replace del flush batch save").split():
        check(re.search(rf"^  {name}\b", result.stdout, re.M), f"{name} is not in the help")
    check("get ADDR [from SRC] [iif DEV]" in run("get", "--help").stdout, "help of a command")
    for words in (["-V"], ["--version"], ["status", "-V"]):
        check(re.fullmatch(r"ebpf-route \d+\.\d+\.\d+\n", run(*words).stdout), "version")


# ---- requests ------------------------------------------------------------------------------------


@test
def requests_are_what_the_protocol_says():
    for words, command, args in (
        (["route"], "route", {}),
        (["ro"], "route", {}),
        (["route", "show"], "route", {}),
        (["route", "sh", "10.0.0.0/8"], "route", {"prefix": "10.0.0.0/8"}),
        (["route", "default"], "route", {"prefix": "0.0.0.0/0"}),
        (["route", "10.1.1.1"], "route", {"prefix": "10.1.1.1/32"}),
        (["route", "proto", "user"], "route", {"protocol": "user"}),
        (["route", "list", "proto", "user", "10.0.0.0/8"], "route",
         {"protocol": "user", "prefix": "10.0.0.0/8"}),
        (["nei"], "neigh", {}),
        (["neigh", "dev", "eth0"], "neigh", {"dev": "eth0"}),
        (["nex", "list"], "nexthop", {}),
        (["l"], "link", {}),
        (["settle"], "settle", {}),
        (["se", "--timeout", "2.5"], "settle", {"timeout": 2.5}),
        (["settle", "--timeout=0"], "settle", {"timeout": 0}),
    ):
        with FakeDaemon(answer()) as daemon:
            result = run(*words)
            equal((result.returncode, result.stderr), (0, ""))
        equal(daemon.requests, [{"command": command, "args": args}])
        equal(daemon.errors, [])


@test
def instance_chooses_the_socket():
    for words in (["--instance", "lab-1", "route"], ["route", "--instance=lab-1"]):
        with FakeDaemon(answer({"dst": "default"}), instance="lab-1"):
            prints(run(*words), "default")
    fails(run("route"), 2, "instance 'default'")


# ---- text ----------------------------------------------------------------------------------------

FORWARD = {"verdict": "forward", "reason": None}
ROUTES = [
    {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0", "protocol": "static", "table": "main",
     "scope": "global", "flags": [], "fastpath": FORWARD},
    {"type": "blackhole", "dst": "10.9.0.0/16", "protocol": "bird", "metric": 32, "table": "100",
     "fastpath": {"verdict": "drop", "reason": None}},
    {"dst": "10.1.1.1", "via": {"family": "inet6", "host": "fe80::1"}, "dev": "eth1", "tos": "0x10",
     "nhid": 7, "mtu": 1400, "scope": "link", "flags": ["onlink", "dead"],
     "fastpath": {"verdict": "fallback", "reason": "no_neighbour"}},
    {"dst": "10.2.0.0/16", "protocol": 99, "fastpath": FORWARD, "nexthops": [
        {"gateway": "192.0.2.1", "dev": "eth0", "weight": 1, "flags": []},
        {"gateway": "192.0.2.9", "dev": "eth1", "weight": 3, "flags": ["linkdown"]}]},
    {"dst": "10.3.0.0/16"},
]


@test
def route_text():
    with FakeDaemon(answer(*ROUTES)):
        prints(run("route"),
               "default via 192.0.2.1 dev eth0 proto static fastpath forward",
               "blackhole 10.9.0.0/16 table 100 proto bird metric 32 fastpath drop",
               "10.1.1.1 tos 0x10 nhid 7 via inet6 fe80::1 dev eth1 scope link onlink dead "
               "mtu 1400 fastpath fallback (no_neighbour)",
               "10.2.0.0/16 proto 99 fastpath forward",
               "\tnexthop via 192.0.2.1 dev eth0 weight 1",
               "\tnexthop via 192.0.2.9 dev eth1 weight 3 linkdown",
               "10.3.0.0/16")


USER = [
    {"dst": "10.0.0.0/8", "protocol": "user", "action": "drop", "override": True,
     "comment": "two words", "packets": 5, "bytes": 300, "counters": "shared",
     "fastpath": {"verdict": "drop", "reason": None}},
    {"dst": "10.1.0.0/16", "protocol": "user", "action": "via", "gateway": "192.0.2.1",
     "dev": "eth0", "lladdr": "02:00:00:00:00:01", "flags": ["onlink"], "fastpath": FORWARD},
    {"dst": "10.2.0.0/16", "protocol": "user", "action": "redirect", "dev": "eth1",
     "fastpath": {"verdict": "fallback", "reason": "egress_down"}},
    {"dst": "10.3.0.0/16", "protocol": "user", "action": "cpu", "cpus": "2-5",
     "fastpath": {"verdict": "fallback", "reason": "cpu"}},
    {"dst": "10.4.0.0/16", "protocol": "user", "action": "pass", "comment": "a\u001b[0m",
     "fastpath": {"verdict": "fallback", "reason": "user_pass"}},
    {"dst": "10.5.0.0/16", "protocol": "user", "action": "nexthop", "fastpath": FORWARD,
     "nexthops": [{"gateway": "192.0.2.1", "dev": "eth0", "weight": 3, "flags": []},
                  {"gateway": "192.0.2.9", "lladdr": "02:00:00:00:00:09", "weight": 1}]},
]


@test
def user_route_text():
    with FakeDaemon(answer(*USER)):
        prints(run("route", "proto", "user"),
               '10.0.0.0/8 drop proto user override comment "two words" packets 5 bytes 300 '
               "counters shared fastpath drop",
               "10.1.0.0/16 via 192.0.2.1 dev eth0 lladdr 02:00:00:00:00:01 onlink proto user "
               "fastpath forward",
               "10.2.0.0/16 redirect eth1 proto user fastpath fallback (egress_down)",
               "10.3.0.0/16 cpu 2-5 proto user fastpath fallback (cpu)",
               '10.4.0.0/16 pass proto user comment "a?[0m" fastpath fallback (user_pass)',
               "10.5.0.0/16 proto user fastpath forward",
               "\tnexthop via 192.0.2.1 dev eth0 weight 3",
               "\tnexthop via 192.0.2.9 lladdr 02:00:00:00:00:09 weight 1")


def split(text):
    """The words of a line, as the daemon splits it (daemon/user_words.c), of what is in double quotes."""
    words, at = [], 0
    while at < len(text):
        if text[at] == " ":
            at += 1
        elif text[at] != '"':
            end = text.find(" ", at)
            end = len(text) if end < 0 else end
            words.append(text[at:end])
            at = end
        else:
            word, at = "", at + 1
            while text[at] != '"':
                at += text[at] == "\\"
                word += text[at]
                at += 1
            words.append(word)
            at += 1
    return words


@test
def comments_can_be_read_back():
    rng = random.Random(3)
    comments = ['a "b" c', "\\", '\\"', '"', "it's", '" packets 9 bytes 9', "#", "\u00e9 \u20ac",
                'x\\', 'comment "y"']
    comments += ["".join(rng.choice("ab \"\\'#\u00e9") for _ in range(rng.randint(1, 30))) + "x"
                 for _ in range(500)]
    with FakeDaemon(answer(*({"dst": "10.0.0.0/8", "protocol": "user", "action": "drop",
                              "comment": comment, "packets": 1} for comment in comments))):
        lines = run("route", "proto", "user").stdout.splitlines()
    equal(len(lines), len(comments))
    for line, comment in zip(lines, comments):
        equal(split(line), ["10.0.0.0/8", "drop", "proto", "user", "comment", comment,
                            "packets", "1"])


COUNTS = {"added": 2, "replaced": 0, "deleted": 1, "unchanged": 0, "routes": 7}


@test
def changes_send_their_words():
    for words, command, args, said in (
        (["add", "10.0.0.0/8", "drop", "comment", "two words"], "user",
         {"words": ["add", "10.0.0.0/8", "drop", "comment", "two words"]}, []),
        (["rep", "frob", "x"], "user", {"words": ["replace", "frob", "x"]}, []),
        (["del", "10.0.0.0/8"], "user", {"words": ["del", "10.0.0.0/8"]}, []),
        (["flush", "dev", "eth0"], "flush", {"words": ["dev", "eth0"]}, ["2 added, 1 deleted"]),
    ):
        with FakeDaemon(answer(COUNTS)) as daemon:
            prints(run(*words), *said)
        equal(daemon.requests, [{"command": command, "args": args}])
    with FakeDaemon(answer({"added": 0})):
        prints(run("flush", "all"), "nothing to change")
    with FakeDaemon(answer(COUNTS)):
        equal(json.loads(run("-j", "add", "10.0.0.0/8", "drop").stdout), COUNTS)


@test
def what_is_held_is_said():
    for hold, held, said in (
        ("netfilter", 1, "accepted, but 1 route is not in force while everything is left to the "
         "kernel (netfilter: the firewall has to see it): remove its rules for forwarded packets, "
         "or start ebpf-routed with --ignore-netfilter"),
        ("xfrm", 3, "accepted, but 3 routes are not in force while everything is left to the "
         "kernel (xfrm: IPsec policies have to see it): remove the policies, or start ebpf-routed "
         "with --ignore-netfilter"),
        ("policy_rule", 1, "accepted, but 1 route is not in force while everything is left to the "
         "kernel (policy_rule: a policy rule decides that the fast path cannot follow): 'ip rule' "
         "shows which"),
        ("paused", 1, "accepted, but 1 route is not in force while everything is left to the "
         "kernel (paused: paused by the operator): 'ebpf-route status' tells when that is over"),
    ):
        row = {**COUNTS, "hold": hold, "held": held}
        for words, out in ((["add", "10.0.0.0/8", "dev", "eth0"], ""),
                           (["replace", "10.0.0.0/8", "dev", "eth0"], ""),
                           (["-b", "/dev/null"], "2 added, 1 deleted\n")):
            with FakeDaemon(answer(row)):
                result = run(*words)
            equal((result.returncode, result.stdout, result.stderr),
                  (0, out, f"ebpf-route: {said}\n"))
        with FakeDaemon(answer(row)):
            result = run("-j", "add", "10.0.0.0/8", "dev", "eth0")
        equal((result.returncode, json.loads(result.stdout), result.stderr), (0, row, ""))


@test
def refusals_are_the_daemons_words():
    line = "10.0.0.0/8: no such device 'x', nothing is changed"
    with FakeDaemon(json.dumps({"error": line, "exit": 2}).encode() + b"\n"):
        fails(run("add", "10.0.0.0/8", "redirect", "x"), 2, "^ebpf-route: " + re.escape(line))


@test
def batches_are_sent_whole():
    text = 'add 10.0.0.0/8 drop comment "\u00e9"\n# x\n'
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        for words, stdin, name in (
            (["-b", file.name], None, file.name),
            (["batch", file.name], None, file.name),
            (["-batch", "-"], text, "standard input"),
        ):
            with FakeDaemon(answer(COUNTS)) as daemon:
                prints(run(*words, input=stdin), "2 added, 1 deleted")
            equal(daemon.requests, [{"command": "batch", "args": {"text": text, "name": name}}])
        file.write("x" * (16 << 20))
        file.flush()
        fails(run("-b", file.name), 2, "longer than 16 MiB, nothing is changed")
    for content, pattern in ((b"a\0b", "contains a 0 byte"), (b"\xff", "not valid UTF-8")):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            fails(run("-b", file.name), 2, pattern)
    fails(run("-b", "/nonexistent/x"), 2, "/nonexistent/x: cannot be opened: No such file")
    fails(run("-b", "/"), 2, "/: cannot be read: Is a directory")


@test
def what_was_saved_is_said():
    row = {"file": "/etc/x/saved.conf", "routes": 3, "differs": 0}
    with FakeDaemon(answer(row)) as daemon:
        prints(run("save"), "/etc/x/saved.conf: 3 user routes")
    equal(daemon.requests, [{"command": "save", "args": {}}])
    with FakeDaemon(answer({**row, "differs": 2, "first": "10.0.0.0/8"})) as daemon:
        result = run("save", "x.conf")
    equal((result.returncode, result.stdout), (0, "/etc/x/saved.conf: 3 user routes\n"))
    check("2 user routes, 10.0.0.0/8 among them: another file says" in result.stderr, result.stderr)
    equal(daemon.requests, [{"command": "save", "args": {"file": "x.conf"}}])
    for words in (["save", "--force", "x.conf"], ["save", "x.conf", "--force"]):
        with FakeDaemon(answer(row)) as daemon:
            prints(run(*words), "/etc/x/saved.conf: 3 user routes")
        equal(daemon.requests, [{"command": "save", "args": {"file": "x.conf", "force": True}}])


@test
def neigh_text():
    with FakeDaemon(answer({"dst": "192.0.2.1", "dev": "eth0", "lladdr": "02:00:00:00:00:01",
                            "state": ["REACHABLE"], "fastpath": FORWARD},
                           {"dst": "192.0.2.2", "dev": "eth0", "state": ["FAILED"],
                            "fastpath": {"verdict": "fallback", "reason": "no_neighbour"}})):
        prints(run("neigh"),
               "192.0.2.1 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE fastpath forward",
               "192.0.2.2 dev eth0 FAILED fastpath fallback (no_neighbour)")


@test
def nexthop_text():
    with FakeDaemon(answer(
            {"id": 5, "slot": 40, "gateway": "192.0.2.1", "dev": "eth0", "mtu": 1400, "routes": 12,
             "packets": 3, "bytes": 192, "used_seconds_ago": 75, "fastpath": FORWARD},
            {"id": 9, "slot": 41, "group": [{"id": 1, "weight": 1}, {"id": 2, "weight": 3}],
             "routes": 1, "packets": 0, "bytes": 0, "used_seconds_ago": None, "fastpath": FORWARD},
            {"slot": 42, "nexthops": [{"gateway": "192.0.2.1", "dev": "eth0", "weight": 2}]})):
        prints(run("nexthop"),
               "id 5 slot 40 via 192.0.2.1 dev eth0 mtu 1400 routes 12 packets 3 bytes 192 "
               "used 1m 15s ago fastpath forward",
               "id 9 slot 41 group 1/2,3 routes 1 packets 0 bytes 0 used never fastpath forward",
               "slot 42 used never",
               "\tnexthop via 192.0.2.1 dev eth0 weight 2")


@test
def link_text():
    with FakeDaemon(answer(
            {"ifindex": 2, "ifname": "eth0", "mtu": 1500, "address": "02:00:00:00:00:01",
             "operstate": "UP", "port": 1, "hook": "xdp", "forwarding": True, "rp_filter": False,
             "xmit": ["native", "generic"], "fastpath": {"ingress": None, "egress": None}},
            {"ifindex": 10, "ifname": "wan-long-name", "fastpath": {"ingress": "forwarding_off"}})):
        prints(run("link"),
               "ifindex  ifname         state   mtu  address            port  hook  forwarding  "
               "rp_filter  xmit            ingress         egress",
               "      2  eth0           UP     1500  02:00:00:00:00:01     1  xdp   on          "
               "off        native,generic  forward         forward",
               "     10  wan-long-name  -         -  -                     -  -     -           "
               "-          -               forwarding_off  -")


STATUS = {
    "version": "0.1.0", "instance": "default", "engine": "dir24", "state": "synced",
    "routes": 974452, "neighbours": 12, "nexthops": 5, "groups": 1, "fallback_routes": 3, "full": 0,
    "hold": "netfilter",
    "netlink": {"events": 12345678, "overruns": 0, "resyncs": 1, "refused": 0, "lag_us": 120,
                "last_resync_us": 310000},
    "lease_seconds": 3, "uptime_seconds": 273600,
    "interfaces": [{"ifname": "eth0", "ifindex": 2, "hook": "xdp", "attached": True},
                   {"ifname": "eth10", "ifindex": 3, "hook": "none", "attached": False}]}


@test
def status_text():
    with FakeDaemon(answer(STATUS)):
        prints(run("status"),
               "instance      default, version 0.1.0, up 3d 4h",
               "state         synced",
               "hold          everything goes to the kernel: netfilter, the firewall has to see it",
               "engine        dir24",
               "routes        974452, of these left to the kernel: 3",
               "neighbours    12",
               "next hops     5",
               "groups        1",
               "netlink       events 12.35M, overruns 0, resyncs 1, refused 0, lag 120 us, "
               "last resync took 310.0 ms",
               "lease         3 s",
               "interfaces",
               "  eth0   xdp   attached",
               "  eth10  none  not attached")


@test
def status_tells_what_is_bypassed():
    interfaces = [{**STATUS["interfaces"][0], "bypassed": []},
                  {**STATUS["interfaces"][1], "bypassed": ["tc egress filter", "qdisc htb"]}]
    with FakeDaemon(answer({**STATUS, "interfaces": interfaces})):
        equal(run("status").stdout.splitlines()[-2:],
              ["  eth0   xdp   attached",
               "  eth10  none  not attached  BYPASSED: tc egress filter, qdisc htb"])


@test
def status_tells_what_is_refused():
    row = {"ifname": "eth1", "state": "out", "error": "No such device or address", "refusals": 3,
           "retry_seconds": 4}
    with FakeDaemon(answer({**STATUS, "refusals": [row, {**row, "state": "over"},
                                                   {**row, "ifname": "eth2", "state": "trial"}]})):
        lines = run("status").stdout.splitlines()
    equal([line for line in lines if line.startswith("refused")],
          ["refused       eth1: its driver takes no redirected frames, left to the kernel "
           "(No such device or address; refused 3 times)",
           "refused       eth2: to be tried again with the next packets "
           "(No such device or address; refused 3 times)"])


@test
def status_tells_of_user_routes():
    with FakeDaemon(answer({**STATUS, "user_routes": 3, "user_error": "x.conf:1: y",
                            "kernel_routes": False})):
        lines = run("status").stdout.splitlines()
    for line in ("user routes   3", "              NOT AS THE FILES SAY: x.conf:1: y",
                 "kernel routes not mirrored, user routes alone decide"):
        check(line in lines, lines)


@test
def get_text():
    with FakeDaemon(answer({"dst": "10.1.2.3", "from": "10.0.0.5", "iif": "eth0",
                            "verdict": "fallback", "reason": "no_neighbour", "prefix": "10.1.0.0/16",
                            "dev": "eth1", "gateway": "192.0.2.1", "mtu": 1500,
                            "engine_leaf": 45})) as daemon:
        prints(run("get", "10.1.2.3", "iif", "eth0", "from", "10.0.0.5"),
               "10.1.2.3 from 10.0.0.5 iif eth0: fallback (no_neighbour): next hop has no valid "
               "neighbour entry yet",
               "  route    10.1.0.0/16", "  gateway  192.0.2.1", "  dev      eth1",
               "  mtu      1500", "  leaf     45")
    equal(daemon.requests,
          [{"command": "get", "args": {"dst": "10.1.2.3", "iif": "eth0", "from": "10.0.0.5"}}])


@test
def get_packets_and_frames():
    forward = {"dst": "10.1.2.3", "verdict": "forward", "reason": None}
    for words, args in (
        (["10.1.2.3", "tos", "0x10", "ipproto", "tcp", "sport", "0", "dport", "65535"],
         {"dst": "10.1.2.3", "tos": 16, "ipproto": 6, "sport": 0, "dport": 65535}),
        (["10.1.2.3", "ipproto", "89", "ttl", "1", "size", "1500"],
         {"dst": "10.1.2.3", "ipproto": 89, "ttl": 1, "size": 1500}),
        (["10.1.2.3", "mac", "02:00:00:00:00:Af", "iif", "eth0"],
         {"dst": "10.1.2.3", "mac": "02:00:00:00:00:Af", "iif": "eth0"}),
        (["frame", "00fF", "iif", "eth0"], {"frame": "00fF", "iif": "eth0"}),
        (["frame", "a5" * 9216, "iif", "eth0"], {"frame": "a5" * 9216, "iif": "eth0"}),
    ):
        with FakeDaemon(answer(forward)) as daemon:
            equal(run("get", *words).returncode, 0)
        equal(daemon.requests, [{"command": "get", "args": args}])
    with FakeDaemon(answer({**forward, "from": None, "iif": "eth0", "tos": 16, "ipproto": 6,
                            "sport": 1, "dport": 2, "ttl": 9, "size": 1500, "prefix": "10.0.0.0/8",
                            "table": "200", "multipath": True})):
        prints(run("get", "10.1.2.3"),
               "10.1.2.3 iif eth0 tos 16 ipproto 6 sport 1 dport 2 ttl 9 size 1500: forward",
               "  route    10.0.0.0/8", "  table    200",
               "  multipath one leg of several, other flows may take another")
    with FakeDaemon(answer({"dst": None, "from": None, "iif": "eth0", "verdict": "fallback",
                            "reason": "not_ipv4", "prefix": None})):
        prints(run("get", "frame", "00", "iif", "eth0"),
               "frame iif eth0: fallback (not_ipv4): not an untagged Ethernet frame that carries IPv4")


@test
def rows_without_keys_or_with_other_types():
    for command in ("status", "stats", "route", "neigh", "nexthop", "link"):
        for row in ({}, {"dst": 5, "dev": [], "fastpath": 1, "nexthops": {}, "state": "UP",
                         "netlink": 3, "interfaces": [1, None, {}], "total": [],
                         "flags": [None, {}], "routes": "x"}):
            with FakeDaemon(answer(row)):
                result = run(command)
                equal((command, result.returncode, result.stderr), (command, 0, ""))


@test
def escape_sequences_do_not_reach_the_terminal():
    with FakeDaemon(answer({"dst": "default", "dev": "e\x1b[2Jx\u009by\x7f"})):
        prints(run("route"), "default dev e?[2Jx??y?")
    with FakeDaemon(b'{"error":"no\\u001b[2J\\nway"}\n'):
        fails(run("route"), 2, r"no\?\[2J\?way")


# ---- stats ---------------------------------------------------------------------------------------


def section(rx, ttl=0, errors=0):
    count = lambda n: {"packets": n, "bytes": 100 * n}  # noqa: E731
    return {"rx": count(rx), "forwarded": count(rx - ttl), "dropped": count(0),
            "fallback": {**count(ttl), "reasons": {"ttl": count(ttl), "mtu": count(0)}},
            "tx": count(rx), "tx_errors": {"packets": errors, "bytes": None}}


def stats(rx, ttl=0, **others):
    return {"interfaces": [{"ifname": "eth0", "hook": "xdp", **section(rx, ttl, **others)}],
            "total": section(rx, ttl, **others)}


@test
def stats_text():
    lines = ["  rx            1000  100000",
             "  forwarded      750   75000  75.0%",
             "  dropped          0       0   0.0%",
             "  fallback       250   25000  25.0%",
             "    ttl          250   25000  25.0%  time to live 1 or 0",
             "  tx            1000  100000",
             "  tx errors        2       -"]
    with FakeDaemon(answer(stats(1000, 250, errors=2))):
        prints(run("stats"), "             packets   bytes  share", "eth0 (xdp)", *lines, "total",
               *lines)


@test
def stats_tells_of_packets_lost_on_the_way_to_a_cpu():
    for lost, lines in ((5, ["  cpu errors        5       -"]), (0, []), (None, [])):
        sample = stats(1000)
        sample["total"]["cpu_errors"] = {"packets": lost, "bytes": None, "cpus": []}
        with FakeDaemon(answer(sample)):
            said = run("stats").stdout.splitlines()
        equal([line for line in said if "cpu errors" in line], lines)


def watch(*samples, words=("-w", "0.05"), blocks):
    """Runs stats -w until it has printed so many blocks; returns them and stderr."""
    with FakeDaemon(*samples):
        process = subprocess.Popen([*WRAPPER, BINARY, "stats", *words], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        seen = [""]
        while len(seen) <= blocks:
            line = process.stdout.readline()
            if not line:
                break
            seen[-1] += line
            if line == "\n" or "-j" in words:
                seen.append("")
        process.stdout.close()  # the command finds its reader gone
        stderr = process.stderr.read()
        code = process.wait(60)
        process.stderr.close()
    equal((code, len(seen) - 1), (0, blocks))
    return seen[:-1], stderr


def rate(block, label):
    return float(re.search(rf"^  +{label} +([0-9.]+)", block, re.M).group(1))


@test
def watch_shows_rates():
    blocks, stderr = watch(answer(stats(1000)), answer(stats(1500, 125)), words=("-w", "0.4"),
                           blocks=3)
    equal(stderr, "")
    check("counters\n" in blocks[0] and re.search("rx +1000 ", blocks[0]), blocks[0])
    seconds = float(re.search(r"rates over ([0-9.]+) s", blocks[1]).group(1))
    check(0.1 < seconds < 60, blocks[1])
    check(abs(rate(blocks[1], "rx") * seconds / 500 - 1) < 0.2, blocks[1])
    check(re.search(r"ttl .* 25\.0%  time to live", blocks[1]), blocks[1])
    check("ttl" not in blocks[2] and rate(blocks[2], "rx") == 0, blocks[2])
    check("\033" not in "".join(blocks), "redraws although stdout is no terminal")


@test
def watch_begins_anew_when_counters_go_backwards():
    blocks, _ = watch(answer(stats(5000)), answer(stats(70)), answer(stats(80)), blocks=3)
    check("begun anew" in blocks[1] and re.search("rx +70 ", blocks[1]), blocks[1])
    check("rates" in blocks[2] and rate(blocks[2], "rx") > 0, blocks[2])


@test
def watch_waits_for_a_daemon_that_restarts():
    blocks, stderr = watch(answer(stats(10)), b"", b"", answer(stats(20)), blocks=2)
    check("rates" in blocks[1], blocks[1])
    equal(stderr.count("\n"), 1)
    check("closed the connection" in stderr and "trying again every 0.05 s" in stderr, stderr)


@test
def watch_without_a_daemon_fails_at_once():
    fails(run("stats", "-w", "0.05"), 2, "no daemon listens")


@test
def watch_json_is_a_row_a_line():
    rows, _ = watch(answer(stats(1)), answer(stats(2)), words=("-w", "0.05", "-j"), blocks=2)
    equal([json.loads(row)["total"]["rx"]["packets"] for row in rows], [1, 2])


@test
def watch_redraws_on_a_terminal():
    master, slave = os.openpty()
    with FakeDaemon(answer(stats(1))):
        process = subprocess.Popen([*WRAPPER, BINARY, "stats", "-w"], stdout=slave,
                                   stderr=subprocess.DEVNULL)
        seen = b""
        while b"total" not in seen:
            seen += os.read(master, 4096)
        process.kill()
        process.wait()
    os.close(master)
    os.close(slave)
    check(seen.startswith(b"\033[H\033[J"), seen[:40])


# ---- JSON ----------------------------------------------------------------------------------------


@test
def json_is_the_rows_as_they_are():
    extra = [*ROUTES, {"dst": "10.0.0.0/8", "later": [1.5, "\u00e9", None], "big": 2**62}]
    for words in (["-j", "route"], ["route", "-j"], ["-jp", "route"], ["route", "--json", "-p"]):
        with FakeDaemon(answer(*extra)):
            result = run(*words)
            equal((result.returncode, json.loads(result.stdout)), (0, extra))
    with FakeDaemon(b'{"ok":true}\n{"b":1,"a": 0.10}  \n{"end":true}\n'):
        equal(run("-j", "link").stdout, '[{"b":1,"a": 0.10}]\n')
    for command, row in (("status", STATUS), ("stats", stats(7))):
        with FakeDaemon(answer(row)):
            equal(json.loads(run("-j", command).stdout), row)
        with FakeDaemon(answer(row)):
            check("\n    \"" in run("-jp", command).stdout, "not indented")


@test
def json_of_no_rows_is_an_empty_array():
    with FakeDaemon(answer()):
        equal(run("-j", "route").stdout, "[]\n")


@test
def json_array_stays_open_where_rows_are_missing():
    with FakeDaemon(b'{"ok":true}\n{"dst":"default"}\n'):
        result = run("-j", "route")
    equal((result.returncode, result.stdout), (2, '[{"dst":"default"}\n'))


@test
def many_rows_are_not_held_in_memory():
    row = b'{"dst":"10.0.0.0/8","gateway":"192.0.2.1","dev":"eth0","pad":"%s"}\n' % (b"x" * 200)

    def send(connection):
        connection.sendall(b'{"ok":true}\n')
        for _ in range(400):
            connection.sendall(row * 1000)
        connection.sendall(b'{"end":true}\n')

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (24 << 20, 24 << 20))

    if WRAPPER or os.environ.get("SANITIZED"):
        raise Skip("memory is not limited under a checker")
    for words in (["route"], ["-j", "route"]):
        with FakeDaemon(send):  # 100 MB of rows in 24 MB of heap
            result = run(*words, preexec_fn=limit)
            equal((result.returncode, result.stderr), (0, ""))
            equal(result.stdout.count("192.0.2.1"), 400000)


# ---- failures ------------------------------------------------------------------------------------


@test
def no_daemon():
    fails(run("status"), 2, r"instance 'default': no daemon listens on "
          r"/run/ebpf-route/default\.sock: No such file or directory, is ebpf-routed running\?$")
    with FakeDaemon(b""):
        os.rename(f"{DIRECTORY}/default.sock", f"{DIRECTORY}/old.sock")
        open(f"{DIRECTORY}/default.sock", "w").close()
        fails(run("status"), 2, "Connection refused, is ebpf-routed running")
        os.rename(f"{DIRECTORY}/old.sock", f"{DIRECTORY}/default.sock")


@test
def permission_denied():
    with FakeDaemon(answer(STATUS)) as daemon:
        os.chmod(daemon.path, 0o600)
        copy = "/run/ebpf-route-copy"  # the checkout may not be readable for everybody
        shutil.copy(BINARY, copy)
        os.chmod(copy, 0o755)
        try:
            result = subprocess.run([copy, "status"], capture_output=True, text=True,
                                    user=65534, group=65534, extra_groups=[])
        except (PermissionError, OSError, subprocess.SubprocessError) as error:
            raise Skip(f"cannot become another user: {error}") from error
        fails(result, 2, "default.sock: Permission denied, try again as root")


@test
def errors_of_the_daemon():
    with FakeDaemon(b'{"error":"eth9: no such interface","exit":2}\n'):
        fails(run("neigh", "dev", "eth9"), 2, "^ebpf-route: eth9: no such interface$")
    with FakeDaemon(b'{"error":"no such command","exit":1}\n'):
        fails(run("status"), 1, "no such command")
    for code in (b"0", b"-1", b"1000", b'"x"'):
        with FakeDaemon(b'{"error":"odd","exit":' + code + b"}\n"):
            fails(run("status"), 2, "odd")
    with FakeDaemon(b'{"ok":true}\n{"dst":"default"}\n{"error":"reply: not complete","exit":2}\n'):
        result = run("route")
    equal((result.returncode, result.stdout), (2, "default\n"))
    equal(result.stderr, "ebpf-route: reply: not complete\n")


@test
def error_sent_before_the_request_is_read():
    with FakeDaemon(b'{"error":"too many clients","exit":2}\n', early=True):
        fails(run("status"), 2, "too many clients")


@test
def daemon_closes_in_the_middle():
    whole = answer(STATUS)
    for end in (0, 1, 10, len(whole) - 30, len(whole) - 1):
        with FakeDaemon(whole[:end]):
            result = run("status", "-j")
            equal(result.returncode, 2)
            check("closed the connection before the end" in result.stderr, result.stderr)


@test
def garbage_from_the_daemon():
    for garbage, pattern in (
        (b"hello\n", "line 1 .* no JSON object"),
        (b"\n", "line 1 .* no JSON object"),
        (b"[]\n", "no JSON object: another value"),
        (b"{}\n", 'does not begin with "ok"'),
        (b'{"ok":false}\n', 'does not begin with "ok"'),
        (b'{"ok":true}\n{"a":\n', "line 2 .* no JSON object"),
        (b'{"ok":true}\n"row"\n', "line 2 .* no JSON object"),
        (b'{"ok":true}\n{"a":"\xff"}\n', "line 2 .* no JSON object"),
        (b'{"ok":true}\n{"a":"\0"}\n', "line 2 .* no JSON object"),
        (b'{"ok":true}\n' + b"[" * 100000 + b"\n", "line 2 .* no JSON object"),
        (b'{"ok":true}\n{"end":true}\n', "answered status with nothing"),
    ):
        with FakeDaemon(garbage):
            fails(run("status"), 2, pattern)
            fails(run("status", "-j"), 2, pattern)


@test
def lines_arrive_in_pieces():
    def send(connection):
        for byte in answer({"dst": "default"}, {"dst": "10.0.0.0/8"}):
            connection.sendall(bytes([byte]))

    with FakeDaemon(send):
        prints(run("route"), "default", "10.0.0.0/8")


@test
def long_lines():
    row = {"dst": "default", "pad": "x" * (4 << 20)}
    with FakeDaemon(answer(row)):
        prints(run("route"), "default")

    def endless(connection):
        connection.sendall(b'{"ok":true}\n{"dst":"')
        while True:
            connection.sendall(b"x" * (1 << 20))

    with FakeDaemon(endless):
        fails(run("route"), 2, "line 2 .* longer than 16 MB, giving up")


@test
def reader_of_the_output_goes_away():
    for words in ("route", "-j route", "-jp route"):
        with FakeDaemon(answer(*ROUTES * 20000)):
            command = " ".join([*WRAPPER, BINARY, words])
            script = f"{command} | head -n 1; exit ${{PIPESTATUS[0]}}"
            result = subprocess.run(["bash", "-c", script],
                                    capture_output=True, text=True, timeout=120)
        equal((result.returncode, result.stderr, result.stdout.count("\n")), (0, "", 1))


@test
def full_disk():
    for words in (["route"], ["status"], ["-j", "route"], ["-h"]):
        with FakeDaemon(answer(STATUS)), open("/dev/full", "w") as full:
            result = subprocess.run([*WRAPPER, BINARY, *words], stdout=full,
                                    stderr=subprocess.PIPE, text=True)
        equal((result.returncode, result.stderr),
              (2, "ebpf-route: standard output: No space left on device, "
                  "what was written is incomplete\n"))


@test
def settle_exit_codes():
    with FakeDaemon(answer()):
        prints(run("settle", "--timeout", "1"))
    with FakeDaemon(answer(end={"exit": 3})):
        fails(run("settle", "--timeout", "1"), 3, "settle: timed out")


# ---- verify -----------------------------------------------------------------------------------

SUMMARY = {"kind": "summary", "differences": 0, "more": False, "prefixes": 901918,
           "addresses": 4294967296, "neighbours": 16, "ports": 4, "own_addresses": 10,
           "queries": 20000, "packets": 19998, "full": 0, "in_flight": 0, "rounds": 0, "seconds": 1.054}
EQUAL = ("equal: 901918 prefixes, 16 neighbours, 4 ports, 10 own addresses, "
         "20000 addresses and 19998 packets asked of the kernel in 1.05 s")
DIFFERENCES = [
    {"kind": "route", "dst": "203.0.113.0/24", "kernel": "via 198.18.2.2 dev r2",
     "fastpath": "via 198.18.3.2 dev r3", "cause": "a cause"},
    {"kind": "route", "dst": "203.0.113.7", "prefix": "203.0.113.0/24", "kernel": "via A",
     "fastpath": "left to the kernel (no_route)", "cause": "b", "conservative": True},
    {"kind": "route", "more": 17},
    {"kind": "neighbour", "dst": "198.18.2.2", "dev": "r2", "kernel": "lladdr x",
     "fastpath": "no entry", "cause": "c"},
    {"kind": "port", "dev": "e\x1bvil", "kernel": "mtu 1500", "fastpath": "mtu 9000", "cause": "d"},
    {"kind": "port", "port": 77, "kernel": "no such device", "fastpath": "ifindex 9", "cause": "e"},
    {"kind": "own_address", "src": "192.0.2.1", "kernel": "f", "fastpath": "g", "cause": "h"},
    {"kind": "packet", "dst": "192.0.2.2", "src": "192.0.2.3", "dev": "r1", "kernel": "no route",
     "fastpath": "dev r2", "cause": "j"},
    {"kind": "control", "field": "hold", "kernel": "no hold", "fastpath": "paused", "cause": "i"},
]


@test
def verify_settles_and_asks():
    for words, args in (
        ([], {}),
        (["--samples", "0"], {"samples": 0}),
        (["--samples=9", "10.0.0.1", "10.0.0.2"],
         {"samples": 9, "addresses": ["10.0.0.1", "10.0.0.2"]}),
    ):
        with FakeDaemon(answer(), answer(SUMMARY)) as daemon:
            prints(run("verify", *words), EQUAL)
        equal(daemon.requests, [{"command": "settle", "args": {}},
                                {"command": "verify", "args": args}])


@test
def verify_prints_differences():
    rows = [*DIFFERENCES, {**SUMMARY, "differences": 24, "full": 3, "in_flight": 5}]
    with FakeDaemon(answer(), answer(*rows, end={"exit": 3})):
        result = run("verify")
    equal((result.returncode, result.stderr), (3, ""))
    equal(result.stdout.splitlines(), [
        "203.0.113.0/24: kernel: via 198.18.2.2 dev r2; fast path: via 198.18.3.2 dev r3 "
        "(cause: a cause)",
        "203.0.113.7: kernel: 203.0.113.0/24 via A; fast path: left to the kernel (no_route) "
        "(cause: b)",
        "route: 17 more",
        "neighbour 198.18.2.2 dev r2: kernel: lladdr x; fast path: no entry (cause: c)",
        "port e?vil: kernel: mtu 1500; fast path: mtu 9000 (cause: d)",
        "port number 77: kernel: no such device; fast path: ifindex 9 (cause: e)",
        "own_address 192.0.2.1: kernel: f; fast path: g (cause: h)",
        "packet to 192.0.2.2 from 192.0.2.3 iif r1: kernel: no route; fast path: dev r2 (cause: j)",
        "control hold: kernel: no hold; fast path: paused (cause: i)",
        "different: 24 differences" + EQUAL[5:],
        "3 ranges of addresses are left to the kernel for want of room (table_full)",
        "5 differences were on their way, and went",
    ])


@test
def verify_json_is_whole_though_different():
    rows = [*DIFFERENCES, {**SUMMARY, "differences": 24}]
    with FakeDaemon(answer(), answer(*rows, end={"exit": 3})):
        result = run("-j", "verify")
    equal((result.returncode, json.loads(result.stdout)), (3, rows))


@test
def verify_goes_on_where_the_kernel_never_rests():
    with FakeDaemon(answer(end={"exit": 3}), answer(SUMMARY)):
        prints(run("verify"), EQUAL)
    with FakeDaemon(answer(), b'{"error":"verify: another one is running","exit":2}\n'):
        fails(run("verify"), 2, "another one is running")
    with FakeDaemon(b'{"error":"too many clients","exit":2}\n'):
        fails(run("verify"), 2, "too many clients")


# ---- running -------------------------------------------------------------------------------------


def enter_namespace():
    """An empty /run of our own; exit 4, skipped, where the system allows none."""
    if os.environ.get("EBPF_ROUTE_TEST_NS"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        os.chmod("/run", 0o755)
        return
    unshare = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode:
        print("skipped: no mount namespace can be made here")
        sys.exit(4)
    os.environ["EBPF_ROUTE_TEST_NS"] = "1"
    os.execvp("unshare", [*unshare, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def main():
    counts = {"ok": 0, "FAILED": 0, "skipped": 0}
    if not os.access(BINARY, os.X_OK):
        print(f"{BINARY}: not there, build it first")
        sys.exit(2)
    enter_namespace()
    for function in TESTS:
        if sys.argv[1:] and function.__name__ not in sys.argv[1:]:
            continue
        verdict, why, began = "ok", "", time.monotonic()
        try:
            function()
        except Skip as skip:
            verdict, why = "skipped", f": {skip}"
        except Exception as error:  # pylint: disable=broad-except
            verdict, why = "FAILED", f": {type(error).__name__}: {error}"
        counts[verdict] += 1
        took = time.monotonic() - began
        print(f"{verdict:7} {function.__name__} ({took:.2f} s){why}", flush=True)
    if counts["skipped"]:
        print(f"{counts['skipped']} skipped")
    print(f"{counts['ok']} passed, {counts['FAILED']} failed")
    sys.exit(1 if counts["FAILED"] else 0)


if __name__ == "__main__":
    main()
