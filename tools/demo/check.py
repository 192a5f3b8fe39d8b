#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the demo: works everything out again from the source files, and compares with the logs, the state, the mail.

Shares no code with the services. Exit code 0 only if all of it holds; the last line says the figures.
"""
import argparse
import datetime
import decimal
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict

import arrears
import records
import report
import rules
import source

SITE = "alicante"
COMMODITIES = {1: "electricity", 2: "water"}
NOTICES = {1: "reminder", 2: "disconnect", 3: "suspended", 4: "restored"}
CENT_E4 = 10000


class Checker:
    def __init__(self, options):
        self.problems = []
        self.figures = {}
        self.schemas = records.load_schemas()
        self.ledger = [json.loads(line) for line in open(options.ledger)]
        self.rows = list(source.rows())
        self.points = source.points()
        self.mail_folder = options.mail
        self.riserctl = options.riserctl
        kafka = os.environ["RISER_KAFKA"]
        self.site_log = records.Topic(kafka, "riser.site.v1")
        self.decision_log = records.Topic(kafka, "riser.decision.v1")
        self.command_log = records.Topic(kafka, "riser.command.v1")
        self.reject_log = records.Topic(kafka, "riser.reject.v1")
        self.state = records.State(os.environ["RISER_REDIS"], self.schemas)

    def expect(self, what, got, wanted):
        """Notes a problem unless both are the same; of sets it says what is too much and what is missing."""
        if got == wanted:
            return
        if isinstance(got, (set, dict)) and isinstance(wanted, (set, dict)):
            surplus = [x for x in got if x not in wanted or (isinstance(got, dict) and got[x] != wanted[x])]
            missing = [x for x in wanted if x not in got]
            sample = [(x, got[x] if isinstance(got, dict) else "", wanted.get(x) if isinstance(wanted, dict) else "")
                      for x in sorted(surplus, key=str)[:4]]
            self.problems.append(f"{what}: {len(surplus)} not expected {sample}, "
                                 f"{len(missing)} missing {sorted(missing, key=str)[:4]}")
        else:
            self.problems.append(f"{what}: {got}, expected {wanted}")

    # Readings: from the files through the ledger to the log and the state.

    def check_readings(self):
        acked = [e for e in self.ledger if e["kind"] == "reading" and e["acked"]]
        published = {(e["meter"], e["register"], e["time_s"], e["value"]) for e in acked}
        self.expect("published readings against the files", published, set(self.rows))
        next_offsets = self.state.next_offsets()
        in_log = Counter()
        for partition, offset, record in self.site_log.parsed(self.schemas["site"].SiteRecord):
            if record.WhichOneof("fact") == "readings" and offset < next_offsets.get(partition, 0):
                for r in record.readings.readings:
                    in_log[r.meter, r.register, r.time_s, r.value] += 1
        applied = published & set(in_log)
        self.expect("readings in the site log", set(in_log), published)
        self.figures.update(published=len(published), applied=len(applied), lost=len(published - set(in_log)),
                            resent=sum(in_log.values()) - len(in_log))
        self.expect("copies in the site log, at least those that were acknowledged",
                    sum(in_log.values()) >= len(acked), True)
        self.check_vectors()

    def check_vectors(self):
        by_register = defaultdict(list)
        for meter, register, time_s, value in self.rows:
            by_register[meter, register].append((time_s, value))
        vectors = {name: rules.merge(reads) for name, reads in by_register.items()}
        self.expect("read vectors in Redis", self.state.vectors(), vectors)
        self.accepted, questionable = {}, 0
        for (meter, _), reads in vectors.items():
            commodity = "water" if meter.startswith("w-") else "electricity"
            self.accepted[meter], doubted, _ = rules.chain(reads, commodity)
            questionable += len(doubted)
        self.figures["questionable"] = questionable

    def check_broker(self):
        """The broker's own count of what it received and dropped, against the ledger."""
        counters = next(e for e in reversed(self.ledger) if e["kind"] == "broker")
        sent = sum(1 for e in self.ledger if e["kind"] == "message" and e["acked"])
        self.expect("messages dropped by the broker", counters["dropped"], 0)
        if not sent <= counters["received"]:
            self.problems.append(f"the broker counts {counters['received']} publishes, the ledger {sent}")

    def check_rejects(self):
        wanted = Counter(e["sha256"] for e in self.ledger if e["kind"] == "malformed" and e["acked"])
        got = Counter()
        for _, _, reject in self.reject_log.parsed(self.schemas["reject"].Reject):
            got[reject.sha256.hex()] += 1
            if hashlib.sha256(reject.head).digest() != reject.sha256 and reject.length <= 4096:
                self.problems.append(f"reject of {reject.topic}: the head is not what was hashed")
            if not reject.reason:
                self.problems.append(f"reject of {reject.topic} has no reason")
        self.expect("rejects against the malformed messages", set(got), set(wanted))
        self.figures["rejected"] = len(got)

    # Usage, bills, alerts.

    def check_usage(self):
        self.usages = {p: rules.usage_by_month(self.accepted[meter]) for p, (_, meter, _) in self.points.items()}
        wanted = {(p, f"{y}-{m:02d}"): usages[i] for p, usages in self.usages.items()
                  for i, (y, m) in enumerate(rules.MONTHS)}
        got = {}
        for _, _, decision in self.decisions("usage_closed"):
            closed = decision.usage_closed
            got[closed.service_point, rules.local_date(closed.from_s).strftime("%Y-%m")] = closed.usage
        self.expect("usage of months", got, wanted)
        self.check_days()

    def check_days(self):
        wrong = 0
        for (point, month), days in self.state.days().items():
            accepted = self.accepted[self.points[point][1]]
            year, number = map(int, month.split("-"))
            if (year, number) not in rules.MONTHS:
                continue
            known = [(i, usage) for i, usage in enumerate(days) if usage is not None]
            first = rules.midnight(datetime.date(year, number, 1))
            for i, usage in known:
                date = rules.local_date(first + i * 86400 + 43200)
                start, end = rules.midnight(date), rules.midnight(date + datetime.timedelta(days=1))
                wrong += usage != rules.register_at(accepted, end) - rules.register_at(accepted, start)
        self.expect("daily usages that differ", wrong, 0)

    def check_hours(self):
        """Hours of days with 23, 24 and 25 of them, and of the day with two bad reads, as riserctl gives them."""
        for point, day in (("118-water", "2016-09-30"), ("118-water", "2016-10-30"), ("102-electricity", "2016-10-30"),
                           ("103-water", "2016-03-27"), ("105-electricity", "2016-03-27"), ("101-water", "2016-07-14")):
            date = datetime.date.fromisoformat(day)
            start_s, end_s = rules.midnight(date), rules.midnight(date + datetime.timedelta(days=1))
            _, meter, commodity = self.points[point]
            unit = rules.BLOCKS[commodity][2]
            told = subprocess.run([self.riserctl, "get", "usage", "--point", point, "--hours", day, "--json"],
                                  capture_output=True, text=True, check=True)
            got = [int(hour["usage"] * unit) for hour in json.loads(told.stdout, parse_float=decimal.Decimal)]
            self.expect(f"hours of {point} on {day}", got, rules.hours_of_usage(self.accepted[meter], start_s, end_s))

    def decisions(self, what):
        for partition, offset, decision in self.decision_log.parsed(self.schemas["decision"].Decision):
            if decision.WhichOneof("what") == what:
                yield partition, offset, decision

    def expected_bills(self):
        """{(lease, YYYY-MM): {commodity: cents}}"""
        bills = defaultdict(dict)
        for point, (room, _, commodity) in self.points.items():
            if room:
                for (y, m), amount in zip(rules.MONTHS, rules.prices(commodity, self.usages[point])):
                    bills[f"lease-{room}", f"{y}-{m:02d}"][commodity] = amount
        return dict(bills)

    def check_bills(self):
        self.bills = self.expected_bills()
        latest, self.reissued = {}, 0
        for _, _, decision in self.decisions("bill"):
            bill = decision.bill
            self.reissued += bill.revision > 0
            latest[bill.lease, bill.period] = bill
            if sum(s.amount_e4 for s in bill.sections) != bill.total_e4:
                self.problems.append(f"{bill.id}: sections don't add up to the total")
        got = {name: {COMMODITIES[s.commodity]: s.amount_e4 / CENT_E4 for s in bill.sections}
               for name, bill in latest.items()}
        self.expect("bills to the cent", got, self.bills)
        self.expect("ladder steps", {n: self.lines_of(b) for n, b in latest.items()}, self.expected_lines())
        self.figures["bills"] = len(latest)

    @staticmethod
    def lines_of(bill):
        return sorted((COMMODITIES[s.commodity], line.block, line.quantity, line.amount_e4 / CENT_E4)
                      for s in bill.sections for line in s.lines)

    def expected_lines(self):
        lines = defaultdict(list)
        for point, (room, _, commodity) in self.points.items():
            prior = 0
            for (y, m), usage in zip(rules.MONTHS, self.usages[point]):
                if room:
                    lines[f"lease-{room}", f"{y}-{m:02d}"] += [
                        (commodity, *step) for step in rules.ladder(commodity, prior, usage)]
                prior += usage if rules.BLOCKS[commodity][3] else 0
        return {name: sorted(steps) for name, steps in lines.items()}

    def check_alerts(self):
        wanted = {(p, f"{y}-{m:02d}") for p, (_, meter, _) in self.points.items()
                  for i, (y, m) in enumerate(rules.MONTHS)
                  if rules.first_alert(self.accepted[meter], i, self.usages[p])}
        alerts = [d.usage_alert for _, _, d in self.decisions("usage_alert")]
        self.expect("usage alerts", {(a.service_point, a.period) for a in alerts}, wanted)
        self.expect("alerts given twice", len(alerts), len({(a.service_point, a.period) for a in alerts}))
        self.figures["alerts"] = len(alerts)

    # Arrears: the log's own events through the dunning rules.

    def check_arrears(self):
        accounts = []
        for lease in sorted({lease for lease, _ in self.bills}):
            upcoming = [(*rules.issue_and_due(i), f"{y}-{m:02d}", self.bills[lease, f"{y}-{m:02d}"])
                        for i, (y, m) in enumerate(rules.MONTHS)]
            accounts.append(arrears.Account(lease, upcoming))
        self.dunning = arrears.Dunning(accounts)
        self.paid = Counter()
        noticed = {d.id: d.notice_due for _, _, d in self.decisions("notice_due")}
        for _, _, record in self.site_log.parsed(self.schemas["site"].SiteRecord):
            self.feed(record, noticed)
        got = Counter()
        for decision_id, notice in noticed.items():
            month = decision_id.split(":")[4] if notice.kind <= 2 else ""  # what it is about stands in its name
            got[NOTICES[notice.kind], notice.lease, COMMODITIES[notice.commodity], month] += 1
        self.expect("notices", set(got), self.dunning.notices)
        self.figures["notices"] = sum(got.values())

    def feed(self, record, noticed):
        what = record.WhichOneof("fact")
        if what == "tick":
            self.dunning.tick(record.tick.time_s)
        elif what == "payment":
            payment = record.payment
            self.paid[payment.lease] += payment.amount_e4 // CENT_E4
            self.dunning.pay(payment.lease, COMMODITIES.get(payment.commodity), payment.amount_e4 // CENT_E4)
        elif what == "notice_delivered" and record.notice_delivered.delivery == 1:
            notice = noticed.get(record.notice_delivered.decision_id)
            if notice and NOTICES[notice.kind] == "disconnect":
                self.dunning.served(notice.lease, COMMODITIES[notice.commodity])
        elif what == "command_outcome" and record.command_outcome.outcome == 1:
            room, commodity = record.command_outcome.service_point.split("-")
            self.dunning.switched(f"lease-{room}", commodity, "off" if record.command_outcome.supply == 2 else "on", "")

    def check_balances(self):
        """Money is conserved: what was charged is what was paid and what is owed."""
        got = {}
        for key in self.state.keys("account:"):
            account = self.schemas["state"].AccountState.FromString(self.state.value(key))
            owed = sum(sum(a.amount_e4 - a.paid_e4 for a in bill.parts) for bill in account.bills)
            got[account.lease] = (owed - sum(c.amount_e4 for c in account.credit)) / CENT_E4
        wanted = {lease: sum(sum(self.bills[lease, f"{y}-{m:02d}"].values()) for y, m in rules.MONTHS)
                  - self.paid[lease] for lease in self.dunning.accounts}
        self.expect("balances", got, wanted)
        self.expect("balances by the dunning rules", {n: a.owed() for n, a in self.dunning.accounts.items()}, wanted)
        self.balances = wanted

    # The world outside: commands and mail.

    def check_commands(self):
        steps, switches = defaultdict(list), {}
        names = self.schemas["command"].State
        for _, _, state in self.command_log.parsed(self.schemas["command"].CommandState):
            steps[state.command_id].append(names.Name(state.state).removeprefix("STATE_"))
        for _, _, decision in self.decisions("switch_due"):
            due = decision.switch_due
            supply = "off" if due.supply == 2 else "on"
            switches[decision.id] = (decision.business_time_s, supply, due.lease, COMMODITIES[due.commodity])
        self.expect("switches due", sorted(switches.values()), sorted(self.dunning.switches))
        confirmed = {c for c, seen in steps.items() if seen[-1] == "CONFIRMED"}
        for command in confirmed:
            wanted = ["INTENDED", "ALLOWED", "SENT", "CONFIRMED"]
            if [s for s in dict.fromkeys(steps[command]) if s in wanted] != wanted:
                self.problems.append(f"{command} went through {steps[command]}")
        outcomes = {r.command_outcome.command_id for _, _, r in self.site_log.parsed(self.schemas["site"].SiteRecord)
                    if r.WhichOneof("fact") == "command_outcome" and r.command_outcome.outcome == 1}
        self.expect("confirmed outcomes", outcomes, confirmed)
        self.expect("commands", set(steps), set(switches))
        self.figures.update(commands=len(steps), confirmed=len(confirmed))

    def check_mail(self):
        """One delivery on record, and one mail on disk, for each person of each message that was due."""
        due = Counter()
        for what in ("bill", "usage_alert", "notice_due"):
            for _, _, decision in self.decisions(what):
                for person in getattr(decision, what).persons:
                    due[decision.id, person] += 1
        delivered, message_ids = Counter(), set()
        for _, _, record in self.site_log.parsed(self.schemas["site"].SiteRecord):
            if record.WhichOneof("fact") == "notice_delivered":
                fact = record.notice_delivered
                delivered[fact.decision_id, fact.person] += fact.delivery == 1
                message_ids.add(fact.message_id.strip("<>"))
        self.expect("messages delivered", dict(delivered), dict(due))
        files = records.mails(self.mail_folder)
        self.expect("mails on disk", {name.strip("<>") for name in files}, message_ids)
        self.expect("mails that came twice", sorted(n for n, copies in files.items() if len(copies) > 1), [])
        self.figures["mails"] = len(files)

    def run(self):
        for check in (self.check_readings, self.check_broker, self.check_rejects, self.check_usage, self.check_hours,
                      self.check_bills, self.check_alerts, self.check_arrears, self.check_balances, self.check_commands,
                      self.check_mail):
            check()
        report.rooms(self)
        report.timeline(self, "lease-102")
        for problem in self.problems:
            print(f"check: {problem}", file=sys.stderr)
        names = ("published", "applied", "rejected", "lost", "resent", "questionable", "bills", "notices", "commands",
                 "confirmed")
        verdict = "all of it holds" if not self.problems else f"{len(self.problems)} checks FAILED"
        print(f"check: usage of {len(self.points) * len(rules.MONTHS)} months, {self.figures['bills']} bills "
              f"({self.reissued} reissued), {self.figures['alerts']} alerts, {self.figures['mails']} mails: {verdict}")
        print("demo: " + " ".join(f"{name}={self.figures[name]}" for name in names))
        return 1 if self.problems or self.figures["lost"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", required=True, help="what riserctl replay wrote down as published")
    parser.add_argument("--mail", required=True, help="folder of the mail files")
    parser.add_argument("--riserctl", default=source.ROOT / "build" / "bin" / "riserctl", help="gives the hours")
    sys.exit(Checker(parser.parse_args()).run())


if __name__ == "__main__":
    main()
