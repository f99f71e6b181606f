/*
 * dkim_keys.h - the keys of this host: `kereru dkim DOMAIN`, `kereru dkim list`
 *
 * A key is a file in the folder dkim/ beside the text files and a line of the
 * table `dkim`, which says for which domain it is and under which selector.
 */
#ifndef DKIM_KEYS_H
#define DKIM_KEYS_H

#include "common/admin/command.h"

/*
 * Make a key, its line, and the tables anew, and print the record that has to
 * be published: `kereru dkim DOMAIN [--selector NAME] [--algorithm rsa|ed25519]
 * [--bits N]`; argv[0] is the domain.
 */
int dkim_keys_add(
	struct command_context const *x, int argc, char const *const *argv);

/*
 * Make an RSA key and an Ed25519 key for a local domain, with their lines; a
 * key of the selector that one would get is left alone, a name that is not
 * ASCII gets none. An exit code; what is wrong was told. The tables are not
 * compiled, nothing is printed.
 */
int dkim_keys_make_both(char const *folder, char const *domain);

/* Whether there is a key for the domain. */
struct config;
bool dkim_keys_has(struct config const *c, char const *domain);

/* All keys; with --records what has to be published, too. */
int dkim_keys_list(
	struct command_context const *x, int argc, char const *const *argv);

#endif
