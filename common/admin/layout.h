/*
 * layout.h - who owns what below a host's state folder, and with which mode
 *
 * One table. `kereru setup` makes the folders by it, `kereru compile` gives the
 * tables away by it, `kereru check` holds what is there against it. What is not
 * of a fixed number (maildirs, logs, services, messages) is not in it.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "common/admin/values.h"

enum layout_kind {
	LAYOUT_FOLDER, /* made by setup */
	LAYOUT_FILE,   /* made by setup, empty */
	LAYOUT_TABLE,  /* made by compile */
	LAYOUT_LATER   /* made by whom it belongs to, when there is need */
};

struct layout {
	char const *path; /* below state; "" is that itself */
	enum layout_kind kind;
	/* Roles, as in account-ROLE, or LAYOUT_DROP; NULL: root. */
	char const *owner, *group;
	mode_t mode;
};
#define LAYOUT_DROP "(drop)"

extern struct layout const layout_table[];
extern size_t const layout_count;

/* The numbers behind owner and group. False: there is no such account. */
bool layout_owner(struct layout const *l, struct values const *v, uid_t *uid_r,
	gid_t *gid_r) __attribute__((warn_unused_result));

/* Set owner and mode of a file that publish_open has begun and that will be
 * `path`; fsync, close. False: errno. */
bool layout_publish(struct values const *v, char const *path, int fd)
	__attribute__((warn_unused_result));

#endif
