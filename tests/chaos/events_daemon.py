"""What is done to the daemon: killed, stopped, started differently, flooded, told to reload."""
import events_routes
import world
from lab import SMALL, Broken


def away(chaos, how, act):
    """The daemon does not follow the kernel any more; its maps stay in force until the lease is over."""
    act()
    chaos.lean_on_lease()
    chaos.note(how)


def detach(chaos):
    """It ends and takes everything with it."""
    state = chaos.state

    def mutate():
        state.in_force, state.user, chaos.from_files = False, dict(state.files), set(state.files)

    def stop():
        chaos.lab.terminate()
        chaos.lab.lease_until = chaos.now()  # nothing is left that could be stale
    chaos.change(mutate, stop)
    chaos.note('terminated')


def thaw(chaos):
    """SIGCONT. A lease that ran out is renewed some time after it has settled."""
    lab = chaos.lab

    def act():
        lab.thaw()
        lab.settle()
        chaos.wait(lambda: lab.status()['state'] == 'synced')
    chaos.change(lambda: setattr(chaos.state, 'in_force', True), act, kept=True)


def changes_meanwhile(chaos):
    for _ in range(chaos.rng.randrange(0, 3)):
        chaos.rng.choice((events_routes.route_change, events_routes.route_removal,
                          events_routes.nexthop_change, events_routes.neighbour_change,
                          events_routes.route_churn, events_routes.firewall))(chaos)


def meanwhile(chaos, share):
    """What happens while the daemon is away; with this probability until only what the kernel says counts."""
    changes_meanwhile(chaos)
    if chaos.rng.random() < share:
        chaos.wait(lambda: chaos.now() > chaos.lab.lease_end())
        chaos.dwell(0.4)
        chaos.count('lease outlived')


def choose_start(chaos, small=False):
    """How the next start differs from the last one."""
    rng, lab, state = chaos.rng, chaos.lab, chaos.state
    lab.engine = rng.choice(('dir24', 'lpm'))
    lab.hook = rng.choice(('xdp', 'xdp', 'xdp', 'tc', 'tc', 'auto'))
    lab.keep = rng.random() < 0.4
    lab.lease = rng.choice((3, 3, 4))
    lab.more = ['--receive-buffer', '32768'] if rng.random() < 0.6 else []
    state.kernel_routes = rng.random() > 0.1
    if not state.kernel_routes:
        lab.more.append('--no-kernel-routes')
    state.full = small
    if small:
        for option in rng.sample(SMALL, rng.choice((1, 2, len(SMALL)))):
            lab.more += option.split()
    state.hook = 'xdp' if lab.hook == 'xdp' else 'tc'


def come_back(chaos, foreign=None, small=False):
    """A start with other options. The user routes are there again, of the files and of a journal."""
    state, lab = chaos.state, chaos.lab

    def mutate():
        choose_start(chaos, small)
        for prefix in chaos.from_files - set(state.files):
            del state.user[prefix]
        state.in_force = True
        state.bare = {foreign} if foreign and lab.hook == 'xdp' else set()
    chaos.change(mutate, lab.start, kept=True)
    chaos.from_files &= set(state.files)
    check_kept(chaos)
    chaos.note('started: %s %s %s' % (lab.engine, lab.hook, ' '.join(lab.more)))
    attached = {row['ifname'] for row in lab.status()['interfaces'] if row['attached']}
    expected = {'r%d' % port for port in world.PORTS if port not in state.bare}
    if attached & {'r%d' % port for port in world.PORTS} != expected:
        raise Broken('attached after the start: %s, not %s' % (sorted(attached), sorted(expected)))


def check_kept(chaos):
    """All user routes are there again, or, in tables that are too small, none that was not."""
    state, there = chaos.state, chaos.user_prefixes()
    if there - set(state.user) or there != set(state.user) and not state.full:
        chaos.violation('kept', 'user routes after the start: %s, not %s' % (
            sorted(there), sorted(state.user)))
    state.user = {prefix: route for prefix, route in state.user.items() if prefix in there}


def end(chaos):
    """Ended in one of the ways there are: what is left in place depends on that."""
    lab, rng = chaos.lab, chaos.rng
    if rng.random() < 0.6:
        chaos.count('kill -9' + (' with --keep' if lab.keep else ''))
        away(chaos, 'killed', lab.kill)
    elif lab.keep:
        chaos.count('SIGTERM with --keep')
        away(chaos, 'terminated, kept', lab.terminate)
    else:
        chaos.count('SIGTERM')
        detach(chaos)


def restart(chaos):
    if not chaos.lab.running:
        return
    end(chaos)
    meanwhile(chaos, 0.35)
    come_back(chaos)


def stopped(chaos):
    """SIGSTOP and SIGCONT, while the kernel changes, before or after the lease is over."""
    lab = chaos.lab
    if not lab.running:
        return
    away(chaos, 'stopped', lab.freeze)
    meanwhile(chaos, 0.5)
    thaw(chaos)


def overrun(chaos):
    """More notifications than the receive buffer holds."""
    lab = chaos.lab
    if not lab.running:
        return
    if '--receive-buffer' not in lab.more:
        stopped(chaos)
        return
    before = lab.status()['netlink']['overruns']
    away(chaos, 'stopped', lab.freeze)
    events_routes.route_churn(chaos)
    chaos.ip(events_routes.background_lines(chaos, 400), lenient=True)
    events_routes.route_change(chaos)
    thaw(chaos)
    if lab.status()['netlink']['overruns'] == before:
        raise Broken('no overrun was noticed')


def full_tables(chaos):
    """Started with tables that do not hold what there is; and again with usual ones."""
    state = chaos.state
    if not chaos.lab.running or state.full:
        return
    lines = ['10.131.%d.%d/32 %s mtu %d' % (n, n, events_routes.leg_text(
        events_routes.random_leg(chaos)), 1000 + n) for n in range(90)]
    chaos.ip(['route replace ' + line for line in lines], lenient=True)
    state.files = {}
    chaos.lab.write_routes([])
    end(chaos)
    come_back(chaos, small=True)
    if not chaos.lab.status()['full'] and state.kernel_routes:
        chaos.note('no table is full')
    for _ in range(3):
        chaos.maybe_more(1)
    chaos.quiet()
    if not chaos.lab.running:
        return
    end(chaos)
    chaos.ip(['route del ' + line.split()[0] for line in lines], lenient=True)
    come_back(chaos)


def foreign(chaos):
    """Another's XDP program is on a port when the daemon starts, and then not any more."""
    lab, port = chaos.lab, chaos.rng.choice(world.PORTS)
    if not lab.running:
        return

    if lab.keep:
        away(chaos, 'killed', lab.kill)
        come_back(chaos)
        if lab.keep:
            return
    detach(chaos)
    chaos.change(lambda: None, lambda: lab.foreign(port, True), cause='foreign program', ports=[port])
    come_back(chaos, foreign=port)
    chaos.maybe_more(1)
    chaos.quiet()
    away(chaos, 'killed', lab.kill)
    chaos.change(lambda: None, lambda: lab.foreign(port, False), cause='foreign program', ports=[port])
    come_back(chaos)
