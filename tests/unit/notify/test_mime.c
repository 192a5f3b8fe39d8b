// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "notify/core/mime.h"

static const struct mime_mail plain = {
    .from_name = "Residencia \"A\"",
    .from = "billing@example.org",
    .reply_to = "",
    .to_name = "Mary",
    .to = "mary@example.org",
    .subject = "Your bill",
    .message_id = "<0123@example.org>",
    .language = "en",
    .kind = "bill",
    .decision = "bill:alicante:lease-101:2016-03:r0",
    .text = "Dear Mary,\n\n.dot\nbye\n",
    .date_s = 1459548001,
};

static void a_plain_mail_is_exactly_this(void **state) {
  (void)state;
  struct buffer out;
  buffer_init(&out, 65536);
  assert_int_equal(mime_write(&plain, &out), OK);
  assert_string_equal(buffer_text(&out), "Date: Fri, 01 Apr 2016 22:00:01 +0000\r\n"
                                         "From: \"Residencia \\\"A\\\"\"\r\n <billing@example.org>\r\n"
                                         "To: \"Mary\"\r\n <mary@example.org>\r\n"
                                         "Subject: Your bill\r\n"
                                         "Message-ID: <0123@example.org>\r\n"
                                         "Auto-Submitted: auto-generated\r\n"
                                         "Riser-Kind: bill\r\n"
                                         "Riser-Decision: bill:alicante:lease-101:2016-03:r0\r\n"
                                         "MIME-Version: 1.0\r\n"
                                         "Content-Type: text/plain; charset=utf-8\r\n"
                                         "Content-Transfer-Encoding: 7bit\r\n"
                                         "Content-Language: en\r\n"
                                         "\r\n"
                                         "Dear Mary,\r\n\r\n.dot\r\nbye\r\n");
  buffer_fini(&out);
}

static const char *write_mail(struct buffer *out, const struct mime_mail *mail) {
  buffer_clear(out);
  assert_int_equal(mime_write(mail, out), OK);
  return buffer_text(out);
}

static void no_line_is_longer_than_smtp_allows(const char *mail) {
  for (const char *line = mail; *line;) {
    const char *end = strstr(line, "\r\n");
    assert_non_null(end);
    assert_true(end - line <= 998);
    assert_null(memchr(line, '\n', (size_t)(end - line)));
    line = end + 2;
  }
}

static void other_alphabets_become_encoded_words_of_at_most_75(void **state) {
  (void)state;
  struct buffer out;
  buffer_init(&out, 65536);
  struct mime_mail mail = plain;
  mail.to_name = "王小明";
  mail.subject = "2016年3月账单（101室）：应付 415.25 元，请于2016年4月23日前（含当日）付清";
  mail.text = "您好\n";
  const char *text = write_mail(&out, &mail);
  assert_non_null(strstr(text, "To: =?UTF-8?B?546L5bCP5piO?=\r\n <mary@example.org>\r\n"));
  assert_non_null(strstr(text, "Content-Transfer-Encoding: 8bit\r\n"));
  assert_non_null(strstr(text, "\r\n\r\n您好\r\n"));
  const char *word = strstr(text, "Subject: ") + 9;
  for (int i = 0; i < 3; i++) {
    const char *end = strstr(word, "?=");
    assert_true(end + 2 - word <= 75);
    assert_memory_equal(word, "=?UTF-8?B?", 10);
    word = end + 5; // behind "?=\r\n "
  }
  mail.subject = "=?UTF-8?B?QQ==?=";
  assert_null(strstr(write_mail(&out, &mail), "Subject: =?UTF-8?B?QQ==?=")); // text that looks encoded is text
  buffer_fini(&out);
}

static void long_lines_or_the_wish_make_it_base64(void **state) {
  (void)state;
  static char line[1001];
  struct buffer out;
  buffer_init(&out, 65536);
  struct mime_mail mail = plain;
  memset(line, 'x', 1000);
  mail.text = line;
  const char *text = write_mail(&out, &mail);
  assert_non_null(strstr(text, "Content-Transfer-Encoding: base64\r\n"));
  no_line_is_longer_than_smtp_allows(text);
  mail.text = "Hi\n";
  mail.base64 = true;
  assert_non_null(strstr(write_mail(&out, &mail), "\r\n\r\nSGkNCg==\r\n"));
  buffer_fini(&out);
}

static void nobody_can_add_a_header(void **state) {
  (void)state;
  struct buffer out;
  buffer_init(&out, 65536);
  static const char *const attacks[] = {"a\r\nBcc: all@example.org", "a\nBcc: b", "a\rb", "a\tb", "\x7f"};
  for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
    for (int field = 0; field < 6; field++) {
      struct mime_mail mail = plain;
      const char **fields[] = {&mail.from_name,  &mail.to_name,  &mail.subject,
                               &mail.message_id, &mail.decision, &mail.to};
      *fields[field] = attacks[i];
      buffer_clear(&out);
      assert_int_equal(mime_write(&mail, &out), ERR_BAD_VALUE);
    }
  }
  buffer_fini(&out);
}

static void an_address_is_one_plain_mailbox(void **state) {
  (void)state;
  static const char *const good[] = {"a@b", "first.last+tag@mail.example.org", "a'b@example.org", "x_y-z@1.2.example"};
  static const char *const bad[] = {"",        "a",         "@b",      "a@",    "a b@c",  "a@b@c",  "<a@b>",
                                    "a@b,c@d", "a@b\r\nc",  "\"a\"@b", ".a@b",  "a.@b",   "a..b@c", "a@b.",
                                    "a@.b",    "ä@example", "a@b>",    "a;b@c", "a@[::1]"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(mime_address_valid(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(mime_address_valid(bad[i]));
  char longest[300];
  memset(longest, 'a', sizeof longest);
  memcpy(longest + 248, "@b.org", 7); // 254
  assert_true(mime_address_valid(longest));
  memcpy(longest + 248, "a@b.org", 8);
  assert_false(mime_address_valid(longest));
}

static void a_full_buffer_is_an_error(void **state) {
  (void)state;
  struct buffer out;
  for (size_t max = 1; max < 400; max += 37) {
    buffer_init(&out, max);
    assert_int_equal(mime_write(&plain, &out), ERR_LIMIT);
    buffer_fini(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plain_mail_is_exactly_this),
      cmocka_unit_test(other_alphabets_become_encoded_words_of_at_most_75),
      cmocka_unit_test(long_lines_or_the_wish_make_it_base64),
      cmocka_unit_test(nobody_can_add_a_header),
      cmocka_unit_test(an_address_is_one_plain_mailbox),
      cmocka_unit_test(a_full_buffer_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
