/*
 * scripts.h - the scripts of a mailbox, and which of them is active
 *
 * They are files `sieve/NAME.sieve` in the maildir; `.dovecot.sieve` is a link
 * to the active one, as local/filter.h reads it. It may also be a file itself,
 * made by hand: that is shown as an active script under a name that no other
 * has, and becomes one of the others when something is to be changed.
 *
 * A name is always one that sieve_name_script takes, without a NUL. Changes
 * are durable when they are done, exclude each other, and at every instant the
 * active script is the old one or the new one, whole.
 */
#ifndef MANAGESIEVE_SCRIPTS_H
#define MANAGESIEVE_SCRIPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "local/sieve/name.h"

#define SCRIPTS_MAX 100

enum scripts_result {
	SCRIPTS_OK,
	SCRIPTS_NONE,	   /* there is no script of that name */
	SCRIPTS_EXISTS,	   /* there is one already */
	SCRIPTS_IS_ACTIVE, /* not while it is active */
	SCRIPTS_TOO_MANY,  /* SCRIPTS_MAX are there */
	SCRIPTS_TOO_LARGE, /* SIEVE_SCRIPT_MAX */
	SCRIPTS_FAILED,	   /* errno */
};

struct scripts {
	int root_fd; /* the maildir */
};

/* Call show for each. False: errno. */
bool scripts_list(struct scripts const *s,
	void (*show)(void *data, char const *name, bool is_active), void *data)
	__attribute__((warn_unused_result));

/* Append its text. */
enum scripts_result scripts_read(struct scripts const *s, char const *name,
	stralloc *text) __attribute__((warn_unused_result));

bool scripts_exist(struct scripts const *s, char const *name);

/* Whether one of that name and size could be written. */
enum scripts_result scripts_room(struct scripts const *s, char const *name,
	uint64_t size) __attribute__((warn_unused_result));

/* Write it new, or over the old one. */
enum scripts_result scripts_write(struct scripts const *s, char const *name,
	char const *text, size_t len) __attribute__((warn_unused_result));

/* NULL: none shall be active. */
enum scripts_result scripts_activate(struct scripts const *s, char const *name)
	__attribute__((warn_unused_result));

enum scripts_result scripts_delete(struct scripts const *s, char const *name)
	__attribute__((warn_unused_result));

/* An active one stays active. */
enum scripts_result scripts_rename(struct scripts const *s, char const *name,
	char const *to) __attribute__((warn_unused_result));

#endif
