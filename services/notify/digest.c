// SPDX-License-Identifier: Apache-2.0
#include "notify/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

enum error digest_message_id(const struct message_name *name, char id[DIGEST_MESSAGE_ID_MAX]) {
  const char *const parts[] = {name->decision, "|", name->person, "|", name->channel};
  unsigned char hash[EVP_MAX_MD_SIZE];
  char hex[DIGEST_HEX_SIZE];
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (!context) return ERR_NO_MEMORY;
  bool made = EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
  for (size_t i = 0; made && i < sizeof parts / sizeof *parts; i++) {
    made = EVP_DigestUpdate(context, parts[i], strlen(parts[i])) == 1;
  }
  made = made && EVP_DigestFinal_ex(context, hash, NULL) == 1;
  EVP_MD_CTX_free(context);
  if (!made) return ERR_INTERNAL;
  hex_encode(bytes_make(hash, SHA256_DIGEST_LENGTH / 2), hex);
  int len = snprintf(id, DIGEST_MESSAGE_ID_MAX, "<%s@%s>", hex, name->domain);
  return len > 0 && len < DIGEST_MESSAGE_ID_MAX ? OK : ERR_LIMIT;
}

enum error digest_sign(struct bytes key, struct bytes head, struct bytes body, char hex[DIGEST_HEX_SIZE]) {
  struct buffer text;
  buffer_init(&text, head.len + body.len);
  enum error err = buffer_append(&text, head.data, head.len);
  if (!err) err = buffer_append(&text, body.data, body.len);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  if (!err && !HMAC(EVP_sha256(), key.data, (int)key.len, text.data, text.len, mac, &len)) err = ERR_INTERNAL;
  if (!err) hex_encode(bytes_make(mac, len), hex);
  buffer_fini(&text);
  return err;
}
