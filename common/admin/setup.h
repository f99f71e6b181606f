/*
 * setup.h - the steps of `kereru setup`
 *
 * Each looks what is there, completes it, and tells what it does in a line that
 * begins with `; `, so that what is printed as a whole is a zone file's text. A
 * dry run tells the same lines and changes nothing.
 */
#ifndef SETUP_H
#define SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include "common/addr.h"
#include "common/admin/password.h"
#include "common/admin/values.h"

#define SETUP_ADDRESSES_MAX 8

struct setup {
	char const *folder, *hostname, *state; /* state NULL: the default */
	char const *addresses[SETUP_ADDRESSES_MAX];
	size_t address_count;
	char domain[ADDR_DOMAIN_MAX + 1]; /* "": none was given */
	char mailbox[ADDR_KEY_MAX + 1];	  /* the same */
	bool is_demo, is_dry, no_dkim, password_from_stdin;
	char libexec[512], share[512], sendmail[512]; /* of this program */
	/* Of the new mailbox: asked for before anything is done. */
	bool has_password;
	char password[PASSWORD_MAX];
	size_t password_len;
};

/* Tell it. Whether it is to be done: this is no dry run. */
bool setup_doing(struct setup const *s, char const *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Those that follow return false, or an exit code, after telling why. */

/* The text files that are not there. */
bool setup_files(struct setup const *s) __attribute__((warn_unused_result));

/* The settings that there are, or in a dry run those that there would be. An
 * exit code. */
int setup_values(struct setup const *s, struct values *v);

bool setup_accounts(struct setup const *s, struct values const *v)
	__attribute__((warn_unused_result));
bool setup_folders(struct setup const *s, struct values const *v)
	__attribute__((warn_unused_result));
/* Only if the settings do not say where others are. */
bool setup_certificates(struct setup const *s, struct values const *v)
	__attribute__((warn_unused_result));
/* sendmail may add to the queue, by its group; see sendmail(8). */
bool setup_sendmail(struct setup const *s, struct values const *v)
	__attribute__((warn_unused_result));

/* Whether the mailbox is in a domain that is local, or will be. False: told. */
bool setup_mailbox_fits(struct setup const *s)
	__attribute__((warn_unused_result));

/* The domain, keys for each local domain that has none, the mailbox. */
int setup_domains(struct setup const *s);
int setup_keys(struct setup const *s);
int setup_mailbox(struct setup const *s);

bool setup_services(struct setup const *s, struct values const *v)
	__attribute__((warn_unused_result));

/* Whether there is such a mailbox already. */
bool setup_has_user(char const *folder, char const *key);

#endif
