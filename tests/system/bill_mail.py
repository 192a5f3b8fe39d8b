# SPDX-License-Identifier: Apache-2.0
"""Reads the text of a bill mail, in English or Chinese, and recomputes the bill from it alone.

Shares nothing with the services: regular expressions, Fraction and the rule that the mail itself states. `read_bill`
gives the figures, `recompute` raises WrongBill when one of them does not follow from the others.
    python3 bill_mail.py FILE...      each file: "Subject: ..." lines, an empty line, the text; or a whole mail (.eml)
"""
import email
import email.policy
import math
import re
import sys
from dataclasses import dataclass, field
from fractions import Fraction


class WrongBill(Exception):
    pass


@dataclass
class Meter:
    name: str
    previous: Fraction = None
    previous_at: str = None
    present: Fraction = None
    present_at: str = None
    carried: Fraction = Fraction(0)
    multiplier: Fraction = Fraction(1)
    used: Fraction = None
    notes: list = field(default_factory=list)


@dataclass
class Line:
    above: Fraction
    upto: Fraction  # None: no bound
    quantity: Fraction
    price: Fraction
    amount: Fraction


@dataclass
class Section:
    commodity: str
    service_point: str = None
    meters: list = field(default_factory=list)
    used_total: Fraction = None
    yearly: bool = False
    prior: Fraction = Fraction(0)
    lines: list = field(default_factory=list)
    quantum: Fraction = None
    mode: str = None
    amount: Fraction = None


@dataclass
class Bill:
    number: str = None
    period: tuple = None
    issued: str = None
    to_pay: Fraction = None
    credit: Fraction = Fraction(0)
    pay_by: str = None
    sections: list = field(default_factory=list)
    this_period: Fraction = None
    before: dict = field(default_factory=dict)  # commodity: owed from before, a credit is negative
    total: Fraction = None


MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December"]
NUMBER = r"-?\d+(?:\.\d+)?"
DATE = r"(?:\d{1,2} [A-Z][a-z]+ \d{4}|\d{4}年\d{1,2}月\d{1,2}日)"
UNIT = r"(?:kWh|m³)"
MONEY = rf"(?:[A-Z]{{3}} (?P<money_en>{NUMBER})|(?P<money_zh>{NUMBER}) (?:元|[A-Z]{{3}}))"
STEP = 1000  # Wh a kWh; the litre's thousandth is the millilitre: 10**6 a cubic metre

HEADINGS = {"ELECTRICITY": "electricity", "WATER": "water", "【电费】": "electricity", "【水费】": "water"}
SUMMARY = ("SUMMARY", "【合计】")
AFTER = ("HOW TO CHECK THIS BILL", "【如何核对】")
LABELS = {
    "To pay": "to_pay", "应付总额": "to_pay", "Your credit": "credit", "您的余额": "credit",
    "Please pay by": "pay_by", "付款截止日期": "pay_by", "Period": "period", "账单周期": "period",
    "Bill number": "number", "账单编号": "number", "Issued on": "issued", "出账日期": "issued",
    "Service point": "service_point", "用户点": "service_point",
    "Previous reading": "previous", "上次读数": "previous", "Present reading": "present", "本次读数": "present",
    "Added for rollover or exchange": "carried", "翻转或换表补加": "carried", "Multiplier": "multiplier",
    "倍率": "multiplier", "Used": "used", "用量": "used", "Used in total": "used_total", "用量合计": "used_total",
    "Used before in this year": "prior", "本年度此前用量": "prior",
    "Electricity, this period": "amount", "本期电费": "amount", "Water, this period": "amount", "本期水费": "amount",
    "This period": "this_period", "本期费用": "this_period", "Total": "total", "合计": "total",
    "Unpaid from before, electricity": ("electricity", 1), "以前未付电费": ("electricity", 1),
    "Unpaid from before, water": ("water", 1), "以前未付水费": ("water", 1),
    "Credit from before, electricity": ("electricity", -1), "以前结余电费": ("electricity", -1),
    "Credit from before, water": ("water", -1), "以前结余水费": ("water", -1),
}


def iso_date(text):
    match = re.fullmatch(r"(\d{1,2}) ([A-Z][a-z]+) (\d{4})", text)
    if match:
        return f"{match[3]}-{MONTHS.index(match[2]) + 1:02}-{int(match[1]):02}"
    match = re.fullmatch(r"(\d{4})年(\d{1,2})月(\d{1,2})日", text)
    if not match:
        raise WrongBill(f"not a date: {text}")
    return f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}"


def money(text):
    match = re.fullmatch(MONEY, text)
    if not match:
        raise WrongBill(f"not an amount of money: {text}")
    return Fraction(match["money_en"] or match["money_zh"])


def quantity(text):
    match = re.fullmatch(rf"({NUMBER}) {UNIT}", text)
    if not match:
        raise WrongBill(f"not a quantity: {text}")
    return Fraction(match[1])


def read_reading(text):
    match = re.fullmatch(rf"({NUMBER}) {UNIT}(?: on |，)({DATE}),? (\d\d:\d\d)(?: \((.*)\)|（(.*)）)?", text)
    if not match:
        raise WrongBill(f"not a reading: {text}")
    return Fraction(match[1]), f"{iso_date(match[2])} {match[3]}", match[4] or match[5]


def read_line(label, value):
    """A step of the ladder, or None when the row is something else."""
    sums = re.fullmatch(rf"({NUMBER}) {UNIT} [x×] (?:[A-Z]+ ({NUMBER}) per {UNIT}|({NUMBER}) (?:元|[A-Z]+)/{UNIT}) = (.+)",
                        value)
    if not sums:
        return None
    bounds = {
        rf"(?:Step \d+, up to|第 \d+ 档，)\s*(?P<upto>{NUMBER}) {UNIT}(?: 及以下)?": 0,
        rf"(?:Step \d+, above|第 \d+ 档，)\s*(?P<above>{NUMBER}) (?:up to|以上至) (?P<upto>{NUMBER}) {UNIT}": 0,
        rf"(?:Step \d+, above|第 \d+ 档，)\s*(?P<above>{NUMBER}) {UNIT}(?:以上)?": 0,
        r"All use|全部用量": 0,
    }
    for pattern in bounds:
        match = re.fullmatch(pattern, label)
        if match:
            found = match.groupdict()
            above, upto = found.get("above"), found.get("upto")
            return Line(Fraction(above or 0), Fraction(upto) if upto else None, Fraction(sums[1]),
                        Fraction(sums[2] or sums[3]), money(sums[4]))
    raise WrongBill(f"not a step: {label}")


def put_row(bill, section, label, value):
    line = read_line(label, value)
    if line:
        section.lines.append(line)
        return
    name = LABELS.get(label)
    if name is None:
        raise WrongBill(f"what is {label!r}?")
    if isinstance(name, tuple):
        bill.before[name[0]] = bill.before.get(name[0], 0) + name[1] * money(value)
    elif name in ("previous", "present"):
        reading, at, note = read_reading(value)
        setattr(section.meters[-1], name, reading)
        setattr(section.meters[-1], name + "_at", at)
        section.meters[-1].notes.append(note)
    elif name in ("carried", "used"):
        setattr(section.meters[-1], name, quantity(value))
    elif name == "multiplier":
        section.meters[-1].multiplier = Fraction(value)
    elif name in ("used_total", "prior"):
        setattr(section, name, quantity(value))
    elif name == "service_point":
        section.service_point = value
    elif name == "amount":
        section.amount = money(value)
    elif name == "to_pay":
        bill.to_pay = Fraction(0) if value in ("nothing", "无") else money(value)
    elif name == "period":
        match = re.fullmatch(rf"({DATE})(?: to |至)({DATE})", value)
        bill.period = (iso_date(match[1]), iso_date(match[2]))
    elif name in ("pay_by", "issued"):
        setattr(bill, name, iso_date(value))
    elif name == "number":
        bill.number = value
    else:
        setattr(bill, name, money(value))


def put_note(section, line):
    meter = re.fullmatch(r"  (?:Meter|表号) (.+)", line)
    tariff = re.fullmatch(r"  (?:Tariff: |价目：)(.*)", line)
    rounding = re.fullmatch(r"    (?:Each amount is rounded to (.+?) \((.+)\)\.|各档金额取至 (.+?)（(.+)）。)", line)
    if rounding:
        section.quantum, section.mode = money(rounding[1] or rounding[3]), rounding[2] or rounding[4]
    elif tariff:
        section.yearly = "over the year" in line or "按年分档" in line
    elif meter:
        section.meters.append(Meter(meter[1]))
    else:
        raise WrongBill(f"what is {line!r}?")


def read_bill(text):
    bill, section, begun = Bill(), None, False
    for line in text.splitlines():
        if line in AFTER:
            return bill
        if line in HEADINGS:
            section = Section(HEADINGS[line])
            bill.sections.append(section)
        elif line in SUMMARY:
            section = None
        elif line.startswith("  "):
            begun = True
            row = re.fullmatch(r" +([^:： ][^:：]*)[:：] +(\S.*)", line)
            row = None if re.match(r" +(Tariff:|价目：)", line) else row
            if row:
                put_row(bill, section, row[1], row[2])
            else:
                put_note(section, line)
        elif line and begun:
            raise WrongBill(f"what is {line!r}?")
    raise WrongBill("the bill has no end")


def round_to(value, quantum, mode):
    steps = value / quantum
    down = math.floor(steps)
    away = math.ceil(steps) if steps > 0 else down
    toward = down if steps > 0 else math.ceil(steps)
    rest = steps - down
    if mode in ("halves away from zero", "四舍五入"):
        whole = (down if rest < Fraction(1, 2) else down + 1) if rest != Fraction(1, 2) else away
    elif mode in ("halves to the even digit", "四舍六入五成双"):
        whole = round(steps)
    else:
        whole = {"towards zero": toward, "舍去尾数": toward, "away from zero": away, "尾数进位": away,
                 "down": down, "向下取整": down, "up": math.ceil(steps), "向上取整": math.ceil(steps)}[mode]
    return whole * quantum


def expect(what, said, computed):
    if said != computed:
        raise WrongBill(f"{what}: the mail says {said}, its figures give {computed}")


def recompute_meter(meter, smallest):
    used = (meter.present - meter.previous + meter.carried) * meter.multiplier
    expect(f"used by {meter.name}", meter.used, math.floor(used / smallest) * smallest)


def recompute_steps(section, used):
    """The quantity lies on the ladder from what was used before on; what ran backwards lies below it and counts
    negative, and below zero it is the first step's."""
    if used == 0 and len(section.lines) == 1:
        expect("amount", section.lines[0].amount, Fraction(0))
        return
    prior = section.prior if section.yearly else Fraction(0)
    at, sign = (prior, 1) if used >= 0 else (prior + used, -1)
    lines = sorted(section.lines, key=lambda line: line.above)
    for i, line in enumerate(lines):
        if (at < line.above and line.above > 0) or (line.upto is not None and at + sign * line.quantity > line.upto):
            raise WrongBill(f"{line.quantity} from {at} on is not within the step {line.above} to {line.upto}")
        at += sign * line.quantity
        if i + 1 < len(lines):
            expect("end of a step that is full", at, line.upto)
            expect("begin of the next step", lines[i + 1].above, line.upto)
        expect("amount", line.amount, round_to(line.quantity * line.price, section.quantum, section.mode))


def recompute_section(section):
    smallest = Fraction(1, 10**6) if section.commodity == "water" else Fraction(1, 10**3)
    for meter in section.meters:
        recompute_meter(meter, smallest)
    used = sum((meter.used for meter in section.meters), Fraction(0))
    if section.used_total is not None:
        expect("used in total", section.used_total, used)
    expect("quantity of the steps", sum((line.quantity for line in section.lines), Fraction(0)), used)
    recompute_steps(section, used)
    expect(f"sum of {section.commodity}", section.amount, sum((line.amount for line in section.lines), Fraction(0)))


def recompute(bill):
    """The total owed; WrongBill when any figure does not follow from the others."""
    for section in bill.sections:
        recompute_section(section)
    expect("this period", bill.this_period, sum((s.amount for s in bill.sections), Fraction(0)))
    owed = bill.this_period + sum(bill.before.values())
    expect("total", bill.total, owed)
    expect("to pay", bill.to_pay, max(owed, Fraction(0)))
    expect("credit", bill.credit, max(-owed, Fraction(0)))
    if owed > 0 and not bill.pay_by:
        raise WrongBill("no due date")
    for what in ("number", "period", "issued"):
        if not getattr(bill, what):
            raise WrongBill(f"no {what}")
    return owed


def text_of(path):
    """(subject, text) of a mail or of a case file."""
    with open(path, "rb") as file:
        data = file.read()
    if data.startswith(b"Subject:") and b"\nMIME-Version:" not in data:
        head, _, text = data.decode().partition("\n\n")
        return head.splitlines()[0].removeprefix("Subject: "), text
    message = email.message_from_bytes(data, policy=email.policy.default)
    return message["Subject"], message.get_content()


def main(paths):
    for path in paths:
        bill = read_bill(text_of(path)[1])
        owed = recompute(bill)
        print(f"{path}: {bill.number}: {len(bill.sections)} sections, owed {float(owed)}")
    return 0 if paths else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
