# SPDX-License-Identifier: Apache-2.0
"""What the demo prints for people: the table of rooms, and the story of one lease."""
import datetime

import rules

SHORT = [datetime.date(y, m, 1).strftime("%b") for y, m in rules.MONTHS]


def money(cents):
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def quantity(commodity, usage, decimals=1):
    unit = 1_000_000 if commodity == "water" else 1_000
    return f"{usage / unit:.{decimals}f}"


def rooms(check):
    """Per room: usage of each month, billed, paid, balance."""
    print(f"\nUsage per month (water m3, electricity kWh), then CNY\n{'room':<5}{'meter':<14}"
          + "".join(f"{name:>8}" for name in SHORT) + f"{'billed':>11}{'paid':>11}{'balance':>9}")
    for point, (room, meter, commodity) in sorted(check.points.items(), key=lambda p: (p[1][0] or "999", p[0])):
        line = f"{room or '-':<5}{meter:<14}"
        line += "".join(f"{quantity(commodity, usage):>8}" for usage in check.usages[point])
        lease = f"lease-{room}"
        if room and commodity == "water":
            billed = sum(sum(check.bills[lease, f"{y}-{m:02d}"].values()) for y, m in rules.MONTHS)
            line += f"{money(billed):>11}{money(check.paid[lease]):>11}{money(check.balances[lease]):>9}"
        print(line)


def local(time_s):
    return datetime.datetime.fromtimestamp(time_s, rules.ZONE).strftime("%Y-%m-%d %H:%M")


def timeline(check, lease):
    """Everything that happened to one lease: the site's log in its order, and after each record what followed from it."""
    events, now_s = {}, 0
    for _, offset, record in check.site_log.parsed(check.schemas["site"].SiteRecord):
        what = record.WhichOneof("fact")
        if what == "tick":
            now_s = max(now_s, record.tick.time_s)
        elif what == "payment" and record.payment.lease == lease:
            events[offset, -1] = now_s, f"paid {money(record.payment.amount_e4 // 10000)}"
        elif what == "command_outcome" and record.command_outcome.outcome == 1:
            on = record.command_outcome.supply == 1
            events[offset, -1] = now_s, f"the meter's own state confirms: supply {'on' if on else 'off'}"
    for _, _, decision in check.decision_log.parsed(check.schemas["decision"].Decision):
        told = tell_decision(decision, lease)
        if told:
            events[decision.cause.offset, decision.cause.index] = decision.business_time_s, told
    print(f"\nThe story of {lease} (local business time)")
    for _, (time_s, told) in sorted(events.items()):
        print(f"  {local(time_s)}  {told}")


def tell_decision(decision, lease):
    what = decision.WhichOneof("what")
    body = getattr(decision, what)
    if getattr(body, "lease", None) != lease:
        return None
    commodity = {1: "electricity", 2: "water"}.get(getattr(body, "commodity", 0), "")
    if what == "bill":
        return f"bill of {body.period}{' reissued' if body.revision else ''}: {money(body.total_e4 // 10000)}"
    if what == "usage_alert":
        return (f"alert: {commodity} of {body.period} is above the month before "
                f"({quantity(commodity, body.usage, 3)} > {quantity(commodity, body.last_usage, 3)})")
    if what == "notice_due":
        kind = {1: "reminder", 2: "notice of disconnection", 3: "told: supply suspended", 4: "told: supply restored"}
        return f"{kind[body.kind]} ({commodity}), owed {money(body.owed_e4 // 10000)}"
    if what == "switch_due":
        return f"{'disconnect' if body.supply == 2 else 'reconnect'} due ({commodity}, {body.meter})"
    return None
