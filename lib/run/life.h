// SPDX-License-Identifier: Apache-2.0
// The life of a process: SIGTERM or SIGINT begins the drain (stop taking in, finish, commit, leave); a second one, or
// the end of the drain deadline, ends the process at once with status 1. SIGHUP begins the same drain, after which the
// program begins anew and reads its configuration, certificates and secrets again. Signals belong to the process, so
// this module has one state; life_init is called once, before the first thread. The rest may be called from any thread.
#ifndef RISER_RUN_LIFE_H
#define RISER_RUN_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// Installs the handlers, and lets in what came since life_end. SIGPIPE is ignored from now on. ERR_IO without
// descriptors.
enum error life_init(int64_t drain_deadline_ms) MUST_USE;

bool life_draining(void); // cheap: ask it in every loop
int life_fd(void);        // readable once the drain has begun: for poll; don't read from it

// Begins the drain from within, after a FATAL error: the process will then end with life_exit_code() 1.
void life_fail(enum error err);

// Waits up to timeout_ms for the drain to begin; true when it has.
bool life_wait(int timeout_ms);

int life_exit_code(void); // 0 after a signal, 1 after life_fail

// Whether the program is to begin anew: after SIGHUP, unless it failed or was told to end meanwhile.
bool life_again(void);

// The last call of main, when everything is closed: gives back `exit_code`, or, if life_again, runs this program anew
// in this process, with these arguments and the same environment, and does not return. What the drain left behind (the
// alarm, open descriptors) is cleared first.
int life_end(int exit_code, char **argv);

#endif
