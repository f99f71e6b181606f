/* A Web Key Directory of the mailboxes here. */
#include <bearssl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/webfile.h"
#include "common/admin/wkd.h"

#define KEYS_MAX (64u * 1024 * 1024)
#define HASH_LEN 32

static int
compare(void const *a, void const *b)
{
	struct wkd_entry const *x = a, *y = b;
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
	struct wkd_entry *e;

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

int
wkd_find(struct wkd *w, struct config const *c)
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
	ok = ok && webfile_write(hu, name, out.s, out.len);
	if (ok && w->is_told)
		printf("%s %s\n", address, name);
	stralloc_free(&out);
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

bool
wkd_publish(struct wkd const *w, int folder, char const *domain)
{
	size_t const first = first_of(w, domain);
	size_t i = first;
	int const hu = webfile_folder(folder, "hu");
	bool ok = hu >= 0 && webfile_write(folder, "policy", "", 0);

	while (ok && i < w->count &&
		strcmp(strrchr(w->list[i].address, '@') + 1, domain) == 0)
		ok = publish_address(w, hu, &i);
	ok = ok && remove_others(hu, w, first, i) && fsync(hu) == 0;
	if (hu >= 0)
		close(hu);
	return ok;
}

bool
wkd_has(struct wkd const *w, char const *domain)
{
	return first_of(w, domain) < w->count;
}

bool
wkd_read(struct wkd *w, int fd)
{
	stralloc *keys = &w->keys;
	ssize_t n;

	do {
		if (!stralloc_readyplus(keys, 65536))
			return false;
		n = read(fd, keys->s + keys->len, 65536);
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

void
wkd_free(struct wkd *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->list[i].address);
	free(w->list);
	stralloc_free(&w->keys);
}
