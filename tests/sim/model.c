// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "domain/zone.h"
#include "trace.h"

enum {
  NAME_SIZE = 64,
  REGISTERS_MAX = 512,
  LEASES_MAX = 256,
  INSTALLATIONS_MAX = 512,
  MONTHS_MAX = 64,
  SITES_MAX = 4,
};

struct register_reads {
  char site[NAME_SIZE], meter[NAME_SIZE];
  struct said {
    int64_t time_s, value;
    uint32_t rank;
  } * list;
  size_t count, room;
};

struct lease_account {
  char site[NAME_SIZE], id[NAME_SIZE], room[NAME_SIZE];
  int64_t from_s, until_s;
  struct month_bill {
    uint32_t month; // YYYYMM
    uint32_t revision;
    int64_t total_e4, amount_e4[COMMODITY_COUNT];
    int64_t usage[COMMODITY_COUNT];
    bool has[COMMODITY_COUNT];
  } bills[MONTHS_MAX];
  size_t bill_count;
  struct paid {
    char id[NAME_SIZE];
    int64_t offset, amount_e4;
    enum commodity commodity;
    bool refused;
  } * payments;
  size_t payment_count;
  int64_t told_e4[COMMODITY_COUNT]; // by the last balance
};

struct hung {
  char site[NAME_SIZE], id[NAME_SIZE], point[NAME_SIZE], meter[NAME_SIZE];
  int64_t from_s, until_s;
};

static struct register_reads registers[REGISTERS_MAX];
static size_t register_count;
static struct lease_account leases[LEASES_MAX];
static size_t lease_count;
static struct hung hangings[INSTALLATIONS_MAX];
static size_t hanging_count;
static struct known_site {
  char id[NAME_SIZE];
  int32_t utc_offset_s;
} sites[SITES_MAX];
static size_t site_count;

static void too_small(const char *what) {
  fprintf(stderr, "the table of %s is too small for this run\n", what);
  abort();
}

void model_begin(void) {
  register_count = lease_count = hanging_count = site_count = 0;
}

void model_end(void) {
  for (size_t i = 0; i < register_count; i++) free(registers[i].list);
  for (size_t i = 0; i < lease_count; i++) free(leases[i].payments);
  memset(registers, 0, sizeof registers);
  memset(leases, 0, sizeof leases);
}

static void name(char to[NAME_SIZE], const char *from) {
  snprintf(to, NAME_SIZE, "%s", from);
}

static struct lease_account *lease_of(const char *site, const char *id) {
  for (size_t i = 0; i < lease_count; i++)
    if (strcmp(leases[i].id, id) == 0 && strcmp(leases[i].site, site) == 0) return &leases[i];
  return NULL;
}

static struct register_reads *register_of(const char *site, const char *meter) {
  for (size_t i = 0; i < register_count; i++)
    if (strcmp(registers[i].meter, meter) == 0 && strcmp(registers[i].site, site) == 0) return &registers[i];
  return NULL;
}

// ---- facts

static void add_read(const char *site, const char *meter, struct said said) {
  struct register_reads *reads = register_of(site, meter);
  if (!reads) {
    if (register_count == REGISTERS_MAX) too_small("registers");
    reads = &registers[register_count++];
    *reads = (struct register_reads){.list = NULL};
    name(reads->site, site);
    name(reads->meter, meter);
  }
  if (reads->count == reads->room) {
    reads->room = reads->room ? 2 * reads->room : 256;
    reads->list = realloc(reads->list, reads->room * sizeof *reads->list);
    if (!reads->list) abort();
  }
  size_t at = reads->count++; // nearly sorted as it comes
  for (; at > 0 && reads->list[at - 1].time_s > said.time_s; at--) reads->list[at] = reads->list[at - 1];
  reads->list[at] = said;
}

static void take_readings(const char *site, const struct readings_fact *fact) {
  uint32_t rank = fact->by_hand ? RANK_HAND : fact->clock_suspect ? RANK_CLOCK_SUSPECT : RANK_DEVICE;
  for (size_t i = 0; i < fact->count; i++)
    add_read(site, fact->readings[i].meter, (struct said){fact->readings[i].time_s, fact->readings[i].value, rank});
}

static void take_edit(const char *site, const struct read_edit *edit) {
  uint32_t rank = RANK_EDIT_0 + 2 * edit->revision + edit->is_void;
  add_read(site, edit->meter, (struct said){edit->time_s, edit->value, rank});
}

static void take_lease(const char *site, const struct lease *lease) {
  struct lease_account *account = lease_of(site, lease->id);
  if (!account) {
    if (lease_count == LEASES_MAX) too_small("leases");
    account = &leases[lease_count++];
    *account = (struct lease_account){.from_s = lease->from_s};
    name(account->site, site);
    name(account->id, lease->id);
    name(account->room, lease->room);
  }
  account->from_s = lease->from_s;
  account->until_s = lease->until_s;
}

static void take_installation(const char *site, const struct installation *installation) {
  size_t at = 0;
  while (at < hanging_count && (strcmp(hangings[at].id, installation->id) != 0 || strcmp(hangings[at].site, site) != 0))
    at++;
  if (at == INSTALLATIONS_MAX) too_small("installations");
  if (at == hanging_count) hanging_count++;
  struct hung *hung = &hangings[at];
  name(hung->site, site);
  name(hung->id, installation->id);
  name(hung->point, installation->service_point);
  name(hung->meter, installation->meter);
  hung->from_s = installation->from_s;
  hung->until_s = installation->until_s;
}

static void take_payment(const char *site, int64_t offset, const struct payment *payment) {
  struct lease_account *account = lease_of(site, payment->lease);
  if (!account) return;
  for (size_t i = 0; i < account->payment_count; i++)
    if (strcmp(account->payments[i].id, payment->id) == 0) return;
  account->payments = realloc(account->payments, (account->payment_count + 1) * sizeof *account->payments);
  if (!account->payments) abort();
  struct paid *paid = &account->payments[account->payment_count++];
  *paid = (struct paid){.offset = offset, .amount_e4 = payment->amount_e4, .commodity = payment->commodity};
  name(paid->id, payment->id);
}

static void take_site(const struct site *site) {
  for (size_t i = 0; i < site_count; i++)
    if (strcmp(sites[i].id, site->id) == 0) return;
  if (site_count == SITES_MAX) too_small("sites");
  name(sites[site_count].id, site->id);
  sites[site_count++].utc_offset_s = zone_offset_at(&site->zone, 0);
}

void model_fact(int32_t partition, int64_t offset, const struct fact *fact) {
  const char *site = fact->envelope.site;
  (void)partition;
  switch (fact->kind) {
  case FACT_SITE:
    take_site(&fact->site);
    break;
  case FACT_READINGS:
    take_readings(site, &fact->readings);
    break;
  case FACT_READ_EDIT:
    take_edit(site, &fact->read_edit);
    break;
  case FACT_LEASE:
    take_lease(site, &fact->lease);
    break;
  case FACT_INSTALLATION:
    take_installation(site, &fact->installation);
    break;
  case FACT_PAYMENT:
    take_payment(site, offset, &fact->payment);
    break;
  default:
    break;
  }
}

void model_refused(const char *site, const char *fact_id) {
  for (size_t i = 0; i < lease_count; i++)
    for (size_t k = 0; strcmp(leases[i].site, site) == 0 && k < leases[i].payment_count; k++)
      if (strcmp(leases[i].payments[k].id, fact_id) == 0) leases[i].payments[k].refused = true;
}

// ---- money

// An e8 price of 1,000 Wh or 1,000,000 ml, in e4 of a hundredth: 10^-8 to 10^-6 of the currency.
static int64_t price(__int128 quantity, int64_t price_e8, int64_t per_unit) {
  __int128 product = quantity * price_e8;
  __int128 quantum = (__int128)MODEL_QUANTUM_E4 * per_unit * 100;
  bool negative = product < 0;
  if (negative) product = -product;
  __int128 quanta = (2 * product + quantum) / (2 * quantum);
  return (int64_t)(negative ? -quanta : quanta) * MODEL_QUANTUM_E4;
}

static int64_t price_of(enum commodity commodity, int64_t quantity) {
  enum { WH = 1000, ML = 1000000 };
  if (commodity == COMMODITY_WATER) return price(quantity, MODEL_WATER_PRICE_E8, ML);
  if (quantity <= MODEL_BLOCK_UPTO) return price(quantity, MODEL_BLOCK_PRICE_1_E8, WH);
  return price(MODEL_BLOCK_UPTO, MODEL_BLOCK_PRICE_1_E8, WH) +
         price(quantity - MODEL_BLOCK_UPTO, MODEL_BLOCK_PRICE_2_E8, WH);
}

static uint32_t month_of(const char *period) {
  return (uint32_t)(atoi(period) * 100 + atoi(period + 5));
}

static void check_section(const struct bill *bill, const struct bill_section *section) {
  int64_t quantity = 0, lines = 0, amount = 0;
  for (size_t i = 0; i < section->meter_count; i++) {
    const struct bill_meter *meter = &section->meters[i];
    if (meter->quantity != meter->present_value - meter->previous_value + meter->carried)
      violated("a bill adds up", "%s: meter %s", bill->id, meter->meter);
    quantity += meter->quantity;
  }
  for (size_t i = 0; i < section->line_count; i++) {
    lines += section->lines[i].quantity;
    amount += section->lines[i].amount_e4;
  }
  bool sums = quantity == section->quantity && lines == section->quantity && amount == section->amount_e4;
  if (!sums || section->amount_e4 != price_of(section->commodity, section->quantity))
    violated("a bill adds up", "%s: %s: meters %lld, quantity %lld, lines %lld, amount %lld, by the model %lld",
             bill->id, section->service_point, (long long)quantity, (long long)section->quantity, (long long)lines,
             (long long)section->amount_e4, (long long)price_of(section->commodity, section->quantity));
}

void model_bill(const struct decision *decision) {
  const struct bill *bill = &decision->bill;
  int64_t total_e4 = 0;
  struct lease_account *account = lease_of(decision->site, bill->lease);
  if (!account) {
    violated("a bill adds up", "%s is of a lease that nobody knows", bill->id);
    return;
  }
  uint32_t month = month_of(bill->period);
  size_t at = 0;
  while (at < account->bill_count && account->bills[at].month != month) at++;
  bool there = at < account->bill_count;
  if (!there && account->bill_count == MONTHS_MAX) too_small("months");
  if (bill->revision != (there ? account->bills[at].revision + 1 : 0))
    violated("one bill per id", "%s has revision %u after %u", bill->id, bill->revision,
             there ? account->bills[at].revision : 0);
  struct month_bill new = {.month = month, .revision = bill->revision};
  for (size_t i = 0; i < bill->section_count; i++) {
    const struct bill_section *section = &bill->sections[i];
    check_section(bill, section);
    total_e4 += section->amount_e4;
    new.amount_e4[section->commodity] += section->amount_e4;
    new.usage[section->commodity] += section->quantity;
    new.has[section->commodity] = true;
  }
  if (total_e4 != bill->total_e4)
    violated("a bill adds up", "%s: %lld is not its sections'", bill->id, (long long)bill->total_e4);
  new.total_e4 = total_e4;
  if (!there) account->bill_count++;
  account->bills[at] = new;
}

int64_t model_owed(const char *site, const char *lease, int64_t upto_offset) {
  const struct lease_account *account = lease_of(site, lease);
  int64_t owed_e4 = 0;
  for (size_t i = 0; account && i < account->bill_count; i++) owed_e4 += account->bills[i].total_e4;
  for (size_t i = 0; account && i < account->payment_count; i++) {
    const struct paid *paid = &account->payments[i];
    if (paid->offset <= upto_offset && !paid->refused) owed_e4 -= paid->amount_e4;
  }
  return owed_e4;
}

static int64_t above_zero(int64_t value) {
  return value > 0 ? value : 0;
}

// Money of a bill that was made smaller stays with its commodity; what then is paid by what is left to billing.
bool model_is_surely_paid(const char *site, const char *lease, enum commodity commodity, int64_t upto_offset) {
  const struct lease_account *account = lease_of(site, lease);
  int64_t owed_e4[COMMODITY_COUNT] = {0};
  for (size_t i = 0; account && i < account->bill_count; i++) {
    if (account->bills[i].revision > 0) return false;
    for (int c = 0; c < COMMODITY_COUNT; c++) owed_e4[c] += account->bills[i].amount_e4[c];
  }
  for (size_t i = 0; account && i < account->payment_count; i++) {
    const struct paid *paid = &account->payments[i];
    if (paid->offset <= upto_offset && !paid->refused) owed_e4[paid->commodity] -= paid->amount_e4;
  }
  int64_t free_e4 = -owed_e4[COMMODITY_NONE];
  int64_t needed_e4 = above_zero(owed_e4[COMMODITY_ELECTRICITY]) + above_zero(owed_e4[COMMODITY_WATER]);
  return owed_e4[commodity] <= 0 || free_e4 >= needed_e4;
}

// Charged is paid and owed, at every word about it.
void model_balance(const struct decision *decision) {
  int64_t told_e4 = 0;
  struct lease_account *account = lease_of(decision->site, decision->balance.lease);
  for (int c = 0; c < COMMODITY_COUNT; c++) told_e4 += decision->balance.owed_e4[c];
  if (account) memcpy(account->told_e4, decision->balance.owed_e4, sizeof account->told_e4);
  int64_t owed_e4 = model_owed(decision->site, decision->balance.lease, decision->cause.offset);
  if (told_e4 != owed_e4)
    violated("money is conserved", "%s says %lld, bills less payments are %lld", decision->id, (long long)told_e4,
             (long long)owed_e4);
}

int64_t model_told(const char *site, const char *lease, enum commodity commodity) {
  const struct lease_account *account = lease_of(site, lease);
  return account ? account->told_e4[commodity] : 0;
}

int64_t model_amount_of_payment(const char *site, const char *lease, const char *id) {
  const struct lease_account *account = lease_of(site, lease);
  for (size_t i = 0; account && i < account->payment_count; i++)
    if (strcmp(account->payments[i].id, id) == 0) return account->payments[i].amount_e4;
  return -1;
}

// ---- usage

bool model_has_read(const char *site, const struct reading *reading) {
  const struct register_reads *reads = register_of(site, reading->meter);
  for (size_t i = 0; reads && i < reads->count; i++)
    if (reads->list[i].time_s == reading->time_s && reads->list[i].value == reading->value) return true;
  return false;
}

// Of a second the highest rank holds, and of that the highest value; a void hides it.
static size_t winners(const struct register_reads *reads, struct said *to) {
  size_t count = 0;
  for (size_t i = 0; i < reads->count;) {
    struct said best = reads->list[i];
    int64_t time_s = best.time_s;
    for (; i < reads->count && reads->list[i].time_s == time_s; i++) {
      const struct said *one = &reads->list[i];
      if (one->rank > best.rank || (one->rank == best.rank && one->value > best.value)) best = *one;
    }
    bool is_void = best.rank >= RANK_EDIT_0 && best.rank % 2 == 1;
    if (!is_void) to[count++] = best;
  }
  return count;
}

static bool value_at(const struct said *list, size_t count, int64_t time_s, int64_t *value) {
  size_t i = 0;
  while (i < count && list[i].time_s <= time_s) i++;
  if (i == 0) return false;
  const struct said *a = &list[i - 1], *b = i < count ? &list[i] : NULL;
  *value = a->value;
  if (!b || a->time_s == time_s) return true;
  *value += (int64_t)((__int128)(b->value - a->value) * (time_s - a->time_s) / (b->time_s - a->time_s));
  return true;
}

static int64_t later(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t earlier_end(int64_t a, int64_t b) { // 0: never
  return b != 0 && b < a ? b : a;
}

// By the C library's calendar, not by billing's. `later` is in months.
static int64_t month_start(const char *site, uint32_t month, int later) {
  int32_t offset_s = 0;
  for (size_t i = 0; i < site_count; i++)
    if (strcmp(sites[i].id, site) == 0) offset_s = sites[i].utc_offset_s;
  struct tm first = {.tm_year = (int)(month / 100) - 1900, .tm_mon = (int)(month % 100) - 1 + later, .tm_mday = 1};
  return timegm(&first) - offset_s;
}

static bool usage_of(const struct hung *hung, int64_t from_s, int64_t until_s, int64_t *usage) {
  const struct register_reads *reads = register_of(hung->site, hung->meter);
  from_s = later(from_s, hung->from_s);
  until_s = earlier_end(until_s, hung->until_s);
  if (!reads || from_s >= until_s) return false;
  struct said *list = calloc(reads->count + 1, sizeof *list);
  if (!list) abort();
  size_t count = winners(reads, list);
  int64_t first, last;
  bool known = value_at(list, count, from_s, &first) && value_at(list, count, until_s, &last);
  if (known) *usage += last - first;
  free(list);
  return known;
}

static enum commodity commodity_of(const char *point) {
  return strncmp(point, "water", 5) == 0 ? COMMODITY_WATER : COMMODITY_ELECTRICITY;
}

// A point's name ends with that of its room.
static bool is_of_room(const char *point, const char *room) {
  const char *dash = strchr(point, '-');
  return dash && strcmp(dash + 1, room) == 0;
}

static void check_bill(const struct lease_account *lease, const struct month_bill *bill) {
  int64_t from_s = later(month_start(lease->site, bill->month, 0), lease->from_s);
  int64_t until_s = earlier_end(month_start(lease->site, bill->month, 1), lease->until_s);
  for (int c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
    int64_t usage = 0;
    bool any = false;
    for (size_t i = 0; i < hanging_count; i++) {
      const struct hung *hung = &hangings[i];
      bool here = strcmp(hung->site, lease->site) == 0 && is_of_room(hung->point, lease->room) &&
                  commodity_of(hung->point) == (enum commodity)c;
      if (here) any |= usage_of(hung, from_s, until_s, &usage);
    }
    if (any && usage != bill->usage[c])
      violated("a bill is what was used", "%s %s %u r%u: %s billed %lld, read off the log %lld", lease->site, lease->id,
               bill->month, bill->revision, commodity_name((enum commodity)c), (long long)bill->usage[c],
               (long long)usage);
  }
}

void model_check_bills(void) {
  for (size_t i = 0; i < lease_count; i++)
    for (size_t k = 0; k < leases[i].bill_count; k++) check_bill(&leases[i], &leases[i].bills[k]);
}
