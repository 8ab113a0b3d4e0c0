#!/usr/bin/env bash
# The table generator: so many distinct, sorted prefixes, the same for the same seed, half of them
# nested, none where the labs have their addresses.
# check: once
set -euo pipefail

gen=$(dirname "$0")/../../scripts/gen-table
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$gen" 30000 5 >"$work/a"
"$gen" 30000 5 >"$work/b"
"$gen" 30000 6 >"$work/c"
cmp "$work/a" "$work/b"
! cmp -s "$work/a" "$work/c" || { echo "the seed has no effect" && exit 1; }

/usr/bin/python3 - "$work/a" <<'END'
import ipaddress
import sys

nets = [ipaddress.ip_network(line.strip()) for line in open(sys.argv[1], encoding='ascii')]
assert len(nets) == len(set(nets)) == 30000, 'number of distinct prefixes'
assert nets == sorted(nets), 'order'
have = {(int(net.network_address), net.prefixlen) for net in nets}
nested = sum(any((int(net.network_address) >> 32 - n << 32 - n, n) in have
                 for n in range(8, net.prefixlen)) for net in nets)
assert 0.45 < nested / len(nets) < 0.55, 'nested: %d' % nested
longest = sum(net.prefixlen == 24 for net in nets)
assert 0.59 < longest / len(nets) < 0.61, '/24: %d' % longest
lab = ipaddress.ip_network('198.18.0.0/15')
assert not any(net.overlaps(lab) or not net.is_global or net.is_multicast for net in nets), 'space'
END
