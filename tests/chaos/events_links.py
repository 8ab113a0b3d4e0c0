"""What is done to ports: most of it takes routes away in silence, and costs packets, which have a cause then."""
import world
from events_routes import neighbour_lines, restore_commands


def usable_port(chaos):
    """One that may go, or None: two stay."""
    state = chaos.state
    ports = [n for n in world.PORTS if state.usable(n) and state.address[n]]
    if len(ports) < 3:
        return None
    if state.firewall and state.firewall[1] in ports:
        ports.remove(state.firewall[1])
    return chaos.rng.choice(ports)


def bring_back(chaos, port, cause):
    """The port works again: what it lost is put back."""
    chaos.lab.awaken(port)
    chaos.ip(restore_commands(chaos.state))
    chaos.note('%s: r%d is back' % (cause, port))


def coming_back(state, mutate):
    """The steps of a port that works again, for the model."""
    mutate()
    yield
    yield from state.restore()


def link_down(chaos):
    """Set down in the router, a while without it, and up again."""
    port, state, cause = usable_port(chaos), chaos.state, 'link down'
    if port is None:
        return

    def down():
        state.up[port] = False
        state.lose(port, objects=True)
        state.tables[254].pop('198.18.%d.0/24' % port, None)

    def set_up():
        chaos.ip(['link set r%d up' % port])
        bring_back(chaos, port, cause)
    chaos.change(down, lambda: chaos.ip(['link set r%d down' % port]), cause=cause, ports=[port])
    chaos.dwell()
    chaos.maybe_more()
    chaos.change(lambda: coming_back(state, lambda: state.up.update({port: True})), set_up,
                 cause=cause, ports=[port])


def carrier_lost(chaos):
    """The cable is pulled: routes stay, nexthop objects go."""
    port, state, cause = usable_port(chaos), chaos.state, 'carrier lost'
    if port is None:
        return

    def pulled():
        state.carrier[port] = False
        state.lose(port, objects=True)

    def pull():
        chaos.lab.hosts.ip.ask(['link set h%d down' % port])
        chaos.wait(lambda: not chaos.lab.has_carrier(port, True))

    def plug():
        chaos.lab.hosts.ip.ask(['link set h%d up' % port])
        bring_back(chaos, port, cause)
    chaos.change(pulled, pull, cause=cause, ports=[port])
    chaos.dwell()
    chaos.maybe_more()
    chaos.change(lambda: coming_back(state, lambda: state.carrier.update({port: True})), plug,
                 cause=cause, ports=[port])


def link_flap(chaos):
    """Down and up at once, several times: what was via the device and is not put back at once is gone."""
    port, state = usable_port(chaos), chaos.state
    if port is None:
        return

    def flap():
        for _ in range(chaos.rng.choice((1, 1, 3))):
            chaos.ip(['link set r%d down' % port, 'link set r%d up' % port])
        bring_back(chaos, port, 'link flap')

    def without():
        state.up[port] = False
        state.lose(port, objects=True)
        yield
        yield from coming_back(state, lambda: state.up.update({port: True}))
    chaos.change(without, flap, cause='link flap', ports=[port])


def address_lost(chaos):
    """The only address of a port is deleted, with it all routes via the port, and comes back."""
    port, state, cause = usable_port(chaos), chaos.state, 'address removed'
    if port is None:
        return

    def remove():
        state.address[port] = False
        state.lose(port, objects=False)

    # its neighbours went, too; those that are put back need no address
    chaos.change(remove, lambda: chaos.ip(
        ['address del %s/24 dev r%d' % (world.router_address(port), port)] +
        neighbour_lines(state, port)), cause=cause, ports=[port])
    chaos.dwell()
    chaos.change(lambda: coming_back(state, lambda: state.address.update({port: True})),
                 lambda: chaos.ip(restore_commands(state)), cause=cause, ports=[port])


def port_replaced(chaos):
    """The device is deleted, and another one gets its name."""
    port, state, cause = usable_port(chaos), chaos.state, 'device deleted'
    if port is None:
        return

    def gone():
        """Down first: nexthop objects go, and the legs of routes; then whole routes of which a leg was there."""
        state.up[port] = False
        state.lose(port, objects=True)
        state.tables[254].pop('198.18.%d.0/24' % port, None)
        yield
        state.lose_device(port)

    def delete():
        chaos.ip(['link del r%d' % port])
        chaos.lab.router.forget_devices()
        chaos.lab.hosts.forget_devices()

    def anew():
        state.up[port], state.mtu[port], state.forwarding[port] = True, 1500, True
        state.bare.discard(port)

    def make():
        wrong = chaos.lab.build_port(port)
        if wrong:
            raise RuntimeError('r%d: %s' % (port, wrong))
        chaos.sysctl('ipv4/conf/r%d/forwarding' % port, 1)
        bring_back(chaos, port, cause)
    chaos.change(gone, delete, cause=cause, ports=[port])
    chaos.dwell()
    chaos.change(lambda: coming_back(state, anew), make, cause=cause, ports=[port])


def mtu(chaos):
    port, state = chaos.rng.choice(world.PORTS), chaos.state
    size = chaos.rng.choice([n for n in (1000, 1280, 1500) if n != state.mtu[port]])
    chaos.change(lambda: state.mtu.update({port: size}),
                 lambda: chaos.ip(['link set r%d mtu %d' % (port, size)]))
