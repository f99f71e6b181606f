/*
 * owner.h - what the owner of a queue file may send
 *
 * The kernel says who dropped a file; nothing in the file does. A hole in the
 * SMTP server reaches hosted domains only, a mailbox sends as itself.
 */
#ifndef OWNER_H
#define OWNER_H

#include <sys/types.h>
#include "common/queuefile.h"
#include "common/settings.h"
#include "queue/route.h"

struct owner_accounts {
	uid_t smtpd, relay, queue;
	/* fronts, auth, remote: they have no business here */
	uid_t others[8];
	size_t other_count;
	uid_t mailbox_min, mailbox_max;
};

void owner_read(
	struct owner_accounts *accounts_r, struct table const *settings);

enum owner_verdict { OWNER_MAY, OWNER_MAY_NOT, OWNER_LATER };

/* why_r is set with OWNER_MAY_NOT: a text for the log. */
enum owner_verdict owner_judge(struct owner_accounts const *accounts,
	struct route_tables const *t, uid_t owner, struct queuefile const *q,
	char const **why_r) __attribute__((warn_unused_result));

/* As owner_judge, of a command. */
enum owner_verdict owner_judge_command(struct owner_accounts const *accounts,
	uid_t owner, struct queuefile const *q, char const **why_r)
	__attribute__((warn_unused_result));

#endif
