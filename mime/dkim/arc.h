/*
 * arc.h - verifying an ARC chain (RFC 8617)
 *
 * The whole of section 5.2: the structure of all sets, the newest message
 * signature, and every seal. Whom to believe is not decided here.
 */
#ifndef ARC_H
#define ARC_H

#include <stdbool.h>
#include <stddef.h>
#include "mime/dkim/dkim.h"

/* RFC 8617 4.2.1. */
#define ARC_SETS_MAX 50

enum arc_code {
	ARC_NONE, /* no ARC sets */
	ARC_PASS,
	ARC_FAIL,
	/* A key could not be had now: RFC 8617 5.2 counts it as failed; told
	 * apart, so that nobody seals a failure for it. */
	ARC_TEMPERROR
};

struct arc_result {
	enum arc_code code;
	unsigned sets;		    /* the highest instance, 0 without */
	char sealer[DNS_NAME_SIZE]; /* d= of the newest seal */
	/* The newest ARC-Authentication-Results behind its `i=N;`, as it
	 * stands, within `memory`; NULL if there is none. Only of worth with
	 * ARC_PASS and a sealer that is trusted. */
	char const *results;
	size_t results_len;
	char const *why; /* of ARC_FAIL; static text */
	char *memory;	 /* arc_free */
};

/* False: the message could not be read, errno. */
bool arc_verify(struct source const *message, struct query *query,
	struct dkim_options const *options, struct arc_result *result_r)
	__attribute__((warn_unused_result));
/* Twice is safe. */
void arc_free(struct arc_result *result);

/* "none", "pass", "fail", "temperror". */
char const *arc_name(enum arc_code code);

#endif
