/*
 * queue_print.h - messages of the queue, for people and as JSON
 *
 * What stands in them is foreign: on a terminal nothing but printable ASCII
 * comes out; JSON is one object a line, with what is not ASCII escaped.
 */
#ifndef QUEUE_PRINT_H
#define QUEUE_PRINT_H

#include <stdio.h>
#include "common/admin/queue_file.h"

/* One message with its recipients that are not done. */
void queue_print(FILE *out, struct queue_file const *file, uint64_t now);
void queue_print_json(FILE *out, struct queue_file const *file);

/* All of its envelope, and its header (fd: its file). */
void queue_print_whole(
	FILE *out, int fd, struct queue_file const *file, uint64_t now);

/* Seconds as people say them, 45s, 12m, 3h, 2d; and a JSON string. */
void queue_print_span(FILE *out, uint64_t seconds);
void queue_print_string(FILE *out, char const *s, size_t len);

#endif
