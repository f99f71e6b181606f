/* A maildir with its folders, brought into a mailbox; see import.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/import.h"
#include "common/utf7.h"

#define DEPTH_MAX 16
#define KEYWORDS 26

struct tree {
	struct import *m;
	/* Marks of earlier runs, sorted. */
	char const **marks;
	size_t count;
	struct import_message message;
};

struct folder {
	int fd;
	char name[BOXNAME_MAX + 1];
	char keywords[KEYWORDS][65];
};

static bool
complain(char const *what)
{
	fprintf(stderr, "kereru: import: %s: %s\n", what, strerror(errno));
	return false;
}

static int
compare(void const *a, void const *b)
{
	return strcmp(*(char const *const *)a, *(char const *const *)b);
}

static bool
sort_marks(struct tree *t)
{
	stralloc const *const all = &t->m->marks;
	size_t room = 0;

	for (size_t i = 0; i < all->len; i += strlen(all->s + i) + 1)
		room++;
	t->marks = calloc(room + 1, sizeof *t->marks);
	if (t->marks == NULL)
		return complain("memory");
	for (size_t i = 0; i < all->len; i += strlen(all->s + i) + 1)
		t->marks[t->count++] = all->s + i;
	if (t->count > 0)
		qsort(t->marks, t->count, sizeof *t->marks, compare);
	return true;
}

static bool
is_marked(struct tree const *t, char const *mark)
{
	return t->count > 0 && bsearch(&mark, t->marks, t->count,
				       sizeof *t->marks, compare) != NULL;
}

/* `dovecot-keywords`: lines "0 name". */
static void
read_keywords(struct folder *f)
{
	int const fd = openat(f->fd, "dovecot-keywords",
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	FILE *const in = fd >= 0 ? fdopen(fd, "r") : NULL;
	char name[65];
	unsigned n;

	while (in != NULL && fscanf(in, "%u %64s", &n, name) == 2)
		if (n < KEYWORDS)
			strcpy(f->keywords[n], name);
	if (in != NULL)
		fclose(in);
	else if (fd >= 0)
		close(fd);
}

static void
flags_of(struct folder const *f, char const *name, struct import_message *m)
{
	static char const letters[] = "DFRSTP";
	static char const *const flags[] = {"\\Draft", "\\Flagged",
		"\\Answered", "\\Seen", "\\Deleted", "$Forwarded"};
	char const *info = strstr(name, ":2,");

	m->flags[0] = '\0';
	for (info = info != NULL ? info + 3 : ""; *info != '\0'; info++) {
		char const *const at = strchr(letters, *info);
		char const *flag = at != NULL ? flags[at - letters] : "";

		if (*info >= 'a' && *info <= 'z')
			flag = f->keywords[*info - 'a'];
		import_flag(m, flag, strlen(flag));
	}
}

/* A file, with CRLF at the ends of its lines. */
static bool
read_text(int fd, stralloc *out)
{
	static char block[65536];
	bool after_cr = false;
	ssize_t n;

	out->len = 0;
	while ((n = read(fd, block, sizeof block)) > 0 &&
		out->len < IMPORT_MESSAGE_MAX)
		for (ssize_t i = 0; i < n; i++) {
			if (block[i] == '\n' && !after_cr &&
				!stralloc_append(out, '\r'))
				return false;
			if (!stralloc_append(out, block[i]))
				return false;
			after_cr = block[i] == '\r';
		}
	if (n > 0)
		errno = EFBIG;
	return n == 0;
}

static bool
put_file(struct tree *t, struct folder const *f, char const *path)
{
	char const *const base = strchr(path, '/') + 1;
	char mark[BOXNAME_MAX + NAME_MAX + 8];
	struct stat st;
	bool ok;
	int fd;

	(void)snprintf(mark, sizeof mark, "N %s\t%.*s", f->name,
		(int)strcspn(base, ":"), base);
	if (is_marked(t, mark)) {
		import_skip(t->m, 1);
		return true;
	}
	fd = openat(
		f->fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return complain(path);
	ok = !S_ISREG(st.st_mode) || read_text(fd, &t->message.text);
	if (!ok)
		(void)complain(path);
	close(fd);
	if (!ok || !S_ISREG(st.st_mode))
		return ok;
	flags_of(f, base, &t->message);
	t->message.has_date = true;
	t->message.date = st.st_mtim.tv_sec;
	return import_put(t->m, &t->message, mark, 1);
}

struct names {
	char **list;
	size_t count;
};

static bool
add(struct names *n, char const *sub, char const *name)
{
	char *path;

	if (n->count % 1024 == 0) {
		char **const more =
			reallocarray(n->list, n->count + 1024, sizeof *more);
		if (more == NULL)
			return false;
		n->list = more;
	}
	if (asprintf(&path, "%s/%s", sub, name) < 0)
		return false;
	n->list[n->count++] = path;
	return true;
}

static DIR *
open_list(int fd, char const *name)
{
	int const sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *const d = sub >= 0 ? fdopendir(sub) : NULL;

	if (sub >= 0 && d == NULL)
		close(sub);
	return d;
}

static bool
list_files(int fd, char const *sub, struct names *n)
{
	DIR *const d = open_list(fd, sub);
	struct dirent const *e;
	bool ok = true;

	if (d == NULL)
		return errno == ENOENT || complain(sub);
	while (ok && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			ok = add(n, sub, e->d_name);
	closedir(d);
	return ok || complain("memory");
}

/* By the time in front of the name, that of the delivery. */
static int
compare_names(void const *a, void const *b)
{
	char const *const x = strchr(*(char *const *)a, '/');
	char const *const y = strchr(*(char *const *)b, '/');
	long long const i = atoll(x + 1), j = atoll(y + 1);

	return i != j ? (i > j) - (i < j) : strcmp(x, y);
}

static bool
put_folder(struct tree *t, struct folder *f)
{
	struct names n = {.list = NULL};
	bool ok = list_files(f->fd, "cur", &n) && list_files(f->fd, "new", &n);

	if (n.count > 0)
		qsort(n.list, n.count, sizeof *n.list, compare_names);
	read_keywords(f);
	ok = ok && import_folder(t->m, f->name, "", n.count);
	for (size_t i = 0; i < n.count; i++) {
		ok = ok && put_file(t, f, n.list[i]);
		free(n.list[i]);
	}
	free(n.list);
	return ok && import_end(t->m);
}

static bool
is_part_of_maildir(char const *name)
{
	return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 ||
	       strcmp(name, "tmp") == 0 || strcmp(name, ".") == 0 ||
	       strcmp(name, "..") == 0;
}

/* The name of a folder below another, `.A.B` (Maildir++) or `A`. */
static bool
name_below(char const *above, char const *dir, char *name_r)
{
	char text[UTF7_ROOM(NAME_MAX)], part[BOXNAME_MAX + 1];
	bool const is_flat = *dir == '.';
	size_t len;
	int n;

	dir += is_flat;
	len = strlen(dir);
	/* Some servers have them in UTF-8. */
	if (boxname_utf7(dir, len))
		memcpy(text, dir, len);
	else if (!utf7_encode(dir, len, text, &len))
		return false;
	if (!import_name(text, len, is_flat ? '.' : '\0', part))
		return false;
	if (*above == '\0' || (is_flat && boxname_is_inbox(above)) ||
		boxname_is_inbox(above))
		return boxname_check(part, strlen(part), name_r);
	n = snprintf(
		text, sizeof text, "%s%c%s", above, BOXNAME_SEPARATOR, part);
	return n > 0 && boxname_check(text, (size_t)n, name_r);
}

static bool
walk(struct tree *t, int fd, char const *name, unsigned depth)
{
	struct folder f = {.fd = fd};
	struct dirent const *e;
	bool ok = true;
	DIR *d;

	strcpy(f.name, name);
	if (faccessat(fd, "cur", F_OK, 0) == 0 ||
		faccessat(fd, "new", F_OK, 0) == 0) {
		if (*name == '\0')
			strcpy(f.name, "INBOX");
		ok = put_folder(t, &f);
	}
	d = ok ? open_list(fd, ".") : NULL;
	if (d == NULL)
		return ok && complain(name);
	while (ok && depth < DEPTH_MAX && (e = readdir(d)) != NULL) {
		char below[BOXNAME_MAX + 1];
		struct stat st;
		int sub;

		if (is_part_of_maildir(e->d_name) ||
			fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISDIR(st.st_mode))
			continue;
		if (!name_below(f.name, e->d_name, below)) {
			fprintf(stderr, "kereru: import: passed over: %s\n",
				e->d_name);
			continue;
		}
		sub = openat(fd, e->d_name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		ok = sub >= 0 ? walk(t, sub, below, depth + 1)
			      : complain(e->d_name);
		if (sub >= 0)
			close(sub);
	}
	closedir(d);
	return ok;
}

bool
import_maildir(struct import *m, char const *path)
{
	struct tree t = {.m = m, .message = {.text = STRALLOC_ZERO}};
	int const fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return complain(path);
	import_confine(fd);
	ok = sort_marks(&t) && walk(&t, fd, "", 0);
	close(fd);
	free(t.marks);
	stralloc_free(&t.message.text);
	return ok;
}
