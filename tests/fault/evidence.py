# SPDX-License-Identifier: Apache-2.0
"""What must hold however the parts died: each check takes what was seen from outside and gives what is wrong with it.

Pure functions; test_evidence.py shows of each that it finds what it is there for.
"""
from collections import Counter, defaultdict

from outside import rules

RANK_DEVICE = 64  # the meter said so itself, and its clock was not doubted
RANK_CLOCK = 0    # its clock was doubted
DELIVERED = 1


def lost(acked, logged, next_offsets):
    """Acknowledged readings that are not in the site log below the offset up to which the state is made."""
    applied = {reading for reading, places in logged.items()
               if any(place.offset < next_offsets.get(place.partition, 0) for place in places)}
    return acked - applied


def invented(acked, logged):
    """Readings in the site log that nobody sent."""
    return set(logged) - acked


def wrong_vectors(acked, vectors, ranks=(RANK_DEVICE,)):
    """Registers whose reads in Redis are not the merge of what was acknowledged, each with one of these ranks."""
    by_register = defaultdict(list)
    for reading in acked:
        by_register[reading.meter, reading.register].append((reading.time_s, reading.value))
    wanted = {name: [(t, v) for t, v in rules.merge(reads)] for name, reads in by_register.items()}
    found = {name: [(t, v) for t, rank, v in reads if rank in ranks] for name, reads in vectors.items()}
    misranked = [name for name, reads in vectors.items() if len(found[name]) != len(reads)]
    return sorted({name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)} | {*misranked})


def repeated_decisions(decisions):
    """Decisions whose id came before, or whose cause is not behind the one before it in its partition."""
    seen, last, wrong = set(), {}, []
    for place, decision in decisions:
        cause = decision.cause.offset, decision.cause.index
        misplaced = decision.cause.partition != place.partition or cause <= last.get(place.partition, (-1, 0))
        if decision.id in seen or misplaced:
            wrong.append((place, decision.id, cause))
        seen.add(decision.id)
        last[place.partition] = max(cause, last.get(place.partition, (-1, 0)))
    return wrong


def same_again(decisions, places):
    """Those of the places at which a decision lies that had been published before, letter by letter: what a billing that
    was asleep still had in its producer's hands when its successor published it. Consumers ignore it by its cause."""
    first = {}
    for _, decision in decisions:
        first.setdefault(decision.id, decision)
    return [place for place, decision in decisions if place in places and first[decision.id] is not decision
            and first[decision.id] == decision]


def wrong_bills(acked, bills, periods, meter_of):
    """Of each lease and month of `periods`, {(lease, YYYY-MM): (from, until)}: revisions from 0 up, each cancelling the
    one before, and the last one's quantity is the register's difference by an independent reading."""
    by_meter, found, wrong = defaultdict(list), defaultdict(list), []
    for reading in acked:
        by_meter[reading.meter].append((reading.time_s, reading.value))
    for bill in bills:
        found[bill.lease, bill.period].append(bill)
    reads = {meter: rules.merge(each) for meter, each in by_meter.items()}
    for name, (from_s, until_s) in periods.items():
        chain, versions = found.pop(name, []), [bill.revision for bill in found.get(name, ())]
        versions = [bill.revision for bill in chain]
        if not chain or versions != list(range(len(chain))):
            wrong.append((name, "revisions", versions))
            continue
        if [bill.supersedes for bill in chain] != [""] + [bill.id for bill in chain[:-1]]:
            wrong.append((name, "supersedes", [bill.supersedes for bill in chain]))
        mine = reads[meter_of(name[0])]
        usage = rules.register_at(mine, until_s) - rules.register_at(mine, from_s)
        billed = sum(section.quantity for section in chain[-1].sections)
        if billed != usage:
            wrong.append((name, "quantity", billed, usage))
    return wrong + [(name, "not expected") for name in found]


def undelivered(due, deliveries):
    """{(decision, person)} that were due and of which no delivery was recorded."""
    done = {(d.decision_id, d.person) for d in deliveries if d.delivery == DELIVERED}
    return due - done


def delivered_twice(deliveries):
    """(decision, person, channel) with more than one record in the site log."""
    counts = Counter((d.decision_id, d.person, d.channel) for d in deliveries)
    return sorted(name for name, count in counts.items() if count > 1)


def unsettled(switches, outcomes):
    """Ids of switch decisions of which control has recorded no outcome."""
    return {decision.id for decision, _ in switches} - {outcome.decision_id for outcome in outcomes}


def sent_after_the_end(states, sent, final):
    """Commands that were sent once more though a final state had been recorded."""
    ended, wrong = set(), []
    for state in states:
        if state.state in final:
            ended.add(state.command_id)
        if state.state == sent and state.command_id in ended:
            wrong.append(state.command_id)
    return wrong


def wrong_supplies(switches, outcomes, supplies):
    """Service points whose relay does not stand as the latest decision says, or whose outcomes contradict each other."""
    latest, by_decision, wrong = {}, defaultdict(set), []
    for _, switch in switches:
        if switch.version >= latest.get(switch.service_point, switch).version:
            latest[switch.service_point] = switch
    for outcome in outcomes:
        by_decision[outcome.decision_id].add((outcome.outcome, outcome.supply))
    wrong += [(name, sorted(said)) for name, said in by_decision.items() if len(said) > 1]
    return wrong + [(point, switch.supply, supplies.get(switch.device)) for point, switch in latest.items()
                    if supplies.get(switch.device) != switch.supply]
