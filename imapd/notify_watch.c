/* Watching mailboxes, and their state; see notify_parts.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/annotations.h"
#include "imapd/naming.h"
#include "imapd/notify_parts.h"

#define MESSAGES_MASK                                                          \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR |    \
		IN_DONT_FOLLOW | IN_EXCL_UNLINK)
#define FOLDER_MASK                                                            \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR |    \
		IN_DONT_FOLLOW)

void
notify_unwatch_box(struct notify *n, struct box *b)
{
	bool any = false;

	for (int i = 0; i < 3; i++) {
		any |= b->wd[i] >= 0;
		if (b->wd[i] >= 0 && b->wd[i] != n->root_wd)
			(void)inotify_rm_watch(n->fd, b->wd[i]);
		b->wd[i] = -1;
	}
	n->watched -= any;
	notify_known_free(&b->known);
}

void
notify_watch_stop(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
	for (size_t i = 0; n->boxes != NULL && i < n->list.count; i++)
		notify_known_free(&n->boxes[i].known);
	free(n->boxes);
	n->boxes = NULL;
	n->watched = 0;
	boxlist_free(&n->list);
	notify_known_free(&n->known);
}

static bool
is_selected(struct session const *s, char const *name)
{
	return s->selected && strcmp(s->name, name) == 0;
}

static void
count(struct mailbox const *m, struct box *b)
{
	b->has_state = true;
	b->validity = m->validity;
	b->next_uid = m->next_uid;
	b->messages = m->view.count;
	b->modseq = mailbox_highest(m);
	b->unseen = 0;
	for (size_t i = 0; i < m->view.count; i++)
		b->unseen += !(m->view.v[i].system & FLAG_SEEN);
}

static void
send_status(struct session *s, char const *name, struct box const *b)
{
	char text[192];
	int n = snprintf(text, sizeof text,
		" (MESSAGES %zu UIDNEXT %lu UIDVALIDITY %lu", b->messages,
		(unsigned long)b->next_uid, (unsigned long)b->validity);

	if (b->events & NOTIFY_FLAGS)
		n += snprintf(text + n, sizeof text - (size_t)n, " UNSEEN %zu",
			b->unseen);
	if (s->condstore || b->events & NOTIFY_FLAGS)
		n += snprintf(text + n, sizeof text - (size_t)n,
			" HIGHESTMODSEQ %llu", (unsigned long long)b->modseq);
	s->out.len = 0;
	if (stralloc_cats(&s->out, "* STATUS ") &&
		naming_out(s->utf8, &s->out, name) &&
		stralloc_catb(&s->out, text, (size_t)n) &&
		stralloc_cats(&s->out, ")\r\n"))
		session_send(s);
}

/* Look at a mailbox that is not selected, and tell if asked to or if it has
 * changed. */
void
notify_tell_state(
	struct session *s, char const *name, struct box *b, bool always)
{
	char dir[BOXNAME_MAX + 2];
	struct box const old = *b;
	struct mailbox m;
	bool changed;

	b->changed = false;
	if (is_selected(s, name)) {
		b->has_state = false;
		return;
	}
	boxname_dir(name, dir);
	if (!mailbox_open(&m, s->root_fd, dir, true, false))
		return;
	count(&m, b);
	mailbox_close(&m);
	changed = !old.has_state || old.validity != b->validity ||
		  old.next_uid != b->next_uid || old.messages != b->messages;
	if (b->events & NOTIFY_FLAGS)
		changed |= old.unseen != b->unseen || old.modseq != b->modseq;
	if (always || (changed && old.has_state))
		send_status(s, name, b);
}

static int
add_watch(struct notify *n, char const *dir, char const *sub, uint32_t mask)
{
	char path[PATH_MAX];
	int const k = snprintf(
		path, sizeof path, "%s%s%s", dir, *sub != '\0' ? "/" : "", sub);

	if (k < 0 || (size_t)k >= sizeof path)
		return -1;
	return inotify_add_watch(n->fd, path, mask);
}

/* False: there are too many, or the kernel refuses. */
bool
notify_watch_box(struct notify *n, char const *name, struct box *b)
{
	char dir[BOXNAME_MAX + 2];

	if (b->inode == 0 || !(b->events & (NOTIFY_MESSAGES | NOTIFY_METADATA)))
		return true;
	if (n->watched == NOTIFY_WATCHED_MAX)
		return false;
	boxname_dir(name, dir);
	if (b->events & NOTIFY_MESSAGES) {
		b->wd[0] = add_watch(n, dir, "cur", MESSAGES_MASK);
		b->wd[1] = add_watch(n, dir, "new", MESSAGES_MASK);
		if (b->wd[0] < 0 || b->wd[1] < 0)
			return errno == ENOENT;
	}
	if (b->events & NOTIFY_METADATA) {
		b->wd[2] = add_watch(n, dir, "", FOLDER_MASK);
		if (b->wd[2] < 0)
			return errno == ENOENT;
	}
	n->watched++;
	return true;
}

bool
notify_watch_start(struct session *s)
{
	struct notify *const n = s->notify;

	n->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (n->fd < 0)
		return false;
	n->root_wd = add_watch(n, ".", "", FOLDER_MASK);
	if (n->root_wd < 0 || !notify_tree_read(s, &n->list, &n->boxes))
		return false;
	for (size_t i = 0; i < n->list.count; i++) {
		char const *const name = boxlist_name(&n->list, i);
		struct box *const b = &n->boxes[i];

		if (!notify_watch_box(n, name, b))
			return false;
		if (b->wd[0] >= 0)
			notify_tell_state(s, name, b, n->args.status);
		if (b->wd[2] >= 0)
			notify_known_mailbox(s, name, &b->known);
	}
	return !(n->args.all & NOTIFY_SERVER) ||
	       notify_known_read(s->root_fd, ANNOTATIONS_SERVER, &n->known);
}

static void
note(struct notify *n, struct inotify_event const *e)
{
	char const *const name = e->len > 0 ? e->name : "";
	bool const all = e->mask & IN_Q_OVERFLOW;

	if (all ||
		(e->wd == n->root_wd &&
			(name[0] == '.' || strcmp(name, "subscriptions") == 0)))
		n->tree_changed = true;
	if (all ||
		(e->wd == n->root_wd && strcmp(name, ANNOTATIONS_SERVER) == 0))
		n->server_annotated = true;
	for (size_t i = 0; i < n->list.count; i++) {
		struct box *const b = &n->boxes[i];

		if (all || e->wd == b->wd[0] || e->wd == b->wd[1])
			b->changed = b->wd[0] >= 0;
		if (all || (e->wd == b->wd[2] &&
				   strcmp(name, ANNOTATIONS_MAILBOX) == 0))
			b->annotated = b->wd[2] >= 0;
	}
}

void
notify_watch_read(struct notify *n)
{
	_Alignas(struct inotify_event) char text[8192];
	ssize_t len;

	while ((len = read(n->fd, text, sizeof text)) > 0)
		for (ssize_t at = 0; at < len;) {
			struct inotify_event const *const e =
				(struct inotify_event const *)(void const
						*)(text + at);

			note(n, e);
			at += (ssize_t)(sizeof *e + e->len);
		}
}
