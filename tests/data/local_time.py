# SPDX-License-Identifier: Apache-2.0
"""Local stamps of a meter's file to UTC: the reference for the rule in README.md, "From local time to UTC".

The rule looks only at the rows of one meter, in the order of the file, and only in the hour that occurs twice.
"""
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

STAMP = "%d/%m/%Y %H:%M:%S"
SUMMER, WINTER = 0, 1  # datetime.fold: the first and the second occurrence


class NoSuchTime(ValueError):
    """The stamp lies in the hour that the clocks skip in spring."""


@dataclass(frozen=True)
class Row:
    local: datetime
    value: Decimal


def parse_row(stamp: str, value: str) -> Row:
    return Row(datetime.strptime(stamp, STAMP), Decimal(value))


def to_utc(local: datetime, zone: ZoneInfo, fold: int = SUMMER) -> int:
    aware = local.replace(tzinfo=zone, fold=fold)
    utc = aware.astimezone(timezone.utc)
    if utc.astimezone(zone).replace(tzinfo=None) != local:
        raise NoSuchTime(f"{local} does not exist in {zone.key}")
    return int(utc.timestamp())


def is_repeated(local: datetime, zone: ZoneInfo) -> bool:
    summer = local.replace(tzinfo=zone, fold=SUMMER).utcoffset()
    winter = local.replace(tzinfo=zone, fold=WINTER).utcoffset()
    return summer > winter


def occurrences(rows: list[Row]) -> list[int]:
    """For one meter's rows of ONE repeated hour, in file order: SUMMER or WINTER for each row."""
    copies: dict[Row, list[int]] = {}
    for index, row in enumerate(rows):
        copies.setdefault(row, []).append(index)
    distinct = sorted(copies, key=lambda row: copies[row][-1])

    result = [SUMMER] * len(rows)
    winter = False
    for position, row in enumerate(distinct):
        at = copies[row]
        if position == 0:
            turned = at[1:]
        elif winter or len(at) > 1 or row.local <= distinct[position - 1].local:
            turned = at
        else:
            turned = []
        for index in turned:
            result[index] = WINTER
        winter = winter or bool(turned)
    return result


def utc_seconds(rows: list[Row], zone: ZoneInfo) -> list[int]:
    """UTC seconds of one meter's rows, given in file order."""
    fold = [SUMMER] * len(rows)
    days: dict[object, list[int]] = {}
    for index, row in enumerate(rows):
        if is_repeated(row.local, zone):
            days.setdefault(row.local.date(), []).append(index)
    for indices in days.values():
        for index, occurrence in zip(indices, occurrences([rows[i] for i in indices])):
            fold[index] = occurrence
    return [to_utc(row.local, zone, f) for row, f in zip(rows, fold)]
