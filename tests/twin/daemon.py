"""The daemon as others see it: its control socket, and its counters of single packets.

`stats` is what people read; to know the verdict of each packet, its map is read after each.
"""
import json
import os
import re
import socket
import struct

from kernel import PinnedMap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FORWARDED, DROPPED = 'forwarded', 'dropped'


def verdict_names():
    """The names in include/reasons.h, in the order of the counters."""
    with open(os.path.join(TOP, 'include', 'reasons.h'), encoding='utf-8') as file:
        return re.findall(r'^\s*X\((\w+), "', file.read(), re.M)


class Refused(Exception):
    """The daemon answered with an error."""

    def __init__(self, answer):
        super().__init__(answer.get('error', 'error'))
        self.code = answer.get('exit', 2)


class Control:
    """One request a connection; see daemon/control.c."""

    def __init__(self, instance):
        self.path = '/run/ebpf-route/%s.sock' % instance

    def ask(self, command, args=None):
        """The rows of the answer."""
        return self.ask_with_code(command, args)[0]

    def ask_with_code(self, command, args=None):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(60)
            sock.connect(self.path)
            sock.sendall(json.dumps({'command': command, 'args': args or {}}).encode() + b'\n')
            text = b''
            while True:
                chunk = sock.recv(1 << 18)
                if not chunk:
                    break
                text += chunk
        rows, code, ended = [], 0, False
        for line in text.splitlines():
            row = json.loads(line)
            if 'error' in row:
                raise Refused(row)
            if 'end' in row:
                ended, code = True, row.get('exit', 0)
            elif 'ok' not in row:
                rows.append(row)
        if not ended:
            raise RuntimeError('%s: answer to %s ends early' % (self.path, command))
        return rows, code

    def stats(self):
        """{ifname: {verdict: packets}}, with rx; raises where the sum is not rx."""
        result = {}
        for row in self.ask('stats')[0]['interfaces']:
            reasons = {name: entry['packets'] for name, entry in row['fallback']['reasons'].items()}
            packets = dict(reasons, forwarded=row['forwarded']['packets'],
                           dropped=row['dropped']['packets'])
            total = sum(packets.values())
            if row['rx']['packets'] != total or sum(reasons.values()) != row['fallback']['packets']:
                raise AssertionError('%s: rx %d is not the sum of the verdicts %d' % (
                    row['ifname'], row['rx']['packets'], total))
            packets['rx'] = total
            packets['tx_errors'] = row['tx_errors']['packets'] or 0
            result[row['ifname']] = packets
        return result


class Counters:
    """The verdict of the packet just sent: which counter of which port moved."""

    NAMES = verdict_names()

    def __init__(self, instance):
        pins = '/sys/fs/bpf/ebpf-route/%s/' % instance
        self.map = PinnedMap(pins + 'port_counters')
        self.ports = PinnedMap(pins + 'port_of_ifindex')
        self.verdicts = (self.map.value_size - 8) // 16 - 2
        if not 0 < self.verdicts <= len(self.NAMES):
            raise RuntimeError('port_counters: not as in include/reasons.h')
        self.unpack = struct.Struct('%dQ' % (self.map.stride // 8 * self.map.cpus)).unpack
        self.words = self.map.stride // 8
        self.numbers, self.last = {}, {}

    def learn_ports(self, control):
        """Port numbers change when links come or go: called after each settle."""
        del control
        numbers = {}
        for ifindex in range(1, 64):
            number = struct.unpack('Q', self.ports.read(ifindex))[0]
            if number:
                numbers[ifindex] = number
        self.numbers = numbers
        for number in set(numbers.values()) | {0}:
            self.last[number] = self.map.read(number)

    def forget(self):
        """Whatever came since the last look does not belong to the next packet."""
        for number in self.last:
            self.last[number] = self.map.read(number)

    def moved(self, ifindex):
        """{verdict: packets} of what came in since the last look; looked for at that port first."""
        first = self.numbers.get(ifindex, 0)
        found = self.moved_at(first)
        if found:
            return found
        for number in self.last:
            found = self.moved_at(number)
            if found:
                return found
        return {}

    def moved_at(self, number):
        raw, old = self.map.read(number), self.last.get(number)
        if raw == old:
            return {}
        self.last[number] = raw
        if old is None:
            return {}
        now, before, found = self.unpack(raw), self.unpack(old), {}
        for base in range(0, len(now), self.words):
            for verdict in range(self.verdicts):
                delta = now[base + 2 + 2 * verdict] - before[base + 2 + 2 * verdict]
                if delta:
                    name = self.NAMES[verdict]
                    found[name] = found.get(name, 0) + delta
        return found

    def close(self):
        self.map.close()
        self.ports.close()
