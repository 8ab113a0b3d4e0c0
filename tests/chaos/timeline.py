"""What may become of the packets of a flow, and when: what they are judged by.

An outcome is where packets may arrive, as (port, destination MAC address, as it was), and the cause for which
they may be lost, or None. It is allowed from its begin until the next one's. A packet is right
if what became of it was allowed at any time while it was on its way.
"""
import bisect
import collections

Outcome = collections.namedtuple('Outcome', 'arrivals lost')


def dropped(cause):
    return Outcome(frozenset(), cause)


def union(outcomes):
    """Any of them is right."""
    arrivals, lost = frozenset(), None
    for outcome in outcomes:
        arrivals |= outcome.arrivals
        lost = lost or outcome.lost
    return Outcome(arrivals, lost)


class Timeline:
    """The outcomes of a flow, in the order of their begins."""

    def __init__(self, outcome):
        self.begins, self.outcomes = [0.0], [outcome]

    def allow(self, begin, outcome):
        """From then on only this; what was foreseen for later is forgotten."""
        while len(self.begins) > 1 and self.begins[-1] >= begin:
            self.begins.pop()
            self.outcomes.pop()
        if self.outcomes[-1] != outcome:
            self.begins.append(begin)
            self.outcomes.append(outcome)

    def also(self, begin, outcome):
        """From then on this too, beside what was foreseen."""
        at = bisect.bisect_right(self.begins, begin)
        later = list(zip(self.begins[at:], self.outcomes[at:]))
        self.allow(begin, union((self.outcomes[at - 1], outcome)))
        for moment, foreseen in later:
            self.allow(moment, union((foreseen, outcome)))

    def between(self, first, last):
        low = max(0, bisect.bisect_right(self.begins, first) - 1)
        high = bisect.bisect_right(self.begins, last)
        return union(self.outcomes[low:high])

    def forget(self, before):
        """All packets sent before are judged."""
        keep = max(0, bisect.bisect_right(self.begins, before) - 1)
        del self.begins[:keep], self.outcomes[:keep]
