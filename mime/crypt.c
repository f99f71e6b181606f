/*
 * mime-crypt - sign, encrypt, decrypt and verify messages
 *
 * The part of mime that speaks with GnuPG, a program of its own so that what
 * needs no keys starts without them. Runs as whoever calls it. It reads foreign
 * messages, and hands signatures and ciphertext to GnuPG; what it tells of them
 * is harmless for a terminal.
 *
 * Called by mime, which has read the options:
 *	mime-crypt verify		message on 0; report on 1
 *	mime-crypt decrypt		message on 0; message on 1, report on 2
 *	mime-crypt show			message on 0; message on 1, report on 3
 *	mime-crypt sign|encrypt ...	message on 0; message on 1
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>

#include "common/id.h"
#include "mime/command.h"
#include "mime/lock.h"
#include "mime/signer.h"
#include "mime/unlock.h"

#define REPORT_FD 3

char const *PROG;

static stralloc text; /* the message */

static void
read_message(void)
{
	ssize_t n;

	do {
		if (!stralloc_readyplus(&text, 65536))
			strerr_diefu1sys(111, "read the message");
		n = read(0, text.s + text.len, 65536);
		if (n < 0 && errno != EINTR)
			strerr_diefu1sys(111, "read the message");
		text.len += n > 0 ? (size_t)n : 0;
		if (text.len > MESSAGE_MAX)
			strerr_dief1x(111, "the message is larger than "
					   "256 MiB");
	} while (n != 0);
}

static void
put(int fd, stralloc const *s)
{
	if (allwrite(fd, s->s ? s->s : "", s->len) != s->len)
		strerr_diefu1sys(111, "write");
}

static void
start_engine(char const *home)
{
	struct engine_result r = {0};

	if (!engine_start(home, &r))
		strerr_dief1x(111, r.error);
}

static void
unlock(struct unlock *u, stralloc *out)
{
	start_engine(NULL);
	if (!unlock_message(u, text.s, text.len, out))
		strerr_diefu1sys(111, "look at the message");
}

/* 0: good; 2: it fits, but a key is not certified; 1: all else. */
static int
verify(void)
{
	struct unlock u = {0};
	stralloc out = STRALLOC_ZERO;

	unlock(&u, &out);
	if (u.good + u.uncertified == 0 &&
		!stralloc_cats(
			&u.report, "No good signature of the whole message.\n"))
		strerr_diefu1sys(111, "look at the message");
	put(1, &u.report);
	if (u.bad > 0 || u.good + u.uncertified == 0)
		return 1;
	return u.uncertified > 0 ? 2 : 0;
}

/* 0: all that was encrypted is decrypted; 1: there is more, or nothing. */
static int
decrypt(void)
{
	struct unlock u = {0};
	stralloc out = STRALLOC_ZERO;

	unlock(&u, &out);
	if (u.decrypted + u.locked == 0 &&
		!stralloc_cats(&u.report, "Nothing is encrypted in it.\n"))
		strerr_diefu1sys(111, "look at the message");
	put(2, &u.report);
	put(1, &out);
	return u.locked > 0 || u.decrypted == 0 ? 1 : 0;
}

static int
show(void)
{
	struct unlock u = {0};
	stralloc out = STRALLOC_ZERO;

	unlock(&u, &out);
	put(REPORT_FD, &u.report);
	put(1, &out);
	return 0;
}

/* Addresses of the fields, as pointers into list. */
static void
add_names(stralloc const *list, genalloc *names)
{
	for (size_t i = 0; i < list->len; i += strlen(list->s + i) + 1) {
		char const *const name = list->s + i;

		if (!genalloc_append(char const *, names, &name))
			strerr_diefu1sys(111, "read the message");
	}
}

static void
find_addresses(stralloc *list, char const *field)
{
	size_t const header = header_end(text.s, text.len, HEADER_MAX);

	if (!signer_addresses(list, text.s, header, field))
		strerr_diefu1sys(111, "read the message");
}

/* From, for a key to sign with and a copy to keep. */
static char const *
sender(void)
{
	static stralloc from;

	if (from.len == 0)
		find_addresses(&from, "from");
	if (from.len == 0)
		strerr_dief1x(100, "there is no sender in From: name a key by "
				   "-k");
	return from.s;
}

static char const *const *
recipients(struct options const *o, enum engine_protocol p)
{
	static stralloc list;
	static genalloc names;
	char const *end = NULL;

	for (size_t i = 0; i < o->count; i++)
		if (o->list[i].letter == 'r' &&
			!genalloc_append(
				char const *, &names, &o->list[i].value))
			strerr_diefu1sys(111, "read the options");
	if (genalloc_len(char const *, &names) == 0 && !options_has(o, 'T')) {
		find_addresses(&list, "bcc");
		if (list.len > 0)
			strerr_dief1x(100,
				"who stands in Bcc would be seen by all by "
				"their keys: encrypt a message for each, or "
				"name the keys by -r");
		find_addresses(&list, "to");
		find_addresses(&list, "cc");
		if (list.len == 0)
			strerr_dief1x(100, "there is no recipient in To or Cc");
		add_names(&list, &names);
		/* So that who has sent it can read it again. */
		if (engine_has_key(p, sender())) {
			char const *const from = sender();

			if (!genalloc_append(char const *, &names, &from))
				strerr_diefu1sys(111, "read the message");
		}
	}
	if (!genalloc_append(char const *, &names, &end))
		strerr_diefu1sys(111, "read the options");
	return genalloc_s(char const *, &names);
}

/*
 * To encrypt to the key in a file nothing of the caller's is needed: on
 * delivery there may be no home, and must be no agent.
 */
static char home[PATH_MAX];

static void
remove_home(void)
{
	DIR *const dir = opendir(home);
	struct dirent const *d;

	while (dir && (d = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), d->d_name, 0);
	if (dir) {
		(void)unlinkat(dirfd(dir), "private-keys-v1.d", AT_REMOVEDIR);
		closedir(dir);
	}
	(void)rmdir(home);
}

static void
start_for_file(void)
{
	char const *const tmp = getenv("TMPDIR");
	struct engine_result r = {0};

	(void)snprintf(home, sizeof home, "%s/mime-crypt.XXXXXX",
		tmp && tmp[0] == '/' ? tmp : "/tmp");
	if (!mkdtemp(home))
		strerr_diefu2sys(111, "make the folder ", home);
	if (!engine_start(home, &r)) {
		remove_home();
		strerr_dief1x(111, r.error);
	}
}

static int
lock(struct options const *o, bool encrypts)
{
	bool const signs = !encrypts || options_has(o, 's');
	char boundary[ID_SECRET_LEN + 3] = "=_";
	struct lock k = {
		.protocol = options_has(o, 'S') ? ENGINE_CMS : ENGINE_OPENPGP,
		.file = options_value(o, 'T', NULL),
		.clear_subject = options_has(o, 'c'),
		.boundary = boundary};
	stralloc out = STRALLOC_ZERO;
	char why[256];
	bool ok;

	if (k.file && (signs || options_has(o, 'S') || options_has(o, 'A') ||
			      options_has(o, 'r')))
		strerr_dief1x(100, "-T goes with none of -s, -r, -A and -S");
	if (k.file)
		start_for_file();
	else
		start_engine(NULL);
	if (signs)
		k.signer = options_value(o, 'k', NULL);
	if (signs && !k.signer)
		k.signer = sender();
	if (options_has(o, 'A'))
		k.autocrypt = sender();
	if (encrypts)
		k.names = recipients(o, k.protocol);
	id_secret(boundary + 2);
	ok = lock_message(&k, text.s, text.len, &out, why);
	if (k.file)
		remove_home();
	if (!ok) {
		if (why[0] == '\0')
			strerr_diefu1sys(111, "keep the message");
		strerr_dief1x(111, why);
	}
	put(1, &out);
	return 0;
}

int
main(int argc, char const *const *argv)
{
	static char const *const spec[] = {"k: key", "r: recipient",
		"T: to-key", "s sign", "S smime", "A autocrypt",
		"c clear-subject", NULL};
	struct options o;
	size_t used;

	PROG = "mime";
	if (argc < 2 ||
		!options_parse(argv + 2, (size_t)argc - 2, spec, &o, &used) ||
		used + 2 != (size_t)argc)
		strerr_dieusage(100, "it is mime that calls this");
	if (!stralloc_ready(&text, 1))
		strerr_diefu1sys(111, "start");
	read_message();
	if (strcmp(argv[1], "verify") == 0)
		return verify();
	if (strcmp(argv[1], "decrypt") == 0)
		return decrypt();
	if (strcmp(argv[1], "show") == 0)
		return show();
	if (strcmp(argv[1], "sign") == 0)
		return lock(&o, false);
	if (strcmp(argv[1], "encrypt") == 0)
		return lock(&o, true);
	strerr_dieusage(100, "it is mime that calls this");
}
