# SPDX-License-Identifier: Apache-2.0
"""Which test must notice which canary. A canary is a build in which one promise is broken on purpose (lib/base/canary.h);
`unit` names a program of build/tests and the test of it that fails, `redis` the same beside a Redis of its own, `system` a
test of the real stack."""
import collections

Canary = collections.namedtuple("Canary", "name promise kind program shows")


def unit(name, promise, program, shows):
    return Canary(name, promise, "unit", program, shows)


def redis(name, promise, program, shows):
    return Canary(name, promise, "redis", program, shows)


def system(name, promise, test):
    return Canary(name, promise, "system", test, test.rpartition("::")[2])


CANARIES = [
    system("spool-skipped", "what ingest acknowledged is in Kafka",
           "tests/system/test_ingest.py::test_killed_again_and_again_nothing_is_lost"),
    unit("spool-in-memory", "what was appended survives the death of the process", "spool_random_test",
         "test_killed_at_any_moment"),
    unit("spool-crc-off", "what is torn or damaged never passes for a record", "spool_damage_test",
         "test_every_byte_changed"),
    unit("confirmed-early", "the spool keeps what Kafka has not confirmed", "ingest_shell_test",
         "test_window_confirms_a_prefix"),
    unit("receipt-over-a-gap", "a receipt claims only what has come", "ingest_core_test", "test_receipts_against_a_set"),
    system("back-pressure-off", "a spool that is nearly full stops the intake and loses nothing",
           "tests/system/test_ingest.py::test_a_full_spool_stops_the_intake_and_recovers"),
    unit("stranger-let-in", "a device writes only into its own site", "ingest_cases_test", "test_bad"),
    redis("fence-off", "a commit holds only while nobody else has committed", "io_redis_live", "test_overtaken"),
    redis("exec-error-ignored", "an error inside EXEC is no success", "io_redis_live", "test_error_inside"),
    unit("torn-state-used", "a state that is torn is not gone on from", "test_billing_shell",
         "test_a_torn_state_is_refused_for_good"),
    unit("outcome-guessed", "a commit whose outcome is unknown is looked at again", "test_billing_shell",
         "test_any_commit_may_fail_in_any_way"),
    unit("outbox-lost", "no decision of a commit is lost by a crash", "test_billing_shell",
         "test_any_commit_may_fail_in_any_way"),
    unit("tail-ignored", "no decision is published twice", "test_billing_shell", "test_a_new_process_at_any_moment"),
    unit("jump-believed", "no record of the log is passed over, wherever the consumer begins", "test_billing_shell",
         "test_a_seek_that_misses"),
    unit("last-read-wins", "any order and duplication of reads gives the same state", "test_reads",
         "any_order_and_duplication_gives_the_model"),
    unit("newer-record-skipped", "a record for later readers stops the partition", "test_billing_fold",
         "test_a_newer_record_stops_the_fold"),
    unit("notice-check-off", "no disconnect without a served notice", "test_billing_cases", "no_word_of_notice"),
    unit("estimate-cuts", "an estimate never causes a disconnect", "test_billing_cases", "estimate_never_disconnects"),
    unit("paid-but-cut", "a payment before the intent wins", "test_billing_cases", "intent_refused"),
    unit("left-cut", "a room that has paid is never left cut", "test_billing_cases", "arrears"),
    unit("mark-ignored", "no message comes again after a confirmed delivery", "test_notify_progress",
         "random_runs_deliver_each_once"),
    unit("delivery-forgotten", "a restart repeats no confirmed delivery", "test_notify_progress", "notes_are_as_documented"),
    unit("header-injected", "nobody's name adds a header to a mail", "test_notify_mime",
         "nobody_can_add_a_header"),
    unit("never-expires", "a disconnect that is late is not carried out", "test_control", "retry"),
]
