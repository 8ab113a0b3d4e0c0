"""Frames and the sockets in other namespaces that they go by: what frames.py, guards.py and stream.py share."""
import ctypes
import errno
import fcntl
import random
import select
import socket
import struct
import time

ETH_P_ALL, PACKET_OUTGOING, CLONE_NEWNET = 3, 4, 0x40000000
SIOCGIFFLAGS, IFF_RUNNING = 0x8913, 0x40
LIBC = ctypes.CDLL(None, use_errno=True)


def mac_bytes(text):
    return bytes.fromhex(text.replace(':', ''))


def checksum(data):
    if len(data) & 1:
        data += b'\0'
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def enter_netns(fd):
    if LIBC.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')


class Port:
    """The host's end of a link: a packet socket in its namespace."""

    def __init__(self, text):
        self.name, fields = text.split('=', 1)
        self.netns, self.ifname, mac, peer, self.address, self.router_if = fields.split(',')
        self.mac, self.peer = mac_bytes(mac), mac_bytes(peer)
        self.used = random.randrange(16 * 254)  # of the addresses behind it

    def behind(self):
        """Another address behind this host each time: the kernel limits "unreachable" errors by their receiver."""
        number = int(self.address.split('.')[2])
        self.used += 1
        return '198.19.%d.%d' % (number * 16 + self.used // 254 % 16, 1 + self.used % 254)

    def open(self, home):
        with open('/run/netns/' + self.netns, 'rb') as netns:
            enter_netns(netns.fileno())
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            # SO_RCVBUFFORCE: room for every frame of a large run
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
            self.socket.bind((self.ifname, ETH_P_ALL))
            self.socket.setblocking(False)
            enter_netns(home)

    def is_running(self):
        request = fcntl.ioctl(self.socket, SIOCGIFFLAGS, struct.pack('16s24x', self.ifname.encode()))
        return bool(struct.unpack_from('16xH', request)[0] & IFF_RUNNING)

    def wait_running(self):
        """Until the kernel's worker has seen the carrier; what is sent before it drops without a word."""
        end = time.monotonic() + 10
        while not self.is_running() and time.monotonic() < end:
            time.sleep(0.005)

    def receive(self):
        while True:
            try:
                frame, address = self.socket.recvfrom(65536)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENETDOWN:  # said once, of a link that is down
                    raise
                return
            if address[2] != PACKET_OUTGOING:
                yield frame

    def send(self, frame):
        end = time.monotonic() + 10
        while True:
            try:
                return self.socket.send(frame)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.ENOBUFS) or time.monotonic() > end:
                    raise
                select.select([], [self.socket], [], 0.01)


def ipv4(src, dst, ttl, ident, frag, proto, options, payload, tos=0):
    ihl = 5 + len(options) // 4
    header = struct.pack('!BBHHHBBH4s4s', ihl | 4 << 4, tos, ihl * 4 + len(payload), ident, frag,
                         ttl, proto, 0, socket.inet_aton(src), socket.inet_aton(dst)) + options
    return header[:10] + struct.pack('!H', checksum(header)) + header[12:] + payload
