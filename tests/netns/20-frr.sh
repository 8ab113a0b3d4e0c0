#!/usr/bin/env bash
# FRR (zebra and bgpd, unchanged) on the router; the topology and the steps are in bgp.sh.
. "$(dirname "$0")/bgp.sh"

[ -x "$FRR_LIB/bgpd" ] || skip "FRR is not installed"
bgp_test frr
