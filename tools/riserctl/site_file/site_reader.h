// SPDX-License-Identifier: Apache-2.0
// Inner header of the site file's readers: what they share while the files are read. One function a kind of section.
#ifndef RISER_RISERCTL_SITE_FILE_SITE_READER_H
#define RISER_RISERCTL_SITE_FILE_SITE_READER_H

#include "riserctl/site_file/names.h"
#include "riserctl/site_file/site_file.h"
#include "riserctl/site_file/values.h"

enum { METER_TYPES_MAX = 200 };

// What meters of one make have in common. 0: not said.
struct meter_type {
  const char *name;
  enum meter_register reg;
  int64_t rollover;
  int64_t max_rate_per_hour;
  int64_t backflow_max;
  int64_t slack;
  int64_t multiplier_num;
  int64_t multiplier_den;
  enum switch_kind switch_kind;
  bool broken; // complained of where it stands; meters of this type are not complained of again
};

struct site_reader {
  struct site_file *out;
  struct arena *arena;
  struct names *names;
  const char *landlord; // of persons
  struct meter_type types[METER_TYPES_MAX];
  size_t type_count;
};

// One more element behind *count, zeroed; NULL after a complaint. The array may move.
#define READER_PUSH(reader, at, array, count)                                                                          \
  ((array) = reader_grow((reader), (at), (array), (count), sizeof *(array)), (array) ? &(array)[(count)++] : NULL)
void *reader_grow(struct site_reader *reader, struct yaml_at at, void *array, size_t count, size_t size);

// Complains of an id that was used before for the same kind of thing.
void reader_claim(struct site_reader *reader, struct yaml_at at, const char *kind, const char *id);

void read_site(struct site_reader *reader, struct yaml_at at);
void read_tariff(struct site_reader *reader, struct yaml_at at);
void read_meter_type(struct site_reader *reader, struct yaml_at name, struct yaml_at at);
void read_room(struct site_reader *reader, struct yaml_at at);
void read_points(struct site_reader *reader, struct yaml_at at, const char *room); // room "": the building's own
void read_meters(struct site_reader *reader, struct yaml_at at, const struct service_point *point);
void read_person(struct site_reader *reader, struct yaml_at at);

#endif
