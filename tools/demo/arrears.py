# SPDX-License-Identifier: Apache-2.0
"""Who is reminded, noticed, cut off and reconnected when: the demo's dunning rules run over the log's own events."""
from dataclasses import dataclass, field

import rules

COMMODITIES = ("electricity", "water")  # a payment without a commodity goes to the oldest bill, electricity first
DISCONNECTABLE = ("electricity",)


@dataclass
class Account:
    lease: str
    upcoming: list  # [(issued_s, due_s, month, {commodity: cents})] in order
    bills: list = field(default_factory=list)  # [[month, due_s, {commodity: cents still owed}, set of reminded]]
    credit: dict = field(default_factory=lambda: dict.fromkeys((*COMMODITIES, None), 0))
    notice_month: dict = field(default_factory=dict)  # commodity: month that this episode's notice names
    served_s: dict = field(default_factory=dict)
    is_cut: dict = field(default_factory=dict)

    def owed(self):
        return sum(sum(bill[2].values()) for bill in self.bills) - sum(self.credit.values())

    def overdue(self, commodity, now_s):
        return [bill for bill in self.bills if bill[2].get(commodity, 0) > 0 and bill[1] <= now_s]


class Dunning:
    """Feed it the site log's events in order; `notices` and `switches` are what must have come out."""

    def __init__(self, accounts):
        self.accounts = {account.lease: account for account in accounts}
        self.now_s = 0
        self.notices = set()  # (kind, lease, commodity, YYYY-MM of the bill)
        self.switches = []    # (business time, "off" or "on", lease, commodity)

    def tick(self, time_s):
        self.now_s = max(self.now_s, time_s)
        for account in self.accounts.values():
            while account.upcoming and account.upcoming[0][0] <= self.now_s:
                _, due_s, month, amounts = account.upcoming.pop(0)
                for commodity, amount in amounts.items():
                    account.credit[commodity] -= min(amount, 0)  # a month of backflow is a credit
                account.bills.append([month, due_s, {c: max(a, 0) for c, a in amounts.items()}, set()])
                self.settle(account)
            for commodity in COMMODITIES:
                self.dun(account, commodity)

    def settle(self, account):
        """Oldest bill first: a commodity's own credit, then what was paid without naming one."""
        for source in (*COMMODITIES, None):
            for owing in ((bill[2], c) for bill in account.bills for c in COMMODITIES if source in (c, None)):
                amounts, commodity = owing
                part = min(account.credit[source], amounts.get(commodity, 0))
                if part > 0:
                    amounts[commodity] -= part
                    account.credit[source] -= part

    def dun(self, account, commodity):
        overdue = account.overdue(commodity, self.now_s)
        for month, due_s, _, reminded in overdue:
            if self.now_s - due_s >= rules.REMINDER_DAYS * rules.DAY_S and commodity not in reminded:
                reminded.add(commodity)
                self.notices.add(("reminder", account.lease, commodity, month))
        if commodity not in DISCONNECTABLE or not overdue:
            return
        month, due_s = overdue[0][:2]
        if commodity not in account.notice_month and self.now_s - due_s >= rules.NOTICE_DAYS * rules.DAY_S:
            account.notice_month[commodity] = month
            self.notices.add(("disconnect", account.lease, commodity, month))
        served_s = account.served_s.get(commodity)
        if (served_s is not None and self.now_s - served_s >= rules.LEAD_DAYS * rules.DAY_S
                and self.now_s - due_s > rules.DISCONNECT_DAYS * rules.DAY_S and not account.is_cut.get(commodity)):
            account.is_cut[commodity] = True
            self.switches.append((self.now_s, "off", account.lease, commodity))

    def pay(self, lease, commodity, amount):
        account = self.accounts[lease]
        account.credit[commodity] += amount
        self.settle(account)
        for each in COMMODITIES:
            if account.overdue(each, self.now_s):
                continue
            account.notice_month.pop(each, None)
            account.served_s.pop(each, None)
            if account.is_cut.get(each):
                account.is_cut[each] = False
                self.switches.append((self.now_s, "on", lease, each))

    def served(self, lease, commodity):
        account = self.accounts[lease]
        if commodity in account.notice_month:
            account.served_s.setdefault(commodity, self.now_s)

    def switched(self, lease, commodity, supply, month):
        self.notices.add(("suspended" if supply == "off" else "restored", lease, commodity, month))
