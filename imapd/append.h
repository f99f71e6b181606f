/*
 * append.h - new messages for one folder: all of them or none
 *
 * Each message is written into the folder's tmp and made durable while it
 * comes; when all are there they get their names and UIDs under the folder's
 * lock, in their order (RFC 3502).
 */
#ifndef APPEND_H
#define APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/maildir.h"
#include "imapd/keywords.h"
#include "common/quota.h"

#define APPEND_MESSAGES_MAX 1000

struct append_message {
	char *name; /* the writer's */
	char *file; /* "cur/..." once it is out of tmp */
	uint64_t size, lines;
	unsigned system;
	uint32_t keywords;
	bool has_date;
	int64_t date;
};

struct append {
	int root_fd, folder_fd;
	char const *host;
	size_t max; /* messages; APPEND_MESSAGES_MAX unless it is changed */
	struct quota quota;
	bool has_quota;
	bool teaches; /* junk.h; false unless it is changed */
	struct keywords keywords;
	struct append_message *v;
	size_t count;
	uint64_t octets; /* of all of them */
	struct maildir_writer writer;
	bool writing; /* v[count] is being written */
	/* Results. */
	uint32_t validity, first_uid;
};

/* Open the folder dir. errno; ENOENT. Nothing is to be ended then. */
bool append_open(struct append *a, int root_fd, char const *dir,
	char const *host) __attribute__((warn_unused_result));

/*
 * Begin a message. date: NULL for now.
 * errno; E2BIG: too many, EXFULL: no letter is left for a keyword.
 */
bool append_begin(struct append *a, struct flag_args const *flags,
	int64_t const *date) __attribute__((warn_unused_result));

void append_write(struct append *a, char const *s, size_t len);

/* Its end: it is durable. errno; ENODATA: it is empty. */
bool append_end(struct append *a) __attribute__((warn_unused_result));

/* Would so many octets more be allowed? */
bool append_allows(struct append const *a, uint64_t octets);

/* Give all of them their places. errno; nothing is left then. */
bool append_commit(struct append *a) __attribute__((warn_unused_result));

/* Let go of the folder and of all that is not committed. */
void append_close(struct append *a);

#endif
