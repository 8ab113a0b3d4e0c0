"""What frames.py does besides probes: listens, floods, announces addresses, tells of errors. Each returns the exit code."""
import signal
import socket
import struct
import time

from packet import checksum, ipv4


def listen(ports, seconds):
    """ARP, and neighbour solicitations and advertisements, as they arrive at each port."""
    end, count = time.monotonic() + seconds, dict.fromkeys(ports, 0)
    for port in ports.values():
        list(port.receive())
    while time.monotonic() < end:
        time.sleep(0.05)
        for name, port in ports.items():
            count[name] += sum(frame[12:14] == b'\x08\x06' or (
                frame[12:14] == b'\x86\xdd' and frame[20] == 58 and frame[54] in (135, 136))
                for frame in port.receive())
    print(' '.join('%s=%d' % (name, n) for name, n in count.items()))
    return 0


def flood(sender, args):
    """Traffic: short packets to the destinations in turn, for so many seconds."""
    with open(args.destinations, encoding='ascii') as text:
        destinations = text.read().split()
    frames = []
    for i, dst in enumerate(destinations):
        body = struct.pack('!HHHH', 1024 + i % 60000, 9, 18, 0) + bytes(10)
        frames.append(sender.peer + sender.mac + b'\x08\0' +
                      ipv4(sender.address, dst, 64, i & 0xffff, 0, 17, b'', body))
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    begin, sent = time.monotonic(), 0
    while time.monotonic() < begin + args.flood and not ended:
        for frame in frames[sent % len(frames):][:256]:
            sender.send(frame)
            sent += 1
        if args.rate:
            time.sleep(max(0, begin + sent / args.rate - time.monotonic()))
    print(sent)
    return 0


def announce(sender, mac):
    who = mac + socket.inet_aton(sender.address)
    sender.send(b'\xff' * 6 + mac + b'\x08\x06' + struct.pack('!HHBBH', 1, 0x0800, 6, 4, 1) + who +
                bytes(6) + socket.inet_aton(sender.address) + bytes(18))
    return 0


def error(sender, what, about):
    """To the router, about an echo reply of its own: its kernel learns what is no route."""
    kind, value = what.split('=')
    router = sender.address[:sender.address.rindex('.')] + '.1'
    quoted = ipv4(router, about, 64, 1, 0, 1, b'', bytes((0, 0, 0, 0, 0, 1, 0, 1)))
    if kind == 'pmtu':
        icmp = struct.pack('!BBHHH', 3, 4, 0, 0, int(value)) + quoted
    else:
        icmp = struct.pack('!BBH4s', 5, 1, 0, socket.inet_aton(value)) + quoted
    icmp = icmp[:2] + struct.pack('!H', checksum(icmp)) + icmp[4:]
    sender.send(sender.peer + sender.mac + b'\x08\0' +
                ipv4(sender.address, router, 64, 2, 0, 1, b'', icmp))
    return 0
