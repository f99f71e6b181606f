/*
 * throttle.h - failed logins, counted by user and by client network
 *
 * One small file of fixed size that auth maps: counters in slots chosen by a
 * keyed hash. A lost update costs one count.
 */
#ifndef THROTTLE_H
#define THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Map the store that is open for reading and writing on fd, making it if it is
 * empty. errno. */
bool throttle_open(int fd) __attribute__((warn_unused_result));

/*
 * Count one failure for this user and this client's network; now in seconds.
 * Returns how many seconds its answer is to wait: first_delay, doubled with
 * each failure within the last 15 minutes, at most THROTTLE_DELAY_MAX.
 */
#define THROTTLE_DELAY_MAX 30
unsigned throttle_failed(char const *user, size_t user_len, char const *client,
	size_t client_len, uint64_t now, unsigned first_delay);

/* Octets that are always the same for this user, and can't be told from random
 * ones without the store's key: a salt for who has none. */
#define THROTTLE_SALT_LEN 16
void throttle_salt(char const *user, size_t user_len,
	unsigned char salt_r[THROTTLE_SALT_LEN]);

/* A right password clears what its user had failed; not what the client had:
 * who has a mailbox of his own could else guess others' undelayed. */
void throttle_succeeded(char const *user, size_t user_len);

#endif
