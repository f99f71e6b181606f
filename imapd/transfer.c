/* Putting messages into another folder; see transfer.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>

#include "common/maildir.h"
#include "imapd/courier.h"
#include "common/filename.h"
#include "common/quota.h"
#include "imapd/resolve.h"
#include "imapd/transfer.h"
#include "common/uidlist.h"

struct target {
	int folder_fd, tmp_fd;
	struct keywords keywords;
	/* Letters of the mailbox's keywords, as bits of the folder's. */
	uint32_t letters[FLAG_KEYWORDS_MAX];
};

bool
transfer_add(struct transfer *t, size_t index)
{
	if (t->count == t->allocated) {
		size_t const more = t->allocated + t->allocated / 2 + 16;
		struct transfer_item *const items =
			reallocarray(t->items, more, sizeof *items);

		if (items == NULL)
			return false;
		t->items = items;
		t->allocated = more;
	}
	t->items[t->count++] = (struct transfer_item){.index = index};
	return true;
}

void
transfer_free(struct transfer *t)
{
	for (size_t k = 0; k < t->count; k++) {
		free(t->items[k].name);
		free(t->items[k].file);
	}
	free(t->items);
	*t = (struct transfer)TRANSFER_ZERO;
}

static int
open_folder(int fd, char const *name)
{
	return openat(
		fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The copy's name: a new unique part; what the old one says of sizes stays. */
static char *
make_name(struct mailbox const *m, size_t i, char const *host)
{
	char const *const old = msgtable_name(&m->view, i);
	char const *const end = old + m->view.v[i].base_len;
	char const *sizes = memchr(old, ',', (size_t)(end - old));
	unsigned char bytes[8];
	char hex[2 * sizeof bytes + 1], *name;
	struct timespec now;

	if (sizes == NULL)
		sizes = end;
	clock_gettime(CLOCK_REALTIME, &now);
	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
	if (asprintf(&name, "%lld.M%06ldP%ldR%s.%s%.*s", (long long)now.tv_sec,
		    now.tv_nsec / 1000, (long)getpid(), hex, host,
		    (int)(end - sizes), sizes) < 0)
		return NULL;
	return name;
}

/* The keywords that the messages use get their letters in the folder. Where
 * none is left a keyword stays behind. */
static bool
map_keywords(
	struct transfer const *t, struct mailbox const *m, struct target *to)
{
	uint32_t used = 0;

	for (size_t k = 0; k < t->count; k++)
		used |= m->view.v[t->items[k].index].keywords;
	if (!courier_adopt(to->folder_fd) ||
		!keywords_read(&to->keywords, to->folder_fd))
		return false;
	for (int i = 0; i < FLAG_KEYWORDS_MAX; i++) {
		char const *const name = m->keywords.names[i];
		struct flag_args one = {.keywords_count = 1};

		to->letters[i] = 0;
		if (!(used >> i & 1) || *name == '\0')
			continue;
		one.keywords[0] = (struct lex_text){name, strlen(name)};
		if (!keywords_bits(&to->keywords, to->folder_fd, &one, true,
			    &to->letters[i], NULL) &&
			errno != ENOSPC)
			return false;
	}
	return true;
}

/* Kernels write by themselves what is dirty for half a minute. */
#define YOUNG_SECONDS 120

/*
 * What was delivered or appended is on disk, and a link to it is when its folder
 * is. Others may have put a file there just now without syncing it; of an older
 * one a sync would bring nothing but a flush of the disk for each message.
 */
static int
sync_file(int folder_fd, char const *name)
{
	int const fd = openat(folder_fd, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r, error;

	if (fd < 0)
		return -1;
	r = fstat(fd, &st);
	if (r == 0 && (st.st_nlink == 1 ||
			      st.st_mtime > time(NULL) - YOUNG_SECONDS))
		r = fsync(fd);
	error = errno;
	close(fd);
	errno = error;
	return r;
}

static bool
copy_octets(int from, int to)
{
	static char block[65536];

	for (;;) {
		ssize_t n = read(from, block, sizeof block);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		for (ssize_t at = 0, w; at < n; at += w) {
			w = write(to, block + at, (size_t)(n - at));
			if (w < 0 && errno != EINTR)
				return false;
			if (w < 0)
				w = 0;
		}
	}
}

/* Where no link can be made: on another file system, or of a file that is
 * somebody else's. As mailbox_link. */
static int
copy_file(struct mailbox *m, size_t i, int to_fd, char const *name)
{
	struct stat st;
	int from, to, error, r = mailbox_open_file(m, i, &from, &st);

	if (r <= 0)
		return r;
	r = -1;
	to = openat(to_fd, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to >= 0) {
		struct timespec const times[2] = {st.st_mtim, st.st_mtim};

		if (copy_octets(from, to) && futimens(to, times) == 0)
			r = 1;
		error = errno;
		if (close(to) < 0 && r > 0) {
			error = errno;
			r = -1;
		}
		if (r < 0)
			(void)unlinkat(to_fd, name, 0);
		errno = error;
	}
	error = errno;
	close(from);
	errno = error;
	return r;
}

static int
put(struct mailbox *m, size_t i, int to_fd, char const *name)
{
	int const r = mailbox_link(m, i, to_fd, name);

	if (r < 0 && (errno == EPERM || errno == EXDEV || errno == EMLINK ||
			     errno == EOPNOTSUPP))
		return copy_file(m, i, to_fd, name);
	return r;
}

static uint64_t
octets_of(struct transfer const *t, struct mailbox const *m)
{
	uint64_t sum = 0;

	for (size_t k = 0; k < t->count; k++)
		sum += quota_size(msgtable_name(&m->view, t->items[k].index));
	return sum;
}

bool
transfer_allowed(struct transfer const *t, struct mailbox const *m, int root_fd)
{
	struct quota q;

	return quota_read(root_fd, &q) <= 0 ||
	       quota_allows(&q, octets_of(t, m), t->count);
}

/* Puts copies into tmp. 1, 0 a message is gone, -1. */
static int
link_all(struct transfer *t, struct mailbox *m, struct target *to,
	char const *host)
{
	for (size_t k = 0; k < t->count; k++) {
		char *const name = make_name(m, t->items[k].index, host);
		int r;

		if (name == NULL)
			return -1;
		r = put(m, t->items[k].index, to->tmp_fd, name);
		if (r <= 0) {
			free(name);
			return r;
		}
		t->items[k].name = name;
		if (sync_file(to->tmp_fd, name) < 0)
			return -1;
	}
	return 1;
}

static char *
final_name(struct transfer_item const *item, struct mailbox const *m,
	struct target const *to, unsigned rights)
{
	struct message const *const v = &m->view.v[item->index];
	char flagged[FILENAME_MAX_LEN + 1], *file;
	unsigned const system = v->system & rights_flags(rights);
	uint32_t keywords = 0;

	for (int i = 0; rights & RIGHT_WRITE && i < FLAG_KEYWORDS_MAX; i++)
		if (v->keywords >> i & 1)
			keywords |= to->letters[i];
	if (filename_make(item->name, strlen(item->name), system, keywords,
		    flagged) == 0) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	/* It goes to new, so that the copy is \Recent. */
	if (asprintf(&file, "new/%s",
		    system != 0 || keywords != 0 ? flagged : item->name) < 0)
		return NULL;
	return file;
}

static bool
move_out(struct transfer *t, struct mailbox *m, struct target *to)
{
	for (size_t k = 0; k < t->count; k++) {
		char *const file = final_name(&t->items[k], m, to, t->rights);

		if (file == NULL)
			return false;
		if (renameat(to->tmp_fd, t->items[k].name, to->folder_fd,
			    file) < 0) {
			free(file);
			return false;
		}
		t->items[k].file = file;
	}
	return true;
}

static void
undo(struct transfer *t, struct target *to)
{
	int const error = errno;

	for (size_t k = 0; k < t->count; k++) {
		if (t->items[k].file != NULL)
			(void)unlinkat(to->folder_fd, t->items[k].file, 0);
		else if (t->items[k].name != NULL)
			(void)unlinkat(to->tmp_fd, t->items[k].name, 0);
	}
	errno = error;
}

static bool
give_uids(struct transfer *t, struct target *to, int root_fd)
{
	char const **const names = calloc(t->count, sizeof *names);
	bool ok = names != NULL;

	for (size_t k = 0; ok && k < t->count; k++)
		names[k] = t->items[k].name;
	ok = ok && resolve_add(root_fd, to->folder_fd, names, t->count,
			   &t->validity, &t->first_uid);
	free(names);
	return ok;
}

static bool
publish(struct transfer *t, struct mailbox *m, struct target *to, int root_fd)
{
	int lock, error;
	bool ok;

	if (!uidlist_lock(to->folder_fd, &lock))
		return false;
	ok = move_out(t, m, to) && maildir_sync(to->folder_fd, "new") &&
	     give_uids(t, to, root_fd);
	error = errno;
	/* Before anybody else can have given them a UID. */
	if (!ok)
		undo(t, to);
	uidlist_unlock(to->folder_fd, lock);
	if (ok)
		quota_note(
			root_fd, (int64_t)octets_of(t, m), (int64_t)t->count);
	errno = error;
	return ok;
}

enum transfer_result
transfer_run(struct transfer *t, struct mailbox *m, int root_fd,
	char const *dir, char const *host)
{
	enum transfer_result result = TRANSFER_FAILED;
	struct target to = {.tmp_fd = -1};
	int r, error;

	to.folder_fd = open_folder(root_fd, dir);
	if (to.folder_fd < 0)
		return errno == ENOENT ? TRANSFER_NO_FOLDER : TRANSFER_FAILED;
	to.tmp_fd = open_folder(to.folder_fd, "tmp");
	if (t->count == 0)
		result = TRANSFER_DONE;
	else if (to.tmp_fd >= 0 && map_keywords(t, m, &to)) {
		r = link_all(t, m, &to, host);
		if (r > 0 && publish(t, m, &to, root_fd))
			result = TRANSFER_DONE;
		else if (r <= 0)
			undo(t, &to);
		if (r == 0)
			result = TRANSFER_GONE;
		else if (r > 0 && result != TRANSFER_DONE)
			undo(t, &to);
	}
	error = errno;
	if (to.tmp_fd >= 0)
		close(to.tmp_fd);
	close(to.folder_fd);
	errno = error;
	return result;
}
