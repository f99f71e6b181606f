/* Work on the file of one message, whose name others may change at any time;
 * see mailbox.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/filename.h"
#include "imapd/mailbox.h"
#include "imapd/mailbox_file.h"
#include "common/quota.h"

#define RETRIES 8
#define RETRY_NS 1000000

/* What is to be done, and where its results go. */
struct work {
	enum flag_store how;
	unsigned system;
	uint32_t keywords;
	int *fd;
	struct stat *st;
	int to_fd;
	char const *to;
	bool if_same;
};

static int
folder_of(struct mailbox const *m, size_t i)
{
	return m->view.v[i].state & MESSAGE_IN_NEW ? m->new_fd : m->cur_fd;
}

/* After ENOENT: what is its name now? */
static int
find_again(struct mailbox *m, size_t i, int tries)
{
	struct timespec const moment = {.tv_nsec = RETRY_NS};

	/* A rename is seen before it is told. */
	if (tries > 0)
		nanosleep(&moment, NULL);
	if (m->watch.fd < 0 || tries > 2)
		m->must_scan = true;
	/* If it could not, numbers would change under the caller. */
	if (!memory_check(&m->memory, &m->view)) {
		errno = EIO;
		return -1;
	}
	if (!mailbox_collect(m))
		return -1;
	return m->view.v[i].state & MESSAGE_GONE ? 0 : 1;
}

/* act: 1 done, 0 there is no such file, -1 */
static int
insist(struct mailbox *m, size_t i,
	int (*act)(struct mailbox *m, size_t i, struct work const *w),
	struct work const *w)
{
	for (int tries = 0; tries < RETRIES; tries++) {
		int r;

		if (m->view.v[i].state & MESSAGE_GONE)
			return 0;
		r = act(m, i, w);
		if (r != 0)
			return r;
		r = find_again(m, i, tries);
		if (r <= 0)
			return r;
		if (w != NULL && w->if_same)
			return 2;
	}
	errno = EAGAIN;
	return -1;
}

static int
result(int r)
{
	if (r == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

static int
store(struct mailbox *m, size_t i, struct work const *w)
{
	struct message const *const v = &m->view.v[i];
	unsigned system = w->system;
	uint32_t keywords = w->keywords;
	char from[FILENAME_MAX_LEN + 1], to[FILENAME_MAX_LEN + 1];
	bool const in_new = v->state & MESSAGE_IN_NEW;
	size_t len;
	int r;

	if (w->how == FLAG_STORE_ADD) {
		system |= v->system;
		keywords |= v->keywords;
	} else if (w->how == FLAG_STORE_REMOVE) {
		system = v->system & ~system;
		keywords = v->keywords & ~keywords;
	}
	if (system == v->system && keywords == v->keywords)
		return 1;
	memcpy(from, msgtable_name(&m->view, i), v->name_len + 1u);
	len = filename_make(from, v->name_len, system, keywords, to);
	if (len == 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	r = result(renameat(folder_of(m, i), from, m->cur_fd, to));
	if (r <= 0)
		return r;
	if (!mailbox_renamed(&m->view, i, false, to, len))
		return -1;
	mailbox_expect(m, false, in_new, from);
	mailbox_expect(m, true, false, to);
	return r;
}

int
mailbox_store(struct mailbox *m, size_t i, enum flag_store how, unsigned system,
	uint32_t keywords)
{
	struct work const w = {
		.how = how, .system = system, .keywords = keywords};

	return insist(m, i, store, &w);
}

int
mailbox_store_if_same(struct mailbox *m, size_t i, enum flag_store how,
	unsigned system, uint32_t keywords)
{
	struct work const w = {.how = how,
		.system = system,
		.keywords = keywords,
		.if_same = true};

	return insist(m, i, store, &w);
}

static int
open_file(struct mailbox *m, size_t i, struct work const *w)
{
	*w->fd = openat(folder_of(m, i), msgtable_name(&m->view, i),
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*w->fd < 0)
		return result(-1);
	if (fstat(*w->fd, w->st) == 0 && S_ISREG(w->st->st_mode))
		return 1;
	close(*w->fd);
	*w->fd = -1;
	errno = EINVAL;
	return -1;
}

int
mailbox_open_file(struct mailbox *m, size_t i, int *fd_r, struct stat *st_r)
{
	struct work const w = {.fd = fd_r, .st = st_r};

	*fd_r = -1;
	return insist(m, i, open_file, &w);
}

static int
stat_file(struct mailbox *m, size_t i, struct work const *w)
{
	return result(fstatat(folder_of(m, i), msgtable_name(&m->view, i),
		w->st, AT_SYMLINK_NOFOLLOW));
}

int
mailbox_stat(struct mailbox *m, size_t i, struct stat *st_r)
{
	struct work const w = {.st = st_r};

	return insist(m, i, stat_file, &w);
}

static int
unlink_file(struct mailbox *m, size_t i, struct work const *w)
{
	int const r = result(
		unlinkat(folder_of(m, i), msgtable_name(&m->view, i), 0));

	(void)w;
	if (r > 0) {
		msgtable_mark(&m->view, i, MESSAGE_GONE | MESSAGE_DIRTY);
		mailbox_expect(m, false, m->view.v[i].state & MESSAGE_IN_NEW,
			msgtable_name(&m->view, i));
	}
	return r;
}

int
mailbox_unlink(struct mailbox *m, size_t i)
{
	uint64_t const octets = quota_size(msgtable_name(&m->view, i));
	int const r = insist(m, i, unlink_file, NULL);
	int const error = errno;

	if (r > 0)
		quota_note(m->root_fd, -(int64_t)octets, -1);
	errno = error;
	return r;
}

static int
link_file(struct mailbox *m, size_t i, struct work const *w)
{
	return result(linkat(folder_of(m, i), msgtable_name(&m->view, i),
		w->to_fd, w->to, 0));
}

int
mailbox_link(struct mailbox *m, size_t i, int to_fd, char const *to)
{
	struct work const w = {.to_fd = to_fd, .to = to};

	return insist(m, i, link_file, &w);
}
