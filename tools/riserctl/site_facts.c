// SPDX-License-Identifier: Apache-2.0
// What was applied before and what is wanted now go through the same encoder and are compared as bytes, so that a new
// field of a record can't be forgotten in a comparison.
#include "riserctl/site_facts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wire/fact.h"

enum { CONTENT_MAX = 4 * 1024 * 1024 };

struct collector {
  struct arena *arena;
  struct buffer encoded;
  struct site_facts *out;
  enum error err;
};

static enum error collect(const struct site_file *view, struct arena *arena, struct site_facts *out);
static void add(struct collector *collector, const char *key, const struct fact *fact);
static struct fact blank(enum fact_kind kind);
static int compare(const void *a, const void *b);

enum error site_facts_of_file(const struct site_file *file, struct arena *arena, struct site_facts *out) {
  return collect(file, arena, out);
}

enum error site_facts_of_state(const struct site_state *state, struct arena *arena, struct site_facts *out) {
  const struct site_file view = {
      .has_site = true,
      .site = state->site,
      .tariffs = state->tariffs,
      .tariff_count = state->tariff_count,
      .rooms = state->rooms,
      .room_count = state->room_count,
      .points = state->points,
      .point_count = state->point_count,
      .installations = state->installations,
      .installation_count = state->installation_count,
      .leases = state->leases,
      .lease_count = state->lease_count,
  };
  return collect(&view, arena, out);
}

#define ADD_ALL(view, list, count, kind, member, format, ...)                                                          \
  for (size_t i = 0; i < (view)->count; i++) {                                                                         \
    struct fact fact = blank(kind);                                                                                    \
    fact.member = (view)->list[i];                                                                                     \
    add(&collector, arena_printf(arena, format, __VA_ARGS__), &fact);                                                  \
  }

// Each may refer only to what stands before it.
static enum error collect(const struct site_file *view, struct arena *arena, struct site_facts *out) {
  size_t most =
      1 + view->tariff_count + view->room_count + view->point_count + view->installation_count + view->lease_count;
  struct collector collector = {.arena = arena, .out = out};
  *out = (struct site_facts){.items = arena_array(arena, most, sizeof *out->items)};
  if (!out->items) return ERR_NO_MEMORY;
  buffer_init(&collector.encoded, CONTENT_MAX);
  if (view->has_site) {
    struct fact fact = blank(FACT_SITE);
    fact.site = view->site;
    add(&collector, "site", &fact);
  }
  ADD_ALL(view, tariffs, tariff_count, FACT_TARIFF, tariff, "tariff:%s:%" PRId64, view->tariffs[i].id,
          view->tariffs[i].from_s)
  ADD_ALL(view, rooms, room_count, FACT_ROOM, room, "room:%s", view->rooms[i].id)
  ADD_ALL(view, points, point_count, FACT_SERVICE_POINT, service_point, "point:%s", view->points[i].id)
  ADD_ALL(view, installations, installation_count, FACT_INSTALLATION, installation, "installation:%s",
          view->installations[i].id)
  ADD_ALL(view, leases, lease_count, FACT_LEASE, lease, "lease:%s", view->leases[i].id)
  buffer_fini(&collector.encoded);
  return collector.err;
}

static void add(struct collector *collector, const char *key, const struct fact *fact) {
  struct site_fact *item = &collector->out->items[collector->out->count];
  if (collector->err) return;
  buffer_clear(&collector->encoded);
  collector->err = key ? wire_fact_encode(fact, &collector->encoded) : ERR_NO_MEMORY;
  if (collector->err) return;
  *item = (struct site_fact){.key = key, .fact = *fact};
  item->content = arena_bytes(collector->arena, buffer_bytes(&collector->encoded));
  if (item->content.data) {
    collector->out->count++;
  } else {
    collector->err = ERR_NO_MEMORY;
  }
}

static struct fact blank(enum fact_kind kind) {
  return (struct fact){
      .kind = kind,
      .envelope =
          {.fact_id = "", .landlord = "", .site = "", .source = "", .actor = "", .supersedes = "", .traceparent = ""},
  };
}

void site_facts_remove_known(struct site_facts *wanted, const struct site_facts *known) {
  if (known->count) qsort(known->items, known->count, sizeof *known->items, compare);
  size_t kept = 0;
  for (size_t i = 0; i < wanted->count; i++) {
    const struct site_fact *match =
        known->count ? bsearch(&wanted->items[i], known->items, known->count, sizeof *known->items, compare) : NULL;
    if (match && bytes_equal(match->content, wanted->items[i].content)) continue;
    wanted->items[kept++] = wanted->items[i];
  }
  wanted->count = kept;
}

static int compare(const void *a, const void *b) {
  return strcmp(((const struct site_fact *)a)->key, ((const struct site_fact *)b)->key);
}
