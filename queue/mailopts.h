/*
 * mailopts.h - the options that programs give sendmail
 *
 * Those of Sendmail 8, as far as others have taken them over. What means
 * nothing here is taken without a word, since programs give it out of habit;
 * what asks for something that will not happen is refused. No i/o.
 */
#ifndef MAILOPTS_H
#define MAILOPTS_H

#include <stdbool.h>
#include <stddef.h>
#include "common/queuefile.h"

enum mailopts_mode {
	MAILOPTS_DELIVER, /* -bm */
	MAILOPTS_SMTP,	  /* -bs */
	MAILOPTS_LIST,	  /* -bp, mailq */
	MAILOPTS_ALIASES, /* -bi, newaliases */
	MAILOPTS_VERIFY,  /* -bv */
	MAILOPTS_RUN	  /* -q: the queue, now */
};

struct mailopts {
	enum mailopts_mode mode;
	bool from_header;   /* -t */
	bool dot_continues; /* -i */
	char const *sender; /* -f, or NULL */
	char const *name;   /* -F, or NULL */
	char const *tables; /* -c, or NULL */
	unsigned notify;    /* -N, QUEUEFILE_NOTIFY_*; 0: not said */
	char ret;	    /* -R: 'F', 'H', or 0 */
	/* -V as xtext (RFC 3461 4.4), or empty. */
	char envid[QUEUEFILE_ENVID_MAX + 1];
	/* The recipients: argv of that many. */
	char const *const *rest;
	size_t rest_count;
};

/*
 * argv is changed. NULL: o_r is set; else why it cannot be done, "" for usage.
 */
char const *mailopts_parse(int argc, char const **argv, struct mailopts *o_r)
	__attribute__((warn_unused_result));

#endif
