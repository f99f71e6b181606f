/*
 * reply.h - every answer that smtpd and submit-front can give
 *
 * Codes of RFC 5321 4.2, enhanced codes of RFC 3463 and RFC 4954. The table is
 * in reply.c; smtpd(8) explains each line of it.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include "common/stream.h"

/* Octets of a reply, its CRLF not included (RFC 5321 4.5.3.1.5). */
#define SMTP_REPLY_MAX 510

enum smtp_reply {
	SMTP_R_GREETING,
	SMTP_R_BYE,
	SMTP_R_OK,
	SMTP_R_HELLO,
	SMTP_R_SENDER,
	SMTP_R_RECIPIENT,
	SMTP_R_QUEUED,
	SMTP_R_CHUNK,
	SMTP_R_WOKEN,
	SMTP_R_MEMBER,
	SMTP_R_VRFY,
	SMTP_R_HELP,
	SMTP_R_GO_AHEAD,
	SMTP_R_TLS_READY,
	SMTP_R_LOGIN_OK,
	SMTP_R_TIMEOUT,
	SMTP_R_STOPPED,
	SMTP_R_TOO_MANY,
	SMTP_R_BAD_COMMANDS,
	SMTP_R_HTTP,
	SMTP_R_INJECTION,
	SMTP_R_FAILED_LOGINS,
	SMTP_R_MANY_REFUSED,
	SMTP_R_IDLE,
	SMTP_R_LOST_CHUNK,
	SMTP_R_TROUBLE,
	SMTP_R_QUEUE_FULL,
	SMTP_R_MAILBOX_FULL,
	SMTP_R_TOO_MANY_RECIPIENTS,
	SMTP_R_WAKE_LATER,
	SMTP_R_WAKE_DENIED,
	SMTP_R_TLS_LATER,
	SMTP_R_LOGIN_LATER,
	SMTP_R_LINE_LONG,
	SMTP_R_LINE_CONTROL,
	SMTP_R_LINE_8BIT,
	SMTP_R_UNKNOWN,
	SMTP_R_NOT_HERE,
	SMTP_R_SYNTAX,
	SMTP_R_VALUE,
	SMTP_R_PARAMETER,
	SMTP_R_BAD_SENDER,
	SMTP_R_BAD_RECIPIENT,
	SMTP_R_NEED_HELLO,
	SMTP_R_NEED_MAIL,
	SMTP_R_NEED_RCPT,
	SMTP_R_NO_CHUNKS,
	SMTP_R_NEED_BDAT,
	SMTP_R_NESTED,
	SMTP_R_IS_TLS,
	SMTP_R_IS_LOGIN,
	SMTP_R_NO_RECIPIENTS,
	SMTP_R_NEED_TLS,
	SMTP_R_NEED_LOGIN,
	SMTP_R_LOGIN_FAILED,
	SMTP_R_CANCELLED,
	SMTP_R_BASE64,
	SMTP_R_SASL_LONG,
	SMTP_R_MECHANISM,
	SMTP_R_NO_MAILBOX,
	SMTP_R_TAKES_NONE,
	SMTP_R_NO_RELAY,
	SMTP_R_NOT_OWNER,
	SMTP_R_NOT_TOLD,
	SMTP_R_NOT_TRUSTED,
	SMTP_R_UTF8_SENDER,
	SMTP_R_UTF8_RECIPIENT,
	SMTP_R_FLAWED,
	SMTP_R_LONG_LINE,
	SMTP_R_TOO_BIG,
	SMTP_R_LOOP,
	SMTP_R_EARLY,
	SMTP_R_POLICY_LATER,
	SMTP_R_POLICY_REFUSED,
	SMTP_R_GIVEN,
	SMTP_REPLIES
};

/*
 * The reply as text, without its CRLF; detail replaces the `%` of the table (it
 * must be clean; cut if too long). Returns the length.
 */
size_t smtp_reply_format(
	char out[SMTP_REPLY_MAX], enum smtp_reply r, char const *detail);

/* Whether the client has broken the protocol: a few of these end a session. */
bool smtp_reply_is_bad(enum smtp_reply r);

/* Write the reply. False: as stream_write. */
bool smtp_reply_send(
	struct stream *stream, enum smtp_reply r, char const *detail);

#endif
