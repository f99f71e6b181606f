/*
 * bayes.h - the classifier of check, in a process of its own
 *
 * A classifier has to be executed, which what looks at messages can't: a server
 * process, forked from check before its sandbox closes, keeps one running and
 * asks it for all. It ends it when there is nothing to do, so that the database
 * is not locked for those who teach it.
 */
#ifndef BAYES_H
#define BAYES_H

#include <stddef.h>
#include "common/classifier.h"

/* How long one answer may take. */
#define BAYES_TIMEOUT_MS 10000

/*
 * The server's loop. Over control_fd come newer settings (settings.cdb, as
 * attend.h says), over requests_fd the requests of many. The database lies in
 * the current folder. Returns when nobody can ask any more.
 */
int bayes_serve(int control_fd, int requests_fd);

/* Ask the server about a text, and go on; what comes back is for bayes_take, -1
 * if nobody can be asked. */
int bayes_send(int requests_fd, char const *s, size_t len);

/* Its answer; NONE if it can't tell, or does not answer. */
enum classifier_verdict bayes_take(int answer_fd, unsigned *thousandths_r);

#endif
