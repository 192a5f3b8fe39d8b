// SPDX-License-Identifier: Apache-2.0
#include "ingest/gauges.h"

void gauges_init(struct gauges *gauges, const struct process *process) {
  struct metrics *m = process->metrics;
  struct label reasons = {.name = "reason"};
  reasons.values = error_names(&reasons.count);
  *gauges = (struct gauges){
      .messages = metrics_counter(m, "riser_ingest_messages_total", "Messages that came over MQTT."),
      .readings = metrics_counter(m, "riser_ingest_readings_total", "Readings handed to Kafka."),
      .facts = metrics_counter(m, "riser_ingest_facts_total", "Records handed to the site log."),
      .rejects = metrics_counters(m, "riser_ingest_rejects_total", "Messages refused, wholly or in part.", reasons),
      .receipts = metrics_counter(m, "riser_ingest_receipts_total", "Receipts given to devices."),
      .takeovers =
          metrics_counter(m, "riser_ingest_producer_takeovers_total", "Producers that took over from the spool."),
      .connects = metrics_counter(m, "riser_ingest_mqtt_connects_total", "Connections made to the MQTT broker."),
      .stops = metrics_counter(m, "riser_ingest_intake_stops_total", "Times that a nearly full spool stopped intake."),
      .spool_used = metrics_gauge(m, "riser_ingest_spool_used_bytes", "Bytes in the spool that are not released."),
      .spool_free = metrics_gauge(m, "riser_ingest_spool_free_bytes", "Bytes that the spool can still take."),
      .spool_segments = metrics_gauge(m, "riser_ingest_spool_segments", "Files in use by the spool."),
      .spool_damaged = metrics_gauge(m, "riser_ingest_spool_damaged_bytes", "Bytes found damaged at the start."),
      .spool_disk_full = metrics_gauge(m, "riser_ingest_spool_disk_full", "1 while the spool's disk has no room."),
      .spool_waiting = metrics_gauge(m, "riser_ingest_spool_waiting_bytes", "Bytes that Kafka has not confirmed."),
      .in_flight = metrics_gauge(m, "riser_ingest_in_flight_messages", "Messages on their way to Kafka."),
      .oldest_ms = metrics_gauge(m, "riser_ingest_confirm_lag_milliseconds",
                                 "Age of the oldest message that Kafka has not confirmed."),
      .sites = metrics_gauge(m, "riser_ingest_sites", "Sites that are known."),
      .devices = metrics_gauge(m, "riser_ingest_devices", "Devices that are known."),
      .append = metrics_histogram_seconds(m, "riser_ingest_spool_append_seconds",
                                          "Duration of an append to the spool, one of 64 measured."),
      .health = process->health,
      .kafka = health_condition(process->health, "kafka"),
      .known = health_condition(process->health, "devices-loaded"),
      .mqtt = health_condition(process->health, "mqtt-subscribed"),
      .spool = health_condition(process->health, "spool-not-full"),
  };
}
