// SPDX-License-Identifier: Apache-2.0
// pay: a payment that came in. The lease is looked up first, so that a slip is told before anything is written; billing
// checks again, in log order.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "riserctl/balance.h"
#include "riserctl/facts.h"
#include "riserctl/human.h"
#include "riserctl/site_file/values.h"
#include "riserctl/state.h"

enum { TIMEOUT_MS = 60000 };

static enum status pay_run(struct ctl *ctl, const struct arguments *arguments);
static enum status read_payment(struct ctl *ctl, const struct arguments *arguments, const struct site_state *site,
                                struct payment *out);
static enum status read_time(struct ctl *ctl, const char *text, const struct site_state *site, int64_t *paid_at_s);
static enum status write_payment(struct ctl *ctl, const struct site_state *site, const struct payment *payment,
                                 struct seal *seal);

static const struct option options[] = {
    {"site", "ID", "needed only when there are several"},
    {"lease", "ID", "whose payment"},
    {"amount", "AMOUNT", "in the site's currency: 211.52"},
    {"commodity", "NAME", "electricity or water; default: the oldest debt first"},
    {"id", "ID", "the payment's own id; one that the site has seen before is refused. Default: one made of the time"},
    {"at", "TIME", "when it was paid; default: now (the site's business time)"},
    {"method", "TEXT", "bank, cash, ..."},
    {"reference", "TEXT", "what the bank's statement says"},
};

const struct command command_pay = {
    .name = "pay",
    .operands = "",
    .summary = "Record a payment and show what is owed afterwards",
    .details =
        "The payment becomes a fact of the site log. It is laid against the oldest bill first; what is left over is a\n"
        "credit. When nothing overdue is left, a supply that was suspended comes back at once.\n"
        "Example: riserctl pay --lease lease-102 --amount 278.55 --id bank-20161001-17\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = pay_run,
};

static enum status pay_run(struct ctl *ctl, const struct arguments *arguments) {
  struct site_state site;
  struct payment payment;
  struct seal seal = {.records = 0};
  char text[SEAL_TEXT_SIZE];
  enum status status;
  if (!arguments_given(arguments, "lease") || !arguments_given(arguments, "amount")) {
    return ctl_misuse(ctl, "--lease and --amount are needed");
  }
  if (!state_choose_site(ctl, arguments_value(arguments, "site"), &site, &status)) return status;
  status = read_payment(ctl, arguments, &site, &payment);
  if (status == STATUS_OK) status = write_payment(ctl, &site, &payment, &seal);
  if (status != STATUS_OK) return status;
  const struct lease *lease = state_lease(&site, payment.lease);
  status = balance_print(ctl, &site, lease, 1, arguments->json);
  if (!arguments->json) printf("seal %s\n", seal_format(&seal, text));
  return status;
}

static enum status read_payment(struct ctl *ctl, const struct arguments *arguments, const struct site_state *site,
                                struct payment *out) {
  const char *commodity = arguments_value(arguments, "commodity");
  const char *id = arguments_value(arguments, "id");
  const char *method = arguments_value(arguments, "method");
  const char *reference = arguments_value(arguments, "reference");
  *out = (struct payment){
      .lease = arguments_value(arguments, "lease"),
      .commodity = commodity ? commodity_from_name(commodity) : COMMODITY_NONE,
      .method = method ? method : "",
      .reference = reference ? reference : "",
      .id = id ? id : arena_printf(ctl->arena, "%.50s-%" PRId64, arguments_value(arguments, "lease"), clock_wall_ms()),
  };
  const char *amount = arguments_value(arguments, "amount");
  enum error err = human_money_parse(amount, site->site.minor_digits, &out->amount_e4);
  if (err == ERR_INEXACT) return ctl_misuse(ctl, "\"%s\" has more decimals than can be kept exactly", amount);
  if (err || out->amount_e4 <= 0) {
    return ctl_misuse(ctl, "\"%s\" is no amount above zero; write it like 211.52", amount);
  }
  if (commodity && out->commodity == COMMODITY_NONE) {
    return ctl_misuse(ctl, "\"%s\" is no commodity; say electricity or water", commodity);
  }
  if (!out->id || !id_is_valid(out->id)) {
    return ctl_misuse(ctl, "the payment's id must be 1 to 64 of the characters A-Z a-z 0-9 . _ -");
  }
  if (!state_lease(site, out->lease)) {
    return ctl_refuse(ctl, "site %s has no lease \"%s\" (riserctl get leases)", site->site.id, out->lease);
  }
  return read_time(ctl, arguments_value(arguments, "at"), site, &out->paid_at_s);
}

static enum status read_time(struct ctl *ctl, const char *text, const struct site_state *site, int64_t *paid_at_s) {
  if (text) {
    enum stamp_result result = human_stamp_parse(text, &site->site.zone, paid_at_s);
    return result == STAMP_OK ? STATUS_OK : ctl_misuse(ctl, "--at %s: %s", text, human_stamp_problem(result));
  }
  struct fence_view fence;
  enum error err = state_fence(ctl, state_partition(ctl, site->site.id), ctl->arena, &fence);
  if (err) return ctl_fail(ctl, err, "the site's business time can't be read");
  *paid_at_s = fence.meta.business_time_s ? fence.meta.business_time_s : clock_wall_ms() / 1000;
  return STATUS_OK;
}

static enum status write_payment(struct ctl *ctl, const struct site_state *site, const struct payment *payment,
                                 struct seal *seal) {
  struct fact fact = {.kind = FACT_PAYMENT, .payment = *payment};
  struct kafka_position position = {.offset = -1};
  bool balanced = false;
  struct facts_wait wait = {.partition = state_partition(ctl, site->site.id),
                            .timeout_ms = TIMEOUT_MS,
                            .prefix = payment->id,
                            .balanced = &balanced,
                            .seal = seal};
  fact_envelope(ctl, &fact, site->site.landlord, site->site.id, payment->id);
  fact.envelope.event_time_ms = payment->paid_at_s * 1000;
  enum error err = facts_mark(ctl, wait.partition, &wait.decisions_from);
  if (!err) err = fact_send(ctl, &fact, &position);
  if (!err) err = ctl_flush(ctl);
  if (err)
    return ctl_fail(ctl, err, "the payment %s is not sure to be written; try again with --id %s", payment->id,
                    payment->id);
  wait.first_offset = wait.offset = position.offset;
  enum status status = facts_await(ctl, &wait);
  if (status != STATUS_OK || balanced) return status;
  return ctl_refuse(ctl, "a payment %s is recorded already: nothing was changed", payment->id);
}
