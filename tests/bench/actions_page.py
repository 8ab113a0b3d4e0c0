"""Puts the result of scripts/bench-actions between the marks of docs/USER-ROUTES.md."""
import re
import statistics

SECTIONS = (('drop', 'Drop'), ('forward', 'Forward'), ('redirect', 'Redirect'))


def times(value):
    """How often faster."""
    return '%.1fx' % value if value else ''


def table(head, rows):
    """In Markdown; the first column holds words."""
    lines = ['| %s |' % ' | '.join(head), '|---|%s' % ('---:|' * (len(head) - 1))]
    return '\n'.join(lines + ['| %s |' % ' | '.join(row) for row in rows])


def cells_of(report, section):
    """Those that were measured."""
    return [cell for cell in report['rows'] if cell['section'] == section and cell['rounds']]


def plain_rows(cells):
    """ns, packets a second, how often faster than the kernel's way, and the same net."""
    return [(cell['title'], '%.0f' % cell['ns'], '%.2f' % cell['mpps'], times(cell.get('vs_reference')),
             '%.0f' % cell['net'] if 'net' in cell else '', times(cell.get('net_vs_reference'))) for cell in cells]


def where(report):
    """The line above the tables."""
    machine, rows = report['machine'], [cell for cell in report['rows'] if cell['rounds']]
    return '%s, %s, %d CPUs, %s; medians of %d rounds of %s packets of 64 bytes, %s routes in the kernel; ' \
        '%s packets, %d of them lost, %d rows BROKEN.' % (
            machine['kernel'], machine['cpu'], machine['cpus'], machine['date'], report['rounds'],
            '{:,}'.format(report['packets']), '{:,}'.format(report['routes']),
            '{:,}'.format(sum(cell['sent'] for cell in rows)), sum(cell['lost'] for cell in rows),
            sum(bool(cell['wrong']) for cell in report['rows']))


def drop_table(report):
    """For the top of the page."""
    return table(('dropped by', 'ns a packet', 'Mpps', 'times', 'net', 'times'), plain_rows(cells_of(report, 'drop')))


def cpu_table(report):
    """With what the CPU that receives has to do."""
    return table(('to another CPU', 'ns a packet', 'Mpps', 'receiving CPU, ns', 'times'),
                 [(cell['title'], '%.0f' % cell['ns'], '%.2f' % cell['mpps'], '%.0f' % cell['recv'],
                   times(cell.get('recv_vs_reference'))) for cell in cells_of(report, 'cpu')])


def tcp_lines(report):
    """One line each way."""
    rates = {key: statistics.median(result['gbps']) for key, result in report['tcp'].items()}
    titles = {'kernel': 'kernel: ip_forward', 'tc': 'tc hook, %d bytes a frame' % report['tcp']['tc']['frame']}
    return table(('TCP, one stream, default offloads', 'Gbit/s', 'least', 'most', 'times'), [
        (title, '%.2f' % rates[key], '%.2f' % min(report['tcp'][key]['gbps']),
         '%.2f' % max(report['tcp'][key]['gbps']), '%.2fx' % (rates[key] / rates['kernel']))
        for key, title in titles.items()])


def batch_lines(report):
    """Batches, and single routes."""
    batch, add = report['batch'], report['batch']['add_us']
    seconds, theirs = statistics.median(batch['seconds']), statistics.median(batch['ip_seconds'])
    return '%s routes by `ebpf-route -b`: %.2f s, CPU time of command and daemon %.2f s (`ip -batch`, as many in an ' \
        'empty table: %.2f s); `flush all`: %.2f s. One `add`, from the request to the answer, when it is in force: ' \
        'median %.2f ms, 99 %% below %.2f ms.' % (
            '{:,}'.format(batch['routes']), seconds, statistics.median(batch['cpu_seconds']), theirs,
            statistics.median(batch['flush_seconds']), add['median'] / 1000, add['p99'] / 1000)


def whole_run(report):
    """For the end of the page."""
    parts = [where(report)]
    parts += [table((title, 'ns a packet', 'Mpps', 'times', 'net', 'times'), plain_rows(cells_of(report, key)))
              for key, title in SECTIONS]
    parts += [cpu_table(report)]
    parts += [table(('small packets from a socket, its work included', 'ns a packet', 'Mpps', 'times'), [
        row[:4] for row in plain_rows(cells_of(report, 'socket'))])]
    return '\n\n'.join(parts + [tcp_lines(report), batch_lines(report)])


def fill(report, path):
    """Between the marks of that file."""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    for mark, content in ('drop', drop_table(report)), ('run', whole_run(report)):
        text = re.sub('(<!-- %s: begin -->\n).*?(<!-- %s: end -->)' % (mark, mark),
                      lambda match, new=content: match[1] + new + '\n' + match[2], text, flags=re.S)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
