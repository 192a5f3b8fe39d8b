// SPDX-License-Identifier: Apache-2.0
// Every record of the log is taken into the chain of its key, whatever the fold makes of it. A record that is applied
// again, since something was not loaded or the batch was full, enters its chain only when it is done.
#include "domain/seal.h"

#include <string.h>

#include "billing/core/fold_parts.h"

static struct seal held(struct entity *chain) {
  return entity_present(chain) ? entity_seal(chain)->seal : (struct seal){.records = 0};
}

void seal_begin(struct fold *fold) {
  const struct record_mark *mark = &fold->fact->mark;
  fold->chain = mark->chain ? need_seal(fold, mark->chain) : NULL;
  if (!fold->chain) return;
  fold->seal = held(fold->chain);
  seal_add(&fold->seal, bytes_text(mark->chain), mark->value);
}

// The span is full: what it holds is published, for whoever looks for the place of an alteration.
static void publish(struct fold *fold, const struct seal_state *state) {
  const char *chain = fold->fact->mark.chain;
  const char *id = fold_text(fold, "sealed:%s:%llu", chain, (unsigned long long)state->seal.records);
  const char *name = fold_text(fold, "%s", chain);
  uint8_t *checks = fold_array(fold, sizeof state->checks, 1);
  if (!checks) return;
  memcpy(checks, state->checks, sizeof state->checks);
  struct decision *decision = fold_decide(fold, NULL, DECISION_SEALED, id);
  if (name[0] != '@') decision->site = name;
  decision->sealed = (struct sealed){name, state->seal, bytes_make(checks, sizeof state->checks)};
}

enum error seal_end(struct fold *fold) {
  struct entity *chain = fold->chain;
  if (!chain) return OK;
  enum error err = entity_present(chain) ? OK : store_create(fold->store, chain);
  if (err) return err;
  bool full = seal_keep(entity_seal(chain), &fold->seal);
  store_mark(fold->store, chain);
  if (full) publish(fold, entity_seal(chain));
  return fold->error;
}

struct seal chain_seal(struct fold *fold, const char *chain) {
  struct entity *entity = need_seal(fold, chain);
  if (!entity) return (struct seal){.records = 0};
  return entity == fold->chain ? fold->seal : held(entity);
}
