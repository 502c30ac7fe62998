"""What the features and labels should be, one customer and one day at a time, in plain Python."""

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from statistics import mean, stdev

from sql_companies import Tables, random_company
from sql_reference import Company

Row = dict[str, object]
Order = dict[str, object]


def odd_company(seed: int) -> Tables:
    """A random company with guests, exact and repeated amounts, credit notes paid back, and long gaps."""
    draw = random.Random(seed)
    tables = random_company(seed, customers=14, orders=170)
    sums: dict[object, float] = {}
    for line in tables["orderdetails"]:
        line["priceEach"] = draw.choice([10.0, 12.5, 100.0, line["priceEach"]])
        sums[line["orderNumber"]] = (
            sums.get(line["orderNumber"], 0.0) + line["quantityOrdered"] * line["priceEach"]
        )  # type: ignore[operator]
    template = dict.fromkeys(tables["payments"][0])
    for order in tables["orders"]:
        number, ordered = order["orderNumber"], date.fromisoformat(str(order["orderDate"])[:10])
        if draw.random() < 0.05:
            order["customerNumber"] = None
        elif number in sums and draw.random() < 0.6:
            paid = ordered + timedelta(days=draw.randrange(-5, 90))
            tables["payments"].append(
                template
                | {
                    "customerNumber": order["customerNumber"],
                    "checkNumber": f"E{number}",
                    "paymentDate": paid.isoformat(),
                    "amount": round(sums[number], 2),
                }
            )
        if draw.random() < 0.1:
            order["requiredDate"] = None
    return tables


class Facts:
    """Orders and payments of a company by customer; days count from 1970-01-01."""

    def __init__(self, tables: Tables, terms: int = 30) -> None:
        raw = Company(tables, 10**6, terms, 0, 10**6)
        days = {row["orderNumber"]: _day(row["requiredDate"]) for row in tables["orders"]}
        lines: dict[object, list[Row]] = {}
        listed = {row["productCode"]: row for row in tables["products"]}
        for row in raw.all_lines.to_dicts():
            lines.setdefault(row["order_id"], []).append(
                row | {"msrp": listed.get(row["product_id"], {}).get("MSRP")}
            )
        self.terms = terms
        self.products = set(listed)
        self.orders: dict[object, list[Order]] = {}
        for row in sorted(raw.orders.to_dicts(), key=lambda r: (r["order_day"], r["order_id"])):
            order = row | {"lines": lines.get(row["order_id"], []), "required_day": days[row["order_id"]]}
            order["amount"] = sum(line["revenue"] for line in order["lines"])
            if row["customer_id"] is not None:
                self.orders.setdefault(row["customer_id"], []).append(order)
        self.payments: dict[object, list[Row]] = {}
        for row in tables["payments"]:
            paid = {
                "day": _day(row["paymentDate"]),
                "cents": round(row["amount"] * 100),
                "id": row["checkNumber"],
            }  # type: ignore[operator]
            self.payments.setdefault(row["customerNumber"], []).append(paid)
        self.last_day = max(row["order_day"] for row in raw.orders.to_dicts())

    def known(self, as_of: int) -> Iterator[tuple[object, list[Order]]]:
        """The orders of each customer before a day."""
        for customer, orders in self.orders.items():
            if before := [order for order in orders if order["order_day"] < as_of]:
                yield customer, before


def _day(text: object) -> int | None:
    return (date.fromisoformat(str(text)[:10]) - date(1970, 1, 1)).days if text else None


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def purchases(facts: Facts, as_of: int) -> Iterator[Row]:
    for customer, orders in facts.known(as_of):
        by_day: dict[int, float] = {}
        for order in orders:
            by_day[order["order_day"]] = by_day.get(order["order_day"], 0.0) + order["amount"]
        days, amounts = list(by_day), list(by_day.values())
        gaps = [b - a for a, b in pairwise(days)]

        def within(span: int, orders: list[Order] = orders) -> list[Order]:
            return [order for order in orders if order["order_day"] >= as_of - span]

        def amount(some: list[Order]) -> float:
            return sum(order["amount"] for order in some)

        recent, year = within(180), within(365)
        earlier = [order for order in within(360) if order not in recent]
        now, then = round(amount(recent), 4), round(amount(earlier), 4)
        if now < 0 < then:
            trend: float | None = -1.0
        elif then < 0 < now:
            trend = 1.0
        else:
            trend = (now - then) / (now + then) if now + then > 0 else None
        tenure = as_of - days[0]
        years = min(3, tenure // 365)
        counted = [day for day in days if day >= as_of - 365 * years]
        in_season = [day for day in counted for k in range(1, years + 1) if 0 <= day + 365 * k - as_of < 90]
        returned = -sum(min(0.0, line["revenue"]) for order in orders for line in order["lines"])
        total = amount(orders)
        spread = None
        if len(days) > 1 and total > 1e-9:
            spread = (stdev(amounts) / mean(amounts)) ** 2
        yield {
            "customer_id": customer,
            "as_of_day": as_of,
            "recency_days": as_of - days[-1],
            "tenure_days": tenure,
            "orders": len(orders),
            "order_days": len(days),
            **{f"orders_{span}": len(within(span)) for span in (30, 90, 180, 365)},
            "order_lines": sum(len(order["lines"]) for order in orders),
            "revenue": total,
            **{f"revenue_{span}": amount(within(span)) for span in (30, 90, 180, 365)},
            "mean_order_value": total / len(orders),
            "mean_order_value_365": amount(year) / len(year) if year else None,
            "last_order_value": amounts[-1],
            "largest_order_value": max(amounts),
            "order_value_cv_squared": spread,
            "mean_gap_days": mean(gaps) if gaps else None,
            "last_gap_days": gaps[-1] if gaps else None,
            "gap_cv_squared": (stdev(gaps) / mean(gaps)) ** 2 if len(gaps) > 1 else None,
            "recency_to_gap": (as_of - days[-1]) / mean(gaps) if gaps else None,
            "orders_trend": (len(recent) - len(earlier)) / (len(recent) + len(earlier))
            if recent or earlier
            else None,
            "revenue_trend": trend,
            "season_share": len(in_season) / len(counted) if years and counted else None,
            "returned_amount": returned,
            "returned_share": _share(returned, round(total + returned, 4)),
        }


def fulfilment(facts: Facts, as_of: int) -> Iterator[Row]:
    for customer, orders in facts.known(as_of):
        shipped = [o for o in orders if o["shipped_day"] is not None and o["shipped_day"] < as_of]
        dated = [o for o in orders if o["required_day"] is not None]
        due = [o for o in dated if o["required_day"] + 30 < as_of]
        lost = [o for o in due if o not in shipped]
        waiting = [o for o in dated if o not in due and o not in shipped]
        last = orders[-1]  # the last one of its day by key
        end = last["shipped_day"] if last in shipped else as_of
        yield {
            "customer_id": customer,
            "as_of_day": as_of,
            "open_orders": len(waiting) if dated else None,
            "unshipped_orders": len(lost) if dated else None,
            "unshipped_share": len(lost) / len(due) if due else None,
            "mean_shipping_days": mean(o["shipped_day"] - o["order_day"] for o in shipped)
            if shipped
            else None,
            "last_shipping_days": last["shipped_day"] - last["order_day"] if last in shipped else None,
            "last_days_overdue": max(0, end - last["required_day"]) if last in dated else None,
            "late_delivery_share": mean(o["shipped_day"] > o["required_day"] for o in shipped if o in dated)
            if any(o in dated for o in shipped)
            else None,
        }


def assortment(facts: Facts, as_of: int) -> Iterator[Row]:
    for customer, orders in facts.known(as_of):
        lines = [
            line | {"age": as_of - order["order_day"]}
            for order in orders
            for line in order["lines"]
            if line["product_id"] in facts.products
        ]
        if not lines:
            continue
        sums: dict[object, float] = {}
        for line in lines:
            sums[line["product_line"]] = sums.get(line["product_line"], 0.0) + max(0.0, line["revenue"])
        total = sum(sums.values())
        shares = [part / total for part in sums.values()] if total > 0 else []
        named = {name: round(part, 4) for name, part in sums.items() if name is not None}
        main = min(named, key=lambda name: (-named[name], name)) if named else None

        def discount(span: int, lines: list[Row] = lines) -> float | None:
            some = [ln for ln in lines if ln["age"] <= span and ln["quantity"] > 0 and ln["msrp"]]
            listed = sum(ln["quantity"] * ln["msrp"] for ln in some)
            return 1 - sum(ln["revenue"] for ln in some) / listed if listed > 0 else None

        yield {
            "customer_id": customer,
            "as_of_day": as_of,
            "product_lines": len({ln["product_line"] for ln in lines} - {None}),
            "product_lines_365": len({ln["product_line"] for ln in lines if ln["age"] <= 365} - {None}),
            "line_concentration": sum(share**2 for share in shares) if shares else None,
            "main_line_share": max(shares) if shares else None,
            "main_product_line": main,
            "discount": discount(10**6),
            "discount_365": discount(365),
        }


def payments(facts: Facts, as_of: int) -> Iterator[Row]:
    for customer in {*facts.orders, *facts.payments} - {None}:
        bills = [
            o | {"cents": round(o["amount"] * 100)} for o in facts.orders.get(customer, []) if o["lines"]
        ]
        paid = sorted(facts.payments.get(customer, []), key=lambda p: (p["day"], p["id"]))
        settled = _exact(bills, paid)
        given_up = [
            o["required_day"] is not None
            and o["required_day"] + 30 < as_of
            and not (o["shipped_day"] is not None and o["shipped_day"] < as_of)
            for o in bills
        ]
        matched = {
            i: paid[settled[i]]["day"]
            for i, bill in enumerate(bills)
            if i in settled and bill["order_day"] < as_of and paid[settled[i]]["day"] < as_of
        }
        used = {settled[i] for i, bill in enumerate(bills) if i in settled and bill["order_day"] < as_of}
        receipts = [p for p in paid if p["day"] < as_of and p["cents"] > 0]
        purse, queue, rows = [], [], []
        for place, payment in enumerate(paid):
            if payment["day"] < as_of and payment["cents"] > 0 and place not in used:
                purse.append([payment["day"], payment["day"], payment["cents"]])
        for i, bill in enumerate(bills):
            if bill["order_day"] >= as_of or given_up[i]:
                continue
            shipped = bill["shipped_day"]
            billed = shipped if shipped is not None and shipped < as_of else bill["order_day"]
            if i in matched:
                if bill["cents"] > 0:
                    rows.append((billed, matched[i], 0))
            elif bill["cents"] > 0:
                queue.append((bill["order_day"], billed, bill["cents"]))
            elif bill["cents"] < 0:
                purse.append([bill["order_day"], bill["order_day"], -bill["cents"]])
        purse.sort()
        for _, billed, cents in sorted(queue):
            while cents and purse:
                taken = min(cents, purse[0][2])
                cents -= taken
                purse[0][2] -= taken
                settled_day = purse[0][0]
                if not purse[0][2]:
                    purse.pop(0)
            rows.append((billed, None if cents else settled_day, cents))
        if not rows and not receipts:
            continue
        due = [
            (billed + facts.terms, day, cents) for billed, day, cents in rows if billed + facts.terms < as_of
        ]
        late = [max(0, (as_of if day is None else day) - limit) for limit, day, _ in due]
        recent = [days for (limit, _, _), days in zip(due, late, strict=True) if limit >= as_of - 365]
        waited = [max(0, day - billed) for billed, day, _ in rows if day is not None]
        owed, overdue = sum(cents for *_, cents in rows), sum(cents for *_, cents in due)
        yield {
            "customer_id": customer,
            "as_of_day": as_of,
            "late_share": mean(days > 0 for days in late) if late else None,
            "late_share_365": mean(days > 0 for days in recent) if recent else None,
            "mean_days_to_pay": mean(waited) if waited else None,
            "mean_days_late": mean(late) if late else None,
            "longest_days_late": max(late) if late else None,
            "outstanding": owed / 100,
            "overdue": overdue / 100,
            "overdue_share": _share(overdue, owed),
            "oldest_overdue_days": max([as_of - limit for limit, _, cents in due if cents] or [0]),
            "paid_365": sum(p["cents"] for p in receipts if p["day"] >= as_of - 365) / 100,
            "days_since_payment": as_of - max(p["day"] for p in receipts) if receipts else None,
        }


def _exact(bills: list[Row], paid: list[Row]) -> dict[int, int]:
    """For invoices (by place) the payment of exactly their amount: first to first, second to second."""
    waiting: dict[object, list[int]] = {}
    for place, payment in enumerate(paid):
        waiting.setdefault(payment["cents"], []).append(place)
    found = {}
    for place, bill in enumerate(bills):
        if waiting.get(bill["cents"]):
            found[place] = waiting[bill["cents"]].pop(0)
    return found


def labels(facts: Facts, as_of: int, horizon: int) -> Iterator[Row]:
    for customer, _ in facts.known(as_of):
        bought = [
            order
            for order in facts.orders[customer]
            if as_of <= order["order_day"] < as_of + horizon and not order["cancelled"]
        ]
        yield {
            "customer_id": customer,
            "as_of_day": as_of,
            "orders": len(bought),
            "revenue": sum(order["amount"] for order in bought),
            "ordered": int(bool(bought)),
            "complete": int(as_of + horizon <= facts.last_day + 1),
        }


FEATURE_REFERENCES: dict[str, Callable[[Facts, int], Iterator[Row]]] = {
    "features/purchases": purchases,
    "features/fulfilment": fulfilment,
    "features/assortment": assortment,
    "features/payments": payments,
}
