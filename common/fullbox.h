/*
 * fullbox.h - mailboxes that have no room, for those who accept mail
 *
 * A table of fixed size behind the text of queue/load (kereru-queue(5)), which
 * the manager writes in place and those who have the file open read:
 * FULLBOX_SLOTS entries of the hash of an address and the second until which it
 * counts, both as big-endian numbers of 64 bits. Of addresses that meet in
 * their hash one is put off without need for a while, no more.
 */
#ifndef FULLBOX_H
#define FULLBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FULLBOX_OFFSET 4096
#define FULLBOX_SLOTS 4096
/* Slots that are looked at for one address. */
#define FULLBOX_PROBES 8
/* Seconds after which a mailbox is tried again. */
#define FULLBOX_SECONDS 1800

/* key: an address as addr_key makes it. until 0: it has room again. False: it
 * could not be written (errno). */
bool fullbox_set(int fd, char const *key, size_t len, uint64_t until)
	__attribute__((warn_unused_result));

/* What can't be read has room. */
bool fullbox_has(int fd, char const *key, size_t len, uint64_t now);

#endif
