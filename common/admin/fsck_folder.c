/* One folder of a maildir: its parts, and the messages in them; see fsck.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>
#include "common/filename.h"
#include "common/maildir.h"
#include "common/quota.h"
#include "common/admin/fsck.h"

struct message {
	char *name;
	size_t base_len;
	bool is_new;
};

struct folder {
	struct fsck *f;
	int fd, cur_fd, new_fd;
	struct message *list;
	size_t count, room;
};

static bool
failed(struct fsck const *f, char const *what)
{
	fprintf(stderr, "kereru: fsck: %s: %s: %s\n", f->what, what,
		strerror(errno));
	return false;
}

/* cur, new or tmp: there, a folder, and the owner's to write. */
static void
check_part(struct folder *o, char const *part)
{
	struct fsck *f = o->f;
	struct stat st;
	bool there = fstatat(o->fd, part, &st, AT_SYMLINK_NOFOLLOW) == 0;
	char const *done;

	if (there && !S_ISDIR(st.st_mode)) {
		done = fsck_put_away(f, o->fd, part, false);
		fsck_tell(f, part, "is no folder", done);
		there = done == NULL;
		if (there)
			return;
	} else if (!there) {
		done = f->repairs ? "made" : NULL;
		fsck_tell(f, part, "is missing", done);
	}
	if (!there) {
		if (f->repairs && mkdirat(o->fd, part, 0700) == 0)
			(void)fsync(o->fd);
		return;
	}
	if (st.st_uid != f->uid)
		fsck_tell(f, part, "belongs to somebody else", NULL);
	else if ((st.st_mode & 0722) != 0700)
		fsck_tell(f, part, "wrong mode",
			f->repairs && fchmodat(o->fd, part, 0700, 0) == 0
				? "0700 now"
				: NULL);
}

/* A copy of the mailbox's own takes the file's place, if nobody has renamed
 * that meanwhile. */
static char const *
take_over(struct folder *o, int part_fd, char const *name)
{
	static char block[65536];
	char copy[64];
	struct stat st;
	struct timespec times[2];
	ssize_t n = -1;
	int from, to;
	bool ok = false;

	if (!o->f->repairs)
		return NULL;
	(void)snprintf(copy, sizeof copy, "tmp/%llu.P%ldR%08lx.fsck",
		(unsigned long long)o->f->now_s, (long)getpid(),
		(unsigned long)randombytes_random());
	from = openat(
		part_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0)
		return NULL;
	to = openat(o->fd, copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to >= 0 && fstat(from, &st) == 0) {
		while ((n = read(from, block, sizeof block)) > 0)
			if (write(to, block, (size_t)n) != n)
				break;
		times[0] = st.st_atim;
		times[1] = st.st_mtim;
		ok = n == 0 && futimens(to, times) == 0 && fsync(to) == 0 &&
		     renameat2(o->fd, copy, part_fd, name, RENAME_EXCHANGE) ==
			     0 &&
		     fsync(part_fd) == 0;
	}
	close(from);
	if (to >= 0) {
		close(to);
		/* Exchanged, this is the other's, whose octets are kept. */
		(void)unlinkat(o->fd, copy, 0);
	}
	return ok ? "copied, the copy is the mailbox's" : NULL;
}

/* The name with the size that the file has; what is a new name to clients. */
static char const *
correct_size(struct folder *o, int part_fd, char const *name, uint64_t size)
{
	size_t const len = strlen(name);
	char const *const comma = memmem(name, len, ",S=", 3);
	struct filename p;
	char fresh[FILENAME_MAX_LEN + 64];
	int n;

	filename_parse(name, len, &p);
	if (!o->f->repairs || comma == NULL || len > FILENAME_MAX_LEN ||
		(size_t)(comma - name) > p.base_len)
		return NULL;
	n = snprintf(fresh, sizeof fresh, "%.*sR%08lx,S=%llu%s",
		(int)(comma - name), name, (unsigned long)randombytes_random(),
		(unsigned long long)size, name + p.base_len);
	if (n < 0 || n > FILENAME_MAX_LEN ||
		renameat2(part_fd, name, part_fd, fresh, RENAME_NOREPLACE) < 0)
		return NULL;
	return "renamed: a new message for clients";
}

static bool
is_strange(char const *name, size_t base_len)
{
	for (char const *s = name; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			return true;
	return base_len == 0;
}

static bool
note(struct folder *o, char const *name, size_t base_len, bool is_new)
{
	if (o->count == o->room) {
		size_t const room = o->room == 0 ? 256 : o->room * 2;
		struct message *const more =
			realloc(o->list, room * sizeof *more);

		if (more == NULL)
			return false;
		o->list = more;
		o->room = room;
	}
	o->list[o->count] = (struct message){
		.name = strdup(name), .base_len = base_len, .is_new = is_new};
	return o->list[o->count++].name != NULL;
}

static void
count(struct fsck *f, char const *name, uint64_t size)
{
	uint64_t const told = quota_size(name);

	f->messages++;
	f->used.messages++;
	f->used.octets += (int64_t)(told > 0 ? told : size);
}

/* False: memory is short. */
static bool
check_message(struct folder *o, int part_fd, char const *name, bool is_new)
{
	struct fsck *f = o->f;
	struct filename p;
	struct stat st;
	uint64_t size;

	filename_parse(name, strlen(name), &p);
	if (fstatat(part_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	if (!S_ISREG(st.st_mode)) {
		fsck_tell(f, name,
			S_ISLNK(st.st_mode) ? "is a link" : "is no file",
			fsck_put_away(f, part_fd, name, true));
		return true;
	}
	if (name[0] == '.' || is_strange(name, p.base_len)) {
		fsck_tell(f, name, "no name of a message",
			fsck_put_away(f, part_fd, name, true));
		return true;
	}
	if (st.st_size == 0) {
		fsck_tell(f, name, "is empty",
			fsck_put_away(f, part_fd, name, false));
		return true;
	}
	count(f, name, (uint64_t)st.st_size);
	if (st.st_uid != f->uid)
		fsck_tell(f, name, "belongs to somebody else",
			take_over(o, part_fd, name));
	else if ((st.st_mode & 0422) != 0400)
		fsck_tell(f, name, "wrong mode",
			f->repairs && fchmodat(part_fd, name, 0600, 0) == 0
				? "0600 now"
				: NULL);
	if (filename_size(name, p.base_len, 'S', &size) &&
		size != (uint64_t)st.st_size)
		fsck_tell(f, name, "is not of the size that its name says",
			correct_size(o, part_fd, name, (uint64_t)st.st_size));
	return note(o, name, p.base_len, is_new);
}

static int
open_part(struct folder const *o, char const *part)
{
	return openat(o->fd, part, FSCK_FOLDER_FLAGS);
}

/* The names first: what is moved while a folder is read may be met again. */
static bool
check_messages(struct folder *o, int part_fd, bool is_new)
{
	struct dirent **entries;
	int n = part_fd < 0 ? 0 : scandirat(part_fd, ".", &entries, NULL, NULL);
	bool ok = n >= 0 || failed(o->f, is_new ? "new" : "cur");

	for (int i = 0; i < n; i++) {
		char const *const name = entries[i]->d_name;

		if (ok && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			ok = check_message(o, part_fd, name, is_new);
		free(entries[i]);
	}
	if (part_fd >= 0 && n >= 0)
		free(entries);
	return ok;
}

/* One in cur counts before one in new: clients know it. */
static int
compare(void const *a, void const *b)
{
	struct message const *x = a, *y = b;
	size_t const n = x->base_len < y->base_len ? x->base_len : y->base_len;
	int const r = memcmp(x->name, y->name, n);

	if (r != 0)
		return r;
	if (x->base_len != y->base_len)
		return x->base_len < y->base_len ? -1 : 1;
	return x->is_new != y->is_new ? x->is_new - y->is_new
				      : strcmp(x->name, y->name);
}

static bool
is_there(struct folder const *o, struct message const *m)
{
	struct stat st;

	return fstatat(m->is_new ? o->new_fd : o->cur_fd, m->name, &st,
		       AT_SYMLINK_NOFOLLOW) == 0;
}

/* Two files with one name have one UID. A session may have renamed the one to
 * the other while the folder was read: both must be there still. */
static void
check_twice(struct folder *o)
{
	if (o->count > 1)
		qsort(o->list, o->count, sizeof *o->list, compare);
	for (size_t i = 0; i + 1 < o->count; i++) {
		struct message const *m = &o->list[i + 1];

		if (o->list[i].base_len != m->base_len ||
			memcmp(o->list[i].name, m->name, m->base_len) != 0 ||
			!is_there(o, &o->list[i]) || !is_there(o, m) ||
			!is_there(o, &o->list[i]))
			continue;
		fsck_tell(o->f, m->name, "two messages of this name",
			fsck_put_away(o->f, m->is_new ? o->new_fd : o->cur_fd,
				m->name, true));
		o->f->used.messages--;
	}
}

static bool
check_tmp(struct folder *o)
{
	int const fd = open_part(o, "tmp");
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;
	struct stat st;

	if (d == NULL)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ||
		       errno == ELOOP || failed(o->f, "tmp");
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
			strcmp(e->d_name, "..") == 0 ||
			fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			(uint64_t)st.st_mtime + FSCK_STALE >= o->f->now_s)
			continue;
		fsck_tell(o->f, e->d_name, "left in tmp, and older than 36 h",
			fsck_put_away(o->f, fd, e->d_name, st.st_size > 0));
	}
	closedir(d);
	return true;
}

bool
fsck_folder(struct fsck *f, int folder_fd)
{
	struct folder o = {.f = f, .fd = folder_fd};
	bool ok;

	check_part(&o, "cur");
	check_part(&o, "new");
	check_part(&o, "tmp");
	o.cur_fd = open_part(&o, "cur");
	o.new_fd = open_part(&o, "new");
	ok = check_messages(&o, o.new_fd, true) &&
	     check_messages(&o, o.cur_fd, false) && check_tmp(&o);
	if (ok)
		check_twice(&o);
	close(o.cur_fd);
	close(o.new_fd);
	for (size_t i = 0; i < o.count; i++)
		free(o.list[i].name);
	free(o.list);
	return ok;
}
