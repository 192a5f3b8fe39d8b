// SPDX-License-Identifier: Apache-2.0
// What goes wrong, and the supervisor that starts again what has died.
#ifndef RISER_TESTS_SIM_FAULTS_H
#define RISER_TESTS_SIM_FAULTS_H

#include <stdbool.h>

struct unit;

void faults_prepare(void); // of a run: nobody is watched yet
void faults_begin(bool broker_may_forget);
void faults_watch(struct unit *unit); // to be killed, stopped and started again
// A moment at which it would be bad to die: now and then somebody does, or is stopped.
void faults_tempt(struct unit *unit);
void faults_end(void);  // everything is healed, the supervisor goes on
void faults_rest(void); // it does not any more

#endif
