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

/* All keys; with --records what has to be published, too. */
int dkim_keys_list(
	struct command_context const *x, int argc, char const *const *argv);

#endif
