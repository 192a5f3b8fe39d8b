// SPDX-License-Identifier: Apache-2.0
// Whether a wire to an engine is to be encrypted: outside loopback it is, unless the operator says otherwise. Pure.
#ifndef RISER_IO_TLS_H
#define RISER_IO_TLS_H

#include <stdbool.h>

// AUTO, the default: TLS, unless every address is on loopback. OFF is the operator's word that the network itself is
// trusted.
enum tls_mode { TLS_AUTO, TLS_ON, TLS_OFF };

// Of a list separated by commas, whether all are on loopback: localhost, 127.0.0.0/8, ::1. Each is host:port, host,
// [IPv6]:port, and may begin with a scheme such as tcp://. Names are not looked up: any other name is not loopback.
bool tls_loopback(const char *addresses);

// `mode` is an enum tls_mode.
bool tls_wanted(int mode, const char *addresses);

#endif
