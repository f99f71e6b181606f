/* The mailboxes of a maildir; see boxlist.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imapd/boxlist.h"
#include "common/boxname.h"
#include "imapd/tree.h"

void
boxlist_free(struct boxlist *b)
{
	stralloc_free(&b->text);
	free(b->v);
	*b = (struct boxlist)BOXLIST_ZERO;
}

bool
boxlist_add(struct boxlist *b, char const *name, size_t len, unsigned flags)
{
	if (b->count == b->allocated) {
		size_t const more = b->allocated + b->allocated / 2 + 16;
		struct boxlist_entry *const v =
			reallocarray(b->v, more, sizeof *v);

		if (v == NULL)
			return false;
		b->v = v;
		b->allocated = more;
	}
	if (b->text.len > UINT32_MAX - len - 1) {
		errno = EOVERFLOW;
		return false;
	}
	b->v[b->count] = (struct boxlist_entry){
		.name = (uint32_t)b->text.len, .flags = flags};
	if (!stralloc_readyplus(&b->text, len + 1))
		return false;
	/* name may lie in text, which has just been moved: see add_parents */
	memcpy(b->text.s + b->text.len, name, len);
	b->text.s[b->text.len + len] = '\0';
	b->text.len += len + 1;
	b->count++;
	return true;
}

static bool
is_folder(int root_fd, struct dirent const *e)
{
	struct stat st;

	if (e->d_type == DT_UNKNOWN)
		return fstatat(root_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			       0 &&
		       S_ISDIR(st.st_mode);
	return e->d_type == DT_DIR;
}

bool
boxlist_read(struct boxlist *b, int root_fd)
{
	bool ok = tree_repair(root_fd);
	int const fd =
		ok ? openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
		   : -1;
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	char name[BOXNAME_MAX + 1];
	struct dirent const *e;

	ok = d != NULL && boxlist_add(b, "INBOX", 5, 0);
	while (ok && (e = readdir(d)) != NULL) {
		char const *const raw = e->d_name + 1;

		/* A name that could not be asked for is not shown. */
		if (e->d_name[0] == '.' &&
			boxname_check(raw, strlen(raw), name) &&
			strcmp(name, raw) == 0 && !boxname_is_inbox(name) &&
			is_folder(root_fd, e))
			ok = boxlist_add(b, name, strlen(name), 0);
	}
	if (d != NULL)
		closedir(d);
	return ok;
}

/* The separator comes before all else, so that children follow parents. */
static int
compare_names(char const *a, char const *b)
{
	while (*a == *b && *a != '\0') {
		a++;
		b++;
	}

	int const x = *a == BOXNAME_SEPARATOR ? 1 : (unsigned char)*a;
	int const y = *b == BOXNAME_SEPARATOR ? 1 : (unsigned char)*b;

	return x - y;
}

static int
compare(void const *a, void const *b, void *data)
{
	struct boxlist const *const list = data;
	struct boxlist_entry const *const x = a, *const y = b;

	return compare_names(list->text.s + x->name, list->text.s + y->name);
}

static bool
add_parents(struct boxlist *b)
{
	size_t const count = b->count;

	for (size_t i = 0; i < count; i++) {
		size_t const len = strlen(boxlist_name(b, i));

		for (size_t n = 1; n < len; n++) {
			char parent[BOXNAME_MAX + 1];

			if (boxlist_name(b, i)[n] != BOXNAME_SEPARATOR ||
				n > BOXNAME_MAX)
				continue;
			memcpy(parent, boxlist_name(b, i), n);
			if (!boxlist_add(b, parent, n, BOXLIST_MISSING))
				return false;
		}
	}
	return true;
}

static bool
is_below(char const *name, char const *parent)
{
	size_t const len = strlen(parent);

	return strncmp(name, parent, len) == 0 &&
	       name[len] == BOXNAME_SEPARATOR;
}

bool
boxlist_finish(struct boxlist *b)
{
	size_t n = 0;

	if (!add_parents(b))
		return false;
	if (b->count > 1)
		qsort_r(b->v, b->count, sizeof *b->v, compare, b);
	for (size_t i = 0; i < b->count; i++) {
		struct boxlist_entry *const last = n > 0 ? &b->v[n - 1] : NULL;
		unsigned const missing = b->v[i].flags & BOXLIST_MISSING;

		if (last == NULL || strcmp(b->text.s + last->name,
					    boxlist_name(b, i)) != 0) {
			b->v[n++] = b->v[i];
			continue;
		}
		last->flags |= b->v[i].flags & ~BOXLIST_MISSING;
		if (!missing)
			last->flags &= ~BOXLIST_MISSING;
	}
	b->count = n;
	for (size_t i = 0; i + 1 < n; i++)
		if (is_below(boxlist_name(b, i + 1), boxlist_name(b, i)))
			b->v[i].flags |= BOXLIST_CHILDREN;
	return true;
}

struct boxlist_entry *
boxlist_find(struct boxlist *b, char const *name)
{
	size_t low = 0, high = b->count;

	while (low < high) {
		size_t const middle = low + (high - low) / 2;
		int const c = compare_names(boxlist_name(b, middle), name);

		if (c == 0)
			return &b->v[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
