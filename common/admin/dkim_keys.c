/* The keys of this host: see dkim_keys.h. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include "common/addr.h"
#include "common/admin/compile.h"
#include "common/admin/config.h"
#include "common/admin/dkim_keys.h"
#include "common/admin/edit.h"
#include "common/admin/folder.h"
#include "mime/dkim/dkim_private.h"

#define RSA_BITS 2048
/* Octets of one string of a TXT record (RFC 1035 3.3). */
#define STRING_MAX 255

struct wanted {
	char domain[ADDR_DOMAIN_MAX + 1];
	char selector[64];
	unsigned bits; /* 0: Ed25519 */
};

static int
usage(void)
{
	fprintf(stderr, "usage: kereru [-c DIR] dkim DOMAIN [--selector NAME] "
			"[--algorithm rsa|ed25519] [--bits N]\n"
			"       kereru [-c DIR] dkim list [--records]\n");
	return COMMAND_PERMANENT;
}

static bool
take_name(char *out, size_t size, char const *name)
{
	size_t len = strlen(name);

	if (len >= size || !addr_is_domain(name, len, 0) || *name == '[') {
		fprintf(stderr, "kereru: %s is not a name\n", name);
		return false;
	}
	for (size_t i = 0; i <= len; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32
								 : name[i]);
	return true;
}

/* A selector says what it is and from when: keys are changed now and then. */
static void
name_selector(struct wanted *w)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	snprintf(w->selector, sizeof w->selector, "%c%04d%02d",
		w->bits > 0 ? 'r' : 'e', (tm.tm_year + 1900) % 10000,
		(tm.tm_mon + 1) % 100);
}

static bool
read_options(struct wanted *w, int argc, char const *const *argv)
{
	char const *selector = NULL, *algorithm = "rsa", *bits = NULL;

	if (!take_name(w->domain, sizeof w->domain, argv[0]))
		return false;
	for (int i = 1; i < argc; i += 2) {
		char const *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (value != NULL && strcmp(argv[i], "--selector") == 0)
			selector = value;
		else if (value != NULL && strcmp(argv[i], "--algorithm") == 0)
			algorithm = value;
		else if (value != NULL && strcmp(argv[i], "--bits") == 0)
			bits = value;
		else
			return usage() == COMMAND_OK;
	}
	if (strcmp(algorithm, "rsa") != 0 && strcmp(algorithm, "ed25519") != 0)
		return usage() == COMMAND_OK;
	w->bits = *algorithm == 'e' ? 0
		  : bits != NULL    ? (unsigned)atoi(bits)
				    : RSA_BITS;
	if (w->bits > 0 &&
		(w->bits < DKIM_RSA_BITS_MIN || w->bits > DKIM_RSA_BITS_MAX)) {
		fprintf(stderr, "kereru: an RSA key has %u to %u bits\n",
			DKIM_RSA_BITS_MIN, DKIM_RSA_BITS_MAX);
		return false;
	}
	if (selector == NULL)
		name_selector(w);
	return selector == NULL ||
	       take_name(w->selector, sizeof w->selector, selector);
}

/* What BIND and its like read; other programs take what is between the quotes,
 * joined. */
static void
print_record(char const *domain, char const *selector, char const *record)
{
	size_t len = strlen(record);

	printf("%s._domainkey.%s. IN TXT (", selector, domain);
	for (size_t at = 0; at < len; at += STRING_MAX)
		printf("\n\t\"%.*s\"",
			(int)(len - at < STRING_MAX ? len - at : STRING_MAX),
			record + at);
	printf(" )\n");
}

static bool
print_key(char const *domain, char const *selector, char const *pem, size_t len)
{
	struct dkim_private key;
	char record[DKIM_RECORD_MAX];
	bool ok = dkim_private_parse(pem, len, &key) &&
		  dkim_private_record(&key, record);

	dkim_private_wipe(&key);
	if (ok)
		print_record(domain, selector, record);
	return ok;
}

/* Before a key is made: is there a place for it? */
static bool
is_wanted(struct config const *c, struct wanted const *w)
{
	struct config_domain const *d =
		config_domain(c, w->domain, strlen(w->domain));

	if (d == NULL || d->is_backup) {
		fprintf(stderr, "kereru: %s is no local domain here\n",
			w->domain);
		return false;
	}
	for (size_t i = 0; i < c->dkim.count; i++)
		if (strcmp(c->dkim.list[i].domain, w->domain) == 0 &&
			strcasecmp(c->dkim.list[i].selector, w->selector) ==
				0) {
			fprintf(stderr,
				"kereru: %s has the selector %s already\n",
				w->domain, w->selector);
			return false;
		}
	return true;
}

/* It is durable before its line is: a line without its key is a fault. */
static bool
write_key(char const *folder, char const *path, char const *pem)
{
	size_t len = strlen(pem);
	int folder_fd = -1;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && allwrite(fd, pem, len) == len && fsync(fd) == 0;

	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	if (ok)
		folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = ok && folder_fd >= 0 && fsync(folder_fd) == 0;
	if (!ok)
		fprintf(stderr, "kereru: cannot write %s: %s\n", path,
			strerror(errno));
	if (folder_fd >= 0)
		close(folder_fd);
	return ok;
}

static int
add_key(char const *folder, struct wanted const *w, char const *pem,
	bool may_be_there)
{
	char path[700], dir[300], line[900];
	struct publish p;
	bool ok;

	snprintf(dir, sizeof dir, "%s/dkim.keys", folder);
	snprintf(
		path, sizeof path, "%s/%s.%s.pem", dir, w->selector, w->domain);
	snprintf(line, sizeof line, "%s %s dkim.keys/%s.%s.pem", w->domain,
		w->selector, w->selector, w->domain);
	if (!folder_make(dir, 0, 0, 0700) ||
		(!(may_be_there && access(path, F_OK) == 0) &&
			!write_key(dir, path, pem)))
		return COMMAND_TEMPORARY;
	ok = edit_begin(&p, folder) &&
	     edit_file(&p, "dkim", NULL, line, 0644) && edit_commit(&p);
	edit_end(&p);
	return ok ? COMMAND_OK : COMMAND_TEMPORARY;
}

/* A key, and its file and line. pem is the caller's to wipe. A file that is
 * there without a line was left by a run that was killed in between. */
static int
make_key(char const *folder, struct wanted const *w, char pem[DKIM_PEM_MAX],
	bool may_be_there)
{
	if (!dkim_private_make(w->bits, pem)) {
		fprintf(stderr, "kereru: cannot make a key\n");
		return COMMAND_TEMPORARY;
	}
	return add_key(folder, w, pem, may_be_there);
}

bool
dkim_keys_has(struct config const *c, char const *domain)
{
	for (size_t i = 0; i < c->dkim.count; i++)
		if (strcmp(c->dkim.list[i].domain, domain) == 0)
			return true;
	return false;
}

int
dkim_keys_make_both(char const *folder, char const *domain)
{
	static unsigned const bits[] = {RSA_BITS, 0};
	struct wanted w;
	int code = COMMAND_OK;

	if (strlen(domain) >= sizeof w.domain ||
		!addr_is_domain(domain, strlen(domain), 0))
		return COMMAND_OK;
	for (size_t i = 0; code == COMMAND_OK && i < 2; i++) {
		char pem[DKIM_PEM_MAX];
		w.bits = bits[i];
		snprintf(w.domain, sizeof w.domain, "%s", domain);
		name_selector(&w);
		code = make_key(folder, &w, pem, true);
		sodium_memzero(pem, sizeof pem);
	}
	return code;
}

int
dkim_keys_add(
	struct command_context const *x, int argc, char const *const *argv)
{
	struct config c = {.folder = x->folder};
	struct faults f = {.is_quiet = true};
	struct wanted w;
	char pem[DKIM_PEM_MAX];
	bool ok;
	int code;

	if (!read_options(&w, argc, argv))
		return COMMAND_PERMANENT;
	ok = config_read(&c, x->folder, &f) && f.count == 0 &&
	     is_wanted(&c, &w);
	config_free(&c);
	if (!ok)
		return COMMAND_PERMANENT;
	code = make_key(x->folder, &w, pem, false);
	if (code == COMMAND_OK)
		code = compile_tables(x->folder);
	if (code == COMMAND_OK &&
		!print_key(w.domain, w.selector, pem, strlen(pem)))
		code = COMMAND_TEMPORARY;
	sodium_memzero(pem, sizeof pem);
	return code;
}

int
dkim_keys_list(
	struct command_context const *x, int argc, char const *const *argv)
{
	struct config c = {.folder = x->folder};
	struct faults f = {.is_quiet = true};
	bool has_records = argc == 2 && strcmp(argv[1], "--records") == 0;
	bool ok;

	if (argc > 1 && !has_records)
		return usage();
	ok = config_read(&c, x->folder, &f);
	for (size_t i = 0; ok && i < c.dkim.count; i++) {
		struct config_dkim const *d = &c.dkim.list[i];
		if (has_records)
			ok = print_key(
				d->domain, d->selector, d->file.s, d->file.len);
		else if (d->is_ed25519)
			printf("%s %s ed25519\n", d->domain, d->selector);
		else
			printf("%s %s rsa %u\n", d->domain, d->selector,
				d->bits);
	}
	config_free(&c);
	return ok && f.count == 0 ? COMMAND_OK : COMMAND_PERMANENT;
}
