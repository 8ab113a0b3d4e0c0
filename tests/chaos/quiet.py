"""The checks of a quiet point: nothing changes, the daemon has settled.

The model against the kernel's own answers; the daemon's counters against each other and against what was sent;
packets of every flow, strictly; `verify`.
"""
import collections
import time

import world
from daemon import Refused
from traffic import HELD_UP

PER_FLOW = 4


def check(chaos):
    lab = chaos.lab
    chaos.traffic.pause()
    lab.settle()
    chaos.judge()
    check_model(chaos)
    before, injected = still_stats(chaos), dict(chaos.traffic.injected)
    chaos.traffic.burst(PER_FLOW)
    chaos.traffic.wait_arrivals()
    after = still_stats(chaos)
    chaos.judge()
    if before and after:
        check_counters(chaos, before, after, injected)
    check_verify(chaos)
    chaos.traffic.resume()


def stats(chaos):
    """The counters of each port; that they add up is checked on the way."""
    try:
        return chaos.lab.control.stats()
    except AssertionError as error:
        chaos.violation('counters', str(error))
        return None


def still_stats(chaos):
    """The same, once they stay as they are: what is dropped is not heard of otherwise."""
    end = time.monotonic() + HELD_UP
    last, now = None, stats(chaos)
    while now and now != last and time.monotonic() < end:
        time.sleep(0.05)
        last, now = now, stats(chaos)
    return now


def check_model(chaos):
    """Would the kernel send each flow as it is worked out here? Else what follows proves nothing."""
    state = chaos.state
    for flow in chaos.flows:
        if not state.usable(flow.port):
            continue
        expected = state.kernel(flow)
        if expected.lost == 'firewall' or expected.lost == 'longer than the MTU':
            continue
        leg = chaos.lab.kernel_leg(flow)
        ports = {port for port, _, _ in expected.arrivals}
        if expected.lost == 'egress without carrier':
            continue
        if (leg[0] if leg else None) not in (ports or {None}):
            chaos.violation('model', '%s: the kernel says %s, expected %s' % (flow.name, leg, expected))


def check_counters(chaos, before, after, injected):
    """What the ports count is what was sent into them, by verdicts that are right for these packets."""
    state = chaos.state
    moved = collections.Counter()
    for port in world.PORTS:
        name = 'r%d' % port
        if port in state.bare or name not in before or name not in after:
            continue
        delta = {key: after[name][key] - before[name].get(key, 0) for key in after[name]}
        sent = chaos.traffic.injected[port] - injected[port]
        if delta['rx'] != sent and state.usable(port):
            chaos.violation('counters', '%s: rx %d, sent %d' % (name, delta['rx'], sent))
        for key, value in delta.items():
            if value and key not in ('rx', 'tx_errors'):
                moved[key] += value
        if delta['tx_errors']:
            chaos.violation('counters', '%s: %d tx errors' % (name, delta['tx_errors']))
    chaos.verdicts.update(moved)
    check_verdicts(chaos, moved)


def check_verdicts(chaos, moved):
    """Each verdict at most as often as there were packets for which it is right."""
    most, fast = collections.Counter(), 0
    for flow in chaos.flows:
        if not chaos.state.usable(flow.port) or flow.size > chaos.state.mtu[flow.port]:
            continue  # it is not sent, or the veth does not let it in
        right = chaos.state.verdicts(flow)
        for verdict in right:
            most[verdict] += PER_FLOW
        if right and right <= {'forwarded', 'dropped'}:
            fast += PER_FLOW
    most['not_ipv4'] = PER_FLOW * len(chaos.flows)  # answers to ARP
    for verdict, packets in moved.items():
        if packets > most[verdict]:
            chaos.violation('verdicts', '%d packets counted as %s, at most %d are: %s' % (
                packets, verdict, most[verdict], dict(moved)))
    if moved['forwarded'] + moved['dropped'] < fast:
        chaos.violation('verdicts', 'the fast path took %d of %d packets: %s' % (
            moved['forwarded'] + moved['dropped'], fast, dict(moved)))


def check_verify(chaos):
    try:
        rows, code = chaos.lab.control.ask_with_code('verify', {'samples': 2000})
    except Refused as error:
        rows, code = [{'kind': str(error)}], 2
    chaos.verified += 1
    if code:
        chaos.violation('verify', 'exit code %d:\n        %s' % (code, '\n        '.join(
            str(row) for row in rows[:12])))
