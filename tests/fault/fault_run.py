# SPDX-License-Identifier: Apache-2.0
"""One fault under load: two sites of its own, metersim's load on them, the clock, payments; then the account.

At the site *story* eight rooms with a relay each are read every two hours, and business time follows the reads at some
100 hours a second: months close, bills go out, nobody pays, supplies are cut, the tenant pays, supplies come back. The
site *flood* is plain load. All waiting goes through Run.step, which reads what has come and lets time go on.
"""
import datetime
import json
import os
import random
import shutil
import signal
import subprocess
import time

import kafka

import evidence
import outside
from outside import site_pb
from stack import BUILD

STATED_RATE = 1000  # readings a second that must be acknowledged in the second before a fault
STORY_RATE, FLOOD_RATE = 480, 960
ROOMS, STORY_INTERVAL_S, FLOOD_INTERVAL_S = 8, 7200, 300
FLOOD_GATEWAYS, FLOOD_METERS = 2, 12
DAYS_A_SECOND = STORY_RATE * STORY_INTERVAL_S / ROOMS / 86400
ZONE = datetime.timezone(datetime.timedelta(hours=8))  # Asia/Shanghai
TICK_EVERY_S = 0.25
CONFIRMED = 1
SERVICES = ("ingest", "billing", "notify", "control")
AMOUNT_E4 = 10**11  # more than anybody comes to owe
MONTHS_MAX = 290    # from January 2001 on: nothing takes readings or ticks from the future

SITE = """
site: {{id: {story}, landlord: {story}, name: {story}, zone: Asia/Shanghai, currency: CNY, minor_digits: 2, language: en,
        grace_hours: 24, due_days: 1, reminder_after_days: 1, notice_after_days: 1, disconnect_after_days: 2,
        notice_lead_days: 1, disconnectable: [electricity], rebill_tolerance: {{electricity: 0 kWh, water: 0 m3}}}}
tariffs:
  - {{id: flat, name: Flat, commodity: electricity, period: month, line_rounding: {{to: 0.01, mode: half-up}},
     blocks: [{{price: 0.588}}]}}
meter_types:
  relay: {{register: energy_import, max_rate: 30 kW, slack: 10 Wh, switch: relay}}
rooms:
"""
ROOM = """  - id: {room}
    points: [{{id: p-{room}, commodity: electricity, tariff: flat,
      meters: [{{meter: gw-1-{room}, device: relay-{room}, type: relay, from: {start}}}]}}]
    leases: [{{id: lease-{room}, persons: [{story}.{room}], from: {start}, until: {until}}}]
"""
FLOOD = """
site: {{id: {flood}, landlord: {flood}, name: {flood}, zone: Asia/Shanghai, currency: CNY, minor_digits: 2, language: en}}
tariffs:
  - {{id: flat, name: Flat, commodity: electricity, period: month, line_rounding: {{to: 0.01, mode: half-up}},
     blocks: [{{price: 0.588}}]}}
building:
  points:
"""
POINT = """    - {{id: {meter}, commodity: electricity, tariff: flat,
       meters: [{{meter: {meter}, device: {gateway}, register: energy_import, max_rate: 30 kW,
                from: {start}}}]}}
"""


def local_midnight(year, month, day=1):
    return int(datetime.datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, day, tzinfo=ZONE).timestamp())


class World:
    """The stack and what is seen of it, for all runs."""

    def __init__(self, stack, rows):
        self.stack, self.rows = stack, rows
        self.runs = 0
        self.look()

    def look(self):
        """At a stack in which nothing has happened yet."""
        self.brokers = "%s:%d" % self.stack.address("KAFKA")
        self.logs = outside.Logs(self.brokers)
        self.state = outside.State(self.stack.addresses("REDIS"))
        self.partitions = self.state.metas().keys()
        self.producer = None
        self.months = 0  # from January 2001 on; business time never goes back
        self.repeated = set()  # places of decisions that an earlier run has told of

    def make_room(self, months):
        """For a run of so many months; without it the stack is begun anew."""
        if self.months + months <= MONTHS_MAX:
            return
        self.let_go_of_kafka()
        self.stack.down()
        shutil.rmtree(self.stack.var)
        self.stack.up()
        self.look()

    def send(self, record, key, partition=None):
        if not self.producer:
            self.producer = kafka.KafkaProducer(bootstrap_servers=self.brokers, acks="all", linger_ms=0)
        self.producer.send(outside.SITE_LOG, key=key.encode(), value=record.SerializeToString(), partition=partition)
        self.producer.flush(30)

    def let_go_of_kafka(self):
        """Before it is stopped: neither client is to be judged by how it takes that."""
        self.logs.disconnect()
        if self.producer:
            self.producer.close()
        self.producer = None


class Run:
    """`with Run(...) as run:` load begins; the fault is the body's; then the load ends and everything is compared.
    `seconds`: about how long that takes, for the length of the leases."""
    sim_prefix = ()  # words before metersim's command
    ranks = (evidence.RANK_DEVICE,)  # that reads may have in the end

    def __init__(self, world, fault, seed, seconds, receipts=False):
        months = 2 + int(seconds * DAYS_A_SECOND / 30)
        world.make_room(months + 2)
        self.world, self.stack, self.logs, self.state = world, world.stack, world.logs, world.state
        self.fault, self.seed, self.seconds, self.receipts = fault, seed, seconds, receipts
        self.random = random.Random(f"{fault} {seed}")
        world.runs += 1
        self.story, self.flood = f"{fault}-{world.runs}", f"{fault}-{world.runs}-flood"
        self.sites = (self.story, self.flood)
        self.first_month = world.months
        self.last_month = self.first_month + months
        world.months = self.last_month + 2
        self.start_s = local_midnight(2001, 1 + self.first_month, 20)
        self.until_s = local_midnight(2001, 1 + self.last_month)
        self.sims, self.ledgers = [], {}
        self.business_s = 0
        self.next_tick = 0.0
        self.kafka_down = False
        self.supervised = self.zombie = False
        self.dead = set()  # parts that the fault has ended
        self.paid = set()
        self.hits, self.rates, self.recoveries, self.remarks = [], [], [], []

    # ---- load

    def __enter__(self):
        for part in SERVICES:  # what an earlier test found dead has failed that one
            if not alive(self.stack.pid(part)):
                self.stack.start(part)
        folder = self.folder = self.stack.var / "fault" / self.story
        folder.mkdir(parents=True)
        days = {name: datetime.datetime.fromtimestamp(at, ZONE).date() for name, at in
                (("start", self.start_s), ("until", self.until_s))}
        rooms = range(1, ROOMS + 1)
        (folder / "story.yaml").write_text(SITE.format(story=self.story) + "".join(
            ROOM.format(story=self.story, room=room, **days) for room in rooms))
        (folder / "flood.yaml").write_text(FLOOD.format(flood=self.flood) + "".join(
            POINT.format(meter=f"gw-{gateway}-{meter}", gateway=f"gw-{gateway}", **days)
            for gateway in range(1, FLOOD_GATEWAYS + 1) for meter in range(1, FLOOD_METERS + 1)))
        (folder / "persons.yaml").write_text(f"landlord: {self.story}\npersons:\n" + "".join(
            f"  - {{id: {self.story}.{room}, name: Tenant {room}, {self.contacts(room)}}}\n" for room in rooms))
        self.stack.ctl("apply", str(folder / "flood.yaml"))
        self.stack.ctl("apply", str(folder / "story.yaml"), str(folder / "persons.yaml"), "--wait")
        self.sim("relays", "--relays", ",".join(f"{self.story}/relay-{room}" for room in rooms), "--format", "json",
                 "--slow", ",".join(f"{self.story}/relay-{room}" for room in rooms), "--slow-time", "0.8")
        for site, gateways, meters, rate, interval, batch in (
                (self.story, 1, ROOMS, STORY_RATE, STORY_INTERVAL_S, 4),
                (self.flood, FLOOD_GATEWAYS, FLOOD_METERS, FLOOD_RATE, FLOOD_INTERVAL_S, 4)):
            self.ledgers[site] = outside.Ledger(folder / f"{site}.jsonl")
            self.sim(site, "--site", site, "--gateways", str(gateways), "--meters", str(meters), "--rate", str(rate),
                     "--interval", str(interval), "--start", str(self.start_s), "--batch", str(batch),
                     "--ledger", str(folder / f"{site}.jsonl"),
                     *(["--receipts", "--receipt-timeout", "3"] if self.receipts else []))
        self.began = time.monotonic()
        try:
            self.wait("the load to come up", lambda: self.rate() >= STATED_RATE, 20)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def contacts(self, room):
        return f"mail: {self.story}-{room}@example.org"

    def sim(self, name, *options):
        with open(self.folder / f"metersim-{name}.log", "ab") as log:
            self.sims.append(subprocess.Popen(
                [*self.sim_prefix, BUILD / "bin" / "metersim", "--mqtt", "%s:%d" % self.stack.address("MQTT"),
                 "--kafka", self.world.brokers, "--seed", str(self.seed), *options], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, text=True))

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.finish()
        finally:
            for sim in self.sims:
                if sim.poll() is None:
                    sim.kill()
                sim.wait()
                sim.stdout.close()

    def rate(self, at_ms=None):
        return sum(ledger.rate(at_ms or time.time() * 1000) for ledger in self.ledgers.values())

    # ---- time goes on

    def step(self):
        """Reads what has come; a tick now and then; whoever has been cut pays."""
        for ledger in self.ledgers.values():
            ledger.read()
        if self.kafka_down:
            time.sleep(0.05)
            return
        self.logs.poll()
        now = time.monotonic()
        if now >= self.next_tick:
            self.next_tick = now + TICK_EVERY_S
            self.tick(self.ledgers[self.story].latest_s - 3600)
            for room in range(1, ROOMS + 1):
                if any(o.service_point == f"p-{room}" and o.outcome == CONFIRMED for o in self.outcomes()):
                    self.pay(room)

    def tick(self, time_s):
        if time_s // 60 * 60 <= self.business_s:
            return
        self.business_s = time_s // 60 * 60
        for partition in self.world.partitions:
            self.world.send(site_pb.SiteRecord(tick=site_pb.Tick(time_s=self.business_s), envelope=site_pb.Envelope(
                min_reader=1, source="fault")), f"@tick/{partition}", partition)

    def pay(self, room):
        if room in self.paid:
            return
        self.paid.add(room)
        name = f"payment:{self.story}:{room}"
        self.world.send(site_pb.SiteRecord(
            payment=site_pb.Payment(id=name, lease=f"lease-{room}", amount_e4=AMOUNT_E4, paid_at_s=self.business_s),
            envelope=site_pb.Envelope(fact_id=name, min_reader=1, landlord=self.story, site=self.story, source="fault")),
            self.story)

    def run_for(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.step()

    def wait(self, what, condition, seconds=60):
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"{self.fault} seed {self.seed}: waited {seconds} s in vain for {what}"
            self.supervise()
            self.step()

    def supervise(self):
        """No service may end by itself but where the test plays Kubernetes, which starts it again; that is told."""
        for part in set(SERVICES) - self.dead:
            if alive(self.stack.pid(part)):
                continue
            assert self.supervised, f"{part} has ended by itself: {self.stack.log(part)[-1500:]}"
            self.stack.start(part)
            self.remarks.append(f"{part} ended by itself and was started again")

    def loading(self):
        return all(sim.poll() is None for sim in self.sims)

    # ---- what is open

    def outcomes(self):
        return [outcome for _, outcome in self.logs.facts_of(self.story, "command_outcome")]

    def deliveries(self):
        return [delivery for _, delivery in self.logs.facts_of(self.story, "notice_delivered")]

    def switches(self):
        return self.logs.decisions_of(self.story, "switch_due")

    def due_messages(self):
        return {(decision.id, person) for decision, what in
                self.logs.decisions_of(self.story, "bill", "usage_alert", "notice_due") for person in what.persons}

    def undelivered(self):
        return evidence.undelivered(self.due_messages(), self.deliveries())

    def unsettled(self):
        return evidence.unsettled(self.switches(), self.outcomes())

    def unapplied(self):
        """Records of the site log that the state does not have yet."""
        offsets = self.state.next_offsets()
        return sum(max(0, end - offsets.get(partition, 0)) for partition, end in self.logs.ends().items())

    def only_in_spool(self):
        """Readings that ingest has taken over from the broker and that are nowhere but in its spool."""
        self.run_for(0.3)  # what it had handed to Kafka is there by then
        self.logs.catch_up()
        return len(outside.held_by_spool(self.stack.var / "spool", self.not_in_log()))

    def not_in_log(self):
        return {r for site, ledger in self.ledgers.items() for r in ledger.acked - set(self.logs.readings.get(site, ()))}

    # ---- faults

    def prove_load(self, at_ms):
        for ledger in self.ledgers.values():
            ledger.read()
        rate = self.rate(at_ms)
        assert rate >= STATED_RATE, f"only {rate} readings/s were acknowledged before the fault, not {STATED_RATE}"
        self.rates.append(rate)

    def hold_load(self, seconds):
        """The story goes on for that long after its beginning, so that it has bills and commands to tell of."""
        self.run_for(max(0.0, self.began + seconds - time.monotonic()))

    def signal(self, part, number):
        """Under load, to a process that lives; gives its pid."""
        pid, at_ms = self.stack.pid(part), time.time() * 1000
        os.kill(pid, number)
        self.prove_load(at_ms)
        return pid

    def kill(self, part, unfinished):
        """SIGKILL; what the dead one had not finished counts as the proof that the fault hit something."""
        self.dead.add(part)
        pid = self.signal(part, signal.SIGKILL)
        self.wait(f"{part} to be gone", lambda: not alive(pid), 5)
        self.logs.catch_up()
        self.hits.append(unfinished())
        self.run_for(self.random.uniform(0, 0.5))

    def restart(self, *parts):
        """Starts them again; then until all that was acknowledged or due by now is done."""
        began = time.monotonic()
        self.stack.start(*parts)
        self.dead -= set(parts)
        self.recovered(began)

    def recovered(self, began):
        for ledger in self.ledgers.values():
            ledger.read()
        waiting = {site: set(ledger.acked) for site, ledger in self.ledgers.items()}
        self.logs.catch_up()
        due, unsettled = self.undelivered(), self.unsettled()

        def done():
            offsets = self.state.next_offsets()
            for site, readings in waiting.items():
                waiting[site] = evidence.lost(readings, self.logs.readings.get(site, {}), offsets)
            return not any(waiting.values()) and not due & self.undelivered() and not unsettled & self.unsettled()
        try:
            self.wait("everything to be made up for", done, 90)
        except AssertionError as error:
            open_now = {site: len(readings) for site, readings in waiting.items()}
            raise AssertionError(f"{error}: readings {open_now}, messages {sorted(due & self.undelivered())[:3]}, "
                                 f"commands {sorted(unsettled & self.unsettled())[:3]}") from None
        self.recoveries.append(time.monotonic() - began)

    # ---- the account

    def finish(self):
        self.hold_load(8)
        loads = self.sims[1:]
        assert self.loading(), "the load ended before the fault did"
        for sim in loads:
            sim.send_signal(signal.SIGTERM)
        self.wait("the load's end", lambda: all(sim.poll() is not None for sim in loads), 30)
        assert [sim.returncode for sim in loads] == [0, 0], f"metersim ended with {[sim.returncode for sim in loads]}"
        said = [self.last_line(sim) for sim in loads]
        self.resent = sum(line["resent"] for line in said)
        self.recovered_all()
        self.check(sum(line["readings"] for line in said))

    def last_line(self, sim):
        text = sim.stdout.read()
        assert text, f"metersim ended without its last line: {' '.join(map(str, sim.args))}; its log is in {self.folder}"
        return json.loads(text)

    def recovered_all(self):
        """Everybody pays, the leases end, and all that follows is done."""
        self.recovered(time.monotonic())
        self.recoveries.pop()
        for room in range(1, ROOMS + 1):
            self.pay(room)
        self.tick(self.until_s + 3 * 86400)
        quiet = [0.0]

        def settled():
            busy = self.unapplied() or self.undelivered() or self.unsettled() or not self.all_billed()
            quiet[0] = 0.0 if busy else quiet[0] or time.monotonic()
            return quiet[0] and time.monotonic() - quiet[0] > 0.5
        self.wait("everything to be settled", settled, 90)
        self.logs.catch_up()

    def periods(self):
        edges = [local_midnight(2001, 1 + month) for month in range(self.first_month + 1, self.last_month + 1)]
        return {(f"lease-{room}", datetime.datetime.fromtimestamp(start, ZONE).strftime("%Y-%m")): (start, end)
                for room in range(1, ROOMS + 1) for start, end in zip([self.start_s] + edges, edges)}

    def bills(self):
        """Where decisions may be published again, each is taken once; repeated_decisions sees to it that they are equal."""
        found = self.logs.decisions_of(self.story, "bill")
        if self.zombie:
            found = {decision.id: (decision, bill) for decision, bill in found}.values()
        return [bill for _, bill in found]

    def all_billed(self):
        return {(bill.lease, bill.period) for bill in self.bills()} >= self.periods().keys()

    def mails(self):
        """{file name without its number: how often such a mail was taken} of this run's persons."""
        names = [path.name.split("-", 1)[1] for path in self.stack.mail.glob("*.eml")
                 if f"{self.story}-".encode() in path.read_bytes().split(b"\n\n")[0]]
        return {name: names.count(name) for name in names}

    def supplies(self):
        """What each relay last said of itself."""
        return {state.device: state.state.supply for _, state in self.logs.facts_of(self.story, "device_state")}

    def check(self, acknowledged):
        offsets = self.state.next_offsets()
        acked = {site: ledger.read() for site, ledger in self.ledgers.items()}
        assert sum(map(len, acked.values())) == acknowledged, "metersim's ledger and its last line differ"
        logged = {site: self.logs.readings[site] for site in self.sites}
        lost = [r for site in self.sites for r in evidence.lost(acked[site], logged[site], offsets)]
        lost += evidence.undelivered(self.due_messages(), self.deliveries())
        lost += evidence.unsettled(self.switches(), self.outcomes())
        twice = [(site, name) for site in self.sites
                 for name in evidence.wrong_vectors(acked[site], self.state.vectors(site), self.ranks)]
        twice += self.repeated_decisions()
        twice += evidence.delivered_twice(self.deliveries())
        wrong = [r for site in self.sites for r in evidence.invented(acked[site], logged[site])]
        wrong += evidence.wrong_bills(acked[self.story], self.bills(), self.periods(),
                                      lambda lease: "gw-1-" + lease.removeprefix("lease-"))
        wrong += evidence.wrong_supplies(self.switches(), self.outcomes(), self.supplies())
        self.report(acknowledged, lost, twice)
        assert not lost, f"{len(lost)} lost: {sorted(map(str, lost))[:5]}"
        assert not twice, f"{len(twice)} applied twice or wrongly: {twice[:3] + twice[-3:]}"
        assert not wrong, f"{len(wrong)} wrong: {wrong[:5]}"

    def repeated_decisions(self):
        """Of this run; a zombie may publish again what it had in hand, as long as it is the same letter by letter."""
        found = [one for one in evidence.repeated_decisions(self.logs.decisions) if one[0] not in self.world.repeated]
        self.world.repeated.update(place for place, *_ in found)
        if not self.zombie:
            return found
        again = evidence.same_again(self.logs.decisions, {place for place, *_ in found})
        self.remarks.append(f"{len(again)} decisions published again")
        return [one for one in found if one[0] not in again]

    def report(self, acknowledged, lost, twice):
        copies = sum(len(places) - 1 for site in self.sites for places in self.logs.readings[site].values())
        remarks = [*self.remarks, f"{copies} copies merged", f"{len(self.bills())} bills",
                   f"{len(self.deliveries())} mails", f"{len(self.switches())} switches"]
        recovery = "/".join(f"{seconds:.1f}" for seconds in self.recoveries)
        self.world.rows.append({"fault": self.fault, "seed": self.seed, "hits": "/".join(map(str, self.hits)),
                                "rate": min(self.rates), "acked": acknowledged, "lost": len(lost), "twice": len(twice),
                                "recovery": f"{recovery} s", "remarks": ", ".join(remarks)})


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
