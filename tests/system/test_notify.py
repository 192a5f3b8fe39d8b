# SPDX-License-Identifier: Apache-2.0
"""notify against the real broker and a real SMTP server: each message at least once, none again once it is recorded,
through refusals, outages, SIGKILL and a second instance; and the bill recomputed from the mail that arrived."""
import email
import email.policy
import hashlib
import hmac
import http.server
import importlib
import json
import os
import random
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

import bill_mail
from notify_bills import BILL_SCHEMA_FILES, make_bill
from stack import BIN, INHERITED, PORT_BASE, ROOT, Stack, wait_for

PARTITIONS = 4
BINARY = BIN / "riser-notify"
SECRET = b"a secret of at least sixteen bytes"
NOW = 1459548000  # business time: 2016-04-02 00:00 in Madrid
CHANNELS = {0: "none", 1: "mail", 2: "webhook"}


@pytest.fixture(scope="session")
def proto(tmp_path_factory):
    """The generated Python classes, by area."""
    folder = tmp_path_factory.mktemp("proto")
    subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={folder}", *BILL_SCHEMA_FILES], check=True,
                   cwd=ROOT / "proto")
    sys.path.insert(0, str(folder))
    areas = ("decision", "site", "person", "telemetry")
    return {area: importlib.import_module(f"riser.{area}.v1.{area}_pb2") for area in areas}


class Receiver:
    """A webhook receiver that checks the signature as docs/webhooks.md says. `answers` maps a path to status codes to
    give before 200, or to a number of seconds to wait."""

    def __init__(self):
        self.calls = []
        self.wrong = []
        self.answers = {}
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.take(self.path, self.headers, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, headers, body):
        parts = dict(part.split("=", 1) for part in headers["Riser-Signature"].split(","))
        expected = hmac.new(SECRET, parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, parts["v1"]) or abs(time.time() - int(parts["t"])) > 300:
            self.wrong.append(path)
        answer = self.answers.get(path)
        if isinstance(answer, (int, float)):
            time.sleep(answer)
        if isinstance(answer, list) and answer:
            return answer.pop(0)
        self.calls.append((path, headers["Riser-Message-Id"], json.loads(body)))
        return 200

    def ids(self, path):
        return [name for called, name, _ in self.calls if called == path]


class World:
    """The engines, what the test has written, and notify's processes."""

    def __init__(self, stack, proto, folder):
        self.stack, self.proto, self.folder = stack, proto, folder
        self.kafka = "%s:%d" % stack.address("KAFKA")
        self.producer = KafkaProducer(bootstrap_servers=self.kafka, acks="all", reconnect_backoff_max_ms=500)
        self.receiver = Receiver()
        self.other = Receiver()  # another host, as far as notify can tell
        self.secrets = folder / "secrets"
        self.secrets.mkdir()
        (self.secrets / "default").write_bytes(SECRET + b"\n")
        self.cause = 0
        self.processes = {}
        self.site_log = KafkaConsumer(bootstrap_servers=self.kafka, isolation_level="read_committed",
                                      consumer_timeout_ms=200, reconnect_backoff_max_ms=500)
        self.site_log.assign([TopicPartition("riser.site.v1", p) for p in range(PARTITIONS)])
        self.site_log.seek_to_beginning()
        self.facts = []  # (partition, NoticeDelivered, envelope)

    # -- writing

    def person(self, who, mail=True, hook=None, receiver=None, **fields):
        url = (receiver or self.receiver).url
        person = self.proto["person"].Person(id=who, landlord="demo", mail=f"{who}@example.org" if mail else "",
                                             webhook_url=url + hook if hook else "", **fields)
        self.producer.send("riser.person.v1", key=who.encode(), value=person.SerializeToString()).get(60)

    def forget(self, name):
        self.producer.send("riser.person.v1", key=name.encode(), value=None).get(60)

    def decide(self, name, partition=0, cause=None, **fields):
        """Publishes one decision; what it is about comes as a keyword, e.g. bill=..."""
        self.cause += 1
        decision = self.proto["decision"].Decision(
            id=name, landlord="demo", site="alicante", site_name="Residencia Alicante", business_time_s=NOW,
            currency="CNY", minor_digits=2, language="en", utc_offset_s=7200, **fields)
        decision.cause.partition, decision.cause.offset = partition, cause or self.cause
        for from_s, offset_s in ((0, 3600), (1459040400, 7200), (1477789200, 3600)):
            decision.transitions.add(from_s=from_s, offset_s=offset_s)
        self.producer.send("riser.decision.v1", key=b"alicante", value=decision.SerializeToString(),
                           partition=partition).get(60)
        return decision

    def alert(self, name, persons, partition=0, cause=None):
        self.decide(name, partition, cause, usage_alert=self.proto["decision"].UsageAlert(
            service_point="101-water", room="101", lease="lease-101", persons=persons, commodity=2, period="2016-03",
            usage=2_000_001, last_usage=2_000_000))

    def clock(self, partition=0):
        self.decide("clock", partition, clock=self.proto["decision"].Clock())

    # -- what became of it

    def read_facts(self):
        for message in self.site_log:
            record = self.proto["site"].SiteRecord.FromString(message.value)
            assert record.WhichOneof("fact") == "notice_delivered" and message.key == b"alicante"
            self.facts.append((message.partition, record.notice_delivered, record.envelope))
        return self.facts

    def outcomes(self):
        """{(decision, person, channel): (partition, delivery, detail)}; each may be there once only."""
        found = {}
        for partition, fact, envelope in self.read_facts():
            key = (fact.decision_id, fact.person, CHANNELS[fact.channel])
            assert key not in found, f"recorded twice: {key}"
            assert envelope.fact_id == "delivered:%s:%s:%s" % key
            found[key] = (partition, {1: "delivered", 2: "failed"}[fact.delivery], fact.detail)
        return found

    def await_outcomes(self, keys, limit_s=120):
        deadline = time.monotonic() + limit_s
        while True:
            found = self.outcomes()
            missing = [key for key in keys if key not in found]
            if not missing:
                return found
            assert time.monotonic() < deadline, f"missing {missing} of {len(keys)}"

    def mails(self, decision=None):
        found = []
        for path in sorted(self.stack.mail.glob("*.eml")):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if decision is None or mail["Riser-Decision"] == decision:
                found.append(mail)
        return found

    def mail_counts(self):
        counts = {}
        for mail in self.mails():
            counts[mail["Riser-Decision"]] = counts.get(mail["Riser-Decision"], 0) + 1
        return counts

    def fault(self, text):
        path = self.stack.mail / "fault"
        path.unlink(missing_ok=True)
        if text:
            path.write_text(text + "\n")

    # -- notify

    def environment(self, instance):
        return {**INHERITED, **self.stack.environment(), "RISER_INSTANCE": str(instance),
                "RISER_HTTP_PORT": str(self.stack.port_base + 30 + instance), "RISER_WEBHOOK_SECRETS": str(self.secrets),
                "RISER_WEBHOOK_REACH": "any", "RISER_RETRY_FIRST": "100ms", "RISER_RETRY_LONGEST": "500ms",
                "RISER_RETRY_AGE": "30s", "RISER_PERSON_WAIT": "1s", "RISER_DRAIN_DEADLINE": "10s"}

    def start(self, instance=0, **env):
        log = open(self.folder / f"notify-{instance}.log", "ab")
        process = subprocess.Popen([BINARY], env={**self.environment(instance), **env}, stdout=log, stderr=log)
        self.processes[instance] = process
        return process

    def await_ready(self, instance=0, limit_s=120):
        deadline = time.monotonic() + limit_s
        while True:
            try:
                urllib.request.urlopen(self.http(instance, "/readyz"), timeout=2)
                return
            except OSError as error:
                assert self.processes[instance].poll() is None, "notify has ended"
                assert time.monotonic() < deadline, f"not ready: {error}"
                time.sleep(0.1)

    def metric(self, name, instance=0):
        """Nothing before notify is there."""
        try:
            text = urllib.request.urlopen(self.http(instance, "/metrics"), timeout=5).read().decode()
        except OSError:
            return 0.0
        return next((float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + " ")), 0.0)

    def http(self, instance, path):
        return f"http://127.0.0.1:{self.stack.port_base + 30 + instance}{path}"

    def end(self, how=signal.SIGTERM, instance=0):
        process = self.processes.pop(instance)
        process.send_signal(how)
        status = process.wait(30)
        if how == signal.SIGTERM:
            assert status == 0
        return status


@pytest.fixture(scope="module")
def world(proto, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notify")
    stack = Stack(folder / "var", PORT_BASE + 200)
    made = None
    try:
        stack.up(engines_only=True)
        made = World(stack, proto, folder)
        made.person("mary", hook="/mary", name="Mary O'Brien", language="en")
        made.person("wang", name="王小明", language="zh")
        made.person("hook", mail=False, hook="/hook", receiver=made.other)
        made.person("mute", mail=False)
        yield made
    finally:
        for instance in list(made.processes if made else []):
            made.end(signal.SIGKILL, instance)
        stack.down()


@pytest.fixture()
def notify(world):
    """The world with one notify that is ready, drained at the end."""
    world.fault(None)
    world.start()
    world.await_ready()
    yield world
    world.fault(None)
    for instance in list(world.processes):
        world.end(signal.SIGTERM, instance)


def test_each_person_and_channel_gets_one_message_and_one_fact(notify):
    notify.alert("each", ["mary", "wang", "hook", "mute", "nobody"], partition=2)
    keys = [("each", "mary", "mail"), ("each", "mary", "webhook"), ("each", "wang", "mail"), ("each", "hook", "webhook"),
            ("each", "mute", "none"), ("each", "nobody", "none")]
    found = notify.await_outcomes(keys)
    assert [found[key] for key in keys] == [(2, "delivered", "smtp-250"), (2, "delivered", "http-200"),
                                            (2, "delivered", "smtp-250"), (2, "delivered", "http-200"),
                                            (2, "failed", "no-contact"), (2, "failed", "unknown-person")]
    assert {key for key in found if key[0] == "each"} == set(keys)
    mails = {mail["To"].addresses[0].addr_spec: mail for mail in notify.mails("each")}
    assert set(mails) == {"mary@example.org", "wang@example.org"}
    assert mails["mary@example.org"]["Subject"] == "Your use of water in March 2016 is above that of February 2016"
    assert mails["wang@example.org"]["Subject"] == "2016年3月用水量已超过2016年2月"
    assert mails["wang@example.org"]["To"].addresses[0].display_name == "王小明"
    assert "2.000001 m³" in mails["wang@example.org"].get_content()
    assert len(notify.receiver.ids("/mary")) == 1 and len(notify.other.ids("/hook")) == 1
    assert notify.receiver.wrong == notify.other.wrong == []
    _, _, payload = notify.receiver.calls[-1]
    assert payload["kind"] == "usage-alert" and payload["data"]["usage"] == 2_000_001
    facts = {(f.person, CHANNELS[f.channel]): f for _, f, _ in notify.facts if f.decision_id == "each"}
    digest = hashlib.sha256(b"each|wang|mail").hexdigest()[:32]
    assert facts["wang", "mail"].message_id == f"<{digest}@localhost>" == mails["wang@example.org"]["Message-ID"]
    assert facts["mary", "webhook"].message_id == notify.receiver.ids("/mary")[0]
    assert all(fact.time_s == NOW for fact in facts.values())


def test_bills_can_be_recomputed_from_their_mails_alone(notify):
    seed = int(os.environ.get("RISER_SEED", random.randrange(10**6)))
    print("RISER_SEED", seed)
    chance = random.Random(seed)
    expected = {}
    for i in range(40):
        bill, owed = make_bill(notify.proto, chance, f"bill:alicante:lease-{i}:2016-03:r{i % 3}", revision=i % 3)
        bill.persons.append(chance.choice(["mary", "wang"]))
        notify.decide(bill.id, partition=i % PARTITIONS, bill=bill)
        expected[bill.id] = (bill, owed)
    began = time.monotonic()
    notify.await_outcomes([(name, bill.persons[0], "mail") for name, (bill, _) in expected.items()])
    print(f"{len(expected)} bills in {time.monotonic() - began:.2f} s")
    for name, (bill, owed) in expected.items():
        [mail] = notify.mails(name)
        read = bill_mail.read_bill(mail.get_content())
        assert bill_mail.recompute(read) == owed, f"seed {seed}, {name}"
        assert read.number == name and read.period == ("2016-03-01", "2016-03-31")
        assert [section.prior for section in read.sections if section.yearly] == \
            [bill_mail.Fraction(s.prior_quantity, 10**6) for s in bill.sections
             if s.accumulation == 2 and (s.lines[0].block_from or s.lines[0].block_upto)]
        assert (read.pay_by == "2016-04-23") == (owed > 0)
    for _, _, payload in notify.receiver.calls:
        if payload["kind"] == "bill" and payload["decision"] in expected:
            assert bill_mail.Fraction(payload["data"]["owed"]) == expected[payload["decision"]][1]


def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(notify):
    notify.fault("451 times 3")
    notify.alert("passing", ["wang"])
    assert notify.await_outcomes([("passing", "wang", "mail")])["passing", "wang", "mail"][1:] == ("delivered", "smtp-250")
    assert len(notify.mails("passing")) == 1
    notify.fault("550 times 1")
    notify.alert("lasting", ["wang"])
    assert notify.await_outcomes([("lasting", "wang", "mail")])["lasting", "wang", "mail"][1:] == ("failed", "smtp-550")
    assert notify.mails("lasting") == []
    notify.other.answers["/hook"] = [503, 429]
    notify.alert("busy", ["hook"])
    assert notify.await_outcomes([("busy", "hook", "webhook")])["busy", "hook", "webhook"][1:] == ("delivered", "http-200")
    notify.other.answers["/hook"] = [410]
    notify.alert("gone", ["hook"])
    assert notify.await_outcomes([("gone", "hook", "webhook")])["gone", "hook", "webhook"][1:] == ("failed", "http-410")


def test_a_dropped_conversation_is_repeated_with_the_same_message_id(notify):
    notify.fault("drop times 1")
    notify.alert("dropped", ["wang"])
    notify.await_outcomes([("dropped", "wang", "mail")])
    mails = notify.mails("dropped")
    assert len(mails) == 2 and len({mail["Message-ID"] for mail in mails}) == 1
    assert len({mail.as_bytes().split(b"\n", 2)[2] for mail in mails}) == 1  # letter by letter the same


def test_a_slow_receiver_holds_up_nobody_else(notify):
    notify.receiver.answers["/mary"] = 4
    for i in range(10):
        notify.alert(f"slow-{i}", ["mary", "wang"])
    notify.await_outcomes([(f"slow-{i}", "wang", "mail") for i in range(10)])
    notify.alert("beside", ["hook"])
    notify.await_outcomes([("beside", "hook", "webhook")])
    told = notify.outcomes()
    assert not all((f"slow-{i}", "mary", "webhook") in told for i in range(10)), "the slow receiver was not slow"
    notify.receiver.answers["/mary"] = 0
    notify.await_outcomes([(f"slow-{i}", "mary", "webhook") for i in range(10)])


def test_published_a_second_time_it_is_not_sent_a_second_time(notify):
    notify.alert("once", ["wang"], partition=1, cause=5000)
    notify.await_outcomes([("once", "wang", "mail")])
    notify.alert("once", ["wang"], partition=1, cause=5000)
    notify.alert("earlier", ["wang"], partition=1, cause=4999)
    notify.alert("after", ["wang"], partition=1, cause=5001)
    found = notify.await_outcomes([("after", "wang", "mail")])
    assert len(notify.mails("once")) == 1 and ("earlier", "wang", "mail") not in found
    notify.cause = 5001


def test_a_forgotten_person_gets_nothing_more(notify):
    notify.person("soon-gone")
    notify.alert("still", ["soon-gone"])
    notify.await_outcomes([("still", "soon-gone", "mail")])
    known = notify.metric("riser_notify_persons")
    notify.forget("soon-gone")
    wait_for("the person to be forgotten", lambda: notify.metric("riser_notify_persons") == known - 1)
    notify.alert("forgotten", ["soon-gone"])
    found = notify.await_outcomes([("forgotten", "soon-gone", "none")])
    assert found["forgotten", "soon-gone", "none"][1:] == ("failed", "unknown-person")


def test_mail_down_then_up_loses_and_repeats_nothing(notify):
    notify.stack.stop("mail")
    names = [f"down-{i}" for i in range(30)]
    for i, name in enumerate(names):
        notify.alert(name, ["wang"], partition=i % PARTITIONS)
    notify.alert("meanwhile", ["hook"])
    notify.await_outcomes([("meanwhile", "hook", "webhook")])  # the other channel goes on
    assert not any(key[0] in names for key in notify.outcomes())
    notify.stack.start("mail")
    notify.await_outcomes([(name, "wang", "mail") for name in names])
    counts = notify.mail_counts()
    assert [counts[name] for name in names] == [1] * len(names)


def test_a_restart_sends_only_what_was_not_finished(notify):
    notify.receiver.answers["/mary"] = [503] * 1000
    names = [f"restart-{i}" for i in range(8)]
    for name in names:
        notify.alert(name, ["mary", "wang"], partition=3)
        notify.clock(partition=3)
    notify.await_outcomes([(name, who, "mail") for name in names for who in ("mary", "wang")])
    notify.end()
    assert not any(key in notify.outcomes() for key in [(name, "mary", "webhook") for name in names])
    notify.receiver.answers["/mary"] = []
    notify.start()
    notify.await_ready()
    notify.await_outcomes([(name, "mary", "webhook") for name in names])
    counts = notify.mail_counts()
    assert [counts[name] for name in names] == [2] * len(names)  # one for mary, one for wang


def test_killed_between_delivery_and_commit_it_repeats_only_what_was_not_recorded(notify):
    names = [f"kill-{i}" for i in range(60)]
    for i, name in enumerate(names):
        notify.alert(name, ["wang"], partition=i % PARTITIONS)
    recorded_mails = {}
    for round_number in range(5):
        time.sleep(0.15 * (round_number + 1))
        notify.end(signal.SIGKILL)
        time.sleep(0.3)
        counts = notify.mail_counts()
        for name, who, channel in notify.outcomes():  # as a reader of committed records sees it after the kill
            if name in names:
                recorded_mails.setdefault(name, counts.get(name, 0))
        notify.start()
        if round_number % 2:
            notify.await_ready()
    notify.await_outcomes([(name, "wang", "mail") for name in names], limit_s=120)
    counts = notify.mail_counts()
    assert all(counts[name] >= 1 for name in names)
    again = {name: (before, counts[name]) for name, before in recorded_mails.items() if counts[name] != before}
    print(f"{len(recorded_mails)} recorded before a kill; sent more than once: "
          f"{sum(1 for name in names if counts[name] > 1)}")
    assert not again, f"sent again after it was recorded: {again}"
    for name in names:
        assert len({mail["Message-ID"] for mail in notify.mails(name)}) == 1


def test_delivered_but_not_recorded_when_it_is_killed_is_sent_again(notify):
    notify.fault("delay 2 times 1")
    notify.alert("not-recorded", ["wang"], partition=1)
    time.sleep(1)
    kafka = notify.stack.pid("kafka")
    os.kill(kafka, signal.SIGSTOP)  # nothing can be recorded
    try:
        deadline = time.monotonic() + 60
        while not notify.mails("not-recorded"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(0.3)
        notify.end(signal.SIGKILL)
    finally:
        os.kill(kafka, signal.SIGCONT)
    assert ("not-recorded", "wang", "mail") not in notify.outcomes()
    notify.start()
    notify.await_outcomes([("not-recorded", "wang", "mail")])
    mails = notify.mails("not-recorded")
    assert len(mails) == 2 and len({mail["Message-ID"] for mail in mails}) == 1


def test_a_second_instance_takes_over_half_and_then_all(notify):
    notify.end()
    for instance in (0, 1):
        notify.start(instance, RISER_SESSION_TIMEOUT="6s", RISER_SMTP_TIMEOUT="2s", RISER_WEBHOOK_TIMEOUT="2s")
        notify.await_ready(instance)
    names = [f"two-{i}" for i in range(80)]
    for i, name in enumerate(names[:40]):
        notify.alert(name, ["wang"], partition=i % PARTITIONS)
    notify.await_outcomes([(name, "wang", "mail") for name in names[:40]])
    for i, name in enumerate(names[40:]):
        notify.alert(name, ["wang"], partition=i % PARTITIONS)
    notify.end(signal.SIGTERM, instance=0)
    notify.await_outcomes([(name, "wang", "mail") for name in names], limit_s=120)
    counts = notify.mail_counts()
    assert [counts[name] for name in names] == [1] * len(names)
    notify.end(signal.SIGTERM, instance=1)


def test_kafka_away_for_a_while_loses_and_repeats_nothing(notify):
    notify.alert("before-kafka", ["wang"])
    notify.await_outcomes([("before-kafka", "wang", "mail")])
    notify.fault("delay 2 times 1")
    notify.alert("during-kafka", ["wang"])
    time.sleep(0.5)
    notify.stack.stop("kafka")
    time.sleep(2)  # by then the mail is delivered, and not recorded
    assert notify.processes[0].poll() is None
    notify.stack.start("kafka")
    notify.await_outcomes([("during-kafka", "wang", "mail")], limit_s=180)
    notify.alert("after-kafka", ["wang"])
    notify.await_outcomes([("after-kafka", "wang", "mail")], limit_s=120)
    assert len(notify.mails("during-kafka")) == 1 and len(notify.mails("before-kafka")) == 1


def test_webhooks_reach_only_the_open_internet_unless_told_otherwise(notify):
    notify.end()
    notify.start(RISER_WEBHOOK_REACH="public")
    notify.await_ready()
    for who, url in (("plain", "http://example.org/"), ("inside", "https://127.0.0.1:1/"), ("mapped", "https://[::ffff:10.0.0.1]/"),
                     ("files", "file:///etc/passwd"), ("odd", "https://")):
        person = notify.proto["person"].Person(id=who, webhook_url=url)
        notify.producer.send("riser.person.v1", key=who.encode(), value=person.SerializeToString()).get(60)
    notify.alert("reach", ["plain", "inside", "mapped", "files", "odd"])
    keys = [("reach", who, "webhook") for who in ("plain", "inside", "mapped", "files", "odd")]
    found = notify.await_outcomes(keys)
    assert [found[key][1:] for key in keys] == [("failed", "bad-url"), ("failed", "private-address"),
                                                ("failed", "private-address"), ("failed", "bad-url"),
                                                ("failed", "bad-url")]


class SecureSink:
    """An SMTP server that takes nothing without TLS and a login."""

    def __init__(self, folder, port):
        self.port = port
        self.cert, key = folder / "relay.pem", folder / "relay.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=relay",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.cert], check=True,
                       capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, key)
        self.mails, self.logins = [], []
        self.controller = Controller(self, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
                                     auth_required=True, authenticator=self.authenticate)
        self.controller.start()

    def authenticate(self, _server, session, _envelope, _mechanism, login):
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"open sesame")

    async def handle_DATA(self, _server, session, envelope):
        self.mails.append((session.ssl is not None, envelope.rcpt_tos))
        return "250 thank you"


def test_the_relay_may_want_tls_and_a_login(notify):
    notify.end()
    sink = SecureSink(notify.folder, notify.stack.port_base + 40)
    password = notify.folder / "password"
    password.write_text("wrong\n")
    settings = {"RISER_SMTP": f"127.0.0.1:{sink.port}", "RISER_SMTP_TLS": "starttls", "RISER_SMTP_USER": "riser",
                "RISER_SMTP_CA_FILE": str(sink.cert), "RISER_SMTP_PASSWORD_FILE": str(password),
                "RISER_DRAIN_DEADLINE": "6s"}
    notify.start(**settings)
    notify.alert("secure", ["wang"])
    wait_for("a second try", lambda: len(sink.logins) > 1)  # a wrong password is ours to mend: the message waits
    assert ("secure", "wang", "mail") not in notify.outcomes()
    notify.end()
    password.write_text("open sesame\n")
    notify.start(**settings)
    assert notify.await_outcomes([("secure", "wang", "mail")])["secure", "wang", "mail"][1:] == ("delivered", "smtp-250")
    assert sink.mails == [(True, ["wang@example.org"])] and sink.logins[-1] == (b"riser", b"open sesame")
    notify.end()
    other = {**settings, "RISER_SMTP_CA_FILE": ""}  # nobody vouches for the relay: it gets neither login nor mail
    logins = len(sink.logins)
    notify.start(**other)
    notify.alert("unvouched", ["wang"])
    wait_for("a try", lambda: notify.metric('riser_notify_retries_total{channel="mail"}') > 0)
    assert len(sink.logins) == logins and len(sink.mails) == 1
    notify.end()
    notify.start()
    notify.await_outcomes([("unvouched", "wang", "mail")])
    sink.controller.stop()


def test_no_personal_data_in_logs_and_every_metric_is_named(notify):
    notify.alert("private", ["wang"])
    notify.await_outcomes([("private", "wang", "mail")])
    text = "".join(path.read_text() for path in notify.folder.glob("notify-*.log"))
    for secret in ("example.org", "王小明", "O'Brien", SECRET.decode(), notify.receiver.url, notify.other.url):
        assert secret not in text
    for line in text.splitlines():
        assert json.loads(line)["service"] == "notify"
    metrics = urllib.request.urlopen(notify.http(0, "/metrics")).read().decode()
    assert re.search(r'riser_notify_delivered_total{channel="mail"} [1-9]', metrics)
    assert "riser_notify_unfinished 0" in metrics


@pytest.mark.parametrize("why, settings", [
    ("smtp_timeout is not 4s below session_timeout", {"RISER_SESSION_TIMEOUT": "30s"}),
    ("smtp_timeout is not 4s below session_timeout", {"RISER_SMTP_TIMEOUT": "41001ms"}),
    ("webhook_timeout is not 4s below session_timeout", {"RISER_WEBHOOK_TIMEOUT": "1m"}),
    ("smtp holds an @", {"RISER_SMTP": "me:hunter2@relay.example:25"}),
    ("smtp_user would be sent in the clear", {"RISER_SMTP_USER": "me"}),
])
def test_check_config_names_what_does_not_fit(why, settings):
    ran = subprocess.run([BINARY, "--check-config"], capture_output=True, text=True, env=settings)
    assert ran.returncode == 2 and why in ran.stderr
    assert "hunter2" not in ran.stdout + ran.stderr


def test_the_longest_attempt_that_fits_is_accepted():
    ran = subprocess.run([BINARY, "--check-config"], capture_output=True, text=True,
                         env={"RISER_SESSION_TIMEOUT": "6s", "RISER_SMTP_TIMEOUT": "2s", "RISER_WEBHOOK_TIMEOUT": "2s"})
    assert ran.returncode == 0, ran.stderr
