// SPDX-License-Identifier: Apache-2.0
#include "notify/channel/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct range4 {
  uint32_t first;
  int bits;
};

static const struct range4 special4[] = {
    {0x00000000, 8},  // this network
    {0x0a000000, 8},  // private
    {0x64400000, 10}, // shared between a provider and its customers
    {0x7f000000, 8},  // loopback
    {0xa9fe0000, 16}, // link-local
    {0xac100000, 12}, // private
    {0xc0000000, 24}, // protocol assignments
    {0xc0000200, 24}, // documentation
    {0xc0586300, 24}, // 6to4 relays
    {0xc0a80000, 16}, // private
    {0xc6120000, 15}, // benchmarking
    {0xc6336400, 24}, // documentation
    {0xcb007100, 24}, // documentation
    {0xe0000000, 3},  // multicast, reserved, broadcast
};

static bool is_public4(uint32_t address) {
  for (size_t i = 0; i < sizeof special4 / sizeof *special4; i++) {
    if ((address ^ special4[i].first) >> (32 - special4[i].bits) == 0) return false;
  }
  return true;
}

static uint32_t word_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// Global unicast is 2000::/3; within it 2001::/23 (protocol assignments), 2001:db8::/32 and 3fff::/20 (documentation)
// are special, and 2002::/16 bears an IPv4 address, as do ::ffff:0:0/96 and 64:ff9b::/96 outside of it.
static bool is_public6(const uint8_t *a) {
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
  if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0) return is_public4(word_at(a + 12));
  if (a[0] >> 5 != 1) return false;
  if (a[0] == 0x20 && a[1] == 0x02) return is_public4(word_at(a + 2));
  if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 2) return false;
  if (word_at(a) == 0x20010db8) return false;
  return !(a[0] == 0x3f && a[1] == 0xff && a[2] < 16);
}

bool address_is_public(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    struct sockaddr_in v4;
    memcpy(&v4, address, sizeof v4);
    return is_public4(ntohl(v4.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    struct sockaddr_in6 v6;
    memcpy(&v6, address, sizeof v6);
    return is_public6(v6.sin6_addr.s6_addr);
  }
  return false;
}
