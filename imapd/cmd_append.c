/* APPEND (RFC 3501, 6.3.11; RFC 4315, 3). The message goes from the client
 * straight into a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/maildir.h"
#include "imapd/commands.h"
#include "imapd/filename.h"
#include "imapd/resolve.h"
#include "imapd/uidlist.h"

struct append {
	char name[BOXNAME_MAX + 1];
	bool name_ok;
	struct flag_args flags;
	bool has_date;
	int64_t date;
	int folder_fd;
	uint32_t keywords;
	char file[FILENAME_MAX_LEN + 1]; /* where it lies once committed */
	bool in_new;
	uint32_t validity, uid;
};

/* Whatever the message's size is: its literal has not come yet. */
static bool
arguments(struct lex *l, struct append *a)
{
	struct lex_text name;

	if (!lex_space(l) || !lex_astring(l, &name) || !lex_space(l))
		return false;
	a->name_ok = boxname_check(name.s, name.len, a->name);
	a->flags.system = a->flags.keywords_count = 0;
	a->has_date = false;
	if (lex_peek(l) == '(' &&
		(!flag_args_lex(l, false, &a->flags) || !lex_space(l)))
		return false;
	if (lex_peek(l) == '"') {
		a->has_date = true;
		if (!lex_date_time(l, &a->date) || !lex_space(l))
			return false;
	}
	return lex_peek(l) == '{' &&
	       memchr(l->s + l->pos, '\r', l->len - l->pos) == NULL;
}

bool
cmd_append_complete(struct session *s)
{
	static struct append a;
	struct lex l = s->command.lex;

	return arguments(&l, &a);
}

/* Open the folder. False: answered. */
static bool
open_target(struct session *s, struct append *a)
{
	char dir[BOXNAME_MAX + 2];
	struct keywords keywords;

	if (!a->name_ok) {
		session_reply(s, "NO", "[CANNOT] Not a valid mailbox name");
		return false;
	}
	boxname_dir(a->name, dir);
	a->folder_fd = openat(s->root_fd, dir,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (a->folder_fd < 0) {
		if (errno == ENOENT)
			session_reply(s, "NO", "[TRYCREATE] No such mailbox");
		else
			session_reply_errno(s, "APPEND");
		return false;
	}
	if (keywords_read(&keywords, a->folder_fd) &&
		keywords_bits(&keywords, a->folder_fd, &a->flags, true,
			&a->keywords, NULL))
		return true;
	session_reply_errno(s, "keywords");
	close(a->folder_fd);
	return false;
}

static int
receive(struct session *s, struct maildir_writer *w, uint64_t size)
{
	struct stream *const in = s->stream;

	while (size > 0) {
		size_t n = stream_pending(in);

		if (n == 0) {
			int const k = stream_fill(in);

			if (k <= 0)
				return k;
			continue;
		}
		if (n > size)
			n = (size_t)size;
		maildir_write(w, in->in + in->in_start, n);
		in->in_start += n;
		size -= n;
	}
	return 1;
}

/* The given time becomes the file's, which is the INTERNALDATE. */
static bool
set_date(struct append const *a)
{
	struct timespec const times[2] = {
		{.tv_sec = a->date}, {.tv_sec = a->date}};
	char path[FILENAME_MAX_LEN + 8];
	int fd, error;
	bool ok;

	if (!a->has_date)
		return true;
	(void)snprintf(
		path, sizeof path, "%s/%s", a->in_new ? "new" : "cur", a->file);
	fd = openat(a->folder_fd, path,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	ok = futimens(fd, times) == 0 && fsync(fd) == 0;
	error = errno;
	close(fd);
	errno = error;
	return ok;
}

static void
take_back(struct append const *a)
{
	char path[FILENAME_MAX_LEN + 8];

	(void)snprintf(
		path, sizeof path, "%s/%s", a->in_new ? "new" : "cur", a->file);
	(void)unlinkat(a->folder_fd, path, 0);
}

/* Under the folder's lock nobody else gives the file a UID. */
static bool
publish(struct session *s, struct append *a, struct maildir_writer *w)
{
	char name[FILENAME_MAX_LEN + 1], base[FILENAME_MAX_LEN + 1];
	char const *list[1] = {base};
	char const *letters = NULL;
	struct filename f;

	if (a->flags.system != 0 || a->keywords != 0) {
		if (filename_make("x", 1, a->flags.system, a->keywords, name) ==
			0)
			return false;
		letters = name + strlen("x:2,");
	}
	a->in_new = letters == NULL;
	if (!maildir_commit(w, letters))
		return false;
	(void)snprintf(a->file, sizeof a->file, "%s", w->name);
	filename_parse(a->file, strlen(a->file), &f);
	memcpy(base, a->file, f.base_len);
	base[f.base_len] = '\0';
	if (set_date(a) &&
		maildir_sync(a->folder_fd, a->in_new ? "new" : "cur") &&
		resolve_add(s->root_fd, a->folder_fd, list, 1, &a->validity,
			&a->uid))
		return true;

	int const error = errno;

	take_back(a);
	errno = error;
	return false;
}

static bool
store(struct session *s, struct append *a, struct maildir_writer *w)
{
	int lock, error;
	bool ok;

	if (!uidlist_lock(a->folder_fd, &lock)) {
		error = errno;
		maildir_abort(w);
		errno = error;
		return false;
	}
	ok = publish(s, a, w);
	error = errno;
	uidlist_unlock(a->folder_fd, lock);
	errno = error;
	return ok;
}

/* Read what stands behind the literal: nothing, in a command that is right. */
static bool
line_is_empty(struct session *s, int *k_r)
{
	size_t const before = s->reader.len;

	*k_r = reader_line(&s->reader);
	return *k_r > 0 && s->reader.len == before && !s->reader.too_long;
}

/* The rest of a command that was refused may hold further literals. */
static void
drop(struct session *s, uint64_t size, bool synchronizing)
{
	int k;

	if (synchronizing)
		return;
	do {
		struct reader *const r = &s->reader;

		k = size == UINT64_MAX ? 0 : reader_skip(s->stream, size);
		if (k > 0)
			k = reader_line(r);
		if (k > 0 && !lex_literal(r->s + r->line, r->len - r->line,
				     &size, &synchronizing))
			return;
	} while (k > 0 && !synchronizing);
	if (k <= 0)
		s->ended = true;
}

void
cmd_append(struct session *s, uint64_t size, bool synchronizing)
{
	static struct maildir_writer w;
	static struct append a;
	struct lex l = s->command.lex;
	int k;

	if (!arguments(&l, &a)) {
		session_reply_syntax(s);
		drop(s, size, synchronizing);
		return;
	}
	if (size > s->append_max) {
		session_reply(s, "NO", "[TOOBIG] Message too large");
		drop(s, size, synchronizing);
		return;
	}
	if (!open_target(s, &a)) {
		drop(s, size, synchronizing);
		return;
	}
	if (!maildir_begin(&w, a.folder_fd, s->host, NULL)) {
		session_reply_errno(s, "APPEND");
		close(a.folder_fd);
		drop(s, size, synchronizing);
		return;
	}
	if (synchronizing)
		session_puts(s, "+ Go ahead\r\n");
	k = receive(s, &w, size);
	if (k <= 0 || !line_is_empty(s, &k)) {
		maildir_abort(&w);
		session_reply(s, "BAD", "Nothing may follow the message");
		s->ended = k <= 0;
	} else if (store(s, &a, &w)) {
		session_reply(s, "OK", "[APPENDUID %lu %lu] APPEND completed",
			(unsigned long)a.validity, (unsigned long)a.uid);
	} else {
		session_reply_errno(s, "APPEND");
	}
	close(a.folder_fd);
}
