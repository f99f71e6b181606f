/*
 * mailauth.h - all that authenticates a message, in one call
 *
 * SPF of HELO and of MAIL FROM, DKIM, ARC and DMARC, and the
 * Authentication-Results value that tells it (RFC 8601). Reads the message
 * twice: its header into memory (FIELDS_BYTES_MAX of it) and its body in
 * pieces. First questions to the DNS travel together. Nothing is decided here:
 * the caller's rules do that. For the parts see spf.h, dkim.h, arc.h, dmarc.h.
 *
 * Bounds: DKIM_SIGNATURES_MAX signatures, ARC_SETS_MAX sets, the limits of
 * RFC 7208 4.6.4, QUERY_QUESTIONS_MAX questions, and the query's deadline,
 * after which what is still open is a temporary error.
 */
#ifndef MAILAUTH_H
#define MAILAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mime/dkim/arc.h"
#include "mime/dkim/dkim.h"
#include "smtpd/check/dmarc.h"
#include "common/query.h"
#include "mime/dkim/source.h"
#include "smtpd/check/spf.h"

/* Octets of the Authentication-Results value. */
#define MAILAUTH_VALUE_MAX 8192

/* Of an authenticated user's mail: SPF and DMARC have nothing to say. */
#define MAILAUTH_NO_SPF 1u
#define MAILAUTH_NO_DKIM 2u
#define MAILAUTH_NO_ARC 4u
#define MAILAUTH_NO_DMARC 8u

struct mailauth_request {
	/* As received, header first, with CRLF line ends; without the lines
	 * that we add in front. */
	struct source message;
	char const *client; /* address in text; unreadable: as NO_SPF */
	char const *helo;   /* as given */
	char const *sender; /* of MAIL FROM without brackets, "" for null */
	char const *host;   /* our name: authserv-id and %{r} */
	uint64_t now;	    /* seconds since 1970 */
	unsigned bits_min;  /* of RSA keys; 0: 1,024 */
	unsigned flags;	    /* MAILAUTH_NO_* */
	/* Called once, when the first questions are on their way; or NULL. */
	void (*meanwhile)(void *data);
	void *data;
};

struct mailauth_results {
	/* Meaningful unless left out by a flag (then NONE, and absent in the
	 * value). helo is SPF_NONE where HELO has an address literal. */
	struct spf_result spf_helo, spf_from;
	struct dkim_results dkim;
	struct arc_result arc;
	struct dmarc_result dmarc;
	/* The value of the Authentication-Results field: begins with host,
	 * folded with CRLF and a tab, without a last CRLF; NUL-ended. Foreign
	 * text in it is made harmless. */
	char value[MAILAUTH_VALUE_MAX];
	size_t value_len;
};

/*
 * Check. query: made by query_init for this message; answers may point into
 * it, so free the results first. Returns false with errno if the message could
 * not be read or memory ran out: a temporary failure of ours. mailauth_free
 * in both cases; twice is safe.
 */
bool mailauth_run(struct mailauth_request const *request, struct query *query,
	struct mailauth_results *results_r) __attribute__((warn_unused_result));
void mailauth_free(struct mailauth_results *results);

#endif
