// SPDX-License-Identifier: Apache-2.0
// Exact decimal text to scaled integers and back, without floating point: "2e+05" at scale 3 is 200000000.
// Pure and thread-safe.
#ifndef RISER_BASE_DECIMAL_H
#define RISER_BASE_DECIMAL_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum { DECIMAL_TEXT_MAX = 64, DECIMAL_SCALE_MAX = 18, DECIMAL_FORMAT_SIZE = 32 };

// The number in `text` times 10^scale (0..DECIMAL_SCALE_MAX). Grammar: -?digits(.digits)?([eE][+-]?digits)?, at most
// DECIMAL_TEXT_MAX characters, exponent -999..999. ERR_BAD_NUMBER: not that; ERR_INEXACT: more decimals than the scale
// holds (zeros don't count); ERR_OVERFLOW: beyond int64.
enum error decimal_parse(struct bytes text, int scale, int64_t *value) MUST_USE;

// value / 10^scale with at least min_decimals decimals and no other trailing zeros: (1234500, 4, 2) is "123.45".
// `to` takes DECIMAL_FORMAT_SIZE characters. Returns `to`.
char *decimal_format(int64_t value, int scale, int min_decimals, char *to);

#endif
