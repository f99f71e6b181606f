/*
 * `kereru wkd`: the folder of a Web Key Directory, for a web server to publish.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/config.h"
#include "common/admin/webfile.h"
#include "common/admin/wkd.h"

static char const usage[] =
	"usage: kereru [-c DIR] wkd FOLDER <KEYS\n"
	"  KEYS are public keys as `gpg --export` writes them. Those of the\n"
	"  mailboxes and aliases here are put into FOLDER/DOMAIN/hu/, to be\n"
	"  published as https://openpgpkey.DOMAIN/.well-known/openpgpkey/\n"
	"  DOMAIN/ or as https://DOMAIN/.well-known/openpgpkey/.\n";

/* A domain without any key loses what it had, if it was ever published. */
static bool
publish(struct wkd const *w, struct config const *c, int root)
{
	for (size_t d = 0; d < c->domains.count; d++) {
		char const *const domain = c->domains.list[d].name.s;
		int own;
		bool ok;

		if (strchr(domain, '/') || domain[0] == '.' ||
			(!wkd_has(w, domain) &&
				faccessat(root, domain, F_OK,
					AT_SYMLINK_NOFOLLOW) < 0))
			continue;
		own = webfile_folder(root, domain);
		ok = own >= 0 && wkd_publish(w, own, domain);
		if (own >= 0)
			close(own);
		if (!ok)
			return false;
	}
	return true;
}

static int
run(struct wkd *w, char const *config_folder, char const *to)
{
	struct config c = {.folder = config_folder};
	struct faults f = {.is_quiet = true};
	int root, code;

	if (!config_read(&c, config_folder, &f)) {
		config_free(&c);
		return COMMAND_TEMPORARY;
	}
	if (f.count > 0) {
		config_free(&c);
		return COMMAND_PERMANENT;
	}
	code = wkd_find(w, &c);
	if (code == COMMAND_OK) {
		root = webfile_root(to);
		if (root < 0 || !publish(w, &c, root)) {
			fprintf(stderr, "kereru: %s: %s\n", to,
				strerrordesc_np(errno));
			code = COMMAND_TEMPORARY;
		}
		if (root >= 0)
			close(root);
	}
	config_free(&c);
	return code;
}

int
command_wkd(struct command_context const *x, int argc, char const *const *argv)
{
	struct wkd w = {.is_told = true};
	int code;

	if (argc != 2 || argv[1][0] == '-') {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	if (!wkd_read(&w, 0)) {
		perror("kereru: the keys on standard input");
		return COMMAND_TEMPORARY;
	}
	code = run(&w, x->folder, argv[1]);
	if (code == COMMAND_OK && fflush(stdout) != 0)
		code = COMMAND_TEMPORARY;
	wkd_free(&w);
	return code;
}
