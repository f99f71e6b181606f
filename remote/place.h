/*
 * place.h - how many sessions one host is given at a time
 *
 * Domains share hosts: limits by destination add up there. The processes that
 * deliver know nothing of one another, so each takes a place at an address
 * before it connects, as a lock on an octet of one file without a name, which
 * the spawner has made. The kernel ends a place with its process; nothing is
 * written anywhere, and who goes astray can but take places. Who waits for one
 * says so by a lock, too, and who keeps an idle session for a next job gives it
 * up then.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sodium.h>
#include "remote/mx.h"

struct places {
	int fd;		/* -1: there is no limit */
	unsigned limit; /* at one address and port; at least 1 */
	unsigned char key[crypto_shorthash_KEYBYTES];
	/* Of this process; -1: none. */
	off_t mine, wanted;
};

/* Before the processes are forked. at: the descriptor that the file gets, or
 * -1. Without a file (errno) there is no limit. */
bool places_open(struct places *p, unsigned limit, int at)
	__attribute__((warn_unused_result));

/* A place at an address in exchange for the one that is held, if there is one
 * now. The one that is held at this address stays. */
bool places_take(struct places *p, struct mx_address const *to, unsigned port)
	__attribute__((warn_unused_result));

/* Others are told that one is waited for at an address; NULL: no more. */
void places_want(struct places *p, struct mx_address const *to, unsigned port);

/* Whether somebody waits for the place that is held. */
bool places_are_wanted(struct places const *p);

void places_leave(struct places *p);

#endif
