# SPDX-License-Identifier: Apache-2.0
"""Devices that send what nobody can read, as much as they like, beside those that are sound: nothing else is lost,
stopped, or noticeably later."""
import signal
import threading
import time

import kafka
import paho.mqtt.client as mqtt
import pytest

from fault_run import Run
from outside import SITE_LOG, Reading, site_pb
from own import http_port, metric
from stream import Stream

STRANGE = [("up/json", b'{"readings":[' + b"[" * 100000), ("up/json", b"\xff\xfe\x00"), ("up/pb", b"\x1a\x00" * 100000),
           ("up/pb", b"\x1a\xff\xff\xff\xff\x0f"), ("up/json", b'{"meter":"m","at":1e999,"energy_wh":1e99}'),
           ("up/raw/none", b"x" * 300000), ("up/event", b"{}"), ("up/state", b"\0" * 50), ("up/ack", b""),
           ("up/nothing", b"?"), ("up/json", b"[" * 200000), ("up/pb", b"\x08" + b"\xff" * 200)]
LATER_MS = 500
pytestmark = pytest.mark.long


class Nuisance(threading.Thread):
    """Publishes strange things under a site of its own and under the others' as fast as the broker takes them."""

    def __init__(self, address, sites):
        super().__init__(daemon=True)
        self.address, self.sites, self.ended, self.sent = address, sites, threading.Event(), 0

    def run(self):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect(*self.address)
        client.loop_start()
        while not self.ended.is_set():
            tail, payload = STRANGE[self.sent % len(STRANGE)]
            topic = f"riser/v1/{self.sites[self.sent % len(self.sites)]}/nuisance-{self.sent % 7}/{tail}"
            client.publish(topic, payload, qos=1).wait_for_publish(10)
            self.sent += 1
        client.disconnect()
        client.loop_stop()


def lateness(world, ledger, offsets):
    """p99, in ms, of how much later than the broker's acknowledgement Kafka had each reading, from these offsets on."""
    acked_at, at = {}, 0
    for acked_ms, count in ledger.acked_ms:
        for reading in ledger.order[at:at + count]:
            acked_at[reading] = acked_ms
        at += count
    consumer = kafka.KafkaConsumer(bootstrap_servers=world.brokers, enable_auto_commit=False, max_poll_records=100000)
    parts = {kafka.TopicPartition(SITE_LOG, p): offset for p, offset in offsets.items()}
    consumer.assign(list(parts))
    ends, late = consumer.end_offsets(list(parts)), []
    for part, offset in parts.items():
        consumer.seek(part, offset)
    while any(consumer.position(part) < ends[part] for part in parts):
        for batch in consumer.poll(timeout_ms=200).values():
            for record in batch:
                for r in site_pb.SiteRecord.FromString(record.value).readings.readings:
                    acked_ms = acked_at.get(Reading(r.meter, r.register, r.time_s, r.value))
                    if acked_ms:
                        late.append(record.timestamp - acked_ms)
    consumer.close()
    return sorted(late)[len(late) * 99 // 100]


def test_bad_input(world, seed):
    with Stream(world, "malformed", seed, 200, 1, 8, ("--malformed", "100")) as bad, \
            Run(world, "bad-input", seed, 18) as run:
        port = http_port(world.stack, "ingest")
        from_here = run.logs.ends()
        bad.sim.send_signal(signal.SIGSTOP)
        run.run_for(4)
        quiet_ms = lateness(world, run.ledgers[run.flood], from_here)
        bad.sim.send_signal(signal.SIGCONT)
        nuisance = Nuisance(world.stack.address("MQTT"), ["nowhere", run.story, run.flood, bad.site])
        refused = metric(port, "riser_ingest_rejects_total")
        nuisance.start()
        try:
            from_here = run.logs.ends()
            run.run_for(6)
            run.prove_load(time.time() * 1000)
            loud_ms = lateness(world, run.ledgers[run.flood], from_here)
        finally:
            nuisance.ended.set()
            nuisance.join(20)
        refused = metric(port, "riser_ingest_rejects_total") - refused
        run.hits.append(int(refused))
        assert refused > 500 and nuisance.sent > 100, f"{refused} refused, {nuisance.sent} strange ones sent"
        assert loud_ms < quiet_ms + LATER_MS, f"p99 {loud_ms} ms beside bad input, {quiet_ms} ms without"
        run.remarks.append(f"p99 to Kafka {quiet_ms} ms before, {loud_ms} ms beside it")
        run.recovered(time.monotonic())
        acked, lost, twice, _ = bad.account()
        run.remarks.append(f"of the malformed device's {acked} good readings lost {lost}, wrong {twice}")
