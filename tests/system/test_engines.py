# SPDX-License-Identifier: Apache-2.0
"""The engines of the local stack keep what they have acknowledged."""
import smtplib
import sys
import threading
import time
import types

import paho.mqtt.client as mqtt
import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from stack import ROOT

sys.path.insert(0, str(ROOT / "tests" / "broker"))
from broker import Publisher, Subscriber  # noqa: E402

MESSAGES = 5000  # five times what Mosquitto keeps for a client by default


def bootstrap(stack):
    return "%s:%d" % stack.address("KAFKA")


def test_mosquitto_keeps_thousands_of_messages_over_a_restart(engines):
    broker = types.SimpleNamespace(port=engines.address("MQTT")[1])
    subscriber, publisher = Subscriber(broker, "absent-1"), Publisher(broker)
    subscriber.visit()
    publisher.publish(MESSAGES)
    publisher.settle(60)
    publisher.stop()
    engines.stop("mosquitto")
    engines.start("mosquitto")
    assert subscriber.hear_all() == publisher.acknowledged == set(range(MESSAGES))


def test_mosquitto_ends_the_connection_of_a_too_large_packet(engines):
    gone = threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="large", protocol=mqtt.MQTTv311)
    client.on_connect = lambda c, *_: c.publish("large", b"x" * 1_100_000, qos=1)
    client.on_disconnect = lambda *_: gone.set()
    client.connect(*engines.address("MQTT"))
    client.loop_start()
    assert gone.wait(10)
    client.loop_stop()


def test_redis_keeps_what_it_has_flushed_over_a_crash_and_never_evicts(engines):
    host, port = engines.address("REDIS")
    client = redis.Redis(host, port)
    client.set("kept", "value")
    deadline = time.monotonic() + 10
    while client.info("persistence")["aof_pending_bio_fsync"] or client.info("persistence")["aof_buffer_length"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1.2)  # one turn of appendfsync everysec
    engines.kill("redis")
    engines.start("redis")
    client = redis.Redis(host, port)
    assert client.get("kept") == b"value"
    settings = client.config_get("*")
    assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "everysec")
    assert (settings["maxmemory-policy"], settings["save"]) == ("noeviction", "")
    assert int(settings["maxmemory"]) > 0
    client.delete("kept")


@pytest.mark.parametrize("topic, expected", [
    ("riser.site.v1", {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}),
    ("riser.decision.v1", {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}),
    ("riser.command.v1", {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}),
    ("riser.device.v1", {"cleanup.policy": "compact"}),
    ("riser.person.v1", {"cleanup.policy": "compact"}),
    ("riser.reject.v1", {"cleanup.policy": "delete", "retention.ms": str(30 * 86400 * 1000)}),
])
def test_topics_keep_what_the_design_says(engines, topic, expected):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap(engines))
    responses = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    admin.close()
    entries = {e[0]: e[1] for response in responses for resource in response.resources for e in resource[4]}
    expected = {**expected, "message.timestamp.type": "LogAppendTime", "max.message.bytes": str(4 * 1024 * 1024)}
    assert {k: entries[k] for k in expected} == expected


def test_kafka_keeps_records_and_offsets_over_a_crash(engines):
    topic = "riser.reject.v1"
    producer = KafkaProducer(bootstrap_servers=bootstrap(engines), acks="all")
    offset = producer.send(topic, b"record", partition=3).get(30).offset
    producer.close()
    engines.kill("kafka")
    engines.start("kafka")
    consumer = KafkaConsumer(bootstrap_servers=bootstrap(engines), consumer_timeout_ms=30000)
    consumer.assign([TopicPartition(topic, 3)])
    consumer.seek(TopicPartition(topic, 3), offset)
    assert next(consumer).value == b"record"
    consumer.close()


def test_kafka_makes_no_topic_of_a_misspelt_name(engines):
    consumer = KafkaConsumer("riser.site.v2", bootstrap_servers=bootstrap(engines), consumer_timeout_ms=1000)
    assert list(consumer) == []
    assert "riser.site.v2" not in consumer.topics()
    consumer.close()


def send_mail(stack, message_id, text="body", **options):
    message = f"From: a@riser.test\r\nTo: b@tenant.test\r\nSubject: test\r\nMessage-ID: <{message_id}>\r\n\r\n{text}\r\n"
    with smtplib.SMTP(*stack.address("SMTP"), timeout=options.get("timeout", 20)) as client:
        client.sendmail("a@riser.test", ["b@tenant.test"], message)


def mails(stack, message_id):
    return sorted(stack.mail.glob(f"*-{message_id}.eml"))


def test_an_accepted_mail_is_a_file_and_the_numbers_go_on_after_a_restart(engines):
    send_mail(engines, "first@riser.test", "the text")
    engines.stop("mail")
    engines.start("mail")
    send_mail(engines, "second@riser.test")
    first, = mails(engines, "first@riser.test")
    second, = mails(engines, "second@riser.test")
    assert "the text" in first.read_text()
    assert int(second.name[:6]) > int(first.name[:6])


@pytest.mark.parametrize("code", [451, 550])
def test_the_mail_server_refuses_as_often_as_told(engines, code):
    (engines.mail / "fault").write_text(f"{code} times 2\n")
    name = f"refused-{code}@riser.test"
    for _ in range(2):
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send_mail(engines, name)
        assert refused.value.smtp_code == code
    assert mails(engines, name) == []
    send_mail(engines, name)
    assert len(mails(engines, name)) == 1


def test_the_mail_server_answers_late(engines):
    (engines.mail / "fault").write_text("delay 1 times 1\n")
    began = time.monotonic()
    send_mail(engines, "late@riser.test")
    assert time.monotonic() - began >= 1
    assert len(mails(engines, "late@riser.test")) == 1


def test_the_mail_server_keeps_a_message_and_loses_the_answer(engines):
    (engines.mail / "fault").write_text("drop times 1\n")
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        send_mail(engines, "dropped@riser.test")
    assert len(mails(engines, "dropped@riser.test")) == 1
