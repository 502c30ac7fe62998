"""Which training days are held out to judge a model before it is used, with the embargo kept."""

from collections.abc import Sequence

_MOST_HELD_OUT = 3


def held_out_days(days: Sequence[int], horizon: int) -> tuple[list[int], list[int]]:
    """Training days to learn from and later ones to judge on; empty lists where there are too few days.

    No label window of the first list reaches beyond the first day of the second: what is judged lies after
    everything that was learned from. Up to three days are held out, as long as two remain.
    """
    ordered = sorted(set(days))
    for least in (2, 1):
        for count in range(min(_MOST_HELD_OUT, len(ordered) - 1), 0, -1):
            judged = ordered[-count:]
            learned = [day for day in ordered if day + horizon <= judged[0]]
            if len(learned) >= least:
                return learned, judged
    return [], []
