// SPDX-License-Identifier: Apache-2.0
// English.
#include "notify/core/language.h"

static const struct currency_form currencies[] = {{.code = NULL, .money = "{currency} {amount}"}};

const struct language language_en = {
    .code = "en",
    .months = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
               "November", "December"},
    .date = "{day} {month} {year}",
    .date_time = "{date}, {time}",
    .month = "{month} {year}",
    .price = "{money} per {unit}",
    .currencies = currencies,
    .colon = ":",
    .commodities = {"supply", "electricity", "water"},
    .qualities =
        {
            [QUALITY_EDITED] = "corrected by hand",
            [QUALITY_ESTIMATED_REFERENCE_DAY] = "estimated from comparable days",
            [QUALITY_ESTIMATED_LINEAR] = "estimated",
            [QUALITY_QUESTIONABLE] = "questionable",
            [QUALITY_DERIVED] = "worked out from readings within 2 hours",
        },
    .roundings = {"halves away from zero", "halves away from zero", "halves to the even digit", "towards zero",
                  "away from zero", "down", "up"},
    .greeting = "Dear {name},\n\n",
    .greeting_nameless = "Dear tenant,\n\n",
    .questions_heading = "QUESTIONS?",
    .questions = "Please reply to this message and give the number {reference}.\n",
    .questions_contact = "Please reply to this message or turn to {contact},\nand give the number {reference}.\n",
    .closing = "\nKind regards,\n{site}\n",
    .bill_item = "  Bill: {bill}\n",
    .bill =
        {
            .subject = "Your bill for {month}, room {room}: {total}, due {due}",
            .subject_credit = "Your bill for {month}, room {room}: nothing to pay",
            .subject_reissued = "Corrected bill for {month}, room {room}: {total}, due {due}",
            .intro = "this is your bill for {month}, room {room}, {site}.\n\n",
            .intro_reissued =
                "a meter reading for {month} reached us late or was corrected. This bill for room {room},\n"
                "{site}, takes the place of {superseded},\n"
                "which no longer counts. What you have paid already is taken into account.\n\n",
            .to_pay = "To pay",
            .credit = "Your credit",
            .nothing = "nothing",
            .pay_by = "Please pay by",
            .number = "Bill number",
            .period = "Period",
            .issued = "Issued on",
            .period_value = "{from} to {until}",
            .section = {"OTHER", "ELECTRICITY", "WATER"},
            .service_point = "Service point",
            .meter = "Meter {id}",
            .meter_register = "Meter {id}, register {register}",
            .previous = "Previous reading",
            .present = "Present reading",
            .carried = "Added for rollover or exchange",
            .multiplier = "Multiplier",
            .used = "Used",
            .used_total = "Used in total",
            .used_before = "Used before in this year",
            .reading = "{value} on {date}",
            .reading_noted = "{value} on {date} ({note})",
            .tariff_monthly = "Tariff: {name} (the steps begin anew each month)",
            .tariff_yearly = "Tariff: {name} (the steps are counted over the year that began on {since})",
            .tariff_plain = "Tariff: {name}",
            .block_up_to = "Step {block}, up to {upto}",
            .block_between = "Step {block}, above {from} up to {upto}",
            .block_above = "Step {block}, above {from} {unit}",
            .block_only = "All use",
            .line = "{quantity} x {price} = {amount}",
            .rounding = "Each amount is rounded to {quantum} ({mode}).",
            .section_total = {"Other, this period", "Electricity, this period", "Water, this period"},
            .summary = "SUMMARY",
            .this_period = "This period",
            .total = "Total",
            .unpaid = {"Unpaid from before", "Unpaid from before, electricity", "Unpaid from before, water"},
            .credited = {"Credit from before", "Credit from before, electricity", "Credit from before, water"},
            .check_heading = "HOW TO CHECK THIS BILL",
            .check = "Used is the present reading less the previous one (plus what is added for rollover, times the\n"
                     "multiplier, where these are named).\n"
                     "What you used fills the steps in order, beginning behind what was used before where the steps\n"
                     "are counted over a year. Each amount is quantity times price, rounded as named. The total is\n"
                     "the sum of the amounts, plus what is unpaid and less what is credited from before.\n",
            .seal = "\nThis line seals the records that the bill was made from. Keep it: with it anybody can find out\n"
                    "later whether one of them was changed.\n  {seal}\n",
        },
    .usage_alert =
        {
            .subject = "Your use of {commodity} in {month} is above that of {last_month}",
            .body = "for your information: your {commodity} use this month is already above that of the whole month "
                    "before.\n\n"
                    "  {month}, until now: {usage}\n"
                    "  {last_month}, all of it: {last_usage}\n"
                    "  Room: {room} (service point {point})\n\n"
                    "If you did not expect this, please look for a device left on, a dripping tap or a leak.\n"
                    "There is nothing to pay now; this month's bill comes after its end.\n\n",
        },
    .notices =
        {
            [NOTICE_REMINDER] =
                {
                    .subject = "Reminder: {owed} for {commodity}, room {room}, was due on {due}",
                    .body = "we have not yet received your payment for {commodity}, room {room}.\n\n"
                            "  Unpaid: {owed}\n"
                            "  It was due on: {due}\n",
                    .rest = "\n"
                            "Please pay it as soon as you can. If you have paid in the last few days, thank you: then\n"
                            "nothing more is to be done.\n\n",
                },
            [NOTICE_DISCONNECT] =
                {
                    .subject = "Important: your {commodity} in room {room} may be suspended from {not_before} on",
                    .body = "{owed} for {commodity}, room {room}, is long overdue.\n\n"
                            "  Unpaid: {owed}\n"
                            "  It was due on: {due}\n"
                            "  Suspension: not before {not_before}\n",
                    .rest =
                        "\n"
                        "If the amount is not paid by then, the supply of {commodity} to this room will be suspended.\n"
                        "Once you have paid it will not be suspended; if it already is, it will be restored.\n\n"
                        "If you cannot pay it all at once, or if someone's health depends on the supply, please talk\n"
                        "to us before that day.\n\n",
                },
            [NOTICE_SUSPENDED] =
                {
                    .subject = "Your {commodity} in room {room} has been suspended",
                    .body = "the supply of {commodity} to room {room} has been suspended, since {owed} is unpaid.\n\n"
                            "  Unpaid: {owed}\n"
                            "  Suspended on: {now}\n",
                    .rest = "\n"
                            "It will be restored as soon as this amount is paid. For your safety, please switch off\n"
                            "appliances and close taps that were open, since the supply may come back at any time.\n\n",
                },
            [NOTICE_RESTORED] =
                {
                    .subject = "Your {commodity} in room {room} is back",
                    .body = "thank you: the supply of {commodity} to room {room} has been restored.\n\n"
                            "  Restored on: {now}\n",
                    .rest =
                        "\n"
                        "If it does not work, please check the room's own breaker or valve first, then tell us.\n\n",
                },
        },
};
