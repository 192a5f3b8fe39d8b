# SPDX-License-Identifier: Apache-2.0
"""The rules of metering and billing, worked out once more for the demo's checker. Integers only: Wh, ml, cents.

This shares no code with the services. Rules: docs/architecture.md; prices and periods: deploy/local/demo/site.yaml.
"""
import bisect
import datetime
from collections import defaultdict
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Madrid")
DAY_S = 86400
FOREVER = 1 << 62
LIMITS = {  # per hour, backflow, slack
    "water": (5_000_000, 200_000, 100_000),
    "electricity": (30_000, 0, 10),
}
BLOCKS = {  # upper bounds and prices in 1e-8 of the currency per m3 or kWh, units in a m3 or kWh, annual
    "water": ((180_000_000, 260_000_000, FOREVER), (500_000_000, 700_000_000, 900_000_000), 1_000_000, True),
    "electricity": ((200_000, 400_000, FOREVER), (58_800_000, 63_800_000, 88_800_000), 1_000, False),
}
GRACE_S = DAY_S
DUE_DAYS, REMINDER_DAYS, NOTICE_DAYS, DISCONNECT_DAYS, LEAD_DAYS = 21, 7, 20, 30, 7
MONTHS = [(2016, month) for month in range(3, 13)]


def midnight(date):
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=ZONE).timestamp())


def local_date(utc_s):
    return datetime.datetime.fromtimestamp(utc_s, ZONE).date()


def month_start(year, month):
    return midnight(datetime.date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1))


def merge(reads):
    """The read vector: highest value of a second, first two and last two seconds of a UTC hour."""
    best = {}
    for time_s, value in reads:
        best[time_s] = max(value, best.get(time_s, value))
    hours = defaultdict(list)
    for time_s in sorted(best):
        hours[time_s // 3600].append(time_s)
    kept = sorted({s for seconds in hours.values() for s in seconds[:2] + seconds[-2:]})
    return [(time_s, best[time_s]) for time_s in kept]


def is_plausible(a, b, commodity):
    rate, backflow, slack = LIMITS[commodity]
    return -backflow <= b[1] - a[1] <= rate * (b[0] - a[0]) // 3600 + slack


def chain(reads, commodity):
    """(accepted, questionable, resets): the reads that count by the physical-limit rule."""
    accepted, questionable, resets, at = [], [], [], 0
    while at < len(reads):
        if accepted and not is_plausible(accepted[-1], reads[at], commodity):
            back = next((i for i in range(at + 1, len(reads)) if reads[i][0] <= reads[at][0] + DAY_S
                         and is_plausible(accepted[-1], reads[i], commodity)), None)
            if back is None:
                resets.append(reads[at])
            else:
                questionable += reads[at:back]
                at = back
        accepted.append(reads[at])
        at += 1
    return accepted, questionable, resets


def register_at(accepted, time_s):
    """What the register stood at, read off between the reads around; the first or last one beyond them."""
    at = bisect.bisect_right(accepted, (time_s, FOREVER))
    if at == 0:
        return accepted[0][1]
    a = accepted[at - 1]
    if a[0] == time_s or at == len(accepted):
        return a[1]
    b = accepted[at]
    return a[1] + (b[1] - a[1]) * (time_s - a[0]) // (b[0] - a[0])


def usage_by_month(accepted):
    edges = [register_at(accepted, month_start(y, m)) for y, m in MONTHS] + [register_at(accepted, month_start(2017, 1))]
    return [after - before for before, after in zip(edges, edges[1:])]


def hours_of_usage(accepted, from_s, until_s):
    edges = [register_at(accepted, t) for t in range(from_s, until_s + 1, 3600)]
    return [after - before for before, after in zip(edges, edges[1:])]


def cents(quantity, price_e8, unit):
    """quantity x price, halves away from zero, in cents."""
    doubled, divisor = 2 * abs(quantity) * price_e8 * 100, unit * 10**8
    amount = (doubled + divisor) // (2 * divisor)
    return amount if quantity >= 0 else -amount


def ladder(commodity, prior, quantity):
    """[(block, quantity, cents)] of what was used behind `prior` in the accumulation period."""
    bounds, prices, unit, _ = BLOCKS[commodity]
    low, high = min(prior, prior + quantity), max(prior, prior + quantity)
    lines, lower = [], -FOREVER
    for block, (upper, price) in enumerate(zip(bounds, prices), 1):
        part = min(high, upper) - max(low, lower)
        if part > 0:
            part = part if quantity > 0 else -part
            lines.append((block, part, cents(part, price, unit)))
        lower = upper
    return lines or [(1, 0, 0)]


def prices(commodity, usages):
    """Cents of each month, given the months' usages in order from March on."""
    annual = BLOCKS[commodity][3]
    prior, amounts = 0, []
    for usage in usages:
        amounts.append(sum(amount for _, _, amount in ladder(commodity, prior if annual else 0, usage)))
        prior += usage
    return amounts


def issue_and_due(month_index):
    """When a month's bill is issued, and the midnight that ends the day on which it is due."""
    year, month = MONTHS[month_index]
    issued_s = month_start(year, month + 1) + GRACE_S
    return issued_s, midnight(local_date(issued_s) + datetime.timedelta(days=DUE_DAYS + 1))


def first_alert(accepted, month_index, usages):
    """Whether a month's usage came to exceed the month before: at a midnight by the last read, or when closed."""
    if month_index == 0:
        return False
    year, month = MONTHS[month_index]
    start_s, end_s = month_start(year, month), month_start(year, month + 1)
    opening, last = register_at(accepted, start_s), usages[month_index - 1]
    date = local_date(start_s)
    while True:
        date += datetime.timedelta(days=1)
        day_end_s = midnight(date)
        if day_end_s > end_s:
            return usages[month_index] > last
        at = bisect.bisect_left(accepted, (day_end_s,))
        if at and accepted[at - 1][0] >= start_s and accepted[at - 1][1] - opening > last:
            return True
