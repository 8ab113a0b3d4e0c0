"""The names and addresses of the lab, the same for each of the routers.

    198.18.N.1/24 02:00:00:00:0N:01 is port rN of the router, N from 1 to 4, and hN its other end:
    198.18.N.2 to .5    gateways, 02:00:00:00:0N:02 to :05
    198.18.N.10 to .13  hosts, 02:00:00:00:0N:0a to :0d
    198.19.(16 N).0/20  senders behind 198.18.N.2, each used once: the kernel limits errors by receiver
    fe80::2             gateway of every port, 02:00:00:00:0N:02, for routes via inet6

    x1 198.18.40.1/24 is a vxlan device, which cannot transmit frames redirected by XDP; gateway 198.18.40.2
    m1 198.18.50.1/24 00:00:5e:00:01:01 is a macvlan device on r1 that comes and goes
"""
import socket
import struct

PORTS = (1, 2, 3, 4)
GATEWAYS = (2, 3, 4, 5)
HOSTS = (10, 11, 12, 13)
ENCAPSULATING, ENCAPSULATING_GATEWAY = 'x1', '198.18.40.2'
ENCAPSULATING_MAC = '02:00:00:00:40:02'
VIRTUAL, VIRTUAL_MAC, VIRTUAL_ADDRESS = 'm1', '00:00:5e:00:01:01', '198.18.50.1'
HOST_MAC = '02:00:00:00:%02x:fe'  # of the host ends themselves


def number_of(address):
    return struct.unpack('!I', socket.inet_aton(address))[0]


def address_of(number):
    return socket.inet_ntoa(struct.pack('!I', number & 0xffffffff))


def mac_bytes(text):
    return bytes.fromhex(text.replace(':', ''))


def router_mac(port):
    return '02:00:00:00:%02x:01' % port


def router_address(port):
    return '198.18.%d.1' % port


def gateway(port, host=2):
    return '198.18.%d.%d' % (port, host)


def gateway_mac(port, host=2):
    return '02:00:00:00:%02x:%02x' % (port, host)


def sender(port, number):
    """The number-th of the 4094 senders behind that port."""
    return address_of(number_of('198.19.%d.0' % (port * 16)) + 1 + number % 4094)


def senders_prefix(port):
    return '198.19.%d.0/20' % (port * 16)


HALF_OF_SENDERS = '198.19.32.0/21'  # behind port 2

# Overlapping on purpose. Nothing of it exists outside the namespaces.
UNIVERSE = (
    '0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1', '203.0.0.0/8', '203.0.112.0/20', '203.0.113.0/24',
    '203.0.113.0/25', '203.0.113.128/25', '203.0.113.64/26', '203.0.113.128/26',
    '203.0.113.192/27', '203.0.113.128/30', '203.0.113.130/31', '203.0.113.1/32',
    '203.0.113.255/32', '203.0.113.0/32', '203.0.114.0/23', '203.0.114.0/24', '203.0.115.0/24',
    '203.0.115.128/25', '192.0.2.0/24', '192.0.2.0/28', '192.0.2.16/28', '192.0.2.17/32',
    '198.51.100.0/24', '198.51.100.0/22', '198.51.100.200/29', '100.64.0.0/10', '100.64.0.0/16',
    '100.127.255.0/24', '100.127.255.255/32', '240.1.0.0/16', '198.18.2.64/26', '198.18.3.10/32',
    '198.18.3.8/29', '198.18.60.0/24', HALF_OF_SENDERS, '10.0.0.0/8', '10.1.0.0/16',
    '10.1.2.0/23', '10.1.2.0/24', '10.1.3.0/24', '10.1.2.3/32')


def split_prefix(prefix):
    """(first, last) address of a prefix as numbers."""
    address, length = prefix.split('/')
    first = number_of(address)
    return first, first + (1 << 32 - int(length)) - 1
