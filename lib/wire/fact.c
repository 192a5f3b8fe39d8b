// SPDX-License-Identifier: Apache-2.0
// The one-of decides which mapping is taken; everything else is lists of fields. Readings are nearly all of the traffic
// and take a way of their own that needs no scratch memory.
#include "wire/fact.h"

#include "wire/enums.h"
#include "wire/message.h"
#include "wire/readings.h"
#include "wire/site.h"

#define ENVELOPE(TEXT, PLAIN, ENUM) \
  TEXT(fact_id) PLAIN(min_reader) TEXT(landlord) TEXT(site) PLAIN(event_time_ms) PLAIN(receive_time_ms) TEXT(source) \
  PLAIN(sequence) TEXT(actor) TEXT(supersedes) TEXT(traceparent)
WIRE_MAPPING(envelope, struct envelope, Riser__Site__V1__Envelope, riser__site__v1__envelope__init, ENVELOPE)

#define EVENT(TEXT, PLAIN, ENUM) ENUM(kind, kind, event_kind) PLAIN(time_s) TEXT(detail)
WIRE_MAPPING(event, struct device_event_fact, Riser__Telemetry__V1__DeviceEvent,
             riser__telemetry__v1__device_event__init, EVENT)

#define STATE(TEXT, PLAIN, ENUM) PLAIN(online) ENUM(supply, supply, supply) PLAIN(time_s) PLAIN(desired_version)
WIRE_MAPPING(state, struct device_state_fact, Riser__Telemetry__V1__DeviceState,
             riser__telemetry__v1__device_state__init, STATE)

#define ACK(TEXT, PLAIN, ENUM) TEXT(command_id) ENUM(outcome, outcome, ack_outcome) PLAIN(time_s) TEXT(detail)
WIRE_MAPPING(ack, struct command_ack_fact, Riser__Telemetry__V1__CommandAck, riser__telemetry__v1__command_ack__init,
             ACK)

#define PAYMENT(TEXT, PLAIN, ENUM) \
  TEXT(id) TEXT(lease) ENUM(commodity, commodity, commodity) PLAIN(amount_e4) PLAIN(paid_at_s) TEXT(method) \
  TEXT(reference)
WIRE_MAPPING(payment, struct payment, Riser__Site__V1__Payment, riser__site__v1__payment__init, PAYMENT)

#define READ_EDIT(TEXT, PLAIN, ENUM) \
  TEXT(meter) ENUM(reg, register_, meter_register) PLAIN(time_s) PLAIN(value) PLAIN(is_void) PLAIN(revision) \
  TEXT(reason)
WIRE_MAPPING(read_edit, struct read_edit, Riser__Site__V1__ReadEdit, riser__site__v1__read_edit__init, READ_EDIT)

#define NOTICE(TEXT, PLAIN, ENUM) \
  TEXT(decision_id) TEXT(person) ENUM(channel, channel, channel) ENUM(delivery, delivery, delivery) \
  TEXT(message_id) PLAIN(time_s) TEXT(detail)
WIRE_MAPPING(notice_delivered, struct notice_delivered, Riser__Site__V1__NoticeDelivered,
             riser__site__v1__notice_delivered__init, NOTICE)

#define INTENT(TEXT, PLAIN, ENUM) \
  TEXT(command_id) TEXT(decision_id) TEXT(service_point) ENUM(supply, supply, supply) PLAIN(time_s)
WIRE_MAPPING(disconnect_intent, struct disconnect_intent, Riser__Site__V1__DisconnectIntent,
             riser__site__v1__disconnect_intent__init, INTENT)

#define OUTCOME(TEXT, PLAIN, ENUM) \
  TEXT(command_id) TEXT(decision_id) TEXT(service_point) TEXT(device) ENUM(supply, supply, supply) \
  ENUM(outcome, outcome, outcome) PLAIN(time_s) TEXT(reason)
WIRE_MAPPING(command_outcome, struct command_outcome, Riser__Site__V1__CommandOutcome,
             riser__site__v1__command_outcome__init, OUTCOME)

#define TICK(TEXT, PLAIN, ENUM) PLAIN(time_s)
WIRE_MAPPING(tick, struct tick, Riser__Site__V1__Tick, riser__site__v1__tick__init, TICK)

static enum error readings_fact_in(const Riser__Site__V1__Readings *from, struct arena *arena,
                                   struct readings_fact *to) {
  const struct reading *readings = readings_in(from->readings, from->n_readings, arena);
  if (!readings) return ERR_LIMIT;
  *to = (struct readings_fact){
      .device = from->device,
      .readings = readings,
      .count = from->n_readings,
      .clock_suspect = from->clock_suspect,
      .sent_at_ms = from->sent_at_ms,
      .by_hand = from->by_hand,
  };
  return OK;
}

static void device_event_in(const Riser__Site__V1__DeviceEvent *from, struct device_event_fact *to) {
  static const Riser__Telemetry__V1__DeviceEvent none = RISER__TELEMETRY__V1__DEVICE_EVENT__INIT;
  event_in(from->event ? from->event : &none, to);
  to->device = from->device;
}

static void device_state_in(const Riser__Site__V1__DeviceState *from, struct device_state_fact *to) {
  static const Riser__Telemetry__V1__DeviceState none = RISER__TELEMETRY__V1__DEVICE_STATE__INIT;
  state_in(from->state ? from->state : &none, to);
  to->device = from->device;
}

static void command_ack_in(const Riser__Site__V1__CommandAck *from, struct command_ack_fact *to) {
  static const Riser__Telemetry__V1__CommandAck none = RISER__TELEMETRY__V1__COMMAND_ACK__INIT;
  ack_in(from->ack ? from->ack : &none, to);
  to->device = from->device;
}

static enum error content_in(const Riser__Site__V1__SiteRecord *from, struct arena *arena, struct fact *to) {
  switch (to->kind) {
    case FACT_NONE: break;
    case FACT_READINGS: return readings_fact_in(from->readings, arena, &to->readings);
    case FACT_DEVICE_EVENT: device_event_in(from->device_event, &to->device_event); break;
    case FACT_DEVICE_STATE: device_state_in(from->device_state, &to->device_state); break;
    case FACT_COMMAND_ACK: command_ack_in(from->command_ack, &to->command_ack); break;
    case FACT_SITE: return site_in(from->site, arena, &to->site);
    case FACT_ROOM: room_in(from->room, &to->room); break;
    case FACT_SERVICE_POINT: service_point_in(from->service_point, &to->service_point); break;
    case FACT_INSTALLATION: installation_in(from->installation, &to->installation); break;
    case FACT_TARIFF: return tariff_in(from->tariff, arena, &to->tariff);
    case FACT_LEASE: lease_in(from->lease, &to->lease); break;
    case FACT_DEVICE_KEY: device_key_in(from->device_key, &to->device_key); break;
    case FACT_PAYMENT: payment_in(from->payment, &to->payment); break;
    case FACT_READ_EDIT: read_edit_in(from->read_edit, &to->read_edit); break;
    case FACT_NOTICE_DELIVERED: notice_delivered_in(from->notice_delivered, &to->notice_delivered); break;
    case FACT_DISCONNECT_INTENT: disconnect_intent_in(from->disconnect_intent, &to->disconnect_intent); break;
    case FACT_COMMAND_OUTCOME: command_outcome_in(from->command_outcome, &to->command_outcome); break;
    case FACT_TICK: tick_in(from->tick, &to->tick); break;
  }
  return OK;
}

enum error wire_fact_decode(struct bytes in, struct arena *arena, struct fact *out) {
  static const Riser__Site__V1__Envelope none = RISER__SITE__V1__ENVELOPE__INIT;
  Riser__Site__V1__SiteRecord *record;
  enum error err = wire_unpack(&riser__site__v1__site_record__descriptor, in, arena, &record);
  if (err) return err;
  struct fact fact = {.kind = (enum fact_kind)record->fact_case};
  envelope_in(record->envelope ? record->envelope : &none, &fact.envelope);
  err = content_in(record, arena, &fact);
  if (!err) *out = fact;
  return err;
}

// Room for the messages of one record.
struct record_out {
  Riser__Site__V1__SiteRecord record;
  Riser__Site__V1__Envelope envelope;
  union {
    struct {
      Riser__Site__V1__DeviceEvent outer;
      Riser__Telemetry__V1__DeviceEvent inner;
    } event;
    struct {
      Riser__Site__V1__DeviceState outer;
      Riser__Telemetry__V1__DeviceState inner;
    } state;
    struct {
      Riser__Site__V1__CommandAck outer;
      Riser__Telemetry__V1__CommandAck inner;
    } ack;
    Riser__Site__V1__Site site;
    Riser__Site__V1__Room room;
    Riser__Site__V1__ServicePoint service_point;
    Riser__Site__V1__Installation installation;
    Riser__Site__V1__Tariff tariff;
    Riser__Site__V1__Lease lease;
    Riser__Site__V1__DeviceKey device_key;
    Riser__Site__V1__Payment payment;
    Riser__Site__V1__ReadEdit read_edit;
    Riser__Site__V1__NoticeDelivered notice_delivered;
    Riser__Site__V1__DisconnectIntent disconnect_intent;
    Riser__Site__V1__CommandOutcome command_outcome;
    Riser__Site__V1__Tick tick;
  };
};

static void device_event_out(const struct device_event_fact *from, struct record_out *to) {
  riser__site__v1__device_event__init(&to->event.outer);
  event_out(from, &to->event.inner);
  to->event.outer.device = (char *)from->device;
  to->event.outer.event = &to->event.inner;
  to->record.device_event = &to->event.outer;
}

static void device_state_out(const struct device_state_fact *from, struct record_out *to) {
  riser__site__v1__device_state__init(&to->state.outer);
  state_out(from, &to->state.inner);
  to->state.outer.device = (char *)from->device;
  to->state.outer.state = &to->state.inner;
  to->record.device_state = &to->state.outer;
}

static void command_ack_out(const struct command_ack_fact *from, struct record_out *to) {
  riser__site__v1__command_ack__init(&to->ack.outer);
  ack_out(from, &to->ack.inner);
  to->ack.outer.device = (char *)from->device;
  to->ack.outer.ack = &to->ack.inner;
  to->record.command_ack = &to->ack.outer;
}

// The case is a member of the one-of whose message lies in the union of the same name.
#define CONTENT(name) \
  name##_out(&from->name, &to->name); \
  to->record.name = &to->name

static enum error content_out(const struct fact *from, struct arena *scratch, struct record_out *to) {
  switch (from->kind) {
    case FACT_NONE: return OK;
    case FACT_READINGS: return ERR_INTERNAL; // has its own way
    case FACT_DEVICE_EVENT: device_event_out(&from->device_event, to); return OK;
    case FACT_DEVICE_STATE: device_state_out(&from->device_state, to); return OK;
    case FACT_COMMAND_ACK: command_ack_out(&from->command_ack, to); return OK;
    case FACT_SITE: to->record.site = &to->site; return site_out(&from->site, scratch, &to->site);
    case FACT_TARIFF: to->record.tariff = &to->tariff; return tariff_out(&from->tariff, scratch, &to->tariff);
    case FACT_ROOM: CONTENT(room); return OK;
    case FACT_SERVICE_POINT: CONTENT(service_point); return OK;
    case FACT_INSTALLATION: CONTENT(installation); return OK;
    case FACT_LEASE: CONTENT(lease); return OK;
    case FACT_DEVICE_KEY: CONTENT(device_key); return OK;
    case FACT_PAYMENT: CONTENT(payment); return OK;
    case FACT_READ_EDIT: CONTENT(read_edit); return OK;
    case FACT_NOTICE_DELIVERED: CONTENT(notice_delivered); return OK;
    case FACT_DISCONNECT_INTENT: CONTENT(disconnect_intent); return OK;
    case FACT_COMMAND_OUTCOME: CONTENT(command_outcome); return OK;
    case FACT_TICK: CONTENT(tick); return OK;
  }
  return ERR_INTERNAL;
}

static void record_out_init(struct record_out *to, const struct fact *from) {
  riser__site__v1__site_record__init(&to->record);
  envelope_out(&from->envelope, &to->envelope);
  to->record.envelope = &to->envelope;
  to->record.fact_case = (Riser__Site__V1__SiteRecord__FactCase)from->kind;
}

static enum error encode_readings(const struct fact *in, struct buffer *out) {
  const struct readings_fact *from = &in->readings;
  struct record_out to;
  struct readings_out readings;
  Riser__Site__V1__Readings message = RISER__SITE__V1__READINGS__INIT;
  record_out_init(&to, in);
  message.device = (char *)from->device;
  message.readings = readings_out_init(&readings, from->readings, from->count);
  message.n_readings = from->count;
  message.clock_suspect = from->clock_suspect;
  message.sent_at_ms = from->sent_at_ms;
  message.by_hand = from->by_hand;
  to.record.readings = &message;
  enum error err = message.readings ? wire_pack(&to.record, out) : ERR_NO_MEMORY;
  readings_out_fini(&readings);
  return err;
}

enum error wire_fact_encode(const struct fact *in, struct buffer *out) {
  if (in->kind == FACT_READINGS) return encode_readings(in, out);
  struct arena *scratch = arena_new(WIRE_SCRATCH_MAX);
  if (!scratch) return ERR_NO_MEMORY;
  struct record_out to;
  record_out_init(&to, in);
  enum error err = content_out(in, scratch, &to);
  if (!err) err = wire_pack(&to.record, out);
  arena_free(scratch);
  return err;
}
