"""Builds frames and takes them apart: Ethernet, IPv4, and what is inside."""
import socket
import struct

ETH_IP = b'\x08\0'
UDP, TCP, ICMP, GRE, ESP, SCTP, UNKNOWN = 17, 6, 1, 47, 50, 132, 253
MAGIC = b'TWIN'
DF, MF = 0x4000, 0x2000
VXLAN = b'\x12\xb5'


def checksum(data):
    if len(data) & 1:
        data += b'\0'
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def body(token, length):
    """The tag over and over: any 15 bytes in a row of it name the packet."""
    return (struct.pack('!4sI', MAGIC, token) * (length // 8 + 1))[:length]


def token_in(frame):
    """The tag in a frame, or None."""
    at = frame.find(MAGIC)
    if at < 0 or at + 8 > len(frame):
        return None
    return struct.unpack_from('!I', frame, at + 4)[0]


def layer4(proto, src, dst, sport, dport, token, room):
    """Header and tagged payload in so many bytes; TCP and ICMP with checksums, as a host checks them."""
    if proto == UDP:
        return struct.pack('!HHHH', sport, dport, max(8, room), 0) + body(token, room - 8)
    if proto == TCP:
        segment = struct.pack('!HHIIBBHHH', sport, dport, token << 8, 0, 0x50, 2, 1024, 0, 0)
        segment += body(token, room - 20)
        pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack(
            '!HH', TCP, len(segment))
        return segment[:16] + struct.pack('!H', checksum(pseudo + segment)) + segment[18:]
    if proto == ICMP:
        message = struct.pack('!BBHHH', 8, 0, 0, sport, token & 0xffff) + body(token, room - 8)
        return message[:2] + struct.pack('!H', checksum(message)) + message[4:]
    return struct.pack('!HH', sport, dport) + body(token, room - 4)


def ipv4(src, dst, proto, payload, ttl=64, tos=0, ident=0, frag=0, options=b'', first=None,
         tot_len=None):
    ihl = 5 + len(options) // 4
    header = struct.pack(
        '!BBHHHBBH4s4s', ihl | 0x40 if first is None else first, tos,
        ihl * 4 + len(payload) if tot_len is None else tot_len, ident, frag, ttl, proto, 0,
        socket.inet_aton(src), socket.inet_aton(dst)) + options
    return header[:10] + struct.pack('!H', checksum(header)) + header[12:] + payload


def is_ipv4(frame):
    return frame[12:14] == ETH_IP and len(frame) >= 34


def is_arp(frame):
    return frame[12:14] == b'\x08\x06' and len(frame) >= 42


def inside(frame):
    """The frame inside of vxlan, or the packet that an ICMP error quotes as a frame; else None."""
    layer = frame[14 + (frame[14] & 15) * 4:]
    if frame[23] == UDP and layer[2:4] == VXLAN:
        return layer[16:]
    if frame[23] == ICMP and layer[:1] in (b'\x03', b'\x05', b'\x0b', b'\x0c'):
        return bytes(12) + ETH_IP + layer[8:]
    return None


def is_of_dead_neighbour(frame, sent):
    """The error for a packet that waited for a neighbour in vain: it quotes the TTL one less."""
    icmp = 14 + (frame[14] & 15) * 4
    return frame[12:14] == ETH_IP and frame[23:24] == b'\x01' and \
        frame[icmp:icmp + 2] == b'\x03\x01' and len(frame) >= icmp + 28 and \
        is_ipv4(sent) and frame[icmp + 16] == sent[22] - 1


def forwarded_ip(frame):
    """The IP packet as a router forwards it plainly, or None where it may not be forwarded so."""
    if not is_ipv4(frame) or frame[14] != 0x45 or frame[22] < 2:
        return None
    tot_len = struct.unpack_from('!H', frame, 16)[0]
    if tot_len < 20 or tot_len > len(frame) - 14:
        return None
    header = frame[14:22] + bytes((frame[22] - 1,)) + frame[23:24] + b'\0\0' + frame[26:34]
    return header[:10] + struct.pack('!H', checksum(header)) + header[12:] + frame[34:14 + tot_len]


def describe(frame):
    """A line for the report."""
    if not is_ipv4(frame):
        return '%s > %s type %s, %d bytes' % (
            frame[6:12].hex(':'), frame[:6].hex(':'), frame[12:14].hex(), len(frame))
    first, tos, tot_len, ident, frag, ttl, proto = struct.unpack_from('!BBHHHBB', frame, 14)
    text = '%s > %s %s > %s proto %d ttl %d tos 0x%02x len %d id %d' % (
        frame[6:12].hex(':'), frame[:6].hex(':'), socket.inet_ntoa(frame[26:30]),
        socket.inet_ntoa(frame[30:34]), proto, ttl, tos, tot_len, ident)
    if first != 0x45:
        text += ' first byte 0x%02x' % first
    if frag:
        text += ' frag 0x%04x' % frag
    layer = frame[14 + (first & 15) * 4:]
    if proto == ICMP and len(layer) >= 8 and not frag & 0x1fff:
        text += ' ICMP %d/%d' % (layer[0], layer[1])
        if layer[0] in (3, 4, 5, 11, 12) and len(layer) >= 28:
            text += ' (%08x) quoting %s > %s' % (
                struct.unpack_from('!I', layer, 4)[0], socket.inet_ntoa(layer[20:24]),
                socket.inet_ntoa(layer[24:28]))
    return '%s, frame of %d bytes' % (text, len(frame))
