// SPDX-License-Identifier: Apache-2.0
#include "wire/person.h"

#include "riser/person/v1/person.pb-c.h"
#include "wire/message.h"

#define PERSON(TEXT, PLAIN, ENUM) \
  TEXT(id) TEXT(landlord) TEXT(name) TEXT(mail) TEXT(webhook_url) TEXT(language) TEXT(webhook_secret_name)
WIRE_MAPPING(person, struct person, Riser__Person__V1__Person, riser__person__v1__person__init, PERSON)

enum error wire_person_decode(struct bytes in, struct arena *arena, struct person *out) {
  Riser__Person__V1__Person *message;
  enum error err = wire_unpack(&riser__person__v1__person__descriptor, in, arena, &message);
  if (err) return err;
  person_in(message, out);
  return OK;
}

enum error wire_person_encode(const struct person *in, struct buffer *out) {
  Riser__Person__V1__Person message;
  person_out(in, &message);
  return wire_pack(&message, out);
}
