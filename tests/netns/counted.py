"""Do the daemon's counters say what frames.py sent? Each frame once, by a verdict that its probe names."""
import json
import shlex
import subprocess
import time


def read_stats(command):
    result = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, check=True)
    return {row['ifname']: row for row in json.loads(result.stdout)['interfaces']}


def packets(row, name):
    if name == 'forward':
        return row['forwarded']['packets']
    if name == 'drop':
        return row['dropped']['packets']
    return row['fallback']['reasons'].get(name, {}).get('packets', 0)


def compare_stats(before, after, sender, probes):
    """The differences between the counters and the probes, as lines."""
    wrong, wanted, either, several = [], {}, 0, set()
    for probe in probes:
        if probe.said:
            for name in probe.said:
                wanted[name] = wanted.get(name, 0) + 1
        elif len(probe.verdicts) > 1:
            either += probe.n
            several |= set(probe.verdicts)
        else:
            wanted[probe.verdicts[0]] = wanted.get(probe.verdicts[0], 0) + probe.n
    old, new = before[sender.router_if], after[sender.router_if]
    names = {'forward', 'drop'} | set(wanted) | several
    names |= set(old['fallback']['reasons']) | set(new['fallback']['reasons'])
    for name in sorted(names):
        delta = packets(new, name) - packets(old, name)
        if name == 'not_ipv4':  # ARP comes and goes
            delta = min(delta, wanted.get(name, 0))
        if name in several and delta >= wanted.get(name, 0):
            either -= delta - wanted.get(name, 0)
        elif delta != wanted.get(name, 0):
            wrong.append('%s: counter %s rose by %d, expected %d' % (
                sender.router_if, name, delta, wanted.get(name, 0)))
    if either:
        wrong.append('%s: counters %s rose by %d less than expected' % (
            sender.router_if, ', '.join(sorted(several)), either))
    for ifname, row in after.items():
        for unit in ('packets', 'bytes'):
            reasons = sum(reason[unit] for reason in row['fallback']['reasons'].values())
            total = row['forwarded'][unit] + row['dropped'][unit] + reasons
            if row['rx'][unit] != total or row['fallback'][unit] != reasons:
                wrong.append('%s: rx %s %d is not forwarded %d + dropped %d + reasons %d' % (
                    ifname, unit, row['rx'][unit], row['forwarded'][unit],
                    row['dropped'][unit], reasons))
    return wrong


def is_counted(before, after, sender, probes):
    """Has the program decided about all of them? What it drops is not heard of otherwise."""
    old, new = before[sender.router_if], after[sender.router_if]
    other = packets(new, 'not_ipv4') - packets(old, 'not_ipv4')  # ARP among them
    rose = new['rx']['packets'] - old['rx']['packets']
    return rose >= sum(probe.n for probe in probes) and rose - other >= sum(
        probe.n for probe in probes if 'not_ipv4' not in probe.verdicts)


def wrong_stats(command, before, sender, probes, timeout):
    """The differences, once the frames are counted: what nothing comes of may be on its way still."""
    end = time.monotonic() + timeout
    while True:
        after = read_stats(command)
        if is_counted(before, after, sender, probes) or time.monotonic() > end:
            return compare_stats(before, after, sender, probes)
        time.sleep(0.02)
