# SPDX-License-Identifier: Apache-2.0
"""What Mosquitto does with messages that it has acknowledged, by setting. Each case gives {what: figure}; `acknowledged`
and `lost` are messages, lost being acknowledged and never handed to the subscriber."""
import signal
import time

import paho.mqtt.client as mqtt

from broker import PLAIN, SHARED, Broker, Publisher, Subscriber

UNBOUND = {"max_queued_messages": 0, "max_queued_bytes": 0, "max_inflight_messages": 1000}
LASTING = {**UNBOUND, "persistence": "true"}
OURS = {**LASTING, "autosave_interval": 5, "queue_qos0_messages": "false", "max_packet_size": 1048576}


def outcome(publisher, subscriber, **more):
    lost = publisher.acknowledged - subscriber.heard
    return {"acknowledged": len(publisher.acknowledged), "lost": len(lost), "let_in": subscriber.let_in,
            "session": subscriber.present, **more}


def ended(folder, port, number, settings, seconds=2.0, rate=2000):
    """Ingest away, a device publishes, the broker ends by this signal and comes back, ingest comes back."""
    with Broker(folder, port, **settings) as broker:
        subscriber = Subscriber(broker)
        subscriber.visit()
        broker.end(signal.SIGTERM)  # the session itself is on disk, where there is persistence
        broker.start()
        subscriber.visit()
        publisher = Publisher(broker)
        publisher.publish_for(seconds, rate)
        if number == signal.SIGTERM:
            publisher.settle()
        broker.end(number)
        publisher.stop()
        broker.start()
        subscriber.hear_all()
        return outcome(publisher, subscriber)


def without_persistence(folder, port):
    return ended(folder, port, signal.SIGKILL, {**UNBOUND, "persistence": "false"})


def ended_in_peace_without_persistence(folder, port):
    return ended(folder, port, signal.SIGTERM, {**UNBOUND, "persistence": "false"})


def ended_in_peace(folder, port):
    return ended(folder, port, signal.SIGTERM, LASTING)


def autosave_as_it_comes(folder, port):
    return ended(folder, port, signal.SIGKILL, LASTING)


def autosave_5_s(folder, port):
    return ended(folder, port, signal.SIGKILL, {**LASTING, "autosave_interval": 5}, seconds=13)


def autosave_1_s(folder, port):
    return ended(folder, port, signal.SIGKILL, {**LASTING, "autosave_interval": 1}, seconds=5.5)


def autosave_on_every_change(folder, port):
    settings = {**LASTING, "autosave_on_changes": "true", "autosave_interval": 1}
    return ended(folder, port, signal.SIGKILL, settings, seconds=5, rate=300)


def session_younger_than_the_autosave(folder, port):
    """Ingest's very first connection, and the broker dies before it was ever saved."""
    with Broker(folder, port, **LASTING, autosave_interval=5) as broker:
        subscriber = Subscriber(broker)
        subscriber.visit()
        broker.kill()
        broker.start()
        publisher = Publisher(broker)
        publisher.publish(1000)
        publisher.settle()
        publisher.stop()
        subscriber.hear_all()
        return outcome(publisher, subscriber, reasons=publisher.reasons)


def restarted_before_ingest_is_back(folder, port, topics=SHARED):
    """The broker ends in peace and comes back; devices are quicker than ingest."""
    with Broker(folder, port, **OURS) as broker:
        subscriber = Subscriber(broker, topics=topics)
        subscriber.visit()
        broker.end(signal.SIGTERM)
        broker.start()
        publisher = Publisher(broker)
        publisher.publish(1000)
        publisher.settle()
        publisher.stop()
        subscriber.hear_all()
        return outcome(publisher, subscriber, reasons=publisher.reasons)


def restarted_before_ingest_is_back_not_shared(folder, port):
    return restarted_before_ingest_is_back(folder, port, PLAIN)


def ingest_there(folder, port):
    """Ingest connected and keeping up when the broker dies: only what was on its way between the two."""
    with Broker(folder, port, **OURS) as broker:
        subscriber = Subscriber(broker)
        subscriber.visit()
        broker.end(signal.SIGTERM)
        broker.start()
        subscriber.come()
        publisher = Publisher(broker)
        publisher.publish_for(3, 2000)
        broker.kill()
        publisher.stop()
        subscriber.go()
        broker.start()
        subscriber.hear_all()
        return outcome(publisher, subscriber)


def away(folder, port, count, size=200, qos=1, version=mqtt.MQTTv5, **settings):
    """Ingest away, a device publishes as fast as it can, ingest comes back."""
    with Broker(folder, port, **settings) as broker:
        subscriber = Subscriber(broker)
        subscriber.visit()
        before = broker.resident_bytes()
        publisher = Publisher(broker, qos, version)
        publisher.publish(count, size)
        publisher.settle()
        time.sleep(0.3)
        grown = broker.resident_bytes() - before
        publisher.stop()
        subscriber.hear_all()
        return outcome(publisher, subscriber, published=publisher.next, thrown_out=publisher.thrown_out,
                       reasons=publisher.reasons, resident_bytes_a_message=round(grown / max(1, len(subscriber.heard))),
                       resident_mb=round(grown / 1e6, 1))


def qos_0(folder, port):
    return away(folder, port, 5000, qos=0, **OURS)


def qos_0_queued(folder, port):
    return away(folder, port, 5000, qos=0, **{**OURS, "queue_qos0_messages": "true"})


def max_queued_messages_as_it_comes(folder, port):
    return away(folder, port, 5000, persistence="true")


def max_queued_bytes(folder, port):
    return away(folder, port, 5000, persistence="true", max_queued_messages=0, max_queued_bytes=200_000)


def no_bound_small(folder, port):
    return away(folder, port, 50_000, **OURS)


def no_bound_large(folder, port):
    return away(folder, port, 20_000, size=4000, **OURS)


def both_bounds_messages_first(folder, port):
    return away(folder, port, 5000, **{**OURS, "max_queued_messages": 2000, "max_queued_bytes": 900_000})


def both_bounds_bytes_first(folder, port):
    return away(folder, port, 5000, **{**OURS, "max_queued_messages": 4000, "max_queued_bytes": 300_000})


def memory_limit(folder, port):
    return away(folder, port, 30_000, size=4000, **OURS, memory_limit=32_000_000)


def memory_limit_3_1_1(folder, port):
    return away(folder, port, 30_000, size=4000, version=mqtt.MQTTv311, **OURS, memory_limit=32_000_000)


def packet_too_large(folder, port):
    return too_large(folder, port, max_packet_size=10_000)


def message_too_large(folder, port):
    return too_large(folder, port, message_size_limit=10_000)


def too_large(folder, port, **settings):
    with Broker(folder, port, **LASTING, **settings) as broker:
        subscriber = Subscriber(broker)
        subscriber.visit()
        publisher = Publisher(broker, version=mqtt.MQTTv311)
        publisher.publish(1, 20_000)
        publisher.settle(5)
        publisher.stop()
        subscriber.hear_all()
        return outcome(publisher, subscriber, thrown_out=publisher.thrown_out)


def no_session(folder, port):
    """A subscriber that asks for no session, away for a moment."""
    with Broker(folder, port, **OURS) as broker:
        subscriber = Subscriber(broker, persistent=False)
        subscriber.visit()
        publisher = Publisher(broker)
        publisher.publish(1000)
        publisher.settle()
        publisher.stop()
        subscriber.hear_all()
        return outcome(publisher, subscriber, reasons=publisher.reasons)


def a_member_gone_for_good(folder, port):
    """Two share the subscription; one is away."""
    with Broker(folder, port, **OURS) as broker:
        gone, there = Subscriber(broker, "ingest-1"), Subscriber(broker, "ingest-0")
        gone.visit()
        there.come()
        publisher = Publisher(broker)
        publisher.publish(5000)
        publisher.settle()
        publisher.stop()
        time.sleep(1)
        there.go()
        heard = set(there.heard)
        gone.hear_all()
        there.heard |= gone.heard
        return outcome(publisher, there, heard_by_the_one_there=len(heard), kept_for_the_one_away=len(gone.heard))


CASES = (without_persistence, ended_in_peace_without_persistence, ended_in_peace, autosave_as_it_comes, autosave_5_s,
         autosave_1_s, autosave_on_every_change, session_younger_than_the_autosave,
         restarted_before_ingest_is_back, restarted_before_ingest_is_back_not_shared, ingest_there, no_session, qos_0,
         qos_0_queued, max_queued_messages_as_it_comes, max_queued_bytes, both_bounds_messages_first,
         both_bounds_bytes_first, no_bound_small, no_bound_large, memory_limit,
         memory_limit_3_1_1, packet_too_large, message_too_large, a_member_gone_for_good)
