"""The router, and everything that can be done to its daemon from outside.

The namespaces and links are those of the twin routers (tests/twin/topology.py).
"""
import ctypes
import glob
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from daemon import Control
from kernel import PinnedMap, wait_for
from topology import Router

READY_SECONDS = 30
SETTLE_SECONDS = 30
LEASE_MARGIN = 0.5   # of the coarse clock that the programs read: it stops with the CPU that keeps the time
BPF_PROG_LOAD, BPF_PROG_TYPE_XDP = 5, 6
RTM_SETLINK, NLM_F_REQUEST_ACK, IFLA_XDP_NESTED, IFLA_XDP_FD = 19, 5, 43 | 0x8000, 1
SMALL = ('--max-nexthops 64', '--max-adjacencies 6', '--max-groups 1', '--max-neighbours 2',
         '--max-extension-groups 2', '--max-lpm-routes 24')


class Broken(Exception):
    """Something that should have worked did not: a violation, and the end of the run."""


def load_program():
    """One that passes everything: r0 = XDP_PASS; exit."""
    code = ctypes.create_string_buffer(struct.pack('<QQ', 2 << 32 | 0xb7, 0x95))
    license_text = ctypes.create_string_buffer(b'GPL')
    return PinnedMap.call(BPF_PROG_LOAD, struct.pack(
        'IIQQ', BPF_PROG_TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(license_text)) +
        bytes(104))


def set_xdp(ifindex, fd):
    """The netlink message; without a program (-1) it is taken away."""
    attribute = struct.pack('=HHHHi', 12, IFLA_XDP_NESTED, 8, IFLA_XDP_FD, fd)
    body = struct.pack('=BxHiII', 0, 0, ifindex, 0, 0) + attribute
    return struct.pack('=IHHII', 16 + len(body), RTM_SETLINK, NLM_F_REQUEST_ACK, 1, 0) + body


class Lab(Router):
    """Router of the twins, with a daemon that can be stopped, killed and started differently."""

    def __init__(self, prefix, build, log):
        super().__init__(prefix, 'dir24', 'xdp', build, log)
        self.lease, self.keep, self.more = 3, False, []
        self.routes_dir = None
        self.stopped_at = None  # since when the daemon has not renewed its lease
        self.lease_until = 0.0  # and how long the one that it left goes on
        self.granted = self.lease  # for how long the daemon may grant it
        self.starts = 0

    # ---- the daemon --------------------------------------------------------------------------------
    def start_daemon(self):
        self.granted = max(self.granted, self.lease)  # the one before has left a lease
        options = ['--lease', str(self.lease), '--routes-dir', self.routes_dir] + self.more
        if self.keep:
            options.append('--keep')
        self.daemon = subprocess.Popen(
            [os.path.join(self.build, 'ebpf-routed'), '--netns', self.router.name, '--instance',
             self.instance, '-i', 'r*', '--hook', self.hook, '--fib', self.engine, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)

    def wait_daemon(self):
        if not select.select([self.daemon.stdout], [], [], READY_SECONDS)[0]:
            raise Broken('ebpf-routed: not ready in %d s' % READY_SECONDS)
        if not self.daemon.stdout.readline():
            raise Broken('ebpf-routed: ended at its start')
        self.control = Control(self.instance)
        self.granted = self.lease
        self.stopped_at = None
        self.starts += 1

    def begin(self):
        self.routes_dir = tempfile.mkdtemp(prefix='ebpf-route-chaos.')
        self.build_links()
        self.start()

    def start(self):
        self.start_daemon()
        self.wait_daemon()

    @property
    def running(self):
        return self.stopped_at is None

    def note_stopped(self):
        """It does not renew its lease any more; the maps say how long that lasts, if they are still there."""
        self.stopped_at = self.lease_until = time.monotonic()
        pin = '/sys/fs/bpf/ebpf-route/%s/control' % self.instance
        if os.path.exists(pin):
            control = PinnedMap(pin)
            self.lease_until = struct.unpack_from('Q', control.read(0))[0] / 1e9
            control.close()
            if self.lease_until > self.stopped_at + self.granted:  # it had stopped by then
                raise Broken('the lease goes on for %.3f s, not for %d at most' % (
                    self.lease_until - self.stopped_at, self.granted))

    def lease_end(self):
        return max(self.stopped_at, self.lease_until) + LEASE_MARGIN

    def settle(self):
        """Until the maps say what the kernel does."""
        if self.daemon.poll() is not None:
            raise Broken('ebpf-routed ended by itself, with code %s' % self.daemon.poll())
        self.control.ask('settle', {'timeout': SETTLE_SECONDS})

    def status(self):
        return self.control.ask('status')[0]

    def freeze(self):
        """SIGSTOP; returns when it has stopped."""
        self.daemon.send_signal(signal.SIGSTOP)
        stat = '/proc/%d/stat' % self.daemon.pid

        def stopped():
            with open(stat, encoding='ascii') as file:
                return file.read().rsplit(')', 1)[1].split()[0] in 'tT'
        wait_for(30, stopped, 'ebpf-routed stopped')
        self.note_stopped()

    def thaw(self):
        self.daemon.send_signal(signal.SIGCONT)
        self.stopped_at = None

    def kill(self):
        self.daemon.kill()
        self.ended(-signal.SIGKILL)

    def terminate(self):
        self.daemon.terminate()
        self.ended(0)

    def ended(self, expected):
        try:
            code = self.daemon.wait(READY_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise Broken('ebpf-routed does not end') from error
        self.note_stopped()
        self.daemon.stdout.close()
        if code != expected:
            raise Broken('ebpf-routed ended with code %d' % code)

    def hang_up(self):
        self.daemon.send_signal(signal.SIGHUP)

    def write_routes(self, lines):
        """The one file of user routes; in one step, as a reader might come at any time."""
        path = os.path.join(self.routes_dir, 'chaos.conf')
        with open(path + '.new', 'w', encoding='ascii') as file:
            file.write(''.join(line + '\n' for line in lines))
        os.rename(path + '.new', path)

    # ---- another's XDP program ------------------------------------------------------------------------
    def foreign(self, port, attach):
        """Attached to the port as `ip link set dev rN xdp` would, or taken away."""
        fd = load_program() if attach else -1
        try:
            with self.router.entered(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
                sock.send(set_xdp(socket.if_nametoindex('r%d' % port), fd))
                code = struct.unpack_from('=i', sock.recv(65536), 16)[0]
        finally:
            if attach:
                os.close(fd)
        if code:
            raise Broken('r%d: foreign program: %s' % (port, os.strerror(-code)))

    # ---- the kernel ---------------------------------------------------------------------------------
    def firewall(self, text):
        """An nftables script."""
        wrong = self.router.run(['nft', '-f', '-'], text)
        if wrong:
            raise Broken('nft: %s: %s' % (text, wrong))

    def kernel_leg(self, flow):
        """(port, gateway or None) of the kernel's own answer for a packet of this flow, or None."""
        for row in self.router.query.json('route get %s from %s iif r%d' % (
                flow.dst, flow.src, flow.port)):
            if row.get('dev', '').startswith('r') and row.get('type', 'unicast') == 'unicast':
                return int(row['dev'][1:]), row.get('gateway')
        return None

    def close(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGCONT)
        code = super().close()
        shutil.rmtree('/sys/fs/bpf/ebpf-route/%s' % self.instance, ignore_errors=True)
        for path in glob.glob('/run/ebpf-route/%s.*' % self.instance):  # of one that was killed
            os.unlink(path)
        if self.routes_dir:
            shutil.rmtree(self.routes_dir, ignore_errors=True)
        return code
