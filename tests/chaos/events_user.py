"""What is done to user routes: one by one, many in one step, by files."""
import model
import world
from daemon import Refused
from model import UserRoute


def random_user(chaos):
    """A user route for one of the networks, a half of one, or all."""
    rng, state = chaos.rng, chaos.state
    prefix = rng.choice(model.NETWORKS)
    draw = rng.random()
    if draw < 0.2:
        prefix = model.HALVES[prefix]
    elif draw < 0.3:
        prefix = '10.20.0.0/20'
    override = rng.random() < 0.4
    port, host = rng.choice([n for n in world.PORTS if state.up[n] and state.address[n]]), \
        rng.choice(world.GATEWAYS)
    other = rng.choice([n for n in world.PORTS if n != port and state.up[n] and state.address[n]])
    action = rng.choice(('drop', 'via', 'via', 'nexthop', 'redirect', 'pass', 'cpu'))
    legs, text = (), action
    if action == 'via':
        legs, text = ((port, host),), 'via ' + world.gateway(port, host)
    elif action == 'nexthop':
        legs = ((port, host), (other, host))
        text = 'nexthop via %s weight 2 nexthop via %s dev r%d' % (
            world.gateway(port, host), world.gateway(other, host), other)
    elif action == 'redirect':
        legs, text = ((port, None),), 'redirect r%d' % port
    elif action == 'cpu':
        text = rng.choice(('cpu 0', 'cpu 0-%d' % (chaos.cpus - 1)))
    return prefix, UserRoute('via' if action == 'nexthop' else action, legs, override,
                             text + (' override' if override else ''))


def refused_for(chaos, route):
    """May the daemon say no to it? With full tables, or where nothing has XDP."""
    return chaos.state.full or route.action == 'cpu' and chaos.state.hook != 'xdp'


def user(chaos, changes, ask, may_be_refused):
    """Asks the daemon for these changes, {prefix: route or None}; refused, everything is as it was."""
    if not chaos.lab.running:
        return
    table, before = chaos.state.user, dict(chaos.state.user)
    refused = []
    for prefix, route in changes.items():
        chaos.note('  user %s %s' % (prefix, route.text if route else 'goes'))

    def mutate():
        for prefix, route in changes.items():
            table.pop(prefix, None)
            if route:
                table[prefix] = route

    def act():
        try:
            ask()
        except Refused as error:
            if not may_be_refused:
                raise
            refused.append(error)
            table.clear()
            table.update(before)
    chaos.change(mutate, act)
    if refused:
        chaos.note('refused: %s' % refused[0])
    else:
        chaos.from_files -= set(changes)


def words(prefix, route):
    return ['replace', prefix] + route.text.split()


def user_set(chaos):
    prefix, route = random_user(chaos)
    user(chaos, {prefix: route}, lambda: chaos.lab.control.ask(
        'user', {'words': words(prefix, route)}), refused_for(chaos, route))


def user_del(chaos):
    if not chaos.state.user:
        return user_set(chaos)
    prefix = chaos.rng.choice(list(chaos.state.user))
    return user(chaos, {prefix: None}, lambda: chaos.lab.control.ask(
        'user', {'words': ['del', prefix]}), chaos.state.full)


def user_flush(chaos):
    action = chaos.rng.choice(('drop', 'via', 'redirect', 'all'))
    # `via` names single next hops only
    gone = {prefix: None for prefix, route in chaos.state.user.items()
            if action in ('all', route.text.split()[0])}
    selector = ['all'] if action == 'all' else ['action', action]
    user(chaos, gone, lambda: chaos.lab.control.ask('flush', {'words': selector}), chaos.state.full)


def user_batch(chaos):
    """Several of them, and hundreds that no flow uses, in one step."""
    changes = dict(random_user(chaos) for _ in range(chaos.rng.randrange(1, 6)))
    lines = ['replace 10.130.%d.0/24 %s' % (n, chaos.rng.choice(('drop', 'via 198.18.1.2', 'pass')))
             for n in range(chaos.rng.choice((0, 200)))]
    lines += [' '.join(words(prefix, route)) for prefix, route in changes.items()]
    user(chaos, changes, lambda: chaos.lab.control.ask(
        'batch', {'text': '\n'.join(lines) + '\n', 'name': 'chaos'}),
        chaos.state.full or not chaos.state.address[1] or
        any(refused_for(chaos, route) for route in changes.values()))


def may_reload(chaos):
    """Is everything there that files may name? They are refused as a whole otherwise."""
    state = chaos.state
    return chaos.lab.running and not state.full and state.hook == 'xdp' and not state.bare and \
        all(state.up[n] and state.address[n] for n in world.PORTS)


def load(chaos, files):
    """SIGHUP: what the files say comes, what they do not say any more goes, what was set at run time stays."""
    state = chaos.state
    former = {prefix for prefix in state.files if prefix not in files} & chaos.from_files
    for prefix, route in files.items():
        chaos.note('  file: %s %s' % (prefix, route.text))

    def mutate():
        for prefix in former:
            state.user.pop(prefix, None)
        state.user.update(files)
        state.files = files

    def act():
        chaos.lab.write_routes(['%s %s' % (prefix, route.text) for prefix, route in files.items()])
        chaos.lab.hang_up()
        chaos.wait(lambda: chaos.user_prefixes() == set(state.user))
    chaos.change(mutate, act)
    chaos.from_files = set(files)


def user_files(chaos):
    """Other files, and SIGHUP."""
    if may_reload(chaos):
        load(chaos, dict(random_user(chaos) for _ in range(chaos.rng.randrange(0, 4))))


def reload(chaos):
    """SIGHUP without a change of the files."""
    if may_reload(chaos):
        load(chaos, dict(chaos.state.files))
