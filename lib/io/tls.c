// SPDX-License-Identifier: Apache-2.0
#include "io/tls.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_SIZE = 256, LOOPBACK_NET = 127 };

// The host of one address of `len` characters; "" if it is too long to be one.
static void host_of(const char *address, size_t len, char host[HOST_SIZE]) {
  char text[HOST_SIZE] = "";
  if (len < sizeof text) snprintf(text, sizeof text, "%.*s", (int)len, address);
  char *begin = strstr(text, "://");
  begin = begin ? begin + 3 : text;
  begin += strspn(begin, " ");
  if (*begin == '[') {
    begin++;
    begin[strcspn(begin, "]")] = 0;
  } else if (strchr(begin, ':') == strrchr(begin, ':')) { // more than one colon: an IPv6 address without a port
    begin[strcspn(begin, ": ")] = 0;
  }
  snprintf(host, HOST_SIZE, "%s", begin);
}

static bool host_loopback(const char *host) {
  struct in_addr v4;
  struct in6_addr v6;
  if (strcasecmp(host, "localhost") == 0) return true;
  if (inet_pton(AF_INET, host, &v4) == 1) return ntohl(v4.s_addr) >> 24 == LOOPBACK_NET;
  return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool tls_loopback(const char *addresses) {
  const char *address = addresses;
  while (*address) {
    char host[HOST_SIZE];
    size_t len = strcspn(address, ",");
    host_of(address, len, host);
    if (len && !host_loopback(host)) return false;
    address += len + (address[len] == ',');
  }
  return addresses[0] != 0;
}

bool tls_wanted(int mode, const char *addresses) {
  return mode == TLS_ON || (mode == TLS_AUTO && !tls_loopback(addresses));
}
