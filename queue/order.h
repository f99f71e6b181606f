/*
 * order.h - what a command in the queue asks for
 *
 *   wake DOMAIN    wake all    wake ID...
 *   hold ID...     release ID...     drop ID...     bounce ID...
 *
 * Pure functions over bytes.
 */
#ifndef ORDER_H
#define ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include "common/id.h"

/* Ids in one command. */
#define ORDER_IDS_MAX 1000

enum order_verb {
	ORDER_WAKE_DOMAIN,
	ORDER_WAKE_ALL,
	ORDER_WAKE,
	ORDER_HOLD,
	ORDER_RELEASE,
	ORDER_DROP,
	ORDER_BOUNCE
};

struct order {
	enum order_verb verb;
	char const *name; /* as it was written; points into the input */
	size_t name_len;
	char const *domain; /* of ORDER_WAKE_DOMAIN; points into the input */
	size_t domain_len;
	size_t count; /* of the ids */
	char ids[ORDER_IDS_MAX][ID_LEN];
};

/* Words are apart by one blank. False: it is none of these. */
bool order_parse(char const *s, size_t len, struct order *c_r)
	__attribute__((warn_unused_result));

#endif
