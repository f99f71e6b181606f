/*
 * remember.h - passwords that were right a short while ago
 *
 * A client that logs in for each request costs one hash a minute, not one each
 * time. An entry is a keyed hash of user, password and stored hash, under a key
 * of this process: a changed password is a different entry, and memory tells
 * nobody a password.
 */
#ifndef REMEMBER_H
#define REMEMBER_H

#include "common/monitor/question.h"

/* keep_ms: how long an entry is valid; 0: none is. */
void remember_init(uint64_t keep_ms);

/* Whether the question was answered with yes before. Times are monotonic
 * milliseconds. */
bool remember_has(struct question const *q, uint64_t now_ms);
void remember_add(struct question const *q, uint64_t now_ms);

#endif
