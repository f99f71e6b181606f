/*
 * logs.h - the logs of all services, as one, in the order of time
 *
 * STATE/log/SERVICE/ holds what s6-log keeps: files that are full, named by
 * time, and `current`. They are mapped, not read: a search looks for a text
 * first, and reads only the lines that hold it.
 */
#ifndef LOGS_H
#define LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include "common/logline.h"

#define LOGS_SERVICES_MAX 32

struct logs_file {
	char *map; /* NULL: empty */
	size_t len;
};

/* One service's files, oldest first, and where we are in them. */
struct logs_service {
	char name[32];
	struct logs_file *files;
	size_t count, at, pos;
	struct logline line; /* the next, if has_line */
	char const *text;
	size_t text_len;
	bool has_line;
};

struct logs {
	struct logs_service services[LOGS_SERVICES_MAX];
	size_t count;
	char const *needle; /* NULL: every line */
	size_t needle_len;
};

/* A line, valid until logs_close. */
struct logs_line {
	char const *service;
	char const *text; /* as it stands in the file */
	size_t len;
	struct logline line;
};

/* Map all logs of the services that are named, or of all (count 0), below
 * folder_fd (STATE/log). errno. */
bool logs_open(struct logs *logs, int folder_fd, char const *const *names,
	size_t count) __attribute__((warn_unused_result));

/* Start again from the oldest line whose time is since or later (as far as it
 * is given; NULL: the oldest), with those alone that hold the needle (NULL:
 * all). The needle stays the caller's. */
void logs_seek(struct logs *logs, char const *since, char const *needle);

/* The next line in the order of time; false: that was all. */
bool logs_next(struct logs *logs, struct logs_line *line_r)
	__attribute__((warn_unused_result));

void logs_close(struct logs *logs);

#endif
