/*
 * queuefile_form.h - what the writer and the parser of queue files both know
 *
 * For queuefile_format.c, queuefile_parse.c and queuefile_options.c alone.
 */
#ifndef QUEUEFILE_FORM_H
#define QUEUEFILE_FORM_H

#include "common/queuefile.h"

#define QUEUEFILE_MAGIC "kereru-queue 1\n"

/* Bits and how they are written; the last has no name. */
struct queuefile_name {
	unsigned bit;
	char const *name;
};
extern struct queuefile_name const queuefile_flags[], queuefile_notify[];

/* No control characters. */
bool queuefile_is_clean(char const *s, size_t len, size_t max);
/* One word without blanks, as ENVID and ORCPT are; never empty. */
bool queuefile_is_word(char const *s, size_t len, size_t max);
/* NEVER stands alone (RFC 3461 4.1). */
bool queuefile_is_notify(unsigned notify);
bool queuefile_is_url(char const *s, size_t len);
bool queuefile_is_token(char const *s, size_t len);
/* As many recipients as its flags allow; and with QUEUEFILE_VERP a sender,
 * without it no URL. */
bool queuefile_is_verp_sound(struct queuefile const *q);

#endif
