/*
 * opening.h - how check and policy get a session
 *
 * When a session asks for one of them, its monitor sends that daemon one frame
 * (doc/PIPES.md) with two descriptors: the session's pair and settings.cdb as
 * it is now. Pure.
 */
#ifndef OPENING_H
#define OPENING_H

#include <stdbool.h>
#include <stddef.h>
#include "smtpd/checking.h"

/* Octets of a frame. */
#define OPENING_FRAME_MAX 1024

struct opening {
	struct checking_bytes service; /* e.g. smtp; 1 to 16 octets */
	struct checking_bytes client;  /* address as text */
	struct checking_bytes mailbox; /* who has logged in, or empty */
	bool is_in_networks;	       /* the client may relay */
};

size_t opening_encode(char *s, size_t max, struct opening const *o);
bool opening_decode(char const *s, size_t len, struct opening *o_r)
	__attribute__((warn_unused_result));

#endif
