// SPDX-License-Identifier: Apache-2.0
// A copy of the site log in a text file: a record a line, in the order of the log, as
//     partition offset key value
// with key and value in hexadecimal, "-" for none. Empty lines and lines that begin with '#' are skipped.
#ifndef RISER_RISERCTL_LOG_FILE_H
#define RISER_RISERCTL_LOG_FILE_H

#include "riserctl/log_reader.h"

// Calls reader->visit for each record. ERR_NOT_FOUND: the file can't be opened; ERR_BAD_VALUE: a line is none of these,
// *line says which.
enum error log_file_read(const char *path, const struct log_reader *reader, size_t *line) MUST_USE;

#endif
