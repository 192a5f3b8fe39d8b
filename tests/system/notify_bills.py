# SPDX-License-Identifier: Apache-2.0
"""Random bills as billing would issue them, computed here with fractions and without the services' code."""
import math
from fractions import Fraction

BILL_SCHEMA_FILES = [f"riser/{area}/v1/{area}.proto" for area in ("decision", "site", "person", "telemetry")]
FROM, UNTIL, DUE = 1456786800, 1459461600, 1461448800  # March 2016 in Madrid; due until the end of 23 April
UNIT = {1: 1000, 2: 1_000_000}  # Wh a kWh, ml a m3
CENT_E4 = 10_000


def half_up(value):
    whole = math.floor(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


def amount_e4(quantity, price_e8, commodity):
    """quantity x price, to the cent; e4 of a cent are 10^-6 of the currency."""
    return half_up(Fraction(quantity * price_e8 * 100, UNIT[commodity] * 10**8)) * CENT_E4


def split(prior, quantity, blocks):
    """[prior, prior + quantity) over the ladder: (block, from, upto, quantity); backwards when it is negative."""
    low, high, sign = (prior, prior + quantity, 1) if quantity >= 0 else (prior + quantity, prior, -1)
    pieces, begin = [], 0
    for number, upto in enumerate(blocks, 1):
        floor, ceiling = (low if number == 1 else max(low, begin)), (min(high, upto) if upto else high)
        if ceiling > floor:
            pieces.append((number, begin, upto, sign * (ceiling - floor)))
        begin = upto
    return pieces or [(1, 0, blocks[0], 0)]


def add_meter(chance, section, name, register, unit):
    previous = chance.randrange(0, 10**6 * unit)
    used = chance.choice([0, chance.randrange(0, 500 * unit), chance.randrange(0, 50) * unit, -chance.randrange(1, unit)])
    if previous + used < 0:
        used = 0
    carried = chance.choice([0, 0, 0, 10**5 * unit])
    num, den = chance.choice([(1, 1), (1, 1), (40, 1), (40, 3)])
    present = previous + used - carried
    if present < 0:
        present, carried = previous + used, 0
    meter = section.meters.add(
        meter=name, register=register, previous_time_s=FROM, previous_value=previous,
        previous_quality_espi=chance.choice([0, 7, 11]), present_time_s=UNTIL - chance.choice([0, 1, 7199]),
        present_value=present, present_quality_espi=chance.choice([0, 9, 11]), multiplier_num=num, multiplier_den=den,
        carried=carried, quantity=math.floor(Fraction(used * num, den)))
    return meter.quantity


def add_section(chance, bill, commodity):
    unit = UNIT[commodity]
    yearly = commodity == 2 and chance.random() < 0.8
    blocks = chance.choice([[200 * unit, 400 * unit, 0], [180 * unit, 260 * unit, 0], [0]])
    prices = [chance.choice([58_800_000, 63_800_000, 88_800_000, 500_000_000, 12_345_678]) for _ in blocks]
    section = bill.sections.add(
        service_point=f"101-{commodity}", commodity=commodity, tariff="t", tariff_name=chance.choice(["", "Ladder 阶梯"]),
        accumulation=2 if yearly else 1, accumulation_from_s=FROM,
        prior_quantity=chance.randrange(0, 300 * unit) if yearly else 0)
    section.line_rounding.quantum_e4, section.line_rounding.mode = CENT_E4, 1
    for i in range(chance.choice([1, 1, 2])):
        section.quantity += add_meter(chance, section, f"m-{commodity}-{i}", 1 if commodity == 1 else 20, unit)
    for block, begin, upto, quantity in split(section.prior_quantity, section.quantity, blocks):
        section.lines.add(block=block, block_from=begin, block_upto=upto, quantity=quantity, price_e8=prices[block - 1],
                          amount_e4=amount_e4(quantity, prices[block - 1], commodity))
    section.amount_e4 = sum(line.amount_e4 for line in section.lines)


def make_bill(proto, chance, name, revision=0):
    """(bill, what is owed in all, in the currency)"""
    bill = proto["decision"].Bill(id=name, lease="lease-101", room="101", period="2016-03", revision=revision,
                                  supersedes=name[:-1] + "0" if revision else "", issued_s=UNTIL + 86400, due_s=DUE)
    bill.from_s, bill.until_s = FROM, UNTIL
    for commodity in chance.choice([[1], [2], [1, 2]]):
        add_section(chance, bill, commodity)
    bill.total_e4 = sum(section.amount_e4 for section in bill.sections)
    owed_e4 = bill.total_e4
    for commodity in (1, 2):
        before = chance.choice([0, 0, chance.randrange(-10**9, 10**9)])
        if before:
            bill.arrears.add(commodity=commodity, amount_e4=before)
            owed_e4 += before
    return bill, Fraction(owed_e4, 10**6)
