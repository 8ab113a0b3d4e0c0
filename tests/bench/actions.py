#!/usr/bin/python3
"""What user routes and the tc hook cost, against the kernel's way of doing the same, in one run.

Rounds over all rows of actions_rows.py; each begins with another block, so that none always follows the same one.
Run it through scripts/bench-actions.
"""
import argparse
import os
import shutil
import signal
import sys
import tempfile

import actions_more
import actions_page
import actions_report
from actions_lab import Failed, Lab
from actions_rows import BLOCKS, Missing, all_rows, measure

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SINK_DROPS = 'table netdev t { chain c { type filter hook ingress device s0 priority 0; udp dport 9 counter drop; }; }'


def say(text):
    """How far it is."""
    print('bench-actions: ' + text, file=sys.stderr, flush=True)


class Parser(argparse.ArgumentParser):
    """Usage errors are exit code 1 here."""

    def error(self, message):
        print('bench-actions: %s, see --help' % message, file=sys.stderr)
        sys.exit(1)


def arguments():
    """Of the command line."""
    parser = Parser(prog='scripts/bench-actions', description=__doc__.split('\n', maxsplit=1)[0],
                    epilog='exit: 0 clean, 1 usage, 2 failed or a row is BROKEN, 3 packets were lost, '
                           '4 cannot run here')
    parser.add_argument('--quick', action='store_true', help='2 rounds of 2^16 packets, 10,000 routes, 1 s of TCP')
    parser.add_argument('--json', metavar='FILE', help='the result as JSON too')
    parser.add_argument('--fill', metavar='FILE', help='puts it between the marks of docs/USER-ROUTES.md')
    parser.add_argument('--rounds', type=int, help='over all rows (5)')
    parser.add_argument('--packets', type=int, help='of a timed run (2^18); a quarter as many come before')
    parser.add_argument('--routes', type=int, help="generated, in the kernel's table (100000)")
    parser.add_argument('--user-routes', type=int, help='of a batch (100000)')
    parser.add_argument('--seconds', type=int, help='of each TCP transfer (3)')
    parser.add_argument('--bin', default=os.path.join(TOP, 'build'), help='where the programs are (build)')
    parser.add_argument('--name', default='act%d' % os.getpid(), help='of the namespaces and the instance')
    options = parser.parse_args()
    defaults = (2, 1 << 16, 10000, 100000, 1) if options.quick else (5, 1 << 18, 100000, 100000, 3)
    for name, value in zip(('rounds', 'packets', 'routes', 'user_routes', 'seconds'), defaults):
        if getattr(options, name) is None:
            setattr(options, name, value)
    if min(options.rounds, options.seconds) < 1 or options.packets < 4096 or min(
            options.routes, options.user_routes) < 100:
        parser.error('--rounds, --seconds: at least 1; --packets: 4096; --routes, --user-routes: 100')
    return options


def note(cell, result):
    """Adds a run to its row."""
    if result['ns']:
        cell['ns'].append(result['ns'])
        cell['busy_ns'].append(result['busy_ns'])
    cell['sent'] += result['sent']
    cell['lost'] += result['lost']
    cell['wrong'] += result['wrong']
    for wrong in result['wrong']:
        say('BROKEN: %s: %s' % (cell['title'], wrong))


def measure_rows(lab, block, cells, packets):
    """All rows of a block: frames first, then what begins at a socket, on links as they are."""
    rows = [row for row in all_rows() if row.block == block]
    for on, mode in (True, ('straight', 'window')), (False, ('udp',)):
        lab.sender.ask('gro', 'on' if on and block != 'xdp' else 'off')
        if not on:
            lab.nft('sink', SINK_DROPS)
            lab.sender.ask('sink', 'off')
        for row in rows:
            cell = cells[row.section, row.key]
            if row.mode in mode and not cell['missing']:
                try:
                    note(cell, measure(lab, row, packets))
                except Missing as missing:
                    cell['missing'] = str(missing)
                except Failed as failed:
                    note(cell, {'ns': 0, 'busy_ns': 0, 'sent': 0, 'lost': 0, 'wrong': [str(failed)]})
    lab.nft('sink', '')


def measure_block(lab, block, cells, tcp, options):
    """One block of a round, set up and taken down."""
    lab.sender.ask('sink', 'on')
    if block != 'kernel':
        lab.start_daemon(block)
    measure_rows(lab, block, cells, options.packets)
    if block in tcp:
        result = actions_more.measure_tcp(lab, options.seconds)
        tcp[block]['gbps'].append(result['gbps'])
        tcp[block]['frame'] = result['frame']
        tcp[block]['wrong'] += result['wrong']
    lab.route(None)
    lab.stop_daemon()


def measure_all(lab, options):
    """The whole report."""
    cells = actions_report.empty_rows()
    tcp = {block: {'gbps': [], 'frame': 0, 'wrong': []} for block in ('kernel', 'tc')}
    for number in range(options.rounds):
        for i in range(len(BLOCKS)):
            measure_block(lab, BLOCKS[(i + number) % len(BLOCKS)], cells, tcp, options)
        say('round %d of %d' % (number + 1, options.rounds))
    lab.sender.ask('sink', 'on')
    lab.start_daemon('xdp')
    batch = actions_more.measure_batch(lab, actions_more.more_prefixes(TOP, options.user_routes), options.rounds)
    return {'machine': actions_report.machine(), 'rounds': options.rounds, 'packets': options.packets,
            'routes': options.routes, 'rows': actions_report.finish(list(cells.values())), 'tcp': tcp, 'batch': batch}


class Interrupted(BaseException):
    """Ends the run, not only a row."""


def interrupted(*_):
    """On the way out everything is taken down."""
    raise Interrupted


def main():
    """The exit code."""
    options = arguments()
    if os.geteuid():
        say('needs root for network namespaces and BPF, skipped')
        return 4
    for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
        signal.signal(number, interrupted)
    scratch = tempfile.mkdtemp(prefix='ebpf-route-actions.')
    lab = None
    try:
        lab = Lab(options.bin, options.name, options.routes, scratch)
        report = measure_all(lab, options)
    except Failed as failed:
        say('%s, giving up' % failed)
        if lab and lab.daemon:
            say('ebpf-routed said: %s' % ' | '.join(lab.daemon.messages()[-5:]))
        return 2
    except Interrupted:
        say('interrupted, giving up')
        return 2
    finally:
        if lab:
            lab.close()
        shutil.rmtree(scratch)
    actions_report.print_report(report)
    if options.fill and actions_report.verdict(report) != 2:
        actions_page.fill(report, options.fill)
    if options.json:
        actions_report.write_json(report, options.json)
    return actions_report.verdict(report)


if __name__ == '__main__':
    sys.exit(main())
