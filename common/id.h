/*
 * id.h - queue ids
 *
 * One id names a message from the 250 to the log lines, the Received field and
 * the delivered file. It is 16 characters of the alphabet
 * 0123456789abcdefghjkmnpqrstvwxyz: 51 bits of microseconds since 2020, so that
 * ids sort by age, and 29 random bits, so that two processes in the same
 * microsecond, or a clock that steps back, do not make the same one.
 */
#ifndef ID_H
#define ID_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define ID_LEN 16
/* 128 secret bits that follow the id in the name of a dropped file. */
#define ID_SECRET_LEN 26

/* id_r gets ID_LEN characters and a NUL. */
void id_make(char id_r[ID_LEN + 1]);

/* secret_r gets ID_SECRET_LEN random characters and a NUL. */
void id_secret(char secret_r[ID_SECRET_LEN + 1]);

/* Whether s[0..len) has the form of an id. */
bool id_valid(char const *s, size_t len);

/* When an id was made, by the clock of then; it must be valid. */
time_t id_time(char const id[ID_LEN]);

#endif
