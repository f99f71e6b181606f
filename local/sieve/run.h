/*
 * run.h - a Sieve program and a message: what is to be done
 *
 * A pure function: it looks at the message and at what its caller says of the
 * mailbox, and gives a list of actions; it does nothing itself. Bounded in time
 * (SIEVE_COST_MAX octets looked at), memory and number of actions. A program
 * that fails gives one action, to keep the message, and says why.
 */
#ifndef SIEVE_RUN_H
#define SIEVE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "local/sieve/compile.h"
#include "local/sieve/memory.h"
#include "local/sieve/program.h"

#define SIEVE_COST_MAX UINT64_C(100000000)
#define SIEVE_ACTIONS_MAX 64
#define SIEVE_REDIRECTS_MAX 10
#define SIEVE_SEEN_MAX 16
/* Octets of a reason, a subject and the like. */
#define SIEVE_TEXT_MAX 32768
/* Octets of a message that body looks at. */
#define SIEVE_BODY_MAX ((size_t)2 * 1024 * 1024)

/* What the caller knows of the mailbox. Any may be NULL: then there is none. */
struct sieve_host {
	void *data;
	/* name: as on disk. */
	bool (*mailbox_exists)(void *data, char const *name);
	/* Whether a mailbox (NULL: any) has this special use ("\\Sent"). */
	bool (*has_use)(void *data, char const *name, char const *use);
	/* Whether this was noted, and its time is not over (RFC 7352). */
	bool (*was_seen)(void *data, char const *handle, size_t handle_len,
		char const *id, size_t id_len);
};

struct sieve_mail {
	/* The header as it will be delivered, with LF or CRLF; up to its empty
	 * line. */
	char const *header;
	size_t header_len;
	/* The message, its header too: at least SIEVE_BODY_MAX octets of it,
	 * if the program reads_body; else it may be empty. */
	char const *message;
	size_t message_len;
	uint64_t size;	       /* octets of the message */
	char const *from, *to; /* of the envelope */
	size_t from_len, to_len;
	int64_t now; /* seconds since 1970 */
	/* 0: not tested, 1 (surely none) to 10; percent: as RFC 5235 has it,
	 * -1: not known. */
	unsigned spam;
	int spam_percent;
	char const *hostname;
	struct sieve_host host;
};

enum sieve_action_kind {
	SIEVE_DO_KEEP,	   /* where it would go without a script */
	SIEVE_DO_FILEINTO, /* target: the mailbox, as on disk */
	SIEVE_DO_REDIRECT, /* target: the address */
	SIEVE_DO_REJECT,   /* target: the reason */
	SIEVE_DO_VACATION  /* target: the reason */
};

/* Strings are NUL-ended and the result's. */
struct sieve_action {
	enum sieve_action_kind kind;
	unsigned line;
	char const *target;
	size_t target_len;
	char const *flags; /* of keep and fileinto, blanks between */
	bool may_create;
	char const *use; /* special use that is preferred, or NULL */
	bool is_ereject;
	/* What the script has made of the header; NULL: as it was. */
	char const *header;
	size_t header_len;
	/* vacation */
	char const *subject, *from, *handle; /* or NULL */
	size_t handle_len;     /* handle: what tells this answer from others */
	char const *addresses; /* blanks between */
	bool is_mime;
	uint64_t seconds;
};

/* What is to be noted when all has been done. */
struct sieve_seen {
	char const *handle, *id;
	size_t handle_len, id_len;
	uint64_t seconds;
};

struct sieve_result {
	struct sieve_action actions[SIEVE_ACTIONS_MAX];
	size_t count; /* 0: the message is thrown away */
	struct sieve_seen seen[SIEVE_SEEN_MAX];
	size_t seen_count;
	bool failed;
	struct sieve_fault fault;
	struct sieve_memory memory;
};

/* result_r: freed with sieve_result_free; never fails to say something. */
void sieve_run(struct sieve_program const *p, struct sieve_mail const *mail,
	struct sieve_result *result_r);

void sieve_result_free(struct sieve_result *r);

#endif
