// SPDX-License-Identifier: Apache-2.0
// Mails with whatever names, addresses and texts: input is one line a field, then the text. Nobody but notify adds a
// header, no line is longer than SMTP takes, and what is sent is ASCII or well-formed UTF-8.
#include <string.h>

#include "fuzz.h"
#include "notify/core/mime.h"

enum { MAIL_MAX = 1 << 20, FIELDS = 7 };
static const char *const HEADERS[] = {"From",           "To",         "Reply-To",     "Subject",
                                      "Date",           "Message-ID", "MIME-Version", "Content-",
                                      "Auto-Submitted", "Riser-"};

static bool is_ours(const char *line) {
  for (size_t i = 0; i < sizeof HEADERS / sizeof *HEADERS; i++)
    if (strncmp(line, HEADERS[i], strlen(HEADERS[i])) == 0) return true;
  return *line == ' ';
}

static void check(char *mail) {
  bool head = true;
  FUZZ_HOLDS(strstr(mail, "\r\n\r\n"));
  for (char *line = mail, *end; (end = strstr(line, "\r\n")); line = end + 2) {
    FUZZ_HOLDS((size_t)(end - line) <= MIME_HEADER_LINE_MAX);
    FUZZ_HOLDS(!memchr(line, '\n', (size_t)(end - line)) && !memchr(line, '\r', (size_t)(end - line)));
    if (end == line) head = false;
    if (head) FUZZ_HOLDS(is_ours(line));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  uint8_t how = fuzz_u8(&input);
  char *field[FIELDS], *text;
  for (int i = 0; i < FIELDS; i++) field[i] = fuzz_text(fuzz_line(&input));
  text = fuzz_text(bytes_make(input.at, input.left));
  for (char *at = text; how & 2 && (at = strchr(at, ';')); at++) *at = '\n';
  struct mime_mail mail = {
      .from_name = field[0],
      .from = how & 4 ? field[1] : "riser@example.org",
      .reply_to = how & 8 ? field[2] : "",
      .to_name = field[3],
      .to = how & 16 ? field[4] : "tenant@example.org",
      .subject = field[5],
      .message_id = "<0123456789abcdef@example.org>",
      .language = "en",
      .kind = "bill",
      .decision = field[6],
      .text = text,
      .date_s = 1456792135,
      .base64 = how & 1,
  };
  struct buffer out;
  buffer_init(&out, MAIL_MAX);
  enum error err = mime_write(&mail, &out);
  FUZZ_HOLDS(err == OK || err == ERR_BAD_VALUE || err == ERR_LIMIT);
  if (!err) {
    char *copy = fuzz_text(buffer_bytes(&out));
    check(copy);
    free(copy);
  }
  buffer_fini(&out);
  for (int i = 0; i < FIELDS; i++) free(field[i]);
  free(text);
  return 0;
}
