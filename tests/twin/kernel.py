"""What the harness asks of the kernel directly: namespaces, packet sockets, iproute2, ethtool, BPF maps.

Nothing here knows of routers or packets' contents.
"""
import array
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import platform
import re
import select
import socket
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
ETH_P_ALL, PACKET_OUTGOING = 3, 4
SO_RCVBUFFORCE, SOL_PACKET, PACKET_IGNORE_OUTGOING = 33, 263, 23
SIOCETHTOOL, ETHTOOL_STXCSUM, ETHTOOL_SGRO = 0x8946, 0x17, 0x2c
BPF_MAP_LOOKUP_ELEM, BPF_OBJ_GET, BPF_OBJ_GET_INFO_BY_FD = 1, 7, 15
NR_BPF = {'x86_64': 321, 'aarch64': 280}.get(platform.machine())
LIBC = ctypes.CDLL(None, use_errno=True)


def set_netns(fd):
    if LIBC.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')


class Namespace:
    """A network namespace with a name, and iproute2 running in it."""

    def __init__(self, name):
        self.name, self.fd, self.ip, self.query = name, -1, None, None

    def create(self):
        """Apart from the constructor: whatever interrupts it, close() undoes what there is."""
        subprocess.run(['ip', 'netns', 'add', self.name], check=True)
        self.fd = os.open('/run/netns/' + self.name, os.O_RDONLY | os.O_CLOEXEC)
        self.ip = Iproute(self.name, [])
        self.query = Iproute(self.name, ['-j'])

    @contextlib.contextmanager
    def entered(self):
        home = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        set_netns(self.fd)
        try:
            yield
        finally:
            set_netns(home)
            os.close(home)

    def sysctl(self, settings):
        """Writes {path below /proc/sys/net: value}; returns the paths that could not be written."""
        failed = []
        with self.entered():
            for path, value in settings.items():
                try:
                    with open('/proc/sys/net/' + path, 'w', encoding='ascii') as file:
                        file.write(str(value))
                except OSError as error:
                    failed.append('%s: %s' % (path, errno.errorcode[error.errno]))
        return failed

    def forget_devices(self):
        """After one was deleted: iproute2 would take its former index for the next of that name."""
        for process in (self.ip, self.query):
            process.close()
            process.start()

    def run(self, words, text):
        """Another command in the namespace; the lines of its errors."""
        result = subprocess.run(['ip', 'netns', 'exec', self.name, *words], input=text, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return result.stdout.splitlines()

    def ethtool(self, ifname, command, value):
        """An old-style feature switch; True where the kernel took it."""
        data = array.array('I', [command, value])
        request = struct.pack('16sP', ifname.encode(), data.buffer_info()[0])
        with self.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                fcntl.ioctl(sock, SIOCETHTOOL, request + bytes(16))
            except OSError:
                return False
        return True

    def packet_socket(self, protocol):
        """A raw socket for all interfaces of the namespace; protocol 0: only for sending."""
        with self.entered():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
        if protocol:
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            with contextlib.suppress(OSError):  # Linux 4.20
                sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        sock.setblocking(False)
        return sock

    def close(self):
        for process in (self.ip, self.query):
            if process:
                process.close()
        if self.fd >= 0:
            os.close(self.fd)
        subprocess.run(['ip', 'netns', 'del', self.name], check=False, stderr=subprocess.DEVNULL)


class Iproute:
    """`ip -batch` kept running: a command costs a tenth of what starting `ip` does.

    Errors come by the same pipe as answers, so an unmistakable answer marks the end of each request.
    """

    END = 'link show dev lo\n'
    TEXT_END = re.compile(rb'^1: lo: .*\n.*:00\n\Z', re.M)
    JSON_END = re.compile(rb'^\[\{"ifindex":1,[^{}]*\}\]\n\Z', re.M)

    def __init__(self, netns, options):
        self.netns, self.options = netns, options
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ['ip', '-n', self.netns, *self.options, '-force', '-batch', '-'], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)

    def ask(self, commands):
        """The lines that these commands print, without those that only repeat "failed, line N"."""
        out, some = b'', []
        for command in commands:
            if command.startswith('neigh '):  # where it fails, ip ends without a look at the next
                out += self.run(some) + self.run([command])
                some = []
            else:
                some.append(command)
        out += self.run(some)
        return [line for line in out.decode('utf-8', 'replace').splitlines()
                if line and not line.startswith('Command failed')]

    def run(self, commands):
        if not commands:
            return b''
        text = ''.join(command + '\n' for command in commands) + self.END
        self.process.stdin.write(text.encode())
        return self.read_until_end(len(commands) == 1)

    def read_until_end(self, may_end):
        """What was printed before the loopback device of END."""
        fd, out = self.process.stdout.fileno(), b''
        deadline = time.monotonic() + 30
        while True:
            ended = (self.JSON_END if self.options else self.TEXT_END).search(out)
            if ended:
                return out[:ended.start()]
            if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
                raise RuntimeError('ip does not answer: %r' % out[-400:])
            chunk = os.read(fd, 1 << 20)
            if not chunk:
                self.close()
                self.start()
                if may_end:
                    return out
                raise RuntimeError('ip ended: %r' % out[-400:])
            out += chunk

    def json(self, command):
        """The rows of one command's answer; none where it fails."""
        for line in self.ask([command]):
            if line.startswith('['):
                return json.loads(line)
        return []

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class PinnedMap:
    """Reads elements of a pinned array; per CPU ones as one value of all CPUs."""

    def __init__(self, path):
        name = ctypes.create_string_buffer(path.encode())
        self.fd = self.call(BPF_OBJ_GET, struct.pack('QII', ctypes.addressof(name), 0, 0))
        info = ctypes.create_string_buffer(88)
        self.call(BPF_OBJ_GET_INFO_BY_FD,
                  struct.pack('IIQ', self.fd, len(info), ctypes.addressof(info)))
        kind, _, _, self.value_size = struct.unpack_from('4I', info)
        self.cpus = possible_cpus() if kind == 6 else 1  # BPF_MAP_TYPE_PERCPU_ARRAY
        self.stride = (self.value_size + 7) // 8 * 8
        self.key = ctypes.c_uint32()
        self.value = ctypes.create_string_buffer(self.stride * self.cpus)
        self.attr = ctypes.create_string_buffer(struct.pack(
            'IxxxxQQQ', self.fd, ctypes.addressof(self.key), ctypes.addressof(self.value), 0))

    @staticmethod
    def call(command, attr):
        buffer = ctypes.create_string_buffer(attr, len(attr))
        result = LIBC.syscall(NR_BPF, command, buffer, len(attr))
        if result < 0:
            raise OSError(ctypes.get_errno(), 'bpf(%d)' % command)
        return result

    def read(self, index):
        self.key.value = index
        if LIBC.syscall(NR_BPF, BPF_MAP_LOOKUP_ELEM, self.attr, 32) < 0:
            raise OSError(ctypes.get_errno(), 'bpf(map_lookup_elem)')
        return self.value.raw

    def close(self):
        os.close(self.fd)


def possible_cpus():
    with open('/sys/devices/system/cpu/possible', encoding='ascii') as file:
        last = file.read().strip().replace('-', ',').split(',')[-1]
    return int(last) + 1


def wait_for(seconds, condition, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError('%s: not in %g s' % (what, seconds))
        time.sleep(0.002)
