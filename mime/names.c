/* Lists the messages that are meant; see names.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/names.h"
#include "mime/place.h"

size_t
names_count(struct names const *n)
{
	return genalloc_len(size_t, &n->offsets);
}

char const *
names_get(struct names const *n, size_t i)
{
	return n->text.s + genalloc_s(size_t, &n->offsets)[i];
}

static bool
add(struct names *n, char const *folder, char const *sub, char const *name)
{
	size_t const start = n->text.len;

	return stralloc_cats(&n->text, folder) &&
	       (sub[0] == '\0' || (stralloc_cats(&n->text, "/") &&
					  stralloc_cats(&n->text, sub) &&
					  stralloc_cats(&n->text, "/"))) &&
	       stralloc_cats(&n->text, name) && stralloc_0(&n->text) &&
	       genalloc_append(size_t, &n->offsets, &start);
}

static bool
add_folder(struct names *n, char const *folder, char const *sub)
{
	stralloc path = STRALLOC_ZERO;
	struct dirent const *d;
	DIR *dir = NULL;
	bool ok = stralloc_cats(&path, folder) && stralloc_cats(&path, "/") &&
		  stralloc_cats(&path, sub) && stralloc_0(&path) &&
		  (dir = opendir(path.s)) != NULL;

	while (ok && (errno = 0, d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			ok = add(n, folder, sub, d->d_name);
	ok = ok && errno == 0;
	if (dir) {
		int const error = errno;

		closedir(dir);
		errno = error;
	}
	stralloc_free(&path);
	return ok;
}

static int
compare(void const *a, void const *b, void *arg)
{
	char const *const text = arg;
	char const *const x = strrchr(text + *(size_t const *)a, '/');
	char const *const y = strrchr(text + *(size_t const *)b, '/');

	return strcmp(x, y);
}

static bool
add_maildir(struct names *n, char const *folder)
{
	size_t const before = names_count(n);
	char *const copy = strdup(folder);
	size_t len = strlen(folder);
	bool ok = copy != NULL;

	while (ok && len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	ok = ok && add_folder(n, copy, "new") && add_folder(n, copy, "cur");
	free(copy);
	if (ok && names_count(n) > before)
		qsort_r(genalloc_s(size_t, &n->offsets) + before,
			names_count(n) - before, sizeof(size_t), compare,
			n->text.s);
	return ok;
}

bool
names_add(struct names *n, char const *operand)
{
	struct stat st;

	if (stat(operand, &st) == 0 && S_ISDIR(st.st_mode))
		return add_maildir(n, operand);
	/* A file that is not there may have another name by now. */
	return add(n, operand, "", "");
}

bool
names_add_list(struct names *n, char const *list, size_t len)
{
	for (size_t pos = 0; pos < len; pos += strlen(list + pos) + 1)
		if (list[pos] != '\0' && !names_add(n, list + pos))
			return false;
	return true;
}

/* The path of a file that has got another name: same maildir, new end. */
static bool
renamed(char const *path, struct place const *p, stralloc *out)
{
	char const *const slash = strrchr(path, '/');
	size_t folder = slash ? (size_t)(slash - path) : 0;

	while (folder > 0 && path[folder - 1] != '/')
		folder--;
	out->len = 0;
	return stralloc_catb(out, path, folder) &&
	       stralloc_cats(out, slash ? p->sub : "../") &&
	       (slash || stralloc_cats(out, p->sub)) &&
	       stralloc_cats(out, "/") && stralloc_cats(out, p->name) &&
	       stralloc_0(out);
}

static int
open_renamed(char const *path, stralloc *scratch)
{
	struct place p;
	int fd;

	if (!place_from_path(&p, path)) {
		if (errno == EINVAL)
			errno = ENOENT;
		return -1;
	}
	fd = place_open(&p);
	if (fd >= 0 && !renamed(path, &p, scratch)) {
		close(fd);
		fd = -1;
	}
	close(p.folder_fd);
	return fd;
}

int
names_open(struct names const *n, size_t i, stralloc *scratch,
	char const **found_r)
{
	char const *const path = names_get(n, i);
	struct stat st;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	*found_r = path;
	if (fd < 0 && errno == ENOENT) {
		fd = open_renamed(path, scratch);
		*found_r = fd >= 0 ? scratch->s : path;
	}
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		fd = -1;
	}
	return fd;
}
