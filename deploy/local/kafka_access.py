#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes Kafka's users (SCRAM-SHA-512) and says who may do what with Riser's topics; everything else is refused.

Works on any cluster with an authorizer, as one of its super users. What is there already stays: run it again after a
new password or a new version of Riser. --print only shows the table, as Markdown.

    deploy/local/kafka_access.py --bootstrap HOST:PORT --ca ca.pem --cert admin.pem --key admin.key [--passwords FOLDER]

FOLDER holds NAME.password for each user that is to have one; a certificate whose common name is NAME needs none.
"""

import argparse
import hashlib
import os
import pathlib
import sys
import time

from kafka.admin import (ACL, ACLFilter, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern,
                         ResourcePatternFilter, ResourceType)
from kafka.protocol.api import Request, Response
from kafka.protocol.struct import Schema
from kafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, TaggedFields

from topics import add_connection_options, attempt, connect

SITE, DECISION, COMMAND = "riser.site.v1", "riser.decision.v1", "riser.command.v1"
DEVICE, PERSON, REJECT = "riser.device.v1", "riser.person.v1", "riser.reject.v1"
# A service's consumer groups and transactional ids begin with its own name.
ACCESS = {
    "riser-ingest": {"read": [DEVICE], "write": [SITE, REJECT]},
    "riser-billing": {"read": [SITE, DECISION], "write": [SITE, DECISION, DEVICE]},
    "riser-notify": {"read": [DECISION, PERSON], "write": [SITE], "transactions": True},
    "riser-control": {"read": [SITE, DECISION, COMMAND, DEVICE], "write": [SITE, COMMAND]},
    "riser-portal": {"read": [DECISION, COMMAND, PERSON], "write": [SITE, PERSON]},
    "riser-operator": {"read": [SITE, DECISION, COMMAND, DEVICE, PERSON, REJECT], "write": [SITE, PERSON],
                       "make": [SITE, DECISION, COMMAND, DEVICE, PERSON, REJECT], "group": "riserctl"},
    "riser-metersim": {"read": [DECISION, DEVICE], "write": [], "group": "metersim"},
}

ITERATIONS = 8192  # of PBKDF2; Kafka's least is 4,096
SCRAM_SHA_512 = 2
IN_FORCE_S = 60


def rights(user):
    """(resource type, name, pattern, operation) of all that a user may do."""
    access = ACCESS[user]
    group = access.get("group", user)
    literal, prefixed = ACLResourcePatternType.LITERAL, ACLResourcePatternType.PREFIXED
    found = [(ResourceType.TOPIC, topic, literal, ACLOperation.READ) for topic in access["read"]]
    found += [(ResourceType.TOPIC, topic, literal, ACLOperation.WRITE) for topic in access["write"]]
    for operation in (ACLOperation.CREATE, ACLOperation.DESCRIBE, ACLOperation.DESCRIBE_CONFIGS):
        found += [(ResourceType.TOPIC, topic, literal, operation) for topic in access.get("make", [])]
    found.append((ResourceType.GROUP, group, prefixed, ACLOperation.READ))
    if access.get("transactions"):
        for operation in (ACLOperation.WRITE, ACLOperation.DESCRIBE):
            found.append((ResourceType.TRANSACTIONAL_ID, user, prefixed, operation))
    return found


def make_rights(admin):
    acls = [ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name, pattern))
            for user in ACCESS for kind, name, pattern, operation in rights(user)]
    failed = admin.create_acls(acls)["failed"]
    if not failed:
        wait_for_rights(admin, acls)
    return len(acls), [f"{acl}: {error.__name__}" for acl, error in failed]


def wait_for_rights(admin, acls):
    """Kafka answers when they are written; until the broker goes by them it refuses what they allow."""
    every = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY,
                      ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY))
    until = time.monotonic() + IN_FORCE_S
    while missing := {*acls} - {*admin.describe_acls(every)[0]}:
        if time.monotonic() > until:
            raise SystemExit(f"kafka: {len(missing)} rights are not in force after {IN_FORCE_S} s, say {missing.pop()}")
        time.sleep(0.1)


class AlterUserScramCredentialsResponse(Response):
    API_KEY, API_VERSION, FLEXIBLE_VERSION = 51, 0, True
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("results", CompactArray(("user", CompactString("utf-8")), ("error_code", Int16),
                                 ("error_message", CompactString("utf-8")), ("tags", TaggedFields))),
        ("tags", TaggedFields))


class AlterUserScramCredentialsRequest(Request):
    API_KEY, API_VERSION, FLEXIBLE_VERSION = 51, 0, True
    RESPONSE_TYPE = AlterUserScramCredentialsResponse
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields))),
        ("upsertions", CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("iterations", Int32),
                                    ("salt", CompactBytes), ("salted_password", CompactBytes),
                                    ("tags", TaggedFields))),
        ("tags", TaggedFields))


def make_users(admin, folder):
    """The password itself stays here: Kafka gets what PBKDF2 makes of it (RFC 5802)."""
    upsertions = []
    for user in ACCESS:
        path = folder / f"{user}.password"
        if path.exists():
            salt = os.urandom(24)
            salted = hashlib.pbkdf2_hmac("sha512", path.read_bytes().rstrip(b"\r\n"), salt, ITERATIONS)
            upsertions.append((user, SCRAM_SHA_512, ITERATIONS, salt, salted, {}))
    answer = admin.send_request(AlterUserScramCredentialsRequest([], upsertions, {}))
    return len(upsertions), [f"{user}: {message or code}" for user, code, message, _ in answer.results if code]


def print_table():
    print("| user | reads | writes | makes topics | groups | transactions |\n|---|---|---|---|---|---|")
    for user, access in ACCESS.items():
        topics = [", ".join(f"`{topic}`" for topic in access.get(part, [])) or "-" for part in ("read", "write")]
        print(f"| `{user}` | {topics[0]} | {topics[1]} | {'yes' if access.get('make') else '-'} | "
              f"`{access.get('group', user)}*` | {f'`{user}*`' if access.get('transactions') else '-'} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    if "--print" in sys.argv[1:]:
        print_table()
        return 0
    add_connection_options(parser)
    parser.add_argument("--passwords", type=pathlib.Path, help="folder with NAME.password")
    parser.add_argument("--print", action="store_true", help="show who may do what, and end")
    options = parser.parse_args()
    admin = connect(options, 30)
    made, wrong = attempt(lambda: make_rights(admin))
    users, refused = attempt(lambda: make_users(admin, options.passwords)) if options.passwords else (0, [])
    admin.close()
    for line in wrong + refused:
        print(line)
    if wrong or refused:
        return 1
    print(f"kafka: {made} rights of {len(ACCESS)} users, {users} of them with a password")
    return 0


if __name__ == "__main__":
    sys.exit(main())
