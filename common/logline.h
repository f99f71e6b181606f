/*
 * logline.h - reading what log.h wrote
 *
 * A line as s6-log keeps it: local time to the nanosecond, blanks, and what a
 * program wrote: its name and key=value pairs, values quoted where they are not
 * bare. Pure functions; nothing in a line is trusted, nor changed.
 */
#ifndef LOGLINE_H
#define LOGLINE_H

#include <stdbool.h>
#include <stddef.h>

/* "2026-11-24 15:08:08.350551466": sorts as text. */
#define LOGLINE_TIME_LEN 29

struct logline {
	char const *time; /* LOGLINE_TIME_LEN octets */
	char const *program, *event, *pairs;
	size_t program_len, event_len, pairs_len;
};

/* A value as it stands there, without its quotes but with its escapes. */
struct logline_pair {
	char const *key, *value;
	size_t key_len, value_len;
	bool is_quoted;
};

/* s[0..len): a line without its newline. False: it has not that form. */
bool logline_parse(char const *s, size_t len, struct logline *l_r)
	__attribute__((warn_unused_result));

/* The pair at *pos of l->pairs, which moves on. False: there is none. */
bool logline_next(struct logline const *l, size_t *pos,
	struct logline_pair *p_r) __attribute__((warn_unused_result));

/* The first pair of that key. */
bool logline_find(struct logline const *l, char const *key,
	struct logline_pair *p_r) __attribute__((warn_unused_result));

/* The value without escapes, cut at max - 1 octets, NUL-ended. Its length. */
size_t logline_value(struct logline_pair const *p, char *out, size_t max);

/* Whether a pair has that value; letters of either case. */
bool logline_has(struct logline_pair const *p, char const *value, size_t len);

bool logline_event_is(struct logline const *l, char const *event);

#endif
