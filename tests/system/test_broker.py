# SPDX-License-Identifier: Apache-2.0
"""The local stack's Mosquitto settings keep what docs/broker.md says. The figures of that page: tests/broker/run.py."""
import getpass
import json
import re
import signal
import subprocess
import sys
import time

import pytest

from ingest_world import Ingest, Registry, Tail
from stack import BIN, PORT_BASE, ROOT, wait_for

sys.path.insert(0, str(ROOT / "tests" / "broker"))
sys.path.insert(0, str(ROOT / "tools" / "demo"))
import records  # noqa: E402
from broker import Broker, Publisher, Subscriber  # noqa: E402

PORT = PORT_BASE + 890


def our_settings(folder, **changed):
    """The local stack's mosquitto.conf with other figures."""
    local = ROOT / "deploy" / "local" / "mosquitto"
    text = (local / "mosquitto.conf").read_text() + (local / "plain.conf").read_text()
    for name, value in {"MQTT_PORT": PORT, "DATA": folder, "USER": getpass.getuser()}.items():
        text = text.replace(f"@{name}@", str(value))
    for name, value in changed.items():
        text, count = re.subn(rf"^{name} [1-9]\d*$", f"{name} {value}", text, flags=re.M)
        assert count == 1, f"{name} has no bound in mosquitto.conf"
    return text


def test_a_crash_of_the_broker_loses_what_came_since_it_last_saved(tmp_path):
    """With a shorter interval than ours, to see more of them in less time."""
    assert "\nautosave_interval 5\n" in our_settings(tmp_path)
    with Broker(tmp_path, PORT, our_settings(tmp_path, autosave_interval=2)) as broker:
        subscriber = Subscriber(broker)
        subscriber.visit()
        broker.end(signal.SIGTERM)
        broker.start()
        subscriber.visit()
        publisher = Publisher(broker)
        publisher.publish_for(5, 500)
        broker.kill()
        publisher.stop()
        broker.start()
        heard = subscriber.hear_all()
        lost = publisher.acknowledged - heard
        print(f"{len(publisher.acknowledged)} acknowledged, {len(lost)} lost")
        assert subscriber.present and len(publisher.acknowledged) > 1000
        assert len(lost) < 4 * 500 and heard >= set(range(publisher.next - 4 * 500)) & publisher.acknowledged


@pytest.mark.parametrize("bound", [{"max_queued_messages": 1000}, {"max_queued_bytes": 200_000}], ids=["messages", "bytes"])
def test_the_queue_for_an_absent_ingest_has_a_bound(tmp_path, bound):
    with Broker(tmp_path, PORT, our_settings(tmp_path, **bound)) as broker:
        subscriber = Subscriber(broker)
        subscriber.visit()
        before = broker.resident_bytes()
        publisher = Publisher(broker)
        publisher.publish(20_000)
        publisher.settle()
        grown = broker.resident_bytes() - before
        publisher.stop()
        subscriber.hear_all()
        assert len(publisher.acknowledged) == 20_000  # the rest was acknowledged and dropped, and the page says so
        assert subscriber.heard == set(range(1000))
        assert grown < 3_000_000


def test_a_subscription_of_one_process_alone_survives_the_broker(engines, tmp_path):
    """The broker is back before ingest is, and devices are quick. (Mosquitto does not save shared subscriptions.)"""
    schemas = records.load_schemas()
    registry = Registry(engines, schemas)
    registry.put("quick-1")
    log = Tail(engines, "riser.site.v1", schemas["site"].SiteRecord)
    with Broker(tmp_path / "broker", PORT, our_settings(tmp_path)) as broker:
        ingest = Ingest(engines, tmp_path, MQTT=f"127.0.0.1:{PORT}", MQTT_SHARE="").start()
        assert ingest.stop() == 0
        broker.end(signal.SIGTERM)
        broker.start()
        device = Publisher(broker)
        for value in range(500):
            payload = f'{{"at":{int(time.time())},"volume_ml":{value}}}'
            device.handles.append(device.client.publish("riser/v1/quick-1/m-1/up/json", payload, qos=1))
        device.next = 500
        device.settle()
        device.stop()
        assert device.reasons == {"Success": 500}
        ingest.start()
        wait_for("everything acknowledged", lambda: {reading.value for record, _ in log.poll()
                 if record.envelope.site == "quick-1" for reading in record.readings.readings} == set(range(500)), 60)
        ingest.stop()
    log.close()
    registry.close()


def test_another_subscription_of_one_session_brings_nothing_twice(engines, tmp_path):
    """From a share to a plain subscription and back, as docs/broker.md advises for a single ingest."""
    schemas = records.load_schemas()
    registry = Registry(engines, schemas)
    registry.put("other-1")
    log = Tail(engines, "riser.site.v1", schemas["site"].SiteRecord)
    with Broker(tmp_path / "broker", PORT, our_settings(tmp_path)) as broker:
        device = Publisher(broker)

        def say(value, tail="event", **options):
            payload = f'{{"kind":"leak","detail":"{value}"}}' if tail == "event" else '{"online":true}'
            device.client.publish(f"riser/v1/other-1/m-1/up/{tail}", payload, qos=1, **options).wait_for_publish(10)

        say("", "state", retain=True)
        for life, share in enumerate(["one", "", "", "two"]):
            say(f"{life} waits")
            ingest = Ingest(engines, tmp_path, MQTT=f"127.0.0.1:{PORT}", MQTT_SHARE=share).start()
            say(f"{life} comes")
            time.sleep(0.3)
            assert ingest.stop() == 0
        device.stop()
        wanted = ["0 comes", "1 waits", "1 comes", "2 waits", "2 comes", "3 waits", "3 comes"]  # nobody was there for the first

        def there():
            return [record for record, _ in log.poll() if record.envelope.site == "other-1"]
        wait_for("all", lambda: len(there()) > len(wanted), 30)
        events = [record.device_event.event.detail for record in there() if record.WhichOneof("fact") == "device_event"]
        assert sorted(events) == sorted(wanted)
        states = len(there()) - len(events)
        assert 1 <= states <= 3  # what is retained comes once for each new subscription, and there were three
    log.close()
    registry.close()


def test_receipts_bring_again_what_the_broker_dropped(engines, tmp_path):
    """Ingest away, the broker's queue full: everything a device was ever acknowledged is in Kafka in the end."""
    schemas = records.load_schemas()
    registry = Registry(engines, schemas)
    registry.put("full-1")
    log = Tail(engines, "riser.site.v1", schemas["site"].SiteRecord)
    text = our_settings(tmp_path, max_queued_messages=200)
    with Broker(tmp_path / "broker", PORT, text) as broker:
        ingest = Ingest(engines, tmp_path, MQTT=f"127.0.0.1:{PORT}").start()
        assert ingest.stop() == 0
        ledger = tmp_path / "ledger"
        sim = subprocess.Popen([BIN / "metersim", "--mqtt", f"127.0.0.1:{PORT}", "--site", "full-1", "--gateways", "3",
                                "--meters", "20", "--batch", "10", "--rate", "2000", "--duration", "6", "--receipts",
                                "--receipt-timeout", "1", "--ledger", ledger], stdout=subprocess.PIPE, text=True)
        time.sleep(3)
        ingest.start()
        summary = json.loads(sim.communicate(timeout=60)[0])
        sent = {tuple(reading[:1] + reading[2:]) for line in ledger.read_text().splitlines()
                for reading in json.loads(line)["readings"]}

        def there():
            return {(reading.meter, reading.time_s, reading.value) for record, _ in log.poll()
                    if record.envelope.site == "full-1" for reading in record.readings.readings}
        wait_for("everything acknowledged", lambda: sent <= there(), 60)
        gaps = sum(record.WhichOneof("fact") == "device_event" for record, _ in log.records)
        ingest.stop()
    log.close()
    registry.close()
    print(f"{summary}; {gaps} gaps told")
    assert summary["messages"] > 750 and summary["unreceipted"] == 0
    assert summary["resent"] > 150 and gaps > 0  # the broker did drop
