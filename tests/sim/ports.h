// SPDX-License-Identifier: Apache-2.0
// The services' ports as the simulation has them. The build renames these symbols in the services' objects
// (ports.syms), so that what runs is the services' own code, main() included, on a simulated clock, process, Kafka,
// Redis, MQTT broker, spool and mail relay.
#ifndef RISER_TESTS_SIM_PORTS_H
#define RISER_TESTS_SIM_PORTS_H

#include <poll.h>
#include <pthread.h>

#include "base/log.h"
#include "io/kafka.h"
#include "io/mqtt.h"
#include "io/redis.h"
#include "io/spool.h"
#include "run/health.h"
#include "run/process.h"

int billing_main(int argc, char **argv);
int control_main(int argc, char **argv);
int ingest_main(int argc, char **argv);
int notify_main(int argc, char **argv);

int64_t sim_clock_wall_ms(void);
int64_t sim_clock_mono_ms(void);
int64_t sim_clock_mono_us(void);
void sim_clock_sleep_ms(int64_t duration_ms);

void sim_log_event(enum log_level level, const char *event, const struct log_field *fields);

enum error sim_process_open(const char *service, const struct run_settings *settings, struct process *process);
int sim_process_close(struct process *process);
void sim_process_fail(const char *where, enum error err);
bool sim_life_draining(void);
int sim_life_fd(void);
int sim_life_end(int exit_code, char **argv);
bool sim_life_wait(int timeout_ms);
struct condition *sim_health_condition(struct health *health, const char *name);
void sim_condition_set(struct condition *condition, bool holds);
void sim_health_beat(struct health *health);

int sim_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int sim_pthread_join(pthread_t thread, void **result);
int sim_pthread_mutex_lock(pthread_mutex_t *mutex);
int sim_pthread_mutex_unlock(pthread_mutex_t *mutex);
int sim_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int sim_pthread_cond_signal(pthread_cond_t *condition);
int sim_poll(struct pollfd *descriptors, nfds_t count, int timeout_ms);
int sim_rename(const char *from, const char *to);
int sim_fsync(int fd);
void sim_exit(int status) __attribute__((noreturn));

enum error sim_kafka_producer_open(const struct kafka_producer_options *options, struct kafka_producer **producer);
enum error sim_kafka_consumer_open(const struct kafka_consumer_options *options, struct kafka_consumer **consumer);
enum error sim_redis_open(const struct redis_settings *settings, struct redis **redis);
enum error sim_mqtt_open(const struct mqtt_options *options, struct mqtt **mqtt);

enum error sim_spool_open(const struct spool_options *options, struct spool **out);
void sim_spool_close(struct spool *spool);
enum error sim_spool_append(struct spool *spool, const struct spool_entry *entry);
size_t sim_spool_entry_max(const struct spool *spool);
enum error sim_spool_read(struct spool *spool, uint64_t position, struct spool_record *out);
bool sim_spool_wait(struct spool *spool, uint64_t position, int timeout_ms);
void sim_spool_wake(struct spool *spool);
void sim_spool_confirm(struct spool *spool, uint64_t position);
uint64_t sim_spool_confirmed(const struct spool *spool);
void sim_spool_hold(struct spool *spool, uint64_t position);
uint64_t sim_spool_oldest(const struct spool *spool);
void sim_spool_tend(struct spool *spool);
void sim_spool_stamp(struct spool *spool, int64_t wall_ms);
int64_t sim_spool_stamped(const struct spool *spool);
struct spool_level sim_spool_level(struct spool *spool);
uint64_t sim_spool_waiting(struct spool *spool);
uint64_t sim_spool_tail(const struct spool *spool);

#endif
