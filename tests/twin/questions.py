"""`ebpf-route get` against what the program did, and `ebpf-route verify`."""
import world
from compare import is_plain
from daemon import DROPPED, FORWARDED, Refused

WITHOUT_FRAME = {'ttl', 'mtu', 'malformed', 'not_ipv4', 'ip_options', 'not_our_mac', 'multi_buffer'}


class Questions:
    """Asks one daemon about packets whose verdict is known."""

    def __init__(self, router):
        self.router = router
        self.by_frame = self.takes_frames()

    def takes_frames(self):
        probe = world.mac_bytes(world.router_mac(1)) + bytes(6) + b'\x08\x06' + bytes(46)
        try:
            rows = self.router.control.ask('get', {'frame': probe.hex(), 'iif': 'r1'})
        except Refused:
            return False
        return rows[0].get('reason') == 'not_ipv4'

    def sample(self, batch, rng, count):
        """One packet of each verdict in turn, so that the seldom ones are asked about, too."""
        by_verdict = {}
        for packet in batch:
            verdict = packet.verdicts.get(self.router.name)
            if verdict and ' ' not in verdict and packet.kind != 'arp' and self.can_ask(
                    packet, verdict):
                by_verdict.setdefault(verdict, []).append(packet)
        chosen = [rng.choice(packets) for packets in by_verdict.values()]
        return chosen if len(chosen) <= count else rng.sample(chosen, count)

    def can_ask(self, packet, verdict):
        return self.by_frame or packet.kind == 'plain' and verdict not in WITHOUT_FRAME

    def disagreement(self, packet):
        """None, or what is different."""
        verdict = packet.verdicts[self.router.name]
        iif = 'r%d' % packet.port
        if self.by_frame:
            args = {'frame': packet.frame.hex(), 'iif': iif}
        else:
            args = {'iif': iif, 'dst': '.'.join(map(str, packet.frame[30:34])),
                    'from': '.'.join(map(str, packet.frame[26:30]))}
        try:
            answer = self.router.control.ask('get', args)[0]
        except Refused as error:
            return 'get refused: %s' % error
        if answer.get('multipath') and not self.by_frame:
            return None
        expected = {FORWARDED: ('forward', None), DROPPED: ('drop', None)}.get(
            verdict, ('fallback', verdict))
        if (answer['verdict'], answer['reason']) != expected:
            return 'the program: %s, get: %s %s\n    %s' % (
                verdict, answer['verdict'], answer['reason'], answer)
        results = packet.results[self.router.name]
        if verdict != FORWARDED or not is_plain(packet, results):
            return None
        port, frame = results[0]
        wire = 'r1' if answer.get('dev') == world.VIRTUAL else answer.get('dev')
        if wire != 'r%d' % port or \
                world.mac_bytes(answer.get('lladdr', '')) != frame[:6]:
            return 'the program: r%d %s, get: %s %s\n    %s' % (
                port, frame[:6].hex(':'), answer.get('dev'), answer.get('lladdr'), answer)
        return None


def verify(router):
    """('equal' | 'different', lines). Once: what only time heals is a difference."""
    try:
        rows, code = router.control.ask_with_code('verify')
    except Refused as error:
        return 'different', [str(error)]
    if code:
        return 'different', [str(row) for row in rows if row.get('kind') != 'summary']
    return 'equal', []
