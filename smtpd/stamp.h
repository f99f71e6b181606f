/*
 * stamp.h - what we write around a message: envelope, Received and more
 */
#ifndef SMTP_STAMP_H
#define SMTP_STAMP_H

#include <stdbool.h>
#include "smtpd/session.h"

/* Make the queue file, with these QUEUEFILE_* flags. False: errno. */
bool smtp_stamp_begin(struct smtp_session *s, unsigned flags)
	__attribute__((warn_unused_result));

/* Behind the message: our Received field; after a login the date and the
 * message id that are missing (RFC 6409 8.1, 8.2). */
void smtp_stamp_add(struct smtp_session *s);

#endif
