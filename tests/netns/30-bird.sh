#!/usr/bin/env bash
# BIRD on the router, with its kernel protocol; the topology and the steps are in bgp.sh.
. "$(dirname "$0")/bgp.sh"

command -v bird >/dev/null || skip "BIRD is not installed"
bgp_test bird
