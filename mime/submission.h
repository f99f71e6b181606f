/*
 * submission.h - a message handed to a submission server (RFC 6409, RFC 8314)
 *
 * Only under TLS, to a host whose certificate says that it is the one; AUTH
 * PLAIN (RFC 4954, RFC 4616). All recipients or none: the first that is refused
 * ends it, before any of the message is sent.
 */
#ifndef MIME_SUBMISSION_H
#define MIME_SUBMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/stream.h"
#include "common/tls_anchors.h"

struct submission {
	char const *host;     /* its name, as the certificate must have it */
	bool starttls;	      /* else TLS from the first octet */
	char const *user;     /* NULL: without AUTH */
	char const *password; /* NUL-ended */
	struct tls_anchors const *anchors;
	char const *hello; /* what we call ourselves */

	/* The envelope: addresses; recipients is a list, each NUL-ended. */
	char const *sender;
	char const *recipients;
	size_t recipients_len;
	char const *s; /* the message, LF or CRLF, without Bcc */
	size_t len;
};

enum submission_result {
	SUBMISSION_OK,
	SUBMISSION_PERMANENT, /* refused */
	SUBMISSION_TEMPORARY
};

#define SUBMISSION_TEXT_MAX 512

/* Do it all over fd, a connected socket. text_r says what the server said of
 * the message, or why it failed: foreign text. */
enum submission_result submission_run(
	struct submission const *m, int fd, char text_r[SUBMISSION_TEXT_MAX]);

#endif
