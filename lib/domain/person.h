// SPDX-License-Identifier: Apache-2.0
// A person's contacts (riser.person.v1). Only notify and the portal hold these.
#ifndef RISER_DOMAIN_PERSON_H
#define RISER_DOMAIN_PERSON_H

struct person {
  const char *id;
  const char *landlord;
  const char *name;
  const char *mail;
  const char *webhook_url;
  const char *language; // "": the site's
  const char *webhook_secret_name;
};

#endif
