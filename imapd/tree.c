/* Renaming a folder with those below it; see tree.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/boxname.h"
#include "imapd/folder.h"
#include "imapd/tree.h"
#include "common/uidlist.h"

struct step {
	char from[BOXNAME_MAX + 2], to[BOXNAME_MAX + 2];
};

bool
tree_add(stralloc *text, char const *from, char const *to)
{
	return stralloc_cats(text, from) && stralloc_catb(text, "\t", 1) &&
	       stralloc_cats(text, to) && stralloc_catb(text, "\n", 1);
}

/* One of our folders: what stands in the file may have been put there by
 * anything that can write the maildir. */
static bool
folder(char const *s, size_t len, char *dir_r)
{
	char name[BOXNAME_MAX + 1];

	if (len < 2 || s[0] != '.' || !boxname_check(s + 1, len - 1, name) ||
		boxname_is_inbox(name))
		return false;
	boxname_dir(name, dir_r);
	return true;
}

/* The next step; false at the end. What is none is passed over. */
static bool
next(stralloc const *text, size_t *pos, struct step *step_r)
{
	while (*pos < text->len) {
		char const *const s = text->s + *pos;
		char const *const lf = memchr(s, '\n', text->len - *pos);
		size_t const len =
			lf != NULL ? (size_t)(lf - s) : text->len - *pos;
		char const *const tab = memchr(s, '\t', len);

		*pos += len + 1;
		if (tab != NULL && folder(s, (size_t)(tab - s), step_r->from) &&
			folder(tab + 1, (size_t)(s + len - tab) - 1,
				step_r->to))
			return true;
	}
	return false;
}

static bool
is_there(int root_fd, char const *name)
{
	return faccessat(root_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Under the lock. A step whose first name is gone was done. */
static bool
finish(int root_fd, stralloc const *text)
{
	struct step step;
	size_t pos = 0;

	while (next(text, &pos, &step))
		if (is_there(root_fd, step.from) &&
			!folder_rename(root_fd, step.from, step.to) &&
			errno != EEXIST && errno != ENOTEMPTY)
			return false;
	return fsync(root_fd) == 0 &&
	       (unlinkat(root_fd, TREE_FILE, 0) == 0 || errno == ENOENT);
}

/* The steps before `end` go back. */
static void
undo(int root_fd, stralloc const *text, size_t end)
{
	struct step step;
	size_t pos = 0;

	while (pos < end && next(text, &pos, &step))
		if (pos <= end && is_there(root_fd, step.to))
			(void)!folder_rename(root_fd, step.to, step.from);
	if (fsync(root_fd) == 0)
		(void)unlinkat(root_fd, TREE_FILE, 0);
}

static bool
repair(int root_fd)
{
	stralloc text = STRALLOC_ZERO;
	int const r = uidlist_read_file(root_fd, TREE_FILE, &text);
	bool const ok = r == 0 || (r > 0 && finish(root_fd, &text));

	stralloc_free(&text);
	return ok;
}

static bool
rename_all(int root_fd, stralloc const *text)
{
	struct step step;
	size_t pos = 0, done = 0;

	if (!repair(root_fd) ||
		!uidlist_replace(root_fd, TREE_FILE, text->s, text->len))
		return false;
	while (next(text, &pos, &step)) {
		if (!folder_rename(root_fd, step.from, step.to)) {
			int const error = errno;

			undo(root_fd, text, done);
			errno = error;
			return false;
		}
		done = pos;
	}
	return fsync(root_fd) == 0 && unlinkat(root_fd, TREE_FILE, 0) == 0;
}

static bool
locked(int root_fd, bool (*run)(int root_fd, stralloc const *text),
	stralloc const *text)
{
	int lock, error;
	bool ok;

	if (!uidlist_lock(root_fd, &lock))
		return false;
	ok = run(root_fd, text);
	error = errno;
	uidlist_unlock(root_fd, lock);
	errno = error;
	return ok;
}

bool
tree_rename(int root_fd, stralloc const *text)
{
	return locked(root_fd, rename_all, text);
}

static bool
repair_locked(int root_fd, stralloc const *text)
{
	(void)text;
	return repair(root_fd);
}

bool
tree_repair(int root_fd)
{
	return !is_there(root_fd, TREE_FILE) ||
	       locked(root_fd, repair_locked, NULL);
}
