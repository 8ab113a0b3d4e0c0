"""Which operation comes next: the weights."""
import op_links
import op_routes
import op_user

WEIGHTS = (
    (op_routes.route_set, 20), (op_routes.route_more, 5), (op_routes.route_type, 6),
    (op_routes.route_own, 1), (op_routes.route_del, 8), (op_routes.route_in_table, 2),
    (op_routes.churn, 4),
    (op_routes.nexthop_set, 4), (op_routes.nexthop_group, 3), (op_routes.nexthop_del, 2),
    (op_routes.route_by_nexthop, 5), (op_routes.rule, 3),
    (op_links.neighbour_set, 8), (op_links.neighbour_del, 2), (op_links.gateway_moves, 2),
    (op_links.address, 3), (op_links.port_down, 4), (op_links.port_flaps, 3), (op_links.mtu, 3),
    (op_links.port_mac, 2), (op_links.port_replaced, 1), (op_links.firewall, 0.5), (op_links.ipsec, 0.5),
    (op_links.macvlan, 2), (op_links.bridge, 1), (op_links.sysctl, 9), (op_links.repair, 6),
)
USER_WEIGHTS = (
    (op_user.user_set, 14), (op_user.user_beside, 10), (op_user.user_del, 5), (op_user.user_batch, 4),
    (op_user.user_flush, 1.5),
)
MAKERS = [maker for maker, _ in WEIGHTS]
SHARES = [share for _, share in WEIGHTS]
ALL_MAKERS = MAKERS + [maker for maker, _ in USER_WEIGHTS]
ALL_SHARES = SHARES + [share for _, share in USER_WEIGHTS]
UNDO = 0.35       # how often something disturbed is put right instead, if there is anything
UNDO_MANY = 0.75  # with more than a few of them


def choose(rng, state):
    if state.undo and rng.random() < (UNDO_MANY if len(state.undo) > 3 else UNDO):
        return op_links.undo(rng, state)
    while True:
        operation = (rng.choices(ALL_MAKERS, ALL_SHARES) if state.has_user
                     else rng.choices(MAKERS, SHARES))[0](rng, state)
        if operation:
            return operation
