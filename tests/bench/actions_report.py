"""The result of scripts/bench-actions as tables for people, and as JSON."""
import json
import os
import platform
import statistics
import time

from actions_rows import REFERENCES, all_rows

SECTIONS = {
    'harness': 'The harness, part of each row below but those of sockets and TCP',
    'drop': 'Drop',
    'forward': 'Forward, %(n)s routes in the kernel: frames from a device; kernel and tc hook get skbs made of them',
    'redirect': 'Redirect: the frame leaves by another port as it was',
    'cpu': 'To another CPU: "recv" is what the receiving CPU spends on a packet, ns/pkt what both of them need',
    'socket': 'Small packets from a socket, as containers send them: sender and all on one CPU',
}


def figures(cell):
    """Of all rounds: median, least and most."""
    return {'ns': statistics.median(cell['ns']), 'min': min(cell['ns']), 'max': max(cell['ns']),
            'recv': statistics.median(cell['busy_ns'])}


def finish(rows):
    """The cells of all rows with their figures and ratios."""
    cells = []
    by_key = {(row['section'], row['row']): row for row in rows if row['ns']}
    harness = by_key.get(('harness', 'base'))
    harness = statistics.median(harness['ns']) if harness else 0
    for row in rows:
        cell = dict(row, rounds=row['ns'], proven=bool(row['ns']) and not row['wrong'])
        if row['ns']:
            cell.update(figures(row))
            cell['mpps'] = 1e3 / cell['ns'] if cell['ns'] else 0
            reference = by_key.get((row['section'], REFERENCES.get(row['section'])))
            if reference:
                then = figures(reference)
                cell['vs_reference'] = then['ns'] / cell['ns']
                cell['recv_vs_reference'] = then['recv'] / cell['recv'] if cell['recv'] else None
                net = cell['ns'] - harness
                if row['section'] != 'socket' and row['section'] != 'cpu' and net >= 1:
                    cell['net'] = net
                    cell['net_vs_reference'] = (then['ns'] - harness) / net
        del cell['busy_ns']
        cells.append(cell)
    return cells


def machine():
    """Where it was measured."""
    model = 'unknown CPU'
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        for line in file:
            if line.startswith('model name'):
                model = line.split(': ', 1)[1].strip()
                break
    return {'kernel': '%s %s' % (platform.system(), platform.release()), 'cpu': model, 'cpus': os.cpu_count(),
            'date': time.strftime('%Y-%m-%d', time.gmtime())}


def number(value, form='%.1f'):
    """Or a dash."""
    return '-' if value is None else form % value


def print_section(section, cells, routes):
    """One table."""
    steered = section == 'cpu'
    print('\n%s' % SECTIONS[section] % {'n': '{:,}'.format(routes)})
    print('  %-42s %7s %7s %7s %6s %8s %7s %8s' % (
        '', 'ns/pkt', 'min', 'max', 'Mpps', 'times', 'recv' if steered else 'net', 'times'))
    for cell in cells:
        if not cell['rounds']:
            print('  %-42s %s' % (cell['title'], 'not measured: ' + cell['missing'] if cell['missing']
                                  else 'BROKEN: ' + cell['wrong'][0]))
            continue
        second = [cell['recv'], cell.get('recv_vs_reference')] if steered else [
            cell.get('net'), cell.get('net_vs_reference')]
        line = '  %-42s %7.1f %7.1f %7.1f %6.2f %8s %7s %8s' % (
            cell['title'], cell['ns'], cell['min'], cell['max'], cell['mpps'],
            number(cell.get('vs_reference'), '%.2fx'), number(second[0]), number(second[1], '%.2fx'))
        if cell['lost']:
            line += '  LOST %d of %d' % (cell['lost'], cell['sent'])
        if cell['wrong']:
            line += '  BROKEN: ' + cell['wrong'][0]
        print(line)


def broken(result):
    """What the end of a line says where a proof failed."""
    return '  BROKEN: ' + result['wrong'][0] if result['wrong'] else ''


def print_more(report):
    """TCP and batches."""
    tcp, batch = report.get('tcp'), report.get('batch')
    if tcp:
        kernel = statistics.median(tcp['kernel']['gbps'])
        print('\nTCP, one stream between two namespaces, default offloads (iperf3)')
        for key, title in ('kernel', 'kernel: ip_forward'), ('tc', "tc hook: kernel's route, mirrored"):
            rates, frame = tcp[key]['gbps'], tcp[key]['frame']
            rate = statistics.median(rates)
            print('  %-42s %7.2f Gbit/s (%.2f to %.2f) %6.2fx%s%s' % (
                title, rate, min(rates), max(rates), rate / kernel, '  %d bytes a frame' % frame if frame else '',
                broken(tcp[key])))
    if batch:
        seconds, theirs = statistics.median(batch['seconds']), statistics.median(batch['ip_seconds'])
        add = batch['add_us']
        print('\nUser routes, beside %s of the kernel' % '{:,}'.format(report['routes']))
        print('  ebpf-route -b, %s routes: %.2f s (CPU time: %.2f s); flush all: %.2f s; '
              'ip -batch, as many: %.2f s (%.1fx)%s' % (
                  '{:,}'.format(batch['routes']), seconds, statistics.median(batch['cpu_seconds']),
                  statistics.median(batch['flush_seconds']), theirs, theirs / seconds, broken(batch)))
        print('  one add, from the request to the answer, applied: %.0f us (p99 %.0f, most %.0f, of %d); '
              'the command as a whole: %.0f us' % (add['median'], add['p99'], add['max'], add['count'],
                                                   add['command_median']))


def print_report(report):
    """All of it."""
    where = report['machine']
    print('\n%s, %s, %d CPUs, %s; packets on one CPU' % (where['kernel'], where['cpu'], where['cpus'], where['date']))
    print('medians, least and most of %d rounds of %d packets of 64 bytes; net: less the harness; times: faster than '
          'the first row of the table, or RPS' % (report['rounds'], report['packets']))
    for section in SECTIONS:
        cells = [cell for cell in report['rows'] if cell['section'] == section]
        if cells:
            print_section(section, cells, report['routes'])
    print_more(report)


def verdict(report):
    """0; 2: a row is broken; 3: packets were lost."""
    results = report['rows'] + [report['batch']] + list(report['tcp'].values())
    if any(result['wrong'] for result in results):
        return 2
    return 3 if any(cell['lost'] for cell in report['rows']) else 0


def empty_rows():
    """In the order of the tables."""
    return {(row.section, row.key): {
        'section': row.section, 'row': row.key, 'title': row.title, 'ns': [], 'busy_ns': [], 'sent': 0, 'lost': 0,
        'wrong': [], 'missing': ''} for row in all_rows()}


def write_json(report, path):
    """As it is."""
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(report, file, indent=1)
        file.write('\n')
