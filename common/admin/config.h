/*
 * config.h - all text files of one host, read, checked and joined
 *
 * What `kereru compile` writes and `kereru check` judges. tables(5) describes
 * the files. Every string points into a text or into one of the arenas here.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/admin/fault.h"
#include "common/admin/name.h"
#include "common/admin/text.h"
#include "common/admin/values.h"
#include <skalibs/stralloc.h>

struct config_domain {
	struct name name;
	bool is_backup;
};

struct config_user {
	struct name name;
	uint32_t uid;
	char const *maildir; /* NULL: STATE/mail/DOMAIN/USER */
};

struct config_password {
	struct name name;
	char const *hash;
	char const *keys; /* for SCRAM; NULL: none */
	bool is_disabled; /* none of its passwords lets in; hash may be "" */
	bool is_refused;  /* and its mail is refused */
};

/* A password of a program: NUL-ended, in the text. */
struct config_app {
	char const *address, *label, *services, *selector, *hash;
	unsigned line;
};

struct config_target {
	char const *text; /* a local one as its key, others as written */
	size_t len;
	bool is_local;
};

struct config_alias {
	struct name name;
	size_t first, count; /* in targets */
	unsigned mark;	     /* of the walk that saw it last */
	bool on_path;	     /* of that walk: seen again, it is a loop */
};

struct config_route {
	struct name name;
	char const *host; /* `name` or `[address]` */
	uint32_t port;	  /* 0: remote-port */
	bool is_hold;	  /* it is not sent until somebody says so */
};

struct config_share {
	struct name name;
	char const *mailbox;
};

/* A line whose value is written as it is. */
struct config_value {
	struct name name;
	stralloc key, value; /* name may point into key */
};

struct config_network {
	unsigned char address[16];
	bool is_v6;
	uint32_t bits;
	unsigned line;
};

/* A key that mail of a domain is signed with. */
struct config_dkim {
	char const *domain, *selector; /* NUL-ended */
	size_t domain_len;
	struct text file; /* the key: a secret */
	bool is_ed25519;
	unsigned bits; /* of RSA */
};

/* A uid and the address that has or had it. */
struct config_uid {
	uint32_t uid;
	char const *address;
	unsigned line; /* of `users`; 0: only in the history */
};

#define CONFIG_LIST(type)                                                      \
	struct {                                                               \
		type *list;                                                    \
		size_t count, room;                                            \
	}

struct config {
	char const *folder;
	bool is_public; /* without what is secret: config_read_public */
	struct values values;
	struct text domains_text, users_text, passwords_text, aliases_text,
		routes_text, networks_text, rules_text, shared_text,
		history_text,
		policies_text, logins_text, outgoing_text, lists_text;
	stralloc outgoing; /* a line each, one blank between fields */
	stralloc rules; /* the statements, a line each; NUL-ended */
	/* A line each: name, mailbox, and who may use it, one blank between;
	 * NUL-ended. */
	stralloc shared;
	CONFIG_LIST(struct config_domain) domains;
	CONFIG_LIST(struct config_user) users;
	CONFIG_LIST(struct config_password) passwords;
	struct text apps_text;
	CONFIG_LIST(struct config_app) apps; /* by line */
	CONFIG_LIST(struct config_target) targets;
	CONFIG_LIST(struct config_alias) aliases;
	CONFIG_LIST(struct config_route) routes;
	CONFIG_LIST(struct config_network) networks;
	CONFIG_LIST(struct config_value) policies; /* of TLS to others */
	CONFIG_LIST(struct config_value) logins;
	CONFIG_LIST(struct config_share) shares; /* by line */
	CONFIG_LIST(struct name) lists;		 /* sorted */
	CONFIG_LIST(struct config_uid) uids;  /* sorted by uid */
	struct text dkim_text;
	CONFIG_LIST(struct config_dkim) dkim; /* as they stand there */
	struct config_user const *first_user; /* by line */
	/* names of the postmasters that nobody wrote */
	CONFIG_LIST(char *) made;
};

/* Room for one more in a CONFIG_LIST; NULL: no memory. Zeroed. */
#define CONFIG_ADD(l)                                                          \
	config_add((void **)&(l)->list, &(l)->count, &(l)->room,               \
		sizeof *(l)->list)
void *config_add(void **list, size_t *count, size_t *room, size_t size);

/*
 * Read everything below folder, telling every fault. False: memory or the file
 * system (told too). What was read is complete only if there is no fault.
 */
bool config_read(struct config *c, char const *folder, struct faults *f)
	__attribute__((warn_unused_result));
void config_free(struct config *c);

/* The same without passwords, logins and keys: for a process that will fork
 * others which read foreign octets. No key is open, its path alone is known. */
bool config_read_public(struct config *c, char const *folder, struct faults *f)
	__attribute__((warn_unused_result));

/* The aliases; called by config_read, after users and domains. */
bool config_read_aliases(struct config *c, struct faults *f)
	__attribute__((warn_unused_result));
/* Routes and networks. */
bool config_read_routing(struct config *c, struct faults *f)
	__attribute__((warn_unused_result));

/* How mail is sent on; after the routes. */
bool config_read_remote(struct config *c, struct faults *f)
	__attribute__((warn_unused_result));
void config_free_remote(struct config *c);

/* The rules of check. */
bool config_read_rules(struct config *c, struct faults *f)
	__attribute__((warn_unused_result));

/* The passwords of programs; after the users. */
bool config_read_apps(struct config *c, struct faults *f)
	__attribute__((warn_unused_result));

/* The mailboxes that are shared. */
bool config_read_shared(struct config *c, struct faults *f)
	__attribute__((warn_unused_result));
/* Is this mailbox one of them? */
bool config_is_shared(struct config const *c, char const *mailbox);

/* The mailing lists, after users and aliases. */
bool config_read_lists(struct config *c, struct faults *f)
	__attribute__((warn_unused_result));
bool config_is_list(struct config const *c, char const *mailbox);
/* One of the further addresses of a list (1 to CONFIG_LIST_ADDRESSES), or of
 * what would be one. Its length; 0: it is too long. */
#define CONFIG_LIST_ADDRESSES 6
size_t config_list_address(char const *list, size_t i, char *out, size_t max);

/* The keys for DKIM, after the domains. */
bool config_read_dkim(struct config *c, struct faults *f)
	__attribute__((warn_unused_result));
void config_free_dkim(struct config *c);

/* NULL: no such domain. */
struct config_domain const *config_domain(
	struct config const *c, char const *s, size_t len);
struct config_user const *config_user(
	struct config const *c, char const *s, size_t len);
struct config_alias *config_alias(
	struct config const *c, char const *s, size_t len);

/*
 * Call each for every uid that alias reaches over other aliases; a uid may come
 * twice. False: a loop, or each said false.
 */
bool config_alias_uids(struct config *c, struct config_alias *alias,
	bool (*each)(void *data, uint32_t uid), void *data)
	__attribute__((warn_unused_result));

/* The same for every target elsewhere, as it was written. */
bool config_alias_outside(struct config *c, struct config_alias *alias,
	bool (*each)(void *data, char const *s, size_t len), void *data)
	__attribute__((warn_unused_result));

/* The maildir of a user. False: no memory. */
bool config_maildir(struct config const *c, struct config_user const *u,
	stralloc *sa) __attribute__((warn_unused_result));

/*
 * For the readers of each file: text_line, with its faults told; and an address
 * of a line, put into its key in place. *at_r: where its domain begins.
 */
bool config_line(
	struct text *t, struct faults *f, char **line_r, size_t *len_r);
bool config_address(struct text const *t, struct faults *f, char *s,
	size_t *len, size_t *at_r);
/* A domain to lower case in place; false: it is none (told). */
bool config_domain_name(
	struct text const *t, struct faults *f, char *s, size_t *len);

#endif
