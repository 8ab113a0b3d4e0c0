"""The lab of scripts/bench-actions: the sender (tests/bench/actions.c), the daemon, and the counters of both.

    gen                  router                           sink
    g0 198.18.0.2 ----- r0 198.18.0.1  r1 198.18.1.1 ----- s0, stands for 198.18.1.2 .. .17
"""
import json
import os
import re
import signal
import socket
import subprocess
import time

TARGET = '198.18.64.0/24'  # where all packets go, as actions.c has it
GATEWAY, OTHER_GATEWAY = '198.18.1.2', '198.18.1.3'
PATIENCE = 60


class Failed(Exception):
    """The lab itself does not do what it should: nothing can be measured."""


def run(*command, **more):
    """Its stdout; Failed where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ['exit code %d' % done.returncode]
        raise Failed('%s: %s' % (' '.join(command), said[-1]))
    return done.stdout


class Sender:
    """The process of actions.c: makes the namespaces, and takes them away when its stdin ends."""

    def __init__(self, build, name, routes):
        self.process = subprocess.Popen([os.path.join(build, 'actions'), name, str(routes)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.cpu = self.answer()['cpu']

    def answer(self):
        """The next line of it."""
        line = self.process.stdout.readline()
        if not line:
            raise Failed('the sender ended')
        return json.loads(line)

    def ask(self, *words):
        """One command, one answer."""
        self.process.stdin.write(' '.join(str(word) for word in words) + '\n')
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        """Ends it, and the namespaces with it."""
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Daemon:
    """ebpf-routed for the router, on the CPUs that do not send."""

    def __init__(self, build, name, hook, busy_cpu, scratch):
        self.build, self.name, self.hook = build, name, hook
        others = sorted(os.sched_getaffinity(0) - {busy_cpu})
        self.log = open(os.path.join(scratch, 'ebpf-routed.log'), 'w+', encoding='utf-8')
        self.process = subprocess.Popen(
            [os.path.join(build, 'ebpf-routed'), '--netns', name + '-router', '--instance', name,
             '-i', 'r0', '-i', 'r1', '--hook', hook, '--config', os.path.join(scratch, 'empty.conf')],
            stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, others or {busy_cpu}))
        if not self.process.stdout.readline():
            self.process.wait()
            raise Failed('ebpf-routed: %s' % (self.messages() or ['ended'])[-1])

    def messages(self):
        """What it logged."""
        self.log.seek(0)
        return self.log.read().splitlines()

    def command(self, *words):
        """stdout of ebpf-route."""
        return run(os.path.join(self.build, 'ebpf-route'), '--instance', self.name, *words)

    def ask(self, command, **args):
        """The rows of an answer, straight from the socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect('/run/ebpf-route/%s.sock' % self.name)
            sock.sendall(json.dumps({'command': command, 'args': args}).encode() + b'\n')
            text = b''
            while chunk := sock.recv(1 << 18):
                text += chunk
        rows = [json.loads(line) for line in text.splitlines()]
        for row in rows:
            if 'error' in row:
                raise Failed('%s %s: %s' % (command, args, row['error']))
        return [row for row in rows if 'ok' not in row and 'end' not in row]

    def user(self, words):
        """One change of user routes, applied when this returns."""
        return self.ask('user', words=words.split())

    def settle(self):
        """Everything that the kernel announced is in the maps."""
        self.command('settle', '--timeout', '30')

    def cpu_seconds(self):
        """CPU time that it has had."""
        with open('/proc/%d/stat' % self.process.pid, encoding='utf-8') as file:
            fields = file.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def stats(self):
        """Of r0."""
        for row in self.ask('stats')[0]['interfaces']:
            if row['ifname'] == 'r0':
                return row
        raise Failed('ebpf-route stats: r0 is missing')

    def close(self):
        """Ends it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Lab:
    """Everything that is set up, and what the kernel counts."""

    def __init__(self, build, name, routes, scratch):
        self.build, self.name, self.scratch = build, name, scratch
        with open(os.path.join(scratch, 'empty.conf'), 'w', encoding='utf-8') as file:
            file.write('routes-dir = %s\n' % os.path.join(scratch, 'routes.d'))
        self.daemon = None
        self.sender = Sender(build, name, routes)
        self.cpu = self.sender.cpu
        self.other_cpu = min(os.sched_getaffinity(0) - {self.cpu}, default=self.cpu)
        self.ip('gen', 'route add default via 198.18.0.1')
        self.ip('sink', 'address add %s/24 dev s0' % GATEWAY)
        self.ip('sink', 'route add default via 198.18.1.1')
        self.ip('sink', 'neigh add 198.18.1.1 lladdr 02:00:00:00:00:21 nud permanent dev s0')

    def ip(self, site, words):
        """iproute2 in a namespace."""
        return run('ip', '-n', '%s-%s' % (self.name, site), *words.split())

    def on(self, site, *command, **more):
        """stdout of a command in a namespace."""
        return run('ip', 'netns', 'exec', '%s-%s' % (self.name, site), *command, **more)

    def start_daemon(self, hook):
        """With that hook, which it has to take."""
        self.daemon = Daemon(self.build, self.name, hook, self.cpu, self.scratch)
        hooks = [(port['hook'], port['attached']) for port in self.daemon.ask('status')[0]['interfaces']]
        if hooks != [(hook, True)] * 2:
            raise Failed('ebpf-routed --hook %s: attached as %s' % (hook, hooks))

    def stop_daemon(self):
        """Without a word where there is none."""
        if self.daemon:
            self.daemon.close()
        self.daemon = None

    def route(self, words):
        """The kernel's route to the target; None: there is none."""
        if words:
            self.ip('router', 'route replace ' + words)
        else:
            subprocess.run(['ip', '-n', self.name + '-router', 'route', 'del', TARGET], check=False,
                           stderr=subprocess.DEVNULL)
        if self.daemon:
            self.daemon.settle()

    def nft(self, site, rules):
        """A ruleset in place of what is there."""
        self.on(site, 'nft', '-f', '-', input='flush ruleset\n' + rules)

    def nft_packets(self, site):
        """What the one counter of the ruleset says."""
        rules = json.loads(self.on(site, 'nft', '-j', 'list', 'ruleset'))['nftables']
        return sum(part['counter']['packets'] for rule in rules if 'rule' in rule
                   for part in rule['rule']['expr'] if 'counter' in part)

    def tc(self, words):
        """tc in the router."""
        return self.on('router', 'tc', *words.split())

    def tc_packets(self):
        """What the actions of r0's ingress filters have counted."""
        text = self.on('router', 'tc', '-s', 'filter', 'show', 'dev', 'r0', 'ingress')
        return sum(int(n) for n in re.findall(r'^\s*Sent \d+ bytes (\d+) pkt', text, re.M))

    def snmp(self, site='router'):
        """{'Ip.InReceives': .., ..} of a namespace."""
        lines = self.on(site, 'cat', '/proc/net/snmp').splitlines()
        found = {}
        for names, values in zip(lines[::2], lines[1::2]):
            protocol = names.split(':')[0]
            for name, value in zip(names.split()[1:], values.split()[1:]):
                found['%s.%s' % (protocol, name)] = int(value)
        return found

    def prefer_cpumap_thread(self):
        """Real-time priority for the thread that takes packets over for the daemon's map of CPUs."""
        pinned = '/sys/fs/bpf/ebpf-route/%s/cpus' % self.name
        number = json.loads(run('bpftool', '-j', 'map', 'show', 'pinned', pinned))['id']
        name = 'cpumap/%d/map:%d' % (self.other_cpu, number)

        def threads():
            found = []
            for pid in filter(str.isdigit, os.listdir('/proc')):
                try:
                    with open('/proc/%s/comm' % pid, encoding='utf-8') as file:
                        if file.read().strip() in (name, name[:15]):
                            found.append(int(pid))
                except OSError:
                    pass
            return found

        if not wait_for(30, threads):
            raise Failed('%s: there is no such thread' % name)
        os.sched_setscheduler(threads()[0], os.SCHED_FIFO, os.sched_param(1))

    def close(self):
        """Takes everything down."""
        self.stop_daemon()
        self.sender.close()


def wait_for(seconds, holds):
    """Whether holds() became true in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
