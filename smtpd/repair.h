/*
 * repair.h - line ends of a message from a trusted host, made right
 *
 * A bare LF and a bare CR become CRLF, a NUL is left out, CRLF stays. Only
 * behind smtp_data, which has found the end of the message by CRLF.CRLF alone:
 * what is repaired can't end anything any more. Pure: no allocation, linear
 * time.
 */
#ifndef SMTP_REPAIR_H
#define SMTP_REPAIR_H

#include <stdbool.h>
#include <stddef.h>

/* Takes a piece of a message. */
typedef void smtp_put(void *data, char const *s, size_t len);

struct smtp_repair {
	bool after_cr; /* the CR is not put yet */
};

/* The next piece of the message; what comes out goes to put. */
void smtp_repair_push(struct smtp_repair *r, char const *s, size_t len,
	smtp_put *put, void *data);
/* Behind the last piece. */
void smtp_repair_end(struct smtp_repair *r, smtp_put *put, void *data);

#endif
