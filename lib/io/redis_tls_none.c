// SPDX-License-Identifier: Apache-2.0
#include "io/redis_tls.h"

#include "base/log.h"

bool redis_tls_built(void) {
  return false;
}

// The configuration is refused before it comes to this.
enum error redis_tls_start(struct redisContext *context, const struct redis_settings *settings, const char *host) {
  (void)context;
  log_error("redis-tls-not-built", F_STR("address", settings->address), F_STR("host", host));
  return ERR_CONFIG;
}
