"""One of the twin routers: its namespaces, links, first routes, and the daemon beside it.

    [ hosts ] h1 .. h4 ------ r1 .. r4 [ router ] x1 (vxlan)

The hosts' namespace has no addresses and answers nothing by itself; the harness does, see exchange.py.
"""
import contextlib
import os
import shutil
import signal
import subprocess

import world
from daemon import Control, Counters
from kernel import ETH_P_ALL, ETHTOOL_SGRO, ETHTOOL_STXCSUM, Namespace, wait_for

MTU_LARGEST = 2000
MIXED = 'ebpf-routed-mixed'  # the daemon, but for what tests/twin/mixed.c says

ROUTER_SYSCTLS = {
    'ipv4/ip_forward': 1, 'ipv4/conf/all/rp_filter': 0, 'ipv4/conf/default/rp_filter': 0,
    # off, as on most routers: by a device that accepts them the kernel may know other gateways
    'ipv4/conf/all/accept_redirects': 0, 'ipv4/conf/default/accept_redirects': 0,
    # every error is sent: what is compared must not depend on what went before
    # (larger figures overflow in the kernel, which then sends none)
    'ipv4/icmp_ratemask': 0, 'ipv4/icmp_msgs_per_sec': 100000, 'ipv4/icmp_msgs_burst': 50000,
    # the kernels of all three choose the same leg for the same packet
    'ipv4/fib_multipath_hash_seed': 4711,
    # IPv6 is there for next hops of that family, and silent
    'ipv6/conf/all/forwarding': 0, 'ipv6/conf/default/accept_dad': 0,
    'ipv6/conf/default/accept_ra': 0, 'ipv6/conf/default/autoconf': 0,
    'ipv6/conf/default/router_solicitations': 0, 'ipv6/conf/default/addr_gen_mode': 1,
}
# Neighbours change when an operation or a packet makes them, not as time goes by.
NEIGHBOUR_SYSCTLS = {
    'base_reachable_time_ms': 36000000, 'delay_first_probe_time': 36000, 'mcast_solicit': 1,
    # what ARP says counts at once, even in the jiffy of the last change
    'locktime': -100, 'unres_qlen_bytes': 4000000,
}


class Router:
    """The namespaces and, with an engine, the daemon."""

    def __init__(self, prefix, engine, hook, build, log):
        self.name, self.engine, self.build, self.log = engine, engine, build, log
        self.hook = hook  # xdp, tc, or mixed: xdp at r1 and r3, tc at r2 and r4; None: the kernel alone
        self.instance = prefix + engine
        self.daemon = self.control = self.counters = self.socket = self.sender = None
        self.router = Namespace(self.instance)
        self.hosts = Namespace(self.instance + '-h')

    def is_tc(self, port):
        return self.hook == 'tc' or self.hook == 'mixed' and port % 2 == 0

    def build_links(self):
        self.router.create()
        self.hosts.create()
        self.socket = self.hosts.packet_socket(ETH_P_ALL)
        self.sender = self.hosts.packet_socket(0)
        unwritten = self.router.sysctl(ROUTER_SYSCTLS)
        self.router.ip.ask(['link set lo up'])
        self.hosts.sysctl({'ipv6/conf/all/disable_ipv6': 1, 'ipv6/conf/default/disable_ipv6': 1})
        self.hosts.ip.ask(['link set lo up'])
        wrong = []
        for n in world.PORTS:
            wrong += self.build_port(n)
        for n in world.PORTS:
            self.awaken(n)
        wrong += self.router.ip.ask(base_commands())
        if wrong:
            raise RuntimeError('%s: %s' % (self.name, wrong))
        return [path for path in unwritten if 'hash_seed' not in path and 'icmp_msgs' not in path]

    def build_port(self, n):
        # other ifindexes than at the peer: carrier is told at once then
        return self.hosts.ip.ask([
            'link add name h%d index %d address %s mtu %d arp off type veth peer name r%d '
            'address %s netns %s' % (n, 200 + n, world.HOST_MAC % n, MTU_LARGEST, n,
                                     world.router_mac(n), self.router.name),
            'link set h%d up' % n]) + \
            self.router.ip.ask(['link set r%d mtu 1500' % n, 'link set r%d up' % n])

    def awaken(self, n):
        wait_for(30, lambda: self.has_carrier(n), 'carrier of r%d' % n)
        self.quicken(n)
        self.calm('r%d' % n)

    def has_carrier(self, n, either=False):
        """At both ends: until a device is told of its carrier, it drops what it is given to send."""
        rows = self.router.query.json('link show dev r%d' % n) + \
            self.hosts.query.json('link show dev h%d' % n)
        if n == 1:  # the macvlan device follows it a little later
            rows += [row for row in self.router.query.json('link show type macvlan') if row]
        ups = ['LOWER_UP' in row['flags'] and row['operstate'] == 'UP' for row in rows]
        return any(ups) if either else all(ups)

    def quicken(self, n):
        """The veth transmits redirected frames only with NAPI at its peer: GRO, switched on while up."""
        self.hosts.ethtool('h%d' % n, ETHTOOL_STXCSUM, 0)
        self.hosts.ethtool('h%d' % n, ETHTOOL_SGRO, 0)
        if not self.hosts.ethtool('h%d' % n, ETHTOOL_SGRO, 1):
            raise RuntimeError('%s: h%d: GRO not switched on' % (self.name, n))

    def calm(self, ifname):
        self.router.sysctl({'%s/neigh/%s/%s' % (family, ifname, name): value
                            for family in ('ipv4', 'ipv6')
                            for name, value in NEIGHBOUR_SYSCTLS.items()})

    def start_daemon(self):
        self.daemon = subprocess.Popen(
            [os.path.join(self.build, MIXED if self.hook == 'mixed' else 'ebpf-routed'), '--netns',
             self.router.name, '--instance', self.instance, '-i', 'r*', '--hook',
             'xdp' if self.hook == 'mixed' else self.hook, '--fib', self.engine],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)

    def wait_daemon(self):
        line = self.daemon.stdout.readline()
        if not line:
            raise RuntimeError('%s: ebpf-routed ended at its start' % self.name)
        self.control = Control(self.instance)
        self.counters = Counters(self.instance)

    def settle(self):
        if self.control:
            self.control.ask('settle', {'timeout': 30})
            self.counters.learn_ports(self.control)

    def hear(self):
        """Until the daemon has read what was said so far; returns how many dumps it has made. The first
        question may be answered before its other sockets are looked at, the second one may not."""
        if not self.control:
            return 0
        self.control.ask('status')
        return self.control.ask('status')[0]['netlink']['resyncs']

    def lost_answers(self):
        """Its own ICMP messages that found no room so far: all namespaces share a socket for each CPU, and what
        waits for a neighbour anywhere fills it."""
        with self.router.entered(), open('/proc/thread-self/net/snmp', encoding='ascii') as file:
            names, values = [line.split() for line in file if line.startswith('Icmp:')]
        return int(values[names.index('OutErrors')])

    def dead(self):
        return self.daemon is not None and self.daemon.poll() is not None

    def close(self):
        """Undoes all of it, whatever there is; returns the daemon's exit code."""
        code = 0
        if self.daemon:
            if self.daemon.poll() is None:
                self.daemon.send_signal(signal.SIGTERM)
            try:
                code = self.daemon.wait(20)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                code = self.daemon.wait()
            self.daemon.stdout.close()
        for each in (self.counters, self.socket, self.sender):
            if each:
                each.close()
        for namespace in (self.hosts, self.router):
            namespace.close()
        self.forget_instance()
        return code

    def forget_instance(self):
        """What a daemon that was killed has left."""
        for suffix in ('lock', 'sock', 'routes', 'routes.refused'):
            with contextlib.suppress(OSError):
                os.unlink('/run/ebpf-route/%s.%s' % (self.instance, suffix))
        shutil.rmtree('/sys/fs/bpf/ebpf-route/' + self.instance, ignore_errors=True)


def neighbour_commands(n):
    """The neighbours of a port that everybody starts with, two hosts left to be resolved."""
    lines = ['neigh replace %s lladdr %s dev r%d nud permanent' % (
        world.gateway(n, host), world.gateway_mac(n, host), n)
        for host in world.GATEWAYS + world.HOSTS[:2]]
    lines.append('neigh replace fe80::2 lladdr %s dev r%d nud permanent' % (
        world.gateway_mac(n), n))
    return lines


def address_commands(n):
    return ['address replace %s/24 broadcast + dev r%d' % (world.router_address(n), n),
            'address replace fe80::1/64 dev r%d nodad' % n]


def route_commands(n):
    return ['route replace %s via %s dev r%d' % (world.senders_prefix(n), world.gateway(n), n)]


def base_commands():
    lines = []
    for n in world.PORTS:
        lines += address_commands(n) + neighbour_commands(n) + route_commands(n)
    lines += [
        'link add name %s type vxlan id 5 remote %s local %s dstport 4789 ttl 64' % (
            world.ENCAPSULATING, world.gateway(2, 3), world.router_address(2)),
        'address add 198.18.40.1/24 dev ' + world.ENCAPSULATING,
        'link set %s address 02:00:00:00:40:01 mtu 1400 up' % world.ENCAPSULATING,
        'neigh replace %s lladdr %s dev %s nud permanent' % (
            world.ENCAPSULATING_GATEWAY, world.ENCAPSULATING_MAC, world.ENCAPSULATING),
        'route replace 0.0.0.0/0 via %s dev r2' % world.gateway(2),
        'route replace 203.0.113.0/24 via %s dev r3' % world.gateway(3)]
    return lines
