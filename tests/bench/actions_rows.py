"""The rows of scripts/bench-actions: what each sets up, how its packets are sent, and what proves that it did
what its name says.

A row belongs to a block: the kernel without the daemon, or the daemon at one of its hooks. Its proof is a list of
counters, each with the number that it has to have grown by; `sent` is that of the packets.
"""
from actions_lab import GATEWAY, OTHER_GATEWAY, TARGET, Failed

BLOCKS = ('kernel', 'xdp', 'tc')
REFERENCES = {'drop': 'blackhole', 'forward': 'kernel', 'redirect': 'u32', 'cpu': 'rps', 'socket': 'kernel'}


class Missing(Exception):
    """This machine has no such thing, which is no fault of anything measured."""


class Row:  # pylint: disable=too-few-public-methods
    """One way of doing something."""

    def __init__(self, section, key, block, title, start, proof, stop=None, mode='straight', expected='forwarded'):
        self.section, self.key, self.block, self.title = section, key, block, title
        self.start, self.stop, self.proof = start, stop or (lambda lab: None), proof
        self.mode, self.expected = mode, expected


# ---- what counts ---------------------------------------------------------------------------------
def counters(lab):
    """Everything that a proof may ask for, before or after a run."""
    snmp = lab.snmp()
    found = {'ip_received': snmp['Ip.InReceives'], 'ip_forwarded': snmp['Ip.ForwDatagrams']}
    if lab.daemon:
        stats = lab.daemon.stats()
        user = lab.daemon.ask('route', prefix=TARGET, protocol='user')
        found.update(rx=stats['rx']['packets'], dropped=stats['dropped']['packets'],
                     fast_forwarded=stats['forwarded']['packets'],
                     steered=stats['fallback']['reasons'].get('cpu', {'packets': 0})['packets'],
                     user_route=user[0]['packets'] if user else 0)
    else:
        found.update(nft=lab.nft_packets('router'), tc_action=lab.tc_packets())
    return found


def proof(arrive, **more):
    """Of the packets sent, so many (1 or 0: all or none) are to be counted by each."""
    return {'arrived': arrive, **more}


KERNEL_DROP = proof(0, ip_received=1, ip_forwarded=0)
KERNEL_FORWARD = proof(1, ip_received=1, ip_forwarded=1)
XDP_DROP = proof(0, rx=1, dropped=1, ip_received=0)
XDP_USER_DROP = dict(XDP_DROP, user_route=1)
XDP_FORWARD = proof(1, rx=1, fast_forwarded=1, ip_received=0)
XDP_USER_FORWARD = dict(XDP_FORWARD, user_route=1)
USER_CPU = proof(1, rx=1, steered=1, user_route=1, ip_forwarded=1, on_other_cpu=1)


# ---- what is set up ------------------------------------------------------------------------------
def kernel_route(words):
    """A route of the kernel's to the target."""
    return lambda lab: lab.route(words)


def user_route(words):
    """A user route, beside the kernel's route to the target, which leads elsewhere."""
    def start(lab):
        lab.route('%s via %s' % (TARGET, OTHER_GATEWAY))
        lab.daemon.user('replace %s %s' % (TARGET, words))
    return start


def no_user_route(lab):
    """Takes it away."""
    lab.daemon.user('del ' + TARGET)


def nft_rule(hook, action):
    """nftables does it to the target."""
    def start(lab):
        lab.route('%s via %s' % (TARGET, GATEWAY))
        try:
            lab.nft('router', hook % ('ip daddr %s counter %s' % (TARGET, action)))
        except Failed as failed:
            raise Missing(str(failed)) from failed
    return start


def no_nft(lab):
    """No rules at all."""
    lab.nft('router', '')


NFT_INGRESS = 'table netdev t { chain c { type filter hook ingress device r0 priority 0; %s; }; }'
NFT_PREROUTING = 'table ip t { chain c { type filter hook prerouting priority raw; %s; }; }'


def filtered(words):
    """A tc filter at r0's ingress."""
    def start(lab):
        lab.route('%s via %s' % (TARGET, GATEWAY))
        lab.tc('qdisc add dev r0 clsact')
        try:
            lab.tc('filter add dev r0 ingress protocol ip ' + words)
        except Failed as failed:
            unfiltered(lab)
            raise Missing('tc has no %s here' % words.split(' ')[0]) from failed
    return start


def unfiltered(lab):
    """No filter."""
    lab.tc('qdisc del dev r0 clsact')


def steer(lab, cpus):
    """Receive packet steering of r0, by a mask of CPUs."""
    lab.on('router', 'sh', '-c', 'echo %x >/sys/class/net/r0/queues/rx-0/rps_cpus' % cpus)


def start_rps(lab):
    """All packets go on at the other CPU."""
    lab.route('%s via %s' % (TARGET, GATEWAY))
    steer(lab, 1 << lab.other_cpu)


def start_user_cpu(lab):
    """The same by a user route. Its thread there goes before other processes, as the softirqs of RPS do."""
    user_route('cpu %d' % lab.other_cpu)(lab)
    lab.prefer_cpumap_thread()


def start_base(lab):
    """Nothing but the harness."""
    lab.sender.ask('bare', 'on')


VIA = '%s via %s' % (TARGET, GATEWAY)
BLACKHOLE = 'blackhole ' + TARGET
MIRRED = 'action mirred egress redirect dev r1'


def all_rows():
    """In the order of the tables."""
    def flower(action):
        return filtered('flower dst_ip %s %s' % (TARGET, action))

    def by_user(section, key, block, title, words, proven, **more):
        return Row(section, key, block, title, user_route(words), proven, no_user_route, **more)

    def unchanged(section, key, title, words):
        return Row(section, key, 'kernel', title, filtered(words), proof(1, tc_action=1, ip_received=0), unfiltered,
                   expected='unchanged')

    return [
        Row('harness', 'base', 'kernel', 'the harness: packet, veth, bare XDP drop', start_base,
            proof(0, bare=1, ip_received=0), lambda lab: lab.sender.ask('bare', 'off')),

        Row('drop', 'blackhole', 'kernel', "kernel: blackhole route", kernel_route(BLACKHOLE), KERNEL_DROP),
        Row('drop', 'nft_prerouting', 'kernel', 'nftables: ip prerouting, raw', nft_rule(NFT_PREROUTING, 'drop'),
            dict(KERNEL_DROP, nft=1), no_nft),
        Row('drop', 'nft_ingress', 'kernel', 'nftables: netdev ingress', nft_rule(NFT_INGRESS, 'drop'),
            proof(0, nft=1, ip_received=0), no_nft),
        Row('drop', 'flower', 'kernel', 'tc flower: drop', flower('action drop'),
            proof(0, tc_action=1, ip_received=0), unfiltered),
        Row('drop', 'xdp_mirrored', 'xdp', 'XDP: blackhole route, mirrored', kernel_route(BLACKHOLE), XDP_DROP),
        by_user('drop', 'xdp_user', 'xdp', 'XDP: user route drop', 'drop', XDP_USER_DROP),
        Row('drop', 'tc_mirrored', 'tc', 'tc hook: blackhole route, mirrored', kernel_route(BLACKHOLE), XDP_DROP),
        by_user('drop', 'tc_user', 'tc', 'tc hook: user route drop', 'drop', XDP_USER_DROP),

        Row('forward', 'kernel', 'kernel', 'kernel: ip_forward', kernel_route(VIA), KERNEL_FORWARD),
        Row('forward', 'xdp_mirrored', 'xdp', "XDP: kernel's route, mirrored", kernel_route(VIA), XDP_FORWARD),
        by_user('forward', 'xdp_user', 'xdp', 'XDP: user route via', 'via ' + GATEWAY, XDP_USER_FORWARD),
        Row('forward', 'tc_mirrored', 'tc', "tc hook: kernel's route, mirrored", kernel_route(VIA), XDP_FORWARD),
        by_user('forward', 'tc_user', 'tc', 'tc hook: user route via', 'via ' + GATEWAY, XDP_USER_FORWARD),

        unchanged('redirect', 'u32', 'tc u32: mirred redirect', 'u32 match ip dst %s %s' % (TARGET, MIRRED)),
        unchanged('redirect', 'flower', 'tc flower: mirred redirect', 'flower dst_ip %s %s' % (TARGET, MIRRED)),
        Row('redirect', 'nft_fwd', 'kernel', 'nftables: netdev ingress, fwd', nft_rule(NFT_INGRESS, 'fwd to r1'),
            proof(1, nft=1, ip_received=0), no_nft, expected='unchanged'),
        by_user('redirect', 'xdp_user', 'xdp', 'XDP: user route redirect', 'redirect r1', XDP_USER_FORWARD,
                expected='unchanged'),
        by_user('redirect', 'tc_user', 'tc', 'tc hook: user route redirect', 'redirect r1', XDP_USER_FORWARD,
                expected='unchanged'),

        Row('cpu', 'none', 'kernel', 'kernel forwards on the CPU that receives', kernel_route(VIA),
            dict(KERNEL_FORWARD, on_other_cpu=0), mode='window'),
        Row('cpu', 'rps', 'kernel', 'RPS: kernel forwards on the other', start_rps,
            dict(KERNEL_FORWARD, on_other_cpu=1), lambda lab: steer(lab, 0), mode='window'),
        Row('cpu', 'xdp_user', 'xdp', 'XDP: user route cpu, kernel forwards there', start_user_cpu, USER_CPU,
            no_user_route, mode='window'),

        Row('socket', 'kernel', 'kernel', 'kernel: ip_forward', kernel_route(VIA), KERNEL_FORWARD, mode='udp'),
        by_user('socket', 'tc_user', 'tc', 'tc hook: user route via', 'via ' + GATEWAY, XDP_USER_FORWARD, mode='udp'),
        Row('socket', 'tc_mirrored', 'tc', "tc hook: kernel's route, mirrored", kernel_route(VIA), XDP_FORWARD,
            mode='udp'),
    ]


# ---- one run -------------------------------------------------------------------------------------
def send(lab, row, packets):
    """The run's figures, with `arrived` and `on_other_cpu`."""
    if row.mode != 'udp':
        result = lab.sender.ask('run', packets, row.mode, row.expected)
        result['arrived'] = result['right']
        result['on_other_cpu'] = result['on_cpu'][lab.other_cpu] if lab.other_cpu != lab.cpu else 0
        return result
    before = lab.nft_packets('sink')
    result = lab.sender.ask('udp', packets)
    result.update(arrived=lab.nft_packets('sink') - before, wrong=0, busy_ns=result['ns'])
    return result


def judge(row, grown, sent):
    """(lost, what is not as it has to be). Of those to arrive, lost are the others; of those to be dropped, what a
    counter misses. A hundredth of them may be lost: then the counters still say which way they went."""
    wrong, lost = [], sent - grown['arrived'] - grown['wrong'] if row.proof['arrived'] else 0
    for name, share in sorted(row.proof.items()):
        wanted, got = share * sent, grown[name]
        if not share and got:
            wrong.append('%s %d instead of 0' % (name, got))
        elif share and not sent * 0.99 <= got <= sent:
            wrong.append('%s %d of %d' % (name, got, sent))
        if not row.proof['arrived']:
            lost = max(lost, wanted - got)
    if grown['wrong']:
        wrong.append('%d arrived, but not as they should' % grown['wrong'])
    if not grown['done']:
        wrong.append('packets ceased to arrive')
    return max(0, lost), wrong


def measure(lab, row, packets):
    """{'ns', 'busy_ns', 'sent', 'lost', 'wrong'} of one run."""
    row.start(lab)
    try:
        before = counters(lab)
        result = send(lab, row, packets)
        after = counters(lab)
    finally:
        row.stop(lab)
    grown = {name: after[name] - before[name] for name in before}
    grown.update({name: result.get(name, 0) for name in ('arrived', 'on_other_cpu', 'bare', 'wrong', 'done')})
    lost, wrong = judge(row, grown, result['sent'])
    return {'ns': result['ns'], 'busy_ns': result['busy_ns'], 'sent': result['sent'], 'lost': lost, 'wrong': wrong}
