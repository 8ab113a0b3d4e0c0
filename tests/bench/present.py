#!/usr/bin/python3
"""Shows a run of the benchmark: pictures by gnuplot, and tables for docs/BENCHMARKS.md.

    tests/bench/present.py RUN.json [--plot DIR] [--fill FILE]

Every figure comes from RUN.json, which `scripts/bench --json` wrote.
"""
import argparse
import json
import subprocess
import sys

BEGIN, END = '<!-- bench: begin -->\n', '<!-- bench: end -->\n'
SHORT = {'kernel': 'kernel', 'fib_direct': 'bpf_fib_lookup, direct', 'fib_full': 'bpf_fib_lookup, full',
         'lpm': 'ebpf-routed lpm', 'dir24': 'ebpf-routed dir24', 'bare': 'bare DIR-24-8',
         'floor': 'fixed egress', 'generator': 'generator', 'base': 'feeder'}
COLOURS = {'kernel': '#000000', 'fib_direct': '#d55e00', 'fib_full': '#e69f00', 'lpm': '#56b4e9',
           'dir24': '#0072b2', 'bare': '#009e73', 'floor': '#999999', 'generator': '#bbbbbb'}


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def cells(run, **wanted):
    """Measured cells as (routes, cell), of those that agree with what is wanted."""
    for table in run['tables']:
        for cell in table['cells']:
            if cell['measured'] and all(cell[key] == value for key, value in wanted.items()):
                yield table['routes'], cell


def machine(run):
    return '%s, %s, %d CPUs, %s; %d rounds of %s packets, medians' % (
        run['kernel'], run['cpu'], run['cpus'], run['date'], run['rounds'], thousands(run['packets']))


def thousands(number):
    return format(number, ',')


# ---- pictures -------------------------------------------------------------------------------------
def series(run, figure, **wanted):
    """{row: [(routes, figure)]} in the order of the rows."""
    lines = {}
    for routes, cell in cells(run, **wanted):
        if figure in cell:
            lines.setdefault(cell['row'], []).append((routes, cell[figure]))
    return {row: sorted(lines[row]) for row in SHORT if row in lines}


def quoted(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n') + '"'


def data_block(name, points):
    return ['$%s << EOD' % name] + ['%d %.9g' % point for point in points] + ['EOD']


def axes(run, ylabel, title):
    sizes = sorted({table['routes'] for table in run['tables']})
    tics = ', '.join('"%s" %d' % (thousands(size), size) for size in sizes)
    return ['set logscale xy', 'set xrange [%g:%g]' % (sizes[0] / 1.5, sizes[-1] * 1.5),
            'set xtics (%s)' % tics, 'set xlabel "routes in the table" offset 0,0.4', 'set ylabel %s' % quoted(ylabel),
            'set title %s' % quoted(title), 'set grid xtics ytics lt 1 lw 0.5 lc rgb "#cccccc"',
            'set border 3', 'set tics nomirror']


def curves(prefix, lines, names, colours):
    """Data blocks, and the plot command that draws them."""
    script, plots = [], []
    for i, (key, points) in enumerate(lines.items()):
        script += data_block('%s%d' % (prefix, i), points)
        plots.append('$%s%d using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb "%s" title %s' %
                     (prefix, i, colours[key], quoted(names[key])))
    return script, 'plot ' + ', \\\n     '.join(plots)


def gnuplot(path, size, body):
    script = ['set terminal svg size %s font "sans-serif,12" background "white" noenhanced' % size,
              'set output %s' % quoted(path), 'set encoding utf8'] + body
    done = subprocess.run(['gnuplot'], input='\n'.join(script) + '\n', text=True, check=False,
                          capture_output=True)
    if done.returncode or done.stderr.strip():
        sys.exit('present: gnuplot: %s' % (done.stderr.strip() or 'failed'))


def plot_packets(run, path):
    """Nanoseconds per packet by table size, in a panel for each method."""
    panels = [('end-to-end', 'ns', 'End to end through veth, generator and sink included'),
              ('alone', 'net', 'The program alone, without its feeder')]
    drawn = []
    for method, figure, title in panels:
        lines = series(run, figure, method=method, size=64, traffic='uniform')
        if lines:
            drawn.append((lines, title))
    if not drawn:
        return
    body = ['set multiplot layout 1,%d title %s' % (
        len(drawn), quoted('Cost of a forwarded packet (64 bytes, destinations uniform over the table, '
                           'one core)\n' + machine(run)))]
    for i, (lines, title) in enumerate(drawn):
        blocks, plot = curves('p%d_' % i, lines, SHORT, COLOURS)
        values = [value for points in lines.values() for _, value in points]
        body += blocks + axes(run, 'ns per packet', title)
        body += ['set ytics (%s)' % tics(min(values), max(values)),
                 'set yrange [%g:%g]' % (min(values) / 1.2, max(values) * 1.2),
                 'set key below samplen 2 maxcols 3', 'set bmargin 8', plot]
    gnuplot(path, '%d,560' % (520 * len(drawn)), body + ['unset multiplot'])


def tics(least, most):
    """1, 2 and 5 times powers of ten, from below the least to above the most."""
    values, power = [], 1e-5
    while power < most * 10:
        values += [power * step for step in (1, 2, 5) if least / 2 < power * step < most * 2]
        power *= 10
    return ', '.join('"%g" %g' % (value, value) for value in values)


def plot_sync(run, path):
    """Seconds from the daemon's start until it is ready."""
    names = {'dump_seconds': 'raw netlink dump', 'sync_seconds_dir24': 'ebpf-routed dir24',
             'sync_seconds_lpm': 'ebpf-routed lpm'}
    colours = {'dump_seconds': '#999999', 'sync_seconds_dir24': COLOURS['dir24'],
               'sync_seconds_lpm': COLOURS['lpm']}
    lines = {key: sorted((table['routes'], median(table[key])) for table in run['tables'] if table[key])
             for key in names}
    lines = {key: points for key, points in lines.items() if points}
    values = [value for points in lines.values() for _, value in points]
    blocks, plot = curves('s', lines, names, colours)
    body = blocks + axes(run, 'seconds', 'From start to ready, routes already in the kernel\n' + machine(run))
    body += ['set ytics (%s)' % tics(min(values), max(values)), 'set yrange [%g:%g]' %
             (min(values) / 1.5, max(values) * 1.5), 'set key below', plot]
    gnuplot(path, '760,480', body)


# ---- tables ---------------------------------------------------------------------------------------
def markdown(head, rows):
    """A table; numbers to the right."""
    lines = ['| ' + ' | '.join(head) + ' |', '|---|' + '---:|' * (len(head) - 1)]
    return lines + ['| ' + ' | '.join(row) + ' |' for row in rows] + ['']


def figure_text(cell, figure, against):
    """"345.1 (4.9x)"; the ratio is of the same kind as the figure."""
    if figure not in cell:
        return ''
    ratio = cell.get(against + ('_net' if figure == 'net' else ''))
    return '%.0f' % cell[figure] + (' (%.1fx)' % ratio if ratio else '')


def cross_table(run, columns, figure, against, **wanted):
    """Rows are ways to forward, columns the values (label, {key: value}) that tell cells apart."""
    found = {}
    for routes, cell in cells(run, **wanted):
        for i, (_, column) in enumerate(columns):
            if all((routes if key == 'routes' else cell[key]) == value for key, value in column.items()):
                found[cell['row'], i] = cell
    present = [i for i in range(len(columns)) if any(key[1] == i for key in found)]
    rows = []
    for row in SHORT:
        if any((row, i) in found for i in present):
            texts = [figure_text(found[row, i], figure, against) if (row, i) in found else ''
                     for i in present]
            if any(texts):
                rows.append([SHORT[row]] + texts)
    return markdown([''] + [columns[i][0] for i in present], rows) if rows else []


def packet_tables(run):
    sizes = [table['routes'] for table in run['tables']]
    by_table = [(thousands(size), {'routes': size}) for size in sizes]
    kinds = ['single', 'hot', 'mid', 'uniform', 'neighbours', 'hot-on', 'uniform-on']
    largest = {'routes': sizes[-1]}
    by_kind = [(kind, {'traffic': kind, **largest}) for kind in kinds]
    by_size = [('%s, 1500 bytes' % kind, {'traffic': kind, **largest}) for kind in kinds]
    texts = [
        ('End to end, 64 bytes, uniform: ns per packet by number of routes, and how often faster than the kernel:',
         cross_table(run, by_table, 'ns', 'vs_kernel', method='end-to-end', size=64, traffic='uniform')),
        ('The same without what the generator costs:',
         cross_table(run, by_table, 'net', 'vs_kernel', method='end-to-end', size=64, traffic='uniform')),
        ('End to end, 64 bytes, %s routes, by traffic, and how often faster than the kernel:' %
         thousands(sizes[-1]),
         cross_table(run, by_kind, 'ns', 'vs_kernel', method='end-to-end', size=64)),
        ('End to end, 1500 bytes, %s routes:' % thousands(sizes[-1]),
         cross_table(run, by_size, 'ns', 'vs_kernel', method='end-to-end', size=1500)),
        ('The program alone, uniform: net ns per packet by number of routes, and how often faster than '
         '`bpf_fib_lookup` direct:',
         cross_table(run, by_table, 'net', 'vs_fib_direct', method='alone', size=64, traffic='uniform')),
        ('The program alone, %s routes, by traffic:' % thousands(sizes[-1]),
         cross_table(run, by_kind, 'net', 'vs_fib_direct', method='alone', size=64)),
    ]
    return [line for text, table in texts if table for line in [text, ''] + table]


def sync_table(run):
    rows = []
    for table in run['tables']:
        rows.append([thousands(table['routes'])] + [
            '%.3f' % median(table[key]) if table[key] else ''
            for key in ('sync_seconds_dir24', 'sync_seconds_lpm', 'dump_seconds')])
    return ['Seconds from start to ready, routes already in the kernel:', ''] + markdown(
        ['routes', '`dir24`', '`lpm`', 'raw netlink dump'], rows)


def honesty(run):
    """What is to be known about the figures."""
    sent = lost = broken = 0
    for table in run['tables']:
        for cell in table['cells']:
            sent += cell['sent']
            lost += cell['lost']
            broken += cell['measured'] and not cell['proven']
    disturbed = sum(table['passes_disturbed'] for table in run['tables'])
    passes = sum(table['passes'] for table in run['tables'])
    least = min(table['cpu_share'] for table in run['tables'])
    text = '%s packets, %s of them lost; %d rows that did not forward as named; %d of %d timed passes had less than ' \
        '97 %% of their CPU' % (thousands(sent), thousands(lost), broken, disturbed, passes)
    return text + (' (the worst %.0f %%).' % (least * 100) if disturbed else '.')


def fill(run, path):
    with open(path, encoding='utf-8') as file:
        text = file.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        sys.exit('present: %s: the marks %s and %s are not there, not filled' %
                 (path, BEGIN.strip(), END.strip()))
    origins = '; '.join('%s: %s' % (thousands(table['routes']), table['table']) for table in run['tables'])
    lines = [machine(run) + '. Tables: ' + origins + '.', honesty(run), '']
    lines += packet_tables(run) + sync_table(run)
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text[:before] + '\n'.join(lines) + text[after:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('run')
    parser.add_argument('--plot', metavar='DIR')
    parser.add_argument('--fill', metavar='FILE')
    options = parser.parse_args()
    with open(options.run, encoding='utf-8') as file:
        run = json.load(file)
    if options.plot:
        plot_packets(run, options.plot + '/bench.svg')
        plot_sync(run, options.plot + '/bench-sync.svg')
    if options.fill:
        fill(run, options.fill)


if __name__ == '__main__':
    main()
