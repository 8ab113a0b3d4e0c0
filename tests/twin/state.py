"""What the harness believes the routers to be: enough to choose the next operation and packets.

It need not be right. Operations that the kernel refuses are operations too, if all three refuse alike.
"""
import collections

import world
from topology import MTU_LARGEST

RECENT = 8  # prefixes touched lately, where packets go by preference


class State:
    """Changes as operations are chosen, never by what a router answers: a seed must replay."""

    def __init__(self, has_user=False, has_tc=False):
        self.has_user, self.has_tc = has_user, has_tc  # ports of the tc hook, at each router with a daemon
        self.mac = {n: world.router_mac(n) for n in world.PORTS}
        self.mtu = {n: 1500 for n in world.PORTS}
        self.router_up = dict.fromkeys(world.PORTS, True)
        self.host_up = dict.fromkeys(world.PORTS, True)
        self.enslaved = dict.fromkeys(world.PORTS, False)
        self.macvlan = False
        self.guards = []  # firewalls and IPsec policies
        # who answers ARP: (port, address) -> MAC address
        self.living = {(n, world.gateway(n, host)): world.gateway_mac(n, host)
                       for n in world.PORTS for host in world.GATEWAYS + world.HOSTS}
        self.routes = collections.OrderedDict()  # what `ip route del` needs -> True
        self.nexthops = collections.OrderedDict()  # id -> True for a group
        self.user = {}  # user routes, see user.py: changes as the daemons accept them, alike
        self.user_decides = lambda packet: None  # the prefix of the one that does, see there
        self.undo = []  # operations that put right what was disturbed
        self.recent = collections.deque(['203.0.113.0/24', '0.0.0.0/0'], maxlen=RECENT)

    def touch(self, prefix):
        if prefix in self.recent:
            self.recent.remove(prefix)
        self.recent.append(prefix)

    def is_usable(self, port):
        """Do frames sent into this port arrive?"""
        return self.host_up[port] and self.router_up[port]

    def is_guarded(self, port):
        """Has something besides routing to see what comes in by this port?"""
        return bool(self.guards) or self.enslaved[port]

    def forwards(self, port):
        """May what comes in by this port be forwarded, as far as sysctls and bridges say?"""
        return not self.enslaved[port] and not any(
            'forward' in path for operation in self.undo for path in operation.sysctls)

    def ingress_ports(self):
        return [n for n in world.PORTS if self.is_usable(n)] or [1]

    def fits(self, port, length):
        return length <= min(self.mtu[port], MTU_LARGEST)


class Operation:
    """One change, for all routers alike."""

    def __init__(self, text, router=(), hosts=(), sysctls=None, frames=(), carrier=None,
                 quicken=(), calm=(), rebuild=(), tool=None, lenient=False, silent=False):
        self.text = text
        self.router = list(router)    # ip commands in the router
        self.hosts = list(hosts)      # ip commands in the hosts' namespace, before
        self.sysctls = sysctls or {}  # below /proc/sys/net, after
        self.frames = list(frames)    # (port, frame) sent unasked, last
        self.carrier = carrier or {}  # port -> whether it has carrier then; waited for before router
        self.quicken = list(quicken)  # ports whose host end came up again
        self.calm = list(calm)        # devices that are new
        self.rebuild = list(rebuild)  # ports to be made anew
        self.after = []               # ip commands in the router once all that is up again
        self.tool = tool              # another command in the router: (its words, its input)
        self.lenient = lenient        # answers may differ: neighbours that were learned, or not
        self.silent = silent          # routes may go, and no message says so: packets follow at once

    def __str__(self):
        lines = [self.text]
        lines += ['  hosts: ip ' + line for line in self.hosts]
        shown = self.router if len(self.router) <= 24 else self.router[:2]
        lines += ['  ip ' + line for line in shown]
        if len(self.router) > len(shown):
            lines.append('  .. %d more of the kind' % (len(self.router) - len(shown)))
        lines += ['  %s %s' % (' '.join(self.tool[0]), self.tool[1])] if self.tool else []
        lines += ['  sysctl net.%s=%s' % (path.replace('/', '.'), value)
                  for path, value in self.sysctls.items()]
        lines += ['  h%d sends %s' % (port, frame.hex()) for port, frame in self.frames]
        return '\n'.join(lines)
