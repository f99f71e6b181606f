/*
 * apart.h - an examination in a process of its own
 *
 * For what reads secrets (it stays root, reads nothing foreign, and is gone
 * before anything else is asked), and for what reads foreign octets: answers of
 * the DNS and of servers, files that others wrote. That one has given root up,
 * and closes a sandbox before the first of them. Findings come back over a pipe
 * in a fixed form.
 */
#ifndef APART_H
#define APART_H

#include "common/admin/check/doctor.h"
#include "common/sandbox.h"
#include "common/stream.h"

/*
 * Run examine(d, data) in a child of that uid and gid (0: as root), at most
 * seconds long, and report what it finds.
 */
void apart_run(struct doctor *d, uid_t uid, gid_t gid,
	void (*examine)(struct doctor *d, void *data), void *data, int seconds);

/* As the role `account`; what it lacks is reported. */
void apart_run_as(struct doctor *d, char const *account,
	void (*examine)(struct doctor *d, void *data), void *data, int seconds);

/* In the child: no file can be opened from here on, nothing started. Exits on
 * failure. */
void apart_confine(void);

/* In the child: a stream to that address, connected within milliseconds; -1:
 * errno. */
struct sockaddr;
bool apart_connect(struct stream *s, struct sockaddr const *address,
	unsigned len, int timeout_ms) __attribute__((warn_unused_result));

#endif
