/*
 * `kereru wkd`: the folder of a Web Key Directory
 * (draft-koch-openpgp-webkey-service, 3.1), for a web server to publish.
 */
#include <bearssl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/stralloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/config.h"
#include "common/admin/pgpkeys.h"

static char const usage[] =
	"usage: kereru [-c DIR] wkd FOLDER <KEYS\n"
	"  KEYS are public keys as `gpg --export` writes them. Those of the\n"
	"  mailboxes and aliases here are put into FOLDER/DOMAIN/hu/, to be\n"
	"  published as https://openpgpkey.DOMAIN/.well-known/openpgpkey/\n"
	"  DOMAIN/ or as https://DOMAIN/.well-known/openpgpkey/.\n";

#define KEYS_MAX (64u * 1024 * 1024)
#define HASH_LEN 32

/* A key of an address: what is published is sorted by these. */
struct entry {
	char *address; /* lower case */
	struct pgpkeys_span key;
};

struct wkd {
	stralloc keys; /* what was read */
	struct entry *list;
	size_t count, room;
};

static int
compare(void const *a, void const *b)
{
	struct entry const *x = a, *y = b;
	char const *at_x = strrchr(x->address, '@');
	char const *at_y = strrchr(y->address, '@');
	int r = strcmp(at_x, at_y);

	if (r == 0)
		r = strcmp(x->address, y->address);
	if (r == 0)
		r = (x->key.start > y->key.start) -
		    (x->key.start < y->key.start);
	return r;
}

/* SHA-1 of the local part in lower case, as z-base-32. */
static void
hash(char const *local, size_t len, char out[HASH_LEN + 1])
{
	static char const letters[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
	unsigned char digest[br_sha1_SIZE];
	br_sha1_context sha;

	br_sha1_init(&sha);
	br_sha1_update(&sha, local, len);
	br_sha1_out(&sha, digest);
	/* 160 bits are 32 letters of 5, with none left over. */
	for (size_t i = 0; i < HASH_LEN; i++) {
		size_t const bit = i * 5, octet = bit / 8;
		unsigned const pair =
			(unsigned)digest[octet] << 8 |
			(octet + 1 < sizeof digest ? digest[octet + 1] : 0u);

		out[i] = letters[pair >> (11 - bit % 8) & 31];
	}
	out[HASH_LEN] = '\0';
}

static bool
add(struct wkd *w, struct config const *c, struct pgpkeys_span const *key,
	struct pgpkeys_span const *address)
{
	size_t const len = address->end - address->start;
	char *name = strndup(w->keys.s + address->start, len);
	struct entry *e;

	if (!name)
		return false;
	for (char *s = name; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s + 32);
	if (strlen(name) != len ||
		(!config_user(c, name, len) && !config_alias(c, name, len))) {
		free(name);
		return true;
	}
	e = config_add((void **)&w->list, &w->count, &w->room, sizeof *e);
	if (!e) {
		free(name);
		return false;
	}
	e->address = name;
	e->key = *key;
	return true;
}

/* Finds the keys that are somebody's here. Returns the exit code. */
static int
find(struct wkd *w, struct config const *c)
{
	struct pgpkeys_span key, address;
	size_t pos = 0, at;
	int r;

	while ((r = pgpkeys_next(w->keys.s, w->keys.len, &pos, &key)) > 0) {
		at = 0;
		while (pgpkeys_address(w->keys.s, &key, &at, &address))
			if (!add(w, c, &key, &address)) {
				perror("kereru: keys");
				return COMMAND_TEMPORARY;
			}
	}
	if (r < 0) {
		fprintf(stderr,
			"kereru: at octet %zu of the keys is no public key "
			"(gpg --export, without --armor, makes them)\n",
			pos);
		return COMMAND_PERMANENT;
	}
	if (w->count > 0)
		qsort(w->list, w->count, sizeof w->list[0], compare);
	return COMMAND_OK;
}

/* A folder below fd, made if need be. */
static int
folder(int fd, char const *name)
{
	if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
		return -1;
	return openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Whole, or as it was. */
static bool
write_file(int fd, char const *name, char const *s, size_t len)
{
	static char const temporary[] = ".new";
	int const file = openat(fd, temporary,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	bool ok = file >= 0 && fchmod(file, 0644) == 0 &&
		  allwrite(file, s, len) == len && fsync(file) == 0;

	if (file >= 0 && close(file) < 0)
		ok = false;
	return ok && renameat(fd, temporary, fd, name) == 0;
}

/* What was published for addresses of list[first..end), and is no more. */
static bool
remove_others(int hu, struct wkd const *w, size_t first, size_t end)
{
	int const fd = openat(hu, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *const dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *d;
	bool ok = true;

	if (!dir)
		return false;
	while (ok && (d = readdir(dir)) != NULL) {
		bool keep = strlen(d->d_name) != HASH_LEN;

		for (size_t i = first; !keep && i < end; i++) {
			char const *const a = w->list[i].address;
			char name[HASH_LEN + 1];

			hash(a, (size_t)(strrchr(a, '@') - a), name);
			keep = strcmp(name, d->d_name) == 0;
		}
		ok = keep || unlinkat(hu, d->d_name, 0) == 0;
	}
	closedir(dir);
	return ok;
}

/* All keys of one address, in one file. Where the next address is in *i. */
static bool
publish_address(struct wkd const *w, int hu, size_t *i)
{
	char const *const address = w->list[*i].address;
	size_t const len = strlen(address);
	char name[HASH_LEN + 1];
	stralloc out = STRALLOC_ZERO;
	bool ok = true;

	for (; ok && *i < w->count && strcmp(w->list[*i].address, address) == 0;
		(*i)++)
		/* A key with two user ids of one address is there twice. */
		if (out.len == 0 ||
			w->list[*i].key.start != w->list[*i - 1].key.start)
			ok = pgpkeys_copy(&out, w->keys.s, &w->list[*i].key,
				address, len);
	hash(address, (size_t)(strrchr(address, '@') - address), name);
	ok = ok && write_file(hu, name, out.s, out.len);
	if (ok)
		printf("%s %s\n", address, name);
	stralloc_free(&out);
	return ok;
}

static bool
publish_domain(struct wkd const *w, int root, char const *domain, size_t *i)
{
	int const own = folder(root, domain);
	int const hu = own >= 0 ? folder(own, "hu") : -1;
	size_t const first = *i;
	bool ok = hu >= 0 && write_file(own, "policy", "", 0);

	while (ok && *i < w->count &&
		strcmp(strrchr(w->list[*i].address, '@') + 1, domain) == 0)
		ok = publish_address(w, hu, i);
	ok = ok && remove_others(hu, w, first, *i) && fsync(hu) == 0;
	if (hu >= 0)
		close(hu);
	if (own >= 0)
		close(own);
	return ok;
}

/* The first entry of the domain, or w->count. */
static size_t
first_of(struct wkd const *w, char const *domain)
{
	size_t i = 0;

	while (i < w->count &&
		strcmp(strrchr(w->list[i].address, '@') + 1, domain) != 0)
		i++;
	return i;
}

/* A domain without any key loses what it had, if it was ever published. */
static bool
publish(struct wkd const *w, struct config const *c, int root)
{
	for (size_t d = 0; d < c->domains.count; d++) {
		char const *const domain = c->domains.list[d].name.s;
		size_t i = first_of(w, domain);

		if (strchr(domain, '/') || domain[0] == '.' ||
			(i == w->count && faccessat(root, domain, F_OK,
						  AT_SYMLINK_NOFOLLOW) < 0))
			continue;
		if (!publish_domain(w, root, domain, &i))
			return false;
	}
	return true;
}

static bool
read_keys(stralloc *keys)
{
	ssize_t n;

	do {
		if (!stralloc_readyplus(keys, 65536))
			return false;
		n = read(0, keys->s + keys->len, 65536);
		if (n < 0 && errno != EINTR)
			return false;
		keys->len += n > 0 ? (size_t)n : 0;
		if (keys->len > KEYS_MAX) {
			errno = EFBIG;
			return false;
		}
	} while (n != 0);
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
	code = find(w, &c);
	if (code == COMMAND_OK) {
		root = folder(AT_FDCWD, to);
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
	struct wkd w = {0};
	int code;

	if (argc != 2 || argv[1][0] == '-') {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	if (!read_keys(&w.keys)) {
		perror("kereru: the keys on standard input");
		return COMMAND_TEMPORARY;
	}
	code = run(&w, x->folder, argv[1]);
	if (code == COMMAND_OK && fflush(stdout) != 0)
		code = COMMAND_TEMPORARY;
	for (size_t i = 0; i < w.count; i++)
		free(w.list[i].address);
	free(w.list);
	stralloc_free(&w.keys);
	return code;
}
