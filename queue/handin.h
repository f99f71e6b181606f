/*
 * handin.h - a message of a local program, into the queue
 *
 * What sendmail does in each of its modes. The caller's rights are the
 * program's but for the two folders of the queue, which are open.
 */
#ifndef HANDIN_H
#define HANDIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "common/addr.h"
#include "common/table.h"
#include "queue/compose.h"

struct handin {
	struct table settings;
	char const *hostname;
	uint64_t size_max; /* octets of a message; 0: no limit */
	size_t recipients_max;
	int tmp_fd, new_fd;
	char const *name;	       /* of the caller, for From; or NULL */
	char login[ADDR_PATH_MAX + 1]; /* the caller's address */
};

/* What is asked for besides. */
struct handin_wish {
	char const *sender; /* as compose_qualify has it */
	unsigned notify;    /* QUEUEFILE_NOTIFY_*, of all recipients */
	char ret;	    /* 'F', 'H' or 0 */
	char const *envid;  /* xtext, or NULL */
	bool is_8bit;
};

/*
 * Put the message into the queue: c's header, and text from c->body on, with
 * what is missing in front. Durable when true. False: nothing is there, errno.
 */
bool handin_submit(struct handin *h, struct compose const *c,
	stralloc const *text, struct handin_wish const *wish)
	__attribute__((warn_unused_result));

#endif
