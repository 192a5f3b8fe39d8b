// SPDX-License-Identifier: Apache-2.0
#include "notify/work.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)CHANNEL_WEBHOOK <= WORK_CHANNELS_MAX, "every channel has its slot");

enum error work_init(struct work *work, size_t partitions) {
  *work = (struct work){.part_count = partitions};
  work->last = &work->jobs;
  work->parts = calloc(partitions, sizeof *work->parts);
  return work->parts ? OK : ERR_NO_MEMORY;
}

void work_fini(struct work *work) {
  for (size_t i = 0; i < work->part_count; i++) work_drop_part(work, (int32_t)i);
  free(work->parts);
}

struct part *work_part(const struct work *work, int32_t partition) {
  if (partition < 0 || (size_t)partition >= work->part_count) return NULL;
  return work->parts[partition];
}

enum error work_add_part(struct work *work, int32_t partition, struct part **added) {
  if (partition < 0 || (size_t)partition >= work->part_count) return ERR_MISMATCH;
  work_drop_part(work, partition);
  struct part *part = calloc(1, sizeof *part);
  if (!part) return ERR_NO_MEMORY;
  part->partition = partition;
  progress_init(&part->progress, partition);
  work->parts[partition] = part;
  *added = part;
  return OK;
}

void work_drop_part(struct work *work, int32_t partition) {
  struct part *part = work_part(work, partition);
  if (!part) return;
  for (struct job *job = work->jobs, *next; job; job = next) {
    next = job->next;
    if (job->part == part) work_drop_job(work, job);
  }
  work->parts[partition] = NULL;
  free(part);
}

struct job *work_add_job(struct work *work, struct part *part, const struct kafka_record *record, int64_t now_ms) {
  struct job *job = calloc(1, sizeof *job + record->value.len);
  if (!job) return NULL;
  job->part = part;
  job->offset = record->offset;
  job->taken_ms = now_ms;
  job->record_len = record->value.len;
  memcpy(job->record, record->value.data, record->value.len);
  *work->last = job;
  work->last = &job->next;
  work->job_count++;
  part->jobs++;
  return job;
}

static struct errand *add_errand(struct job *job, unsigned person, int64_t now_ms) {
  assert(job->count < WORK_DELIVERIES_MAX);
  struct errand *errand = &job->errands[job->count++];
  *errand = (struct errand){.job = job, .person = person, .due_ms = now_ms};
  job->open++;
  return errand;
}

void work_add_person(struct job *job, unsigned person, int64_t now_ms) {
  add_errand(job, person, now_ms);
}

void work_drop_job(struct work *work, struct job *job) {
  struct job **at = &work->jobs;
  while (*at != job) at = &(*at)->next;
  *at = job->next;
  if (!*at) work->last = at;
  work->job_count--;
  job->part->jobs--;
  free(job);
}

unsigned work_slot(unsigned person, enum channel channel) {
  unsigned place = channel == CHANNEL_NONE ? 0 : (unsigned)channel - 1;
  assert(person < WORK_PERSONS_MAX && place < WORK_CHANNELS_MAX);
  return person * WORK_CHANNELS_MAX + place;
}

bool work_is_done(const struct job *job, unsigned person, enum channel channel) {
  return job->done >> work_slot(person, channel) & 1u;
}

void work_resolve(struct errand *errand, struct channel_link *link, const struct person *person) {
  if (errand->link) errand = add_errand(errand->job, errand->person, errand->due_ms);
  errand->link = link;
  errand->lane = link->kind->lane(person);
}

int64_t work_next_due_ms(const struct work *work) {
  int64_t next = INT64_MAX;
  for (const struct job *job = work->jobs; job; job = job->next) {
    for (size_t i = 0; i < job->count; i++) {
      const struct errand *errand = &job->errands[i];
      if (!errand->sending && !errand->settled && errand->due_ms < next) next = errand->due_ms;
    }
  }
  return next;
}
