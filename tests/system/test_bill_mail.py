# SPDX-License-Identifier: Apache-2.0
"""A bill can be recomputed from the text of its mail alone, and a wrong figure does not pass."""
import pathlib
import re

import pytest

import bill_mail

CASES = sorted((pathlib.Path(__file__).parents[1] / "unit/notify/cases").glob("bill*.txt"))


def figures(text):
    """Where the figures of the computation stand: everything but dates, clock times, names and the step's number; nor
    what a bill does not depend on: the bound of the last step, which is not full, and by how little was rounded."""
    skip = re.compile(bill_mail.DATE + r"|\d\d:\d\d|(?:Step |第 )\d+|within 2|相隔2|(?<=: ) +\S*:\S+|表号 .*|Meter .*|"
                      r"(?<=up to )\d+(?= .*\n    Each)|(?<=以上至 )\d+(?= .*\n    各档)|(?:Each amount|各档金额).*|"
                      r"(?:Service point|用户点).*|Bill number.*|账单编号.*|价目.*|Tariff.*|(?:Issued|Period|Please).*")
    end = min(text.find(mark) for mark in bill_mail.AFTER if mark in text)
    begin = min(i for i in (text.find("  To pay"), text.find("  应付总额")) if i >= 0)
    covered = [match.span() for match in skip.finditer(text)]
    for match in re.finditer(r"\d", text):
        at = match.start()
        if begin <= at < end and not any(a <= at < b for a, b in covered):
            yield at


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.name)
def test_the_mail_alone_gives_the_bill(path):
    subject, text = bill_mail.text_of(path)
    bill = bill_mail.read_bill(text)
    owed = bill_mail.recompute(bill)
    assert bill.number.startswith("bill:alicante:")
    if owed > 0:
        assert re.search(rf"(?<![\d.]){re.escape(str(float(owed)))}0?(?![\d])", subject)


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.name)
def test_any_changed_figure_is_noticed(path):
    _, text = bill_mail.text_of(path)
    places = list(figures(text))
    assert len(places) > 40
    for at in places:
        wrong = text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1:]
        with pytest.raises(bill_mail.WrongBill):
            bill_mail.recompute(bill_mail.read_bill(wrong))
            pytest.fail(f"not noticed: {wrong[max(0, at - 60):at + 20]!r}", pytrace=False)


def test_the_two_languages_say_the_same():
    for path in CASES:
        if not path.name.endswith(".en.txt"):
            continue
        english = bill_mail.read_bill(bill_mail.text_of(path)[1])
        chinese = bill_mail.read_bill(bill_mail.text_of(path.with_name(path.name.replace(".en.", ".zh.")))[1])
        for bill in (english, chinese):
            for section in bill.sections:
                section.mode = None
                for meter in section.meters:
                    meter.notes, meter.name = [bool(note) for note in meter.notes], meter.name.split("，")[0].split(",")[0]
        assert english == chinese
