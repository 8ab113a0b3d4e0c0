"""What a run found, as figures that add up over seeds, and what is printed of it."""
import frames

SHOWN = 24  # reasons in a list


def add(total, more):
    """Figures are numbers, or dicts of them by name."""
    for key, value in more.items():
        if isinstance(value, dict):
            add(total.setdefault(key, {}), value)
        elif isinstance(value, str):
            total.setdefault(key, value)
        else:
            total[key] = total.get(key, 0) + value
    return total


def new_tally():
    return {'seeds': 0, 'routers': 0, 'operations': 0, 'refused': 0, 'refused_by_daemon': 0, 'packets': 0, 'compared': 0, 'mismatches': 0,
            'lost': 0, 'late': 0, 'late_unlike': 0, 'other_leg': 0, 'at_once': {}, 'asked': 0, 'disagreed': 0,
            'other_frames': 0, 'redirects': 0, 'uncounted': 0, 'eligible': {}, 'taken': {}, 'left': {},
            'verdicts': {}, 'verify': {}, 'asked_about': {}, 'kernel': {}, 'by_operation': {},
            'examples': {}}


def count(table, key, n=1):
    table[key] = table.get(key, 0) + n


def results_text(results):
    return ['        h%d: %s\n            %s' % (port, frames.describe(frame), frame.hex())
            for port, frame in results] or ['        nothing']


def mismatch_text(run, what, packet=None, router=None, notes=()):
    """All that is needed to understand it, and to see it again."""
    lines = ['MISMATCH: seed %d, operation %d: %s' % (run.seed, run.number, what),
             '    replay: tests/twin/twin --seed %d --operations %d --packets %d --hook %s%s' % (
                 run.seed, run.options.operations, run.options.packets,
                 ','.join(run.options.hook), ' --user ' + run.user.mode if run.user else '')]
    lines += ['    operation %d: %s' % (number, str(operation).replace('\n', '\n    '))
              for number, operation in run.history[-run.options.history:]]
    if packet:
        lines += ['    packet %d (%s) into r%d: %s' % (
            packet.token, packet.kind, packet.port, frames.describe(packet.frame)),
            '        ' + packet.frame.hex()]
        for name, results in packet.results.items():
            if router and name not in ('kernel', 'fallback', router.name):
                continue
            lines.append('    %s%s:' % (name, ', verdict %s' % packet.verdicts[name]
                                        if name in packet.verdicts else ''))
            lines += results_text(results)
            if packet.late.get(name):
                lines += ['      later:'] + results_text(packet.late[name])
    lines += ['    ' + note.replace('\n', '\n    ') for note in notes]
    return '\n'.join(lines)


def shares(title, table, total):
    rows = sorted(table.items(), key=lambda item: -item[1])[:SHOWN]
    return ['  %s:' % title] + ['    %8d %6.2f %%  %s' % (n, 100 * n / max(1, total), name)
                               for name, n in rows] if rows else []


def summary(tally, engines, seconds):
    """Eligible is what the kernel's router forwarded plainly: one frame out, and nothing of it other than
    the MAC addresses, the TTL and the checksum; no ICMP redirect, and neither firewall nor IPsec policy
    there, nor a bridge above the port that it came in by."""
    lines = []
    for engine in sorted(set(engines) | set(tally['eligible'])):
        eligible, taken = tally['eligible'].get(engine, 0), tally['taken'].get(engine, 0)
        lines.append('%s: %d of %d eligible packets taken by the fast path: %.2f %%' % (
            engine, taken, eligible, 100 * taken / max(1, eligible)))
        lines += shares('the others were left to the kernel by', tally['left'].get(engine, {}),
                        eligible)
        lines += shares('verdicts', tally['verdicts'].get(engine, {}), tally['packets'])
        asked = tally['asked_about'].get(engine, {})
        if asked:
            lines.append('  get was asked about: ' + ', '.join(
                '%s %d' % item for item in sorted(asked.items(), key=lambda item: -item[1])))
    lines += ['  example of %s: %s' % item for item in sorted(tally['examples'].items())]
    lines += shares('the kernel\'s router', tally['kernel'], tally['packets'])
    lines += shares('mismatches after', tally['by_operation'], tally['mismatches'])
    lines.append('verify: ' + (', '.join('%s %d' % item for item in sorted(
        tally['verify'].items())) or 'not run'))
    lines.append('get: %d asked, %d disagreements' % (tally['asked'], tally['disagreed']))
    lines.append('batches at once: ' + (', '.join('%d %s' % (n, when) for when, n in sorted(
        tally['at_once'].items())) or 'none'))
    lines.append('frames of no packet: %d, redirects left out: %d, late frames: %d, '
                 'late errors unlike: %d, answers without room: %d, other legs: %d, packets not counted: %d, '
                 'operations that the kernel refused: %d, that the daemon did: %d' % (
                     tally['other_frames'], tally['redirects'], tally['late'], tally['late_unlike'],
                     tally['lost'], tally['other_leg'], tally['uncounted'], tally['refused'],
                     tally['refused_by_daemon']))
    lines.append('engines: %s; %d seeds, %d operations, %d packets, each into %.3g routers: '
                 '%d comparisons, %d mismatches, %.0f s' % (
                     ' '.join(engines), tally['seeds'], tally['operations'], tally['packets'],
                     tally['routers'] / max(1, tally['seeds']), tally['compared'], tally['mismatches'], seconds))
    return lines
