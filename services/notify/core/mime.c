// SPDX-License-Identifier: Apache-2.0
#include "notify/core/mime.h"

#include <string.h>

#include "base/bytes.h"
#include "base/canary.h"
#include "domain/zone.h"

enum {
  ENCODED_WORD_BYTES = 45, // 60 base64 characters; with =?UTF-8?B??= 72, below the 75 of RFC 2047 section 2
  BODY_BASE64_BYTES = 57,  // 76 characters a line, RFC 2045 section 6.8
  DAY_S = 86400,
};

// The first error sticks.
struct mime {
  struct buffer *out;
  enum error err;
};

static void put_bytes(struct mime *mime, const void *data, size_t len) {
  if (!mime->err) mime->err = buffer_append(mime->out, data, len);
}

static void put(struct mime *mime, const char *text) {
  put_bytes(mime, text, strlen(text));
}

static bool is_ascii(const char *text) {
  for (; *text; text++) {
    if ((unsigned char)*text > 0x7e) return false;
  }
  return true;
}

static bool has_control(const char *text) {
  for (; *text; text++) {
    if ((unsigned char)*text < 0x20 || *text == 0x7f) return true;
  }
  return false;
}

bool mime_address_valid(const char *address) {
  size_t len = strlen(address);
  const char *at = strrchr(address, '@');
  if (!at || at == address || !at[1] || len > MIME_ADDRESS_MAX) return false;
  if (!is_ascii(address) || has_control(address)) return false;
  if (strpbrk(address, " \"(),:;<>[\\]") || memchr(address, '@', (size_t)(at - address))) return false;
  return address[0] != '.' && at[-1] != '.' && at[1] != '.' && address[len - 1] != '.' && !strstr(address, "..");
}

static void put_base64(struct mime *mime, const uint8_t *data, size_t len) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < len; i += 3) {
    uint32_t b = (uint32_t)data[i] << 16;
    if (i + 1 < len) b |= (uint32_t)data[i + 1] << 8;
    if (i + 2 < len) b |= data[i + 2];
    char group[4] = {digits[b >> 18], digits[b >> 12 & 63], i + 1 < len ? digits[b >> 6 & 63] : '=',
                     i + 2 < len ? digits[b & 63] : '='};
    put_bytes(mime, group, sizeof group);
  }
}

// RFC 2047 encoded-words, one a line (folded).
static void put_encoded_words(struct mime *mime, const char *text) {
  size_t len = strlen(text);
  for (size_t done = 0; done < len;) {
    size_t part = bytes_utf8_cut(bytes_make(text + done, len - done), ENCODED_WORD_BYTES);
    if (part == 0) part = len - done < ENCODED_WORD_BYTES ? len - done : ENCODED_WORD_BYTES; // not UTF-8
    put(mime, done ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
    put_base64(mime, (const uint8_t *)text + done, part);
    put(mime, "?=");
    done += part;
  }
}

static bool check_value(struct mime *mime, const char *value) {
  if (!mime->err && has_control(value) && !CANARY(HEADER_INJECTED)) mime->err = ERR_BAD_VALUE;
  return !mime->err;
}

// A header of free text.
static void put_text_header(struct mime *mime, const char *name, const char *value) {
  if (!check_value(mime, value)) return;
  put(mime, name);
  put(mime, ": ");
  if (is_ascii(value) && strlen(value) <= 70 - strlen(name) && !strstr(value, "=?")) {
    put(mime, value);
  } else {
    put_encoded_words(mime, value);
  }
  put(mime, "\r\n");
}

// A header of our own making, in ASCII.
static void put_header(struct mime *mime, const char *name, const char *value) {
  if (!check_value(mime, value)) return;
  if (!is_ascii(value) || strlen(name) + 2 + strlen(value) > MIME_HEADER_LINE_MAX) {
    mime->err = ERR_BAD_VALUE;
    return;
  }
  put(mime, name);
  put(mime, ": ");
  put(mime, value);
  put(mime, "\r\n");
}

static void put_quoted(struct mime *mime, const char *text) {
  put(mime, "\"");
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') put(mime, "\\");
    put_bytes(mime, text, 1);
  }
  put(mime, "\"");
}

static void put_mailbox(struct mime *mime, const char *header, const char *name, const char *address) {
  if (!check_value(mime, name)) return;
  if (!mime_address_valid(address)) {
    mime->err = ERR_BAD_VALUE;
    return;
  }
  put(mime, header);
  put(mime, ": ");
  if (*name && is_ascii(name) && strlen(name) <= 60 && !strstr(name, "=?")) {
    put_quoted(mime, name);
    put(mime, "\r\n ");
  } else if (*name) {
    put_encoded_words(mime, name);
    put(mime, "\r\n ");
  }
  put(mime, "<");
  put(mime, address);
  put(mime, ">\r\n");
}

static void put_number(struct mime *mime, int64_t number, int digits) {
  char text[20];
  for (int i = digits - 1; i >= 0; i--, number /= 10) text[i] = (char)('0' + number % 10);
  put_bytes(mime, text, (size_t)digits);
}

// RFC 5322 section 3.3, in UTC.
static void put_date(struct mime *mime, int64_t date_s) {
  static const char days[] = "ThuFriSatSunMonTueWed"; // 1970-01-01 was a Thursday
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (date_s < 0) date_s = 0;
  struct civil_date date = civil_from_days(date_s / DAY_S);
  int64_t second = date_s % DAY_S;
  put(mime, "Date: ");
  put_bytes(mime, days + date_s / DAY_S % 7 * 3, 3);
  put(mime, ", ");
  put_number(mime, date.day, 2);
  put(mime, " ");
  put_bytes(mime, months + (date.month - 1) * 3, 3);
  put(mime, " ");
  put_number(mime, date.year, 4);
  put(mime, " ");
  put_number(mime, second / 3600, 2);
  put(mime, ":");
  put_number(mime, second / 60 % 60, 2);
  put(mime, ":");
  put_number(mime, second % 60, 2);
  put(mime, " +0000\r\n");
}

static bool lines_fit(const char *text) {
  while (*text) {
    size_t len = strcspn(text, "\n");
    if (len > MIME_HEADER_LINE_MAX) return false;
    text += len + (text[len] == '\n');
  }
  return true;
}

static void put_lines(struct mime *mime, const char *text) {
  while (*text) {
    size_t len = strcspn(text, "\r\n");
    put_bytes(mime, text, len);
    put(mime, "\r\n");
    text += len;
    if (*text == '\r') text++;
    if (*text == '\n') text++;
  }
}

// Base64 of the text with CRLF line ends, RFC 2045 section 6.8.
static void put_base64_body(struct mime *mime, const char *text) {
  struct buffer canonical;
  buffer_init(&canonical, mime->out->max);
  struct mime inner = {.out = &canonical, .err = mime->err};
  put_lines(&inner, text);
  mime->err = inner.err;
  for (size_t done = 0; done < canonical.len && !mime->err; done += BODY_BASE64_BYTES) {
    size_t left = canonical.len - done;
    put_base64(mime, canonical.data + done, left < BODY_BASE64_BYTES ? left : BODY_BASE64_BYTES);
    put(mime, "\r\n");
  }
  buffer_fini(&canonical);
}

static void put_body(struct mime *mime, const struct mime_mail *mail) {
  bool base64 = mail->base64 || !lines_fit(mail->text);
  const char *encoding = base64 ? "base64" : is_ascii(mail->text) ? "7bit" : "8bit";
  put_header(mime, "MIME-Version", "1.0");
  put_header(mime, "Content-Type", "text/plain; charset=utf-8");
  put_header(mime, "Content-Transfer-Encoding", encoding);
  put_header(mime, "Content-Language", mail->language);
  put(mime, "\r\n");
  if (base64)
    put_base64_body(mime, mail->text);
  else
    put_lines(mime, mail->text);
}

enum error mime_write(const struct mime_mail *mail, struct buffer *out) {
  struct mime mime = {.out = out};
  put_date(&mime, mail->date_s);
  put_mailbox(&mime, "From", mail->from_name, mail->from);
  if (*mail->reply_to) put_mailbox(&mime, "Reply-To", "", mail->reply_to);
  put_mailbox(&mime, "To", mail->to_name, mail->to);
  put_text_header(&mime, "Subject", mail->subject);
  put_header(&mime, "Message-ID", mail->message_id);
  put_header(&mime, "Auto-Submitted", "auto-generated"); // RFC 3834: no holiday replies, please
  put_header(&mime, "Riser-Kind", mail->kind);
  put_header(&mime, "Riser-Decision", mail->decision);
  put_body(&mime, mail);
  return mime.err;
}
