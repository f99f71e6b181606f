/*
 * story.h - what the logs say of a message, in plain words
 *
 * One paragraph a step: when, and what happened. Values are shown as the logs
 * escaped them.
 */
#ifndef STORY_H
#define STORY_H

#include <stdio.h>
#include "common/admin/logs.h"
#include "common/id.h"

struct story {
	char id[ID_LEN + 1];
	size_t lines;		 /* that were told */
	bool is_over;		 /* it has left the queue, or never came in */
	char report[ID_LEN + 1]; /* of the report to its sender; empty: none */
	char deferred_why[1025]; /* the last reason; empty: none */
};

/* Tell the story of s->id from its first line to its last. */
void story_tell(FILE *out, struct logs *logs, struct story *s);

/* Tell a line that belongs to no message: a refusal at the door. */
void story_tell_refusal(FILE *out, struct logs_line const *l);

#endif
