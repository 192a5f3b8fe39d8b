// SPDX-License-Identifier: Apache-2.0
// Chinese, in simplified characters.
#include "notify/core/language.h"

static const struct currency_form currencies[] = {
    {.code = "CNY", .money = "{amount} 元"},
    {.code = NULL, .money = "{amount} {currency}"},
};

const struct language language_zh = {
    .code = "zh",
    .months = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"},
    .date = "{year}年{month}月{day}日",
    .date_time = "{date} {time}",
    .month = "{year}年{month}月",
    .price = "{money}/{unit}",
    .currencies = currencies,
    .colon = "：",
    .commodities = {"水电", "电", "水"},
    .qualities =
        {
            [QUALITY_EDITED] = "经人工更正",
            [QUALITY_ESTIMATED_REFERENCE_DAY] = "参照相近日期估算",
            [QUALITY_ESTIMATED_LINEAR] = "估算",
            [QUALITY_QUESTIONABLE] = "存疑",
            [QUALITY_DERIVED] = "由相隔2小时内的读数推得",
        },
    .roundings = {"四舍五入", "四舍五入", "四舍六入五成双", "舍去尾数", "尾数进位", "向下取整", "向上取整"},
    .greeting = "尊敬的{name}：\n\n",
    .greeting_nameless = "尊敬的租户：\n\n",
    .questions_heading = "【咨询方式】",
    .questions = "如有疑问，请直接回复本邮件，并注明编号 {reference}。\n",
    .questions_contact = "如有疑问，请直接回复本邮件，或联系 {contact}，\n并注明编号 {reference}。\n",
    .closing = "\n此致\n{site}\n",
    .bill_item = "  账单：{bill}\n",
    .bill =
        {
            .subject = "{month}账单（{room}室）：应付 {total}，请于{due}前（含当日）付清",
            .subject_credit = "{month}账单（{room}室）：本期无需付款",
            .subject_reissued = "{month}更正账单（{room}室）：应付 {total}，请于{due}前（含当日）付清",
            .intro = "您好！以下是您在{site} {room} 室的{month}账单。\n\n",
            .intro_reissued = "您好！{month}有一笔抄表读数迟到或经过更正，因此我们为{site} {room} 室重新出具账单。\n"
                              "原账单 {superseded}\n"
                              "作废，您此前已付的款项已计入本账单。\n\n",
            .to_pay = "应付总额",
            .credit = "您的余额",
            .nothing = "无",
            .pay_by = "付款截止日期",
            .number = "账单编号",
            .period = "账单周期",
            .issued = "出账日期",
            .period_value = "{from}至{until}",
            .section = {"【其他】", "【电费】", "【水费】"},
            .service_point = "用户点",
            .meter = "表号 {id}",
            .meter_register = "表号 {id}，计度器 {register}",
            .previous = "上次读数",
            .present = "本次读数",
            .carried = "翻转或换表补加",
            .multiplier = "倍率",
            .used = "用量",
            .used_total = "用量合计",
            .used_before = "本年度此前用量",
            .reading = "{value}，{date}",
            .reading_noted = "{value}，{date}（{note}）",
            .tariff_monthly = "价目：{name}（按月分档，每月重新计算）",
            .tariff_yearly = "价目：{name}（按年分档，自{since}起累计）",
            .tariff_plain = "价目：{name}",
            .block_up_to = "第 {block} 档，{upto} 及以下",
            .block_between = "第 {block} 档，{from} 以上至 {upto}",
            .block_above = "第 {block} 档，{from} {unit}以上",
            .block_only = "全部用量",
            .line = "{quantity} × {price} = {amount}",
            .rounding = "各档金额取至 {quantum}（{mode}）。",
            .section_total = {"本期其他费用", "本期电费", "本期水费"},
            .summary = "【合计】",
            .this_period = "本期费用",
            .total = "合计",
            .unpaid = {"以前未付", "以前未付电费", "以前未付水费"},
            .credited = {"以前结余", "以前结余电费", "以前结余水费"},
            .check_heading = "【如何核对】",
            .check = "用量 = 本次读数 - "
                     "上次读数（列有补加的加上补加，列有倍率的再乘以倍率）。用量依次计入各档；按年分档的，\n"
                     "从本年度此前用量之后接着计。各档金额 = 用量 × 单价，并按所列方式取整。\n"
                     "合计 = 各项金额之和，加以前未付，减以前结余。\n",
            .seal = "\n下面一行是本账单所依据的全部记录的封印。请保留：日后凭它可查出记录是否被改动过。\n  {seal}\n",
        },
    .usage_alert =
        {
            .subject = "{month}用{commodity}量已超过{last_month}",
            .body = "您好！提醒您：您本月的用{commodity}量已超过上月全月用量。\n\n"
                    "  {month}至今：{usage}\n"
                    "  {last_month}全月：{last_usage}\n"
                    "  房间：{room}（用户点 {point}）\n\n"
                    "如果与您的预期不符，请检查是否有电器未关、龙头滴漏或管道漏水。\n"
                    "现在无需付款，本月账单将在月底之后寄出。\n\n",
        },
    .notices =
        {
            [NOTICE_REMINDER] =
                {
                    .subject = "缴费提醒：{room}室{commodity}费 {owed}，已于{due}到期",
                    .body = "您好！我们尚未收到您{room}室的{commodity}费。\n\n"
                            "  未付金额：{owed}\n"
                            "  到期日期：{due}\n",
                    .rest = "\n"
                            "请您尽快付清。如果您最近几天已经付款，请忽略本提醒，谢谢您！\n\n",
                },
            [NOTICE_DISCONNECT] =
                {
                    .subject = "重要通知：{room}室可能自{not_before}起停{commodity}",
                    .body = "您好！您{room}室的{commodity}费 {owed}逾期已久。\n\n"
                            "  未付金额：{owed}\n"
                            "  到期日期：{due}\n"
                            "  停供时间：不早于{not_before}\n",
                    .rest = "\n"
                            "如果届时仍未付清，该房间将停止供{commodity}。付清后即不停供；已停供的，付清后即恢复。\n\n"
                            "如果您一次付清有困难，或有人的健康依赖于供{commodity}，请务必在此日期之前与我们联系。\n\n",
                },
            [NOTICE_SUSPENDED] =
                {
                    .subject = "{room}室已停{commodity}",
                    .body = "您好！因 {owed}未付，{room}室已停止供{commodity}。\n\n"
                            "  未付金额：{owed}\n"
                            "  停供日期：{now}\n",
                    .rest = "\n"
                            "付清后即恢复供应。为了您的安全，请关闭停供前开着的电器和龙头，因为供应随时可能恢复。\n\n",
                },
            [NOTICE_RESTORED] =
                {
                    .subject = "{room}室已恢复供{commodity}",
                    .body = "您好！谢谢您的付款，{room}室已恢复供{commodity}。\n\n"
                            "  恢复日期：{now}\n",
                    .rest = "\n"
                            "如果仍不能使用，请先检查房间内的开关或阀门，再与我们联系。\n\n",
                },
        },
};
