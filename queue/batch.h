/*
 * batch.h - SMTP on standard input and output (sendmail -bs)
 *
 * For programs of this host that hand in mail so: the caller is who runs the
 * program, nobody logs in, no name is looked up. HELO, EHLO (8BITMIME, SIZE,
 * PIPELINING, ENHANCEDSTATUSCODES), MAIL, RCPT, DATA, RSET, NOOP, VRFY, QUIT.
 */
#ifndef BATCH_H
#define BATCH_H

#include "queue/handin.h"

/* Until QUIT or the end of the input. False: that cannot be read, or the output
 * not be written. */
bool batch_run(struct handin *h) __attribute__((warn_unused_result));

#endif
