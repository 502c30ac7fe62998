"""First in, first out: money without a purpose settles the oldest open invoices."""

import numpy as np

from core.receivables.rows import Ints


def first_in_first_out(
    source_customer: Ints, source_cents: Ints, invoice_customer: Ints, invoice_cents: Ints
) -> tuple[Ints, Ints, Ints]:
    """(source row, invoice row, cents) of every part of a source that settles a part of an invoice.

    Sources (payments, credit notes) and invoices are sorted by customer, then oldest first; all cents are
    positive. Both are laid end to end along a line of money that is long enough for either; where a source
    and an invoice overlap, the one settles the other.
    """
    if not len(source_cents) or not len(invoice_cents):
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, empty
    customers = int(max(source_customer[-1], invoice_customer[-1])) + 1
    have, owe = np.zeros(customers, dtype=np.int64), np.zeros(customers, dtype=np.int64)
    np.add.at(have, source_customer, source_cents)
    np.add.at(owe, invoice_customer, invoice_cents)
    length = np.maximum(have, owe)
    origin = np.cumsum(length) - length
    source_end, invoice_end = (
        origin[who] + np.cumsum(cents) - (np.cumsum(total) - total)[who]
        for who, cents, total in (
            (source_customer, source_cents, have),
            (invoice_customer, invoice_cents, owe),
        )
    )
    cuts = np.unique(
        np.concatenate([source_end - source_cents, source_end, invoice_end - invoice_cents, invoice_end])
    )
    start, cents = cuts[:-1], np.diff(cuts)
    source = np.searchsorted(source_end, start, side="right")
    invoice = np.searchsorted(invoice_end, start, side="right")
    inside = (source < len(source_end)) & (invoice < len(invoice_end))
    source, invoice, start, cents = source[inside], invoice[inside], start[inside], cents[inside]
    both = (source_end - source_cents)[source] <= start
    both &= (invoice_end - invoice_cents)[invoice] <= start
    return source[both], invoice[both], cents[both]
