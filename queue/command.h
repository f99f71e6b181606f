/*
 * command.h - what a command in the queue asks for
 *
 *   wake DOMAIN    wake all    wake ID...
 *   hold ID...     release ID...     drop ID...     bounce ID...
 *
 * Pure functions over bytes.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include "common/id.h"

/* Ids in one command. */
#define COMMAND_IDS_MAX 1000

enum command_verb {
	COMMAND_WAKE_DOMAIN,
	COMMAND_WAKE_ALL,
	COMMAND_WAKE,
	COMMAND_HOLD,
	COMMAND_RELEASE,
	COMMAND_DROP,
	COMMAND_BOUNCE
};

struct command {
	enum command_verb verb;
	char const *name; /* as it was written; points into the input */
	size_t name_len;
	char const *domain; /* of COMMAND_WAKE_DOMAIN; points into the input */
	size_t domain_len;
	size_t count; /* of the ids */
	char ids[COMMAND_IDS_MAX][ID_LEN];
};

/* Words are apart by one blank. False: it is none of these. */
bool command_parse(char const *s, size_t len, struct command *c_r)
	__attribute__((warn_unused_result));

#endif
