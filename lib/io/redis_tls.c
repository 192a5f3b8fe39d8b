// SPDX-License-Identifier: Apache-2.0
// The session is OpenSSL's own and handed to hiredis, since hiredis' contexts check no host name.
#include "io/redis_tls.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/log.h"

static bool given(const char *text) {
  return text && text[0];
}

bool redis_tls_built(void) {
  return true;
}

static bool load_files(SSL_CTX *context, const struct redis_settings *settings) {
  bool good = given(settings->ca_file) ? SSL_CTX_load_verify_locations(context, settings->ca_file, NULL) == 1
                                       : SSL_CTX_set_default_verify_paths(context) == 1;
  if (good && given(settings->cert_file)) {
    good = SSL_CTX_use_certificate_chain_file(context, settings->cert_file) == 1 &&
           SSL_CTX_use_PrivateKey_file(context, settings->key_file, SSL_FILETYPE_PEM) == 1;
  }
  return good;
}

static bool expect_host(SSL *session, const char *host) {
  unsigned char number[sizeof(struct in6_addr)];
  X509_VERIFY_PARAM *expected = SSL_get0_param(session);
  bool numeric = inet_pton(AF_INET, host, number) == 1 || inet_pton(AF_INET6, host, number) == 1;
  if (numeric) return X509_VERIFY_PARAM_set1_ip_asc(expected, host) == 1;
  return X509_VERIFY_PARAM_set1_host(expected, host, 0) == 1 && SSL_set_tlsext_host_name(session, host) == 1;
}

static SSL *session_new(const struct redis_settings *settings, const char *host) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL *session = NULL;
  if (context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  }
  if (context && load_files(context, settings)) session = SSL_new(context);
  SSL_CTX_free(context); // a session holds its own reference
  if (!session || expect_host(session, host)) return session;
  SSL_free(session);
  return NULL;
}

enum error redis_tls_start(struct redisContext *context, const struct redis_settings *settings, const char *host) {
  ERR_clear_error();
  SSL *session = session_new(settings, host);
  if (!session) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    log_error("redis-tls-refused", F_STR("address", settings->address), F_STR("reason", reason ? reason : "no memory"),
              F_STR("ca_file", settings->ca_file), F_STR("cert_file", settings->cert_file));
    return ERR_UNAVAILABLE;
  }
  if (redisInitiateSSL(context, session) == REDIS_OK) return OK; // the context owns the session now
  log_warn("redis-tls-failed", F_STR("address", settings->address), F_STR("reason", context->errstr),
           F_STR("certificate", X509_verify_cert_error_string(SSL_get_verify_result(session))));
  SSL_free(session);
  return ERR_UNAVAILABLE;
}
