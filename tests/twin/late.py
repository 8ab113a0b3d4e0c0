"""Frames that come after their batch was compared: what waited for a neighbour, and its errors.

Only a kernel can keep a packet. Of one that the program forwarded or dropped nothing may follow. Of one
that it left to its router's kernel, all that came early or late is what came of the kernel's router, port
by port and frame by frame. The exception are errors for packets that waited in vain, of which only what
they quote is compared. They take the route to the sender as it is when the kernel's timer runs out, before
an operation or after it. And many come at a time, by one socket for each CPU and all namespaces, which drops
what it has no room for (IcmpOutErrors). The queue of a neighbour that is not resolved drops, too: of what one
kernel sends late, another may send less.
"""
import collections

import frames
from daemon import DROPPED, FORWARDED


def everything(packet, name):
    return collections.Counter(packet.results[name] + packet.late.get(name, []))


def wrong_of(packet, router, judge):
    """What is wrong with what came late of a packet at that router, or None; and whether errors
    differ as they may. judge: the name of the kernel's router that knows."""
    late, verdict = packet.late.get(router.name, []), packet.verdicts[router.name]
    kernel, other = everything(packet, judge), everything(packet, router.name)
    if router.name in packet.resent:  # copies of what came before, and no others
        late = [pair for pair in late if pair not in packet.results[router.name]]
        other = collections.Counter(set(other))
    if kernel == other or not late and not packet.late.get(judge):
        return None, False
    if verdict == FORWARDED and not late:
        return None, False  # by another leg than the kernel's, which had no neighbour: compared already
    if verdict in (FORWARDED, DROPPED):
        return 'late frames of a packet that the program %s' % verdict, False
    if is_nothing_or_unreachable(packet, kernel) and is_nothing_or_unreachable(packet, other):
        return None, True
    if is_part_of(kernel, other, late) or is_part_of(other, kernel, packet.late.get(judge, [])):
        return None, True
    return 'late frames of a packet that was left to the kernel differ', False


def is_part_of(less, more, late):
    """Does the one lack nothing but frames that came late of the other?"""
    return not less - more and not more - less - collections.Counter(late)


def is_answer_lost(packet, router, judge, losers):
    """Do they differ in an ICMP message of the kernel's own that one sent, and the other had no room for?"""
    results = {name: packet.results[name] for name in (router, judge)}
    missing = [name for name in results if not results[name]]
    if len(missing) != 1 or missing[0] not in losers:
        return False
    (_, frame), *more = results[router] or results[judge]
    return not more and packet.verdicts[router] not in (FORWARDED, DROPPED) and \
        frames.is_ipv4(frame) and frame[23] == frames.ICMP and frame[26:34] != packet.addresses


def is_nothing_or_unreachable(packet, results):
    """The error, once, of what waited in vain: of the packet, or of the router's own answer to it."""
    found = list(results.elements())
    if len(found) != 1 or not frames.is_ipv4(found[0][1]):
        return not found
    frame = found[0][1]
    if frame[23] == frames.UDP:  # sent by the vxlan device
        frame = frames.inside(frame) or frame
    quoted, kind = frames.inside(frame), frame[14 + (frame[14] & 15) * 4:][:2]
    if frame[23] != frames.ICMP or kind != b'\x03\x01' or not frames.is_ipv4(quoted):
        return False
    return quoted[26:34] == packet.addresses[4:] + packet.addresses[:4] or \
        quoted[26:34] == packet.addresses and is_as_it_was_to_leave(packet, quoted)


def is_as_it_was_to_leave(packet, quoted):
    """Fragments differ in length, flags, offset and checksum, and only the first one is told about."""
    if packet.plain is None:
        return True
    plain, quoted = packet.plain, quoted[14:]
    if quoted[6] & 0x20:
        plain, quoted = (ip[:2] + ip[4:6] + ip[8:10] + ip[12:] for ip in (plain, quoted))
    return quoted == plain[:len(quoted)]
