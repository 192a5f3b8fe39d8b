// SPDX-License-Identifier: Apache-2.0
// Which addresses belong to the open internet (IANA's special-purpose registries, RFC 6890 and later). Pure.
#ifndef RISER_NOTIFY_CHANNEL_ADDRESS_H
#define RISER_NOTIFY_CHANNEL_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

// False for loopback, private, link-local, shared, documentation, benchmarking, multicast and reserved addresses, also
// when they are written as IPv6 (mapped, 6to4, NAT64); false for any family but IPv4 and IPv6.
bool address_is_public(const struct sockaddr *address);

#endif
