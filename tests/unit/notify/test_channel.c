// SPDX-License-Identifier: Apache-2.0
// What the channels rest on: which addresses are public, the digests, the table of channels.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "notify/channel/address.h"
#include "notify/channel/channel.h"
#include "notify/digest.h"
#include "notify/work.h"

static bool is_public(const char *text) {
  struct sockaddr_storage storage = {.ss_family = AF_UNSPEC};
  struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
    storage.ss_family = AF_INET;
  else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
    storage.ss_family = AF_INET6;
  else
    fail_msg("%s is no address", text);
  return address_is_public((const struct sockaddr *)&storage);
}

static void only_addresses_of_the_open_internet_are_public(void **state) {
  (void)state;
  static const char *const open[] = {"1.1.1.1",         "8.8.8.8",          "9.255.255.255",  "11.0.0.0",
                                     "100.63.0.1",      "100.128.0.1",      "172.15.255.255", "172.32.0.0",
                                     "192.0.1.1",       "192.169.0.1",      "198.17.255.255", "198.20.0.0",
                                     "223.255.0.1",     "2606:4700::1111",  "2a00:1450::1",   "::ffff:8.8.8.8",
                                     "2002:808:808::1", "64:ff9b::808:808", "2001:200::1"};
  static const char *const closed[] = {"0.0.0.0",
                                       "0.1.2.3",
                                       "10.0.0.1",
                                       "10.255.255.255",
                                       "100.64.0.1",
                                       "100.127.255.1",
                                       "127.0.0.1",
                                       "127.255.255.255",
                                       "169.254.169.254",
                                       "172.16.0.1",
                                       "172.31.255.255",
                                       "192.0.0.1",
                                       "192.0.2.1",
                                       "192.168.1.1",
                                       "198.18.0.1",
                                       "198.19.255.255",
                                       "198.51.100.7",
                                       "203.0.113.9",
                                       "224.0.0.1",
                                       "240.0.0.1",
                                       "255.255.255.255",
                                       "::",
                                       "::1",
                                       "::ffff:127.0.0.1",
                                       "::ffff:10.0.0.1",
                                       "::7f00:1",
                                       "fe80::1",
                                       "fc00::1",
                                       "fd12::1",
                                       "ff02::1",
                                       "2001:db8::1",
                                       "2001::1",
                                       "2002:7f00:1::",
                                       "2002:a00:1::1",
                                       "64:ff9b::a00:1",
                                       "3fff::1",
                                       "64:ff9b:1::1"};
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
    if (!is_public(open[i])) fail_msg("%s should be public", open[i]);
  }
  for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
    if (is_public(closed[i])) fail_msg("%s should not be public", closed[i]);
  }
  assert_false(address_is_public(&(struct sockaddr){.sa_family = AF_UNIX}));
}

static void the_signature_is_hmac_sha256(void **state) { // RFC 4231, test case 2
  (void)state;
  char hex[DIGEST_HEX_SIZE];
  assert_int_equal(digest_sign(bytes_text("Jefe"), bytes_text("what do ya want "), bytes_text("for nothing?"), hex),
                   OK);
  assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void a_message_id_depends_on_decision_person_and_channel(void **state) {
  (void)state;
  struct message_name name = {.decision = "d", .person = "p", .channel = "mail", .domain = "example.org"};
  char id[DIGEST_MESSAGE_ID_MAX], other[DIGEST_MESSAGE_ID_MAX], domain[400];
  assert_int_equal(digest_message_id(&name, id), OK);
  assert_string_equal(id, "<98e67902cbb9f7d9b76e450bfd8e1680@example.org>");
  name.person = "q";
  assert_int_equal(digest_message_id(&name, other), OK);
  assert_string_not_equal(id, other);
  memset(domain, 'x', sizeof domain - 1);
  domain[sizeof domain - 1] = '\0';
  name.domain = domain;
  assert_int_equal(digest_message_id(&name, other), ERR_LIMIT);
}

static void every_channel_is_complete_and_has_a_slot_of_its_own(void **state) {
  (void)state;
  uint32_t seen = 0;
  for (size_t i = 0; i < channel_count; i++) {
    const struct channel_kind *kind = channels[i];
    assert_true(*kind->name && *kind->help && kind->reaches && kind->lane && kind->open && kind->prepare &&
                kind->judge && kind->close);
    uint32_t bit = 1u << work_slot(WORK_PERSONS_MAX - 1, kind->channel);
    assert_true((seen & bit) == 0);
    seen |= bit;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_addresses_of_the_open_internet_are_public),
      cmocka_unit_test(the_signature_is_hmac_sha256),
      cmocka_unit_test(a_message_id_depends_on_decision_person_and_channel),
      cmocka_unit_test(every_channel_is_complete_and_has_a_slot_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
