/*
 * mime flag, move, copy and delete: messages in maildirs.
 *
 * The maildirs of all files that are named are opened first, and then nothing
 * else can be (by Landlock, but for root). What another program does to a file
 * meanwhile is borne: see place.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <sodium.h>
#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>

#include "common/maildir.h"
#include "mime/command.h"
#include "mime/names.h"
#include "mime/place.h"

#define TRIES 8

/* A keyword's letter means something in its own folder only. */
#define KEYWORDS "abcdefghijklmnopqrstuvwxyz"

struct work {
	struct names names;
	genalloc places; /* struct place */
	int fds[SANDBOX_PATHS_MAX];
	size_t fds_count;
	int to; /* the maildir that messages go to, or -1 */
	char add[PLACE_NAME_MAX + 1], remove[PLACE_NAME_MAX + 1];
	struct utsname host;
};

typedef bool action(struct work *w, struct place *p);

/* One descriptor a maildir. */
static int
share(struct work *w, int fd)
{
	struct stat a, b;

	if (fstat(fd, &a) < 0)
		strerr_diefu1sys(111, "look at a maildir");
	for (size_t i = 0; i < w->fds_count; i++)
		if (fstat(w->fds[i], &b) == 0 && a.st_dev == b.st_dev &&
			a.st_ino == b.st_ino) {
			close(fd);
			return w->fds[i];
		}
	if (w->fds_count == SANDBOX_PATHS_MAX)
		strerr_dief1x(100, "files of too many maildirs: do it maildir "
				   "by maildir");
	w->fds[w->fds_count++] = fd;
	return fd;
}

static void
open_places(struct work *w)
{
	for (size_t i = 0; i < names_count(&w->names); i++) {
		struct place p;

		if (!place_from_path(&p, names_get(&w->names, i)))
			strerr_diefu3sys(111, "find ", names_get(&w->names, i),
				" in cur or new of a maildir");
		p.folder_fd = share(w, p.folder_fd);
		if (!genalloc_append(struct place, &w->places, &p))
			strerr_diefu1sys(111, "list the files");
	}
}

/* Operands are files; "-": names on standard input. A maildir is refused: all
 * of it is never meant by accident. */
static void
take_names(struct work *w, int argc, char const *const *argv)
{
	stralloc list = STRALLOC_ZERO;

	for (int i = 0; i < argc; i++) {
		struct stat st;

		if (strcmp(argv[i], "-") == 0) {
			list.len = 0;
			if (!command_read_names(&list) ||
				!names_add_list(&w->names, list.s, list.len))
				strerr_diefu1sys(111,
					"read the names on standard input");
			continue;
		}
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			strerr_dief2x(100, argv[i],
				" is a folder: name the messages");
		if (!names_add(&w->names, argv[i]))
			strerr_diefu1sys(111, "list the files");
	}
	stralloc_free(&list);
}

static int
run(struct work *w, action *act, char const *what)
{
	int failed = 0;

	open_places(w);
	if (sodium_init() < 0 || uname(&w->host) < 0)
		strerr_diefu1sys(111, "start");
	if (w->fds_count > 0)
		command_enter_writer(w->fds, w->fds_count);
	for (size_t i = 0; i < names_count(&w->names); i++) {
		struct place *const p =
			&genalloc_s(struct place, &w->places)[i];
		bool ok = false;

		/* Another program may be faster each time; not for ever. */
		for (int tries = 0; !ok && tries < TRIES; tries++) {
			ok = place_find(p) && act(w, p);
			if (!ok && errno != ENOENT)
				break;
		}
		if (!ok) {
			strerr_warnwu3sys(what, " ", names_get(&w->names, i));
			failed = 1;
		}
	}
	return failed ? 111 : 0;
}

static bool
flag(struct work *w, struct place *p)
{
	char name[PLACE_NAME_MAX + 1];

	if (!place_rename(p->name, w->add, w->remove, name)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (strcmp(p->sub, "cur") == 0 && strcmp(name, p->name) == 0)
		return true;
	return place_move(p, p->folder_fd, "cur", name);
}

static bool
remove_file(struct work *w, struct place *p)
{
	int const sub = openat(p->folder_fd, p->sub,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool const ok =
		sub >= 0 && unlinkat(sub, p->name, 0) == 0 && fsync(sub) == 0;
	int const error = errno;

	(void)w;
	if (sub >= 0)
		close(sub);
	errno = error;
	return ok;
}

/* The flags that a copy of the file has; NULL: it goes to new. */
static char const *
flags_elsewhere(struct place const *p, char out[PLACE_NAME_MAX + 1])
{
	size_t n = 0;

	if (strcmp(p->sub, "new") == 0)
		return NULL;
	place_flags(p->name, out);
	for (size_t i = 0; out[i] != '\0'; i++)
		if (!strchr(KEYWORDS, out[i]))
			out[n++] = out[i];
	out[n] = '\0';
	return out;
}

static bool
copy_octets(struct maildir_writer *m, int fd)
{
	char buf[16384];
	ssize_t n;

	do {
		n = read(fd, buf, sizeof buf);
		if (n > 0)
			maildir_write(m, buf, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0;
}

static bool
copy(struct work *w, struct place *p)
{
	static struct maildir_writer m;
	char flags[PLACE_NAME_MAX + 1];
	char const *const letters = flags_elsewhere(p, flags);
	int const fd = place_open(p);
	bool ok = fd >= 0 && maildir_begin(&m, w->to, w->host.nodename, NULL);

	if (ok && !copy_octets(&m, fd)) {
		maildir_abort(&m);
		ok = false;
	}
	ok = ok && maildir_commit(&m, letters) &&
	     maildir_sync(w->to, letters ? "cur" : "new");
	if (fd >= 0) {
		int const error = errno;

		close(fd);
		errno = error;
	}
	return ok;
}

/* Take away what was copied, under whatever name it has by now; one that
 * another program has removed is gone, too. */
static bool
remove_copied(struct work *w, struct place *p)
{
	for (int tries = 0; tries < TRIES; tries++) {
		if (remove_file(w, p))
			return true;
		if (errno != ENOENT)
			return false;
		if (!place_find(p))
			return errno == ENOENT;
	}
	errno = EBUSY;
	return false;
}

static bool
move(struct work *w, struct place *p)
{
	char name[PLACE_NAME_MAX + 1];

	if (p->folder_fd == w->to)
		return true;
	if (strcmp(p->sub, "new") == 0)
		memcpy(name, p->name, sizeof name);
	else if (!place_rename(p->name, "", KEYWORDS, name)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (place_move(p, w->to, p->sub, name))
		return true;
	if (errno != EXDEV && errno != EEXIST)
		return false;
	/* The copy is on disk before the message goes. */
	return copy(w, p) && remove_copied(w, p);
}

static int
to_maildir(int argc, char const *const *argv, action *act, char const *what)
{
	static struct work w = {.names = NAMES_ZERO, .places = GENALLOC_ZERO};
	char const *const target = argv[argc - 1];
	int const fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		strerr_diefu2sys(111, "open the maildir ", target);
	if (fstatat(fd, "cur", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISDIR(st.st_mode))
		strerr_dief2x(100, target, " is no maildir");
	w.to = share(&w, fd);
	take_names(&w, argc - 1, argv);
	return run(&w, act, what);
}

int
mime_copy(struct options const *o, int argc, char const *const *argv)
{
	(void)o;
	return to_maildir(argc, argv, copy, "copy");
}

int
mime_move(struct options const *o, int argc, char const *const *argv)
{
	(void)o;
	return to_maildir(argc, argv, move, "move");
}

int
mime_delete(struct options const *o, int argc, char const *const *argv)
{
	static struct work w = {
		.names = NAMES_ZERO, .places = GENALLOC_ZERO, .to = -1};

	(void)o;
	take_names(&w, argc, argv);
	return run(&w, remove_file, "delete");
}

/* "+SF-T": letters to add and to take away. */
static void
take_change(struct work *w, char const *s)
{
	char *to = NULL;

	if (strlen(s) > PLACE_NAME_MAX)
		strerr_dief1x(100, "that are too many flags");
	for (; *s != '\0'; s++) {
		if (*s == '+' || *s == '-')
			to = *s == '+' ? w->add : w->remove;
		else if (!to || !strchr("DFPRST" KEYWORDS, *s))
			strerr_dief1x(100, "flags are + or - and letters of "
					   "DFPRST or a to z: +S, -F, +RS-T");
		else
			to[strlen(to)] = *s;
	}
}

int
mime_flag(struct options const *o, int argc, char const *const *argv)
{
	static struct work w = {
		.names = NAMES_ZERO, .places = GENALLOC_ZERO, .to = -1};

	(void)o;
	take_change(&w, argv[0]);
	take_names(&w, argc - 1, argv + 1);
	return run(&w, flag, "flag");
}
