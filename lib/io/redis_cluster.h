// SPDX-License-Identifier: Apache-2.0
// Redis Cluster behind the same operations as one Redis: a map of slots to nodes, one connection a node, opened when
// first needed. A commit goes to the one master that holds its fence. Internal to lib/io's Redis; one thread.
#ifndef RISER_IO_REDIS_CLUSTER_H
#define RISER_IO_REDIS_CLUSTER_H

#include "io/redis.h"

// `settings->address` names some of the nodes, host:port, separated by commas. ERR_CONFIG: it names none, or one that
// is none. Does not connect yet.
enum error redis_cluster_open(const struct redis_settings *settings, struct redis **redis) MUST_USE;

// Opens the connection to one node: what redis_open does for a Redis that is no cluster.
enum error redis_node_open(const struct redis_settings *settings, struct redis **redis) MUST_USE;

#endif
