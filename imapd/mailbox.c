/* One folder as a session sees it; see mailbox.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/maildir.h"
#include "common/filename.h"
#include "imapd/courier.h"
#include "imapd/mailbox.h"
#include "imapd/mailbox_file.h"
#include "imapd/meta.h"
#include "imapd/resolve.h"

static int
open_sub(int folder_fd, char const *sub)
{
	return openat(folder_fd, sub,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Move what lies in new to cur. Who moves a file has it as \Recent, nobody
 * else: rename succeeds once. */
static bool
take_new(struct mailbox *m, size_t from)
{
	struct view *const view = &m->memory.view;
	bool all = true;

	if (!view_need(view, &m->view, from, m->view.count))
		return false;
	for (size_t i = from; i < m->view.count; i++) {
		struct message const *const v = &m->view.v[i];
		char name[FILENAME_MAX_LEN + 1], to[FILENAME_MAX_LEN + 1];
		size_t len;

		if (!(v->state & MESSAGE_IN_NEW) || v->state & MESSAGE_GONE)
			continue;
		if (!view_need_name(view, &m->view, i))
			return false;
		memcpy(name, msgtable_name(&m->view, i), v->name_len + 1u);
		len = filename_make(
			name, v->name_len, v->system, v->keywords, to);
		if (!m->read_only && (len == 0 || renameat(m->new_fd, name,
							  m->cur_fd, to) < 0)) {
			all = all && errno != ENOENT;
			continue;
		}
		if (!(v->state & MESSAGE_RECENT))
			m->recent++;
		msgtable_mark(&m->view, i, MESSAGE_RECENT);
		if (m->read_only)
			continue;
		if (!mailbox_renamed(&m->view, i, false, to, len))
			return false;
		mailbox_expect(m, false, true, name);
		mailbox_expect(m, true, false, to);
	}
	return all;
}

/* Letters whose names another session has added. */
static bool
refresh_keywords(struct mailbox *m)
{
	uint32_t named = 0;

	for (int i = 0; i < FLAG_KEYWORDS_MAX; i++)
		if (m->keywords.names[i][0] != '\0')
			named |= UINT32_C(1) << i;
	if ((m->view.used & ~named) == (m->nameless & ~named))
		return true;
	m->nameless = m->view.used & ~named;
	return keywords_read(&m->keywords, m->folder_fd);
}

/* What is known to lie in new already is taken too, by the first who may. */
static size_t
first_untaken(struct mailbox const *m)
{
	return !m->told && m->view.states & MESSAGE_IN_NEW ? m->view.marked_from
							   : m->view.count;
}

bool
mailbox_sync(struct mailbox *m)
{
	size_t const first = first_untaken(m);

	if (m->replaced) {
		errno = ESTALE;
		return false;
	}
	if (!mailbox_collect(m) || !resolve(m, mailbox_collect))
		return false;
	if (!mailbox_is_same(m) || (m->merge && !mailbox_merge(m)))
		return false;
	/* What another session has taken from new has another name now. */
	if (!take_new(m, first) && !mailbox_collect(m))
		return false;
	if (!mailbox_record(m))
		return false;
	return refresh_keywords(m);
}

/* Nobody has been told of what was there before. */
static void
begin_anew(struct mailbox *m)
{
	struct msgtable *const t = &m->view;

	mailbox_settle(m);
	for (size_t i = 0; t->states & MESSAGE_CHANGED && i < t->count; i++)
		if (t->v[i].state & MESSAGE_CHANGED)
			t->v[i].state &= (uint8_t)~MESSAGE_CHANGED;
	t->states &= ~MESSAGE_CHANGED;
}

bool
mailbox_open_quick(struct mailbox *m, int root_fd, char const *dir,
	bool read_only, bool watch)
{
	int error;

	*m = (struct mailbox){.root_fd = root_fd,
		.read_only = read_only,
		.folder_fd = open_sub(root_fd, dir),
		.cur_fd = -1,
		.new_fd = -1,
		.view = MSGTABLE_ZERO,
		.arrivals = MSGTABLE_ZERO,
		.old = MSGTABLE_ZERO,
		.memory = MEMORY_ZERO,
		.meta = META_FILE_ZERO,
		.watch = WATCH_ZERO};
	if (m->folder_fd < 0)
		return false;
	m->cur_fd = open_sub(m->folder_fd, "cur");
	if (m->cur_fd < 0 && errno == ENOENT && maildir_create(root_fd, dir))
		m->cur_fd = open_sub(m->folder_fd, "cur");
	m->new_fd = open_sub(m->folder_fd, "new");
	if (m->cur_fd < 0 || m->new_fd < 0)
		goto fail;
	m->settle_ns = stamp_settle_ns(m->folder_fd);
	/* Before the folder is looked at. */
	if (watch)
		(void)!watch_start(&m->watch, m->folder_fd, dir);
	if (courier_adopt(m->folder_fd) &&
		keywords_read(&m->keywords, m->folder_fd) &&
		mailbox_recall(m) && mailbox_sync(m)) {
		begin_anew(m);
		return true;
	}
fail:
	error = errno;
	mailbox_close(m);
	errno = error;
	return false;
}

bool
mailbox_open(struct mailbox *m, int root_fd, char const *dir, bool read_only,
	bool watch)
{
	int error;

	if (!mailbox_open_quick(m, root_fd, dir, read_only, watch))
		return false;
	if (mailbox_ready(m))
		return true;
	error = errno;
	mailbox_close(m);
	errno = error;
	return false;
}

bool
mailbox_ready(struct mailbox *m)
{
	if (memory_check(&m->memory, &m->view))
		return true;
	return mailbox_rebuild(m) && mailbox_sync(m);
}

void
mailbox_close(struct mailbox *m)
{
	if (m->cur_fd >= 0 && m->new_fd >= 0) {
		meta_flush(m);
		mailbox_leave(m);
	}
	if (m->cur_fd >= 0)
		close(m->cur_fd);
	if (m->new_fd >= 0)
		close(m->new_fd);
	if (m->folder_fd >= 0)
		close(m->folder_fd);
	m->cur_fd = m->new_fd = m->folder_fd = -1;
	watch_stop(&m->watch);
	msgtable_free(&m->view);
	msgtable_free(&m->arrivals);
	msgtable_free(&m->old);
	memory_free(&m->memory);
	meta_file_close(&m->meta);
	stralloc_free(&m->lost);
	stralloc_free(&m->unseen);
}

void
mailbox_settle(struct mailbox *m)
{
	if (!(m->view.states & MESSAGE_GONE))
		return;
	for (size_t i = 0; i < m->view.count; i++)
		if (m->view.v[i].state & MESSAGE_GONE &&
			m->view.v[i].state & MESSAGE_RECENT)
			m->recent--;
	msgtable_remove(&m->view, MESSAGE_GONE);
}

size_t
mailbox_find_uid(struct mailbox const *m, uint32_t uid)
{
	return memory_find_uid(&m->view, uid);
}

bool
mailbox_unseen(struct mailbox *m, size_t *count_r, size_t *first_r)
{
	struct view_head const *const h = &m->memory.view.head;

	size_t from = 0;

	*count_r = *first_r = 0;
	/* Those that are as they were remembered need not be looked at. */
	if (m->view.map != NULL && !m->view.differs) {
		*count_r = h->unseen;
		*first_r = h->first_unseen;
		from = m->view.from_map;
	} else if (!mailbox_ready(m)) {
		return false;
	}
	for (size_t i = from; i < m->view.count; i++)
		if (!(m->view.v[i].system & FLAG_SEEN) && (*count_r)++ == 0)
			*first_r = i + 1;
	return true;
}
