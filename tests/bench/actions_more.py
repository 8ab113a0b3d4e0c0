"""What is measured besides packets of one size: TCP as containers have it, batches of user routes, single ones."""
import json
import os
import resource
import statistics
import subprocess
import time

from actions_lab import GATEWAY, Failed, run, wait_for


# ---- TCP -----------------------------------------------------------------------------------------
def tcp_counters(lab):
    """What the proof needs, before or after a run."""
    found = {'errors': 0, 'ip_forwarded': lab.snmp()['Ip.ForwDatagrams'], 'packets': 0, 'bytes': 0}
    for site in 'gen', 'sink':
        snmp = lab.snmp(site)
        found['errors'] += snmp['Tcp.InErrs'] + snmp['Tcp.InCsumErrors']
    if lab.daemon:
        forwarded = lab.daemon.stats()['forwarded']
        found.update(packets=forwarded['packets'], bytes=forwarded['bytes'])
    return found


def iperf3(lab, seconds):
    """Bytes that arrived, and bits per second; default offloads, one stream from gen to sink."""
    def listens():
        return ':5201' in lab.on('sink', 'ss', '-Hltn')

    server = subprocess.Popen(['ip', 'netns', 'exec', lab.name + '-sink', 'iperf3', '-s', '-1'],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not wait_for(30, listens):
            raise Failed('iperf3: does not listen')
        result = json.loads(lab.on('gen', 'iperf3', '-c', GATEWAY, '-t', str(seconds), '-J'))
    finally:
        server.kill()
        server.wait()
    received = result['end']['sum_received']
    return received['bytes'], received['bits_per_second']


def measure_tcp(lab, seconds):
    """{'gbps', 'frame', 'wrong'}: as it is now, by the kernel's path or by the daemon."""
    before = tcp_counters(lab)
    received, rate = iperf3(lab, seconds)
    grown = {name: value - before[name] for name, value in tcp_counters(lab).items()}
    wrong = []
    if grown['errors']:
        wrong.append('%d TCP errors or bad checksums' % grown['errors'])
    if not lab.daemon and grown['ip_forwarded'] * 65536 < received:
        wrong.append('the kernel forwarded only %d packets' % grown['ip_forwarded'])
    if lab.daemon and grown['bytes'] < received * 0.99:
        wrong.append('the daemon forwarded %d bytes of %d' % (grown['bytes'], received))
    frame = grown['bytes'] / grown['packets'] if grown['packets'] else 0
    if lab.daemon and frame < 3000:
        wrong.append('%d bytes a frame: not whole' % frame)
    return {'gbps': rate / 1e9, 'frame': frame, 'wrong': wrong}


# ---- batches -------------------------------------------------------------------------------------
def timed(call, *args):
    """Seconds that it took."""
    start = time.monotonic()
    call(*args)
    return time.monotonic() - start


def cpu_seconds(lab):
    """CPU time of the daemon, and of the commands that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return lab.daemon.cpu_seconds() + ended.ru_utime + ended.ru_stime


def write_batches(lab, prefixes):
    """The same routes for ebpf-route and for ip."""
    ours, theirs = os.path.join(lab.scratch, 'ours'), os.path.join(lab.scratch, 'theirs')
    with open(ours, 'w', encoding='utf-8') as user, open(theirs, 'w', encoding='utf-8') as kernel:
        for i, prefix in enumerate(prefixes):
            user.write('add %s %s\n' % (prefix, 'drop' if i % 10 == 0 else 'via 198.18.1.%d' % (2 + i % 16)))
            kernel.write('route add %s\n' % ('blackhole ' + prefix if i % 10 == 0
                                             else '%s via 198.18.0.%d' % (prefix, 3 + i % 16)))
    return ours, theirs


def measure_batch(lab, prefixes, rounds):
    """Seconds of `ebpf-route -b` and of `ip -batch` in an empty table, with the proof that all are there."""
    ours, theirs = write_batches(lab, prefixes)
    found = {'routes': len(prefixes), 'wrong': [], 'seconds': [], 'cpu_seconds': [], 'ip_seconds': [],
             'flush_seconds': []}
    for i in range(rounds):
        cpu = cpu_seconds(lab)
        found['seconds'].append(timed(lab.daemon.command, '-b', ours))
        found['cpu_seconds'].append(cpu_seconds(lab) - cpu)
        count = len(lab.daemon.ask('route', protocol='user'))
        if count != len(prefixes):
            found['wrong'].append('%d user routes of %d' % (count, len(prefixes)))
        if i == 0:
            found['wrong'] += verify(lab)
            found['wrong'] += spot_checks(lab, prefixes)
            found['add_us'], wrong = measure_adds(lab)
            found['wrong'] += wrong
        found['flush_seconds'].append(timed(lab.daemon.command, 'flush', 'all'))
        found['ip_seconds'].append(timed(lab.ip, 'gen', '-batch ' + theirs))
        lab.ip('gen', 'route flush table main')
        lab.ip('gen', 'route add 198.18.0.0/24 dev g0')
    lab.ip('gen', 'route add default via 198.18.0.1')
    return found


def verify(lab):
    """The maps say what the user routes and the kernel's say."""
    try:
        lab.daemon.command('verify', '--samples', '1000')
    except Failed as failed:
        return [str(failed)]
    return []


def spot_checks(lab, prefixes):
    """The program's own answer for the first address of a hundred of them, unless a longer one decides that."""
    known, wrong = set(prefixes), []
    for i in range(0, len(prefixes), len(prefixes) // 100 | 1):
        answer = lab.daemon.ask('get', dst=prefixes[i].split('/')[0])[0]
        answer['prefix'] += '' if '/' in answer['prefix'] else '/32'
        if answer['prefix'] == prefixes[i] and answer['verdict'] != ('drop' if i % 10 == 0 else 'forward'):
            wrong.append('%s: %s' % (prefixes[i], answer['verdict']))
        elif answer['prefix'] not in known:
            wrong.append('%s: decided by %s' % (prefixes[i], answer['prefix']))
    return wrong


def measure_adds(lab, count=200):
    """Microseconds from the request to the answer of single routes, each asked for afterwards; from the socket."""
    times, wrong = [], []
    for i in range(count):
        prefix = '198.18.%d.%d' % (128 + i // 100, 1 + i % 100)
        times.append(timed(lab.daemon.user, 'add %s drop' % prefix) * 1e6)
        verdict = lab.daemon.ask('get', dst=prefix)[0]['verdict']
        if verdict != 'drop':
            wrong.append('%s: %s after its answer' % (prefix, verdict))
    times.sort()
    command = [timed(lab.daemon.command, 'add', '198.18.130.%d' % i, 'drop') * 1e6 for i in range(1, 51)]
    return {'count': count, 'median': statistics.median(times), 'p99': times[int(count * 0.99)], 'max': times[-1],
            'command_median': statistics.median(command)}, wrong


def more_prefixes(top, count):
    """A table that is not the kernel's."""
    return run('/usr/bin/python3', os.path.join(top, 'scripts', 'gen-table'), str(count), '2').split()
