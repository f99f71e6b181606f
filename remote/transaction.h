/*
 * transaction.h - one message to several recipients over a session
 *
 * MAIL, RCPT for each, DATA (RFC 5321 3.3), in one go where the host takes
 * PIPELINING (RFC 2920). Each recipient has its own result.
 */
#ifndef TRANSACTION_H
#define TRANSACTION_H

#include "remote/client.h"

/* One recipient's result; status 0: not settled yet. */
struct transaction_result {
	char status; /* an enum job_status */
	char text[CLIENT_TEXT_SIZE];
};

/*
 * Send the job's message, read from file_fd, to those recipients that are not
 * settled in results[0..recipient_count).
 *
 * CLIENT_OK: at least one more is settled. Who is not (the host takes no more
 * of them at once) can be sent in another transaction. The session may have
 * ended.
 * CLIENT_TEMPORARY: the session failed, or did not want the transaction, before
 * the message was handed over, and has ended; text_r says why.
 */
enum client_status transaction_send(struct client *c, struct job const *job,
	int file_fd, struct transaction_result *results,
	char text_r[CLIENT_TEXT_SIZE]);

#endif
