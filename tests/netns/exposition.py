#!/usr/bin/python3
"""The metrics page on stdin, read by Prometheus' own parser.

    exposition.py < PAGE

One family after the other, each once and with what it is; of each interface the verdicts add up to what it received.
Exit code 1 and a line for what is wrong.
"""
import collections
import sys

from prometheus_client.parser import text_string_to_metric_families


def wrong(families):
    """What is, in words."""
    for name, times in collections.Counter(family.name for family in families).items():
        if times > 1:
            yield '%s: in %d places' % (name, times)
    for family in families:
        if family.type not in ('counter', 'gauge') or not family.documentation:
            yield '%s: type %s, help "%s"' % (family.name, family.type, family.documentation)
    received, verdicts = collections.Counter(), collections.Counter()
    for sample in (sample for family in families for sample in family.samples):
        if sample.name == 'ebpfroute_rx_packets_total':
            received[sample.labels['interface']] += sample.value
        if sample.name == 'ebpfroute_packets_total':
            verdicts[sample.labels['interface']] += sample.value
    if not received:
        yield 'no interface'
    if received != verdicts:
        yield 'received %s, by verdict %s' % (dict(received), dict(verdicts))


def main():
    """The exit code."""
    page = sys.stdin.read()
    findings = list(wrong(list(text_string_to_metric_families(page.split('\r\n\r\n', 1)[-1]))))
    print('\n'.join(findings[:5]))
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
