/* What happens in other mailboxes; see notify.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>

#include "common/log.h"
#include "common/annotations.h"
#include "imapd/boxlist.h"
#include "imapd/commands.h"
#include "imapd/deflate.h"
#include "imapd/naming.h"
#include "imapd/notify.h"
#include "imapd/subscriptions.h"
#include "mime/imap.h"

/* A burst of deliveries is told in one go. */
#define SETTLE_NS 20000000
#define MESSAGES_MASK                                                          \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR |    \
		IN_DONT_FOLLOW | IN_EXCL_UNLINK)
#define FOLDER_MASK                                                            \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR |    \
		IN_DONT_FOLLOW)

/* An annotation as it was told last. */
struct known {
	char *name;
	unsigned char hash[16];
};

struct known_list {
	struct known *v;
	size_t count;
};

struct box {
	uint64_t inode; /* 0: there is no such mailbox */
	unsigned events;
	int wd[3]; /* cur, new, the folder itself; -1: not watched */
	bool changed, annotated; /* something has happened */
	bool has_state;
	uint32_t validity, next_uid;
	size_t messages, unseen;
	uint64_t modseq;
	struct known_list known;
};

struct notify {
	struct notify_args args;
	int fd, root_wd;
	bool tree_changed, server_annotated;
	struct boxlist list;
	struct box *boxes; /* one for each of list */
	size_t watched;
	struct known_list known; /* of the server */
};

static void
known_free(struct known_list *k)
{
	for (size_t i = 0; i < k->count; i++)
		free(k->v[i].name);
	free(k->v);
	*k = (struct known_list){0};
}

static void
unwatch(struct notify *n, struct box *b)
{
	bool any = false;

	for (int i = 0; i < 3; i++) {
		any |= b->wd[i] >= 0;
		if (b->wd[i] >= 0 && b->wd[i] != n->root_wd)
			(void)inotify_rm_watch(n->fd, b->wd[i]);
		b->wd[i] = -1;
	}
	n->watched -= any;
	known_free(&b->known);
}

static void
stop(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
	for (size_t i = 0; n->boxes != NULL && i < n->list.count; i++)
		known_free(&n->boxes[i].known);
	free(n->boxes);
	n->boxes = NULL;
	n->watched = 0;
	boxlist_free(&n->list);
	known_free(&n->known);
}

void
notify_free(struct session *s)
{
	if (s->notify == NULL)
		return;
	stop(s->notify);
	free(s->notify);
	s->notify = NULL;
}

unsigned
notify_selected(struct session const *s)
{
	return s->notify == NULL ? NOTIFY_MESSAGES : s->notify->args.selected;
}

bool
notify_at_once(struct session const *s)
{
	return s->notify != NULL && !s->notify->args.delayed;
}

int
notify_fd(struct session const *s)
{
	return s->notify != NULL ? s->notify->fd : -1;
}

void
notify_new(struct session *s, size_t from)
{
	struct notify const *const n = s->notify;

	if (n != NULL && n->args.fetch_len > 0)
		cmd_fetch_new(s, n->args.fetch, n->args.fetch_len, from);
}

/* Annotations */

static int
folder_of(struct session const *s, char const *name)
{
	char dir[BOXNAME_MAX + 2];

	boxname_dir(name, dir);
	return openat(s->root_fd, dir,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool
read_known(int fd, char const *file, struct known_list *k)
{
	stralloc text = STRALLOC_ZERO, value = STRALLOC_ZERO;
	bool ok = fd >= 0 && annotations_read(fd, file, &text) >= 0;
	struct annotation a;
	size_t pos = 0;

	*k = (struct known_list){0};
	k->v = calloc(ANNOTATIONS_MAX, sizeof *k->v);
	ok = ok && k->v != NULL;
	while (ok && k->count < ANNOTATIONS_MAX &&
		annotations_next(&text, &pos, &value, &a) > 0) {
		struct known *const one = &k->v[k->count];

		one->name = strdup(a.name);
		ok = one->name != NULL &&
		     crypto_generichash(one->hash, sizeof one->hash,
			     (unsigned char const *)a.value, a.value_len, NULL,
			     0) == 0;
		k->count += one->name != NULL;
	}
	stralloc_free(&text);
	stralloc_free(&value);
	return ok;
}

static struct known const *
find_known(struct known_list const *k, char const *name)
{
	for (size_t i = 0; i < k->count; i++)
		if (strcmp(k->v[i].name, name) == 0)
			return &k->v[i];
	return NULL;
}

/* Append the names in a that are not the same in b; gone: not there at all. */
static bool
add_changes(stralloc *out, struct known_list const *a,
	struct known_list const *b, bool gone, bool *any)
{
	for (size_t i = 0; i < a->count; i++) {
		struct known const *const other = find_known(b, a->v[i].name);

		if (other != NULL && (gone || memcmp(other->hash, a->v[i].hash,
						      sizeof other->hash) == 0))
			continue;
		*any = true;
		if (!stralloc_catb(out, " ", 1) ||
			!imap_string(out, a->v[i].name, strlen(a->v[i].name)))
			return false;
	}
	return true;
}

/* name: "" for the server. */
static void
tell_annotations(struct session *s, char const *name, struct known_list *old)
{
	bool const server = *name == '\0';
	int const fd = server ? s->root_fd : folder_of(s, name);
	struct known_list new;
	bool any = false;

	if (!read_known(fd, server ? ANNOTATIONS_SERVER : ANNOTATIONS_MAILBOX,
		    &new)) {
		known_free(&new);
		goto done;
	}
	s->out.len = 0;
	if (stralloc_cats(&s->out, "* METADATA ") &&
		(server ? stralloc_cats(&s->out, "\"\"")
			: naming_out(s->utf8, &s->out, name)) &&
		add_changes(&s->out, &new, old, false, &any) &&
		add_changes(&s->out, old, &new, true, &any) && any &&
		stralloc_cats(&s->out, "\r\n"))
		session_send(s);
	known_free(old);
	*old = new;
done:
	if (!server && fd >= 0)
		close(fd);
}

/* Messages */

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
static void
tell_state(struct session *s, char const *name, struct box *b, bool always)
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

/* Watching */

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
static bool
watch(struct notify *n, char const *name, struct box *b)
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

static uint64_t
inode_of(struct session const *s, char const *name, unsigned flags)
{
	char dir[BOXNAME_MAX + 2];
	struct stat st;

	boxname_dir(name, dir);
	return !(flags & BOXLIST_MISSING) && fstatat(s->root_fd, dir, &st,
						     AT_SYMLINK_NOFOLLOW) == 0
		       ? st.st_ino
		       : 0;
}

static bool
read_tree(struct session *s, struct boxlist *list, struct box **boxes_r)
{
	struct notify const *const n = s->notify;
	bool const ok = boxlist_read(list, s->root_fd) &&
			subscriptions_read(list, s->root_fd,
				BOXLIST_SUBSCRIBED | BOXLIST_MISSING) &&
			boxlist_finish(list) && list->count <= NOTIFY_KNOWN_MAX;

	*boxes_r = ok ? calloc(list->count, sizeof **boxes_r) : NULL;
	if (*boxes_r == NULL)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		struct box *const b = &(*boxes_r)[i];
		unsigned const flags = list->v[i].flags;

		b->wd[0] = b->wd[1] = b->wd[2] = -1;
		b->inode = inode_of(s, boxlist_name(list, i), flags);
		b->events = notify_args_events(&n->args, boxlist_name(list, i),
			flags & BOXLIST_SUBSCRIBED);
	}
	return true;
}

static bool
start(struct session *s)
{
	struct notify *const n = s->notify;

	n->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (n->fd < 0)
		return false;
	n->root_wd = add_watch(n, ".", "", FOLDER_MASK);
	if (n->root_wd < 0 || !read_tree(s, &n->list, &n->boxes))
		return false;
	for (size_t i = 0; i < n->list.count; i++) {
		char const *const name = boxlist_name(&n->list, i);
		struct box *const b = &n->boxes[i];

		if (!watch(n, name, b))
			return false;
		if (b->wd[0] >= 0)
			tell_state(s, name, b, n->args.status);
		if (b->wd[2] >= 0) {
			int const fd = folder_of(s, name);

			(void)!read_known(fd, ANNOTATIONS_MAILBOX, &b->known);
			if (fd >= 0)
				close(fd);
		}
	}
	return !(n->args.all & NOTIFY_SERVER) ||
	       read_known(s->root_fd, ANNOTATIONS_SERVER, &n->known);
}

/* The tree of mailboxes */

static void
tell_name(struct session *s, struct boxlist const *list, size_t i,
	char const *name, char const *old)
{
	unsigned const flags =
		i < list->count ? list->v[i].flags : BOXLIST_MISSING;
	bool ok;

	s->out.len = 0;
	ok = stralloc_cats(&s->out, "* LIST (") &&
	     (!(flags & BOXLIST_MISSING) ||
		     stralloc_cats(&s->out, "\\NonExistent ")) &&
	     stralloc_cats(&s->out, flags & BOXLIST_CHILDREN
					    ? "\\HasChildren"
					    : "\\HasNoChildren") &&
	     (!(flags & BOXLIST_SUBSCRIBED) ||
		     stralloc_cats(&s->out, " \\Subscribed")) &&
	     stralloc_cats(&s->out, ") \".\" ") &&
	     naming_out(s->utf8, &s->out, name) &&
	     (old == NULL || (stralloc_cats(&s->out, " (\"OLDNAME\" (") &&
				     naming_out(s->utf8, &s->out, old) &&
				     stralloc_cats(&s->out, "))"))) &&
	     stralloc_cats(&s->out, "\r\n");
	if (ok)
		session_send(s);
}

/* The tree before or after. */
struct tree {
	struct boxlist *list;
	struct box *boxes;
};

/* Index of a name, or count. */
static size_t
find_name(struct tree const *t, char const *name)
{
	struct boxlist_entry const *const e = boxlist_find(t->list, name);

	return e != NULL ? (size_t)(e - t->list->v) : t->list->count;
}

static bool
exists(struct tree const *t, size_t i)
{
	return i < t->list->count && t->boxes[i].inode != 0;
}

/* Where the mailbox with this inode is, if anywhere. */
static size_t
find_inode(struct tree const *t, uint64_t inode)
{
	size_t i = 0;

	while (i < t->list->count && t->boxes[i].inode != inode)
		i++;
	return i;
}

static bool
is_in(char const *name, char const *parent)
{
	size_t const len = strlen(parent);

	return strncmp(name, parent, len) == 0 &&
	       name[len] == BOXNAME_SEPARATOR;
}

/* Was `name` renamed along with its parent, which is told of alone? */
static bool
went_along(struct tree const *before, struct tree const *after, size_t now,
	size_t then)
{
	char const *const new = boxlist_name(after->list, now);
	char const *const old = boxlist_name(before->list, then);

	for (size_t k = now; k > 0; k--) {
		char const *const parent = boxlist_name(after->list, k - 1);
		size_t old_parent;

		if (!is_in(new, parent))
			continue;
		if (after->boxes[k - 1].inode == 0)
			continue;
		old_parent = find_inode(before, after->boxes[k - 1].inode);
		if (old_parent < before->list->count &&
			strcmp(boxlist_name(before->list, old_parent),
				parent) != 0 &&
			is_in(old, boxlist_name(before->list, old_parent)))
			return true;
	}
	return false;
}

static void
tell_parent(struct session *s, struct tree const *after, char const *name)
{
	char parent[BOXNAME_MAX + 1];
	char const *const end = strrchr(name, BOXNAME_SEPARATOR);
	size_t i;

	if (end == NULL)
		return;
	memcpy(parent, name, (size_t)(end - name));
	parent[end - name] = '\0';
	i = find_name(after, parent);
	if (notify_args_events(&s->notify->args, parent,
		    i < after->list->count &&
			    after->list->v[i].flags & BOXLIST_SUBSCRIBED) &
		NOTIFY_NAME)
		tell_name(s, after->list, i, parent, NULL);
}

static void
tell_here(struct session *s, struct tree const *before,
	struct tree const *after, size_t i)
{
	char const *const name = boxlist_name(after->list, i);
	size_t const then = find_name(before, name);
	unsigned const events = after->boxes[i].events;
	bool const subscribed = after->list->v[i].flags & BOXLIST_SUBSCRIBED;
	bool const was = then < before->list->count &&
			 before->list->v[then].flags & BOXLIST_SUBSCRIBED;

	if (exists(after, i) && !exists(before, then)) {
		size_t const old = find_inode(before, after->boxes[i].inode);

		if (!(events & NOTIFY_NAME))
			return;
		if (old == before->list->count) {
			tell_name(s, after->list, i, name, NULL);
			tell_parent(s, after, name);
		} else if (!went_along(before, after, i, old)) {
			tell_name(s, after->list, i, name,
				boxlist_name(before->list, old));
		}
	} else if (subscribed != was && events & NOTIFY_SUBSCRIPTION) {
		tell_name(s, after->list, i, name, NULL);
	}
}

static void
tell_gone(struct session *s, struct tree const *before,
	struct tree const *after, size_t i)
{
	char const *const name = boxlist_name(before->list, i);
	size_t const now = find_name(after, name);
	unsigned const flags = before->list->v[i].flags;

	if (exists(before, i) && !exists(after, now)) {
		if (before->boxes[i].events & NOTIFY_NAME &&
			find_inode(after, before->boxes[i].inode) ==
				after->list->count) {
			tell_name(s, after->list, now, name, NULL);
			tell_parent(s, after, name);
		}
	} else if (now == after->list->count && flags & BOXLIST_SUBSCRIBED &&
		   before->boxes[i].events & NOTIFY_SUBSCRIPTION) {
		tell_name(s, after->list, now, name, NULL);
	}
}

static void
overflow(struct session *s)
{
	stop(s->notify);
	s->notify->args.on = false;
	s->notify->args.selected = s->notify->args.all = 0;
	session_puts(s, "* OK [NOTIFICATIONOVERFLOW] Too much to watch\r\n");
}

/* What is known of a mailbox stays, under a new name too. */
static void
carry_over(struct notify *n, struct tree *before, struct tree *after)
{
	for (size_t i = 0; i < after->list->count; i++) {
		struct box *const b = &after->boxes[i];
		size_t k = find_name(before, boxlist_name(after->list, i));

		if (b->inode == 0 || k == before->list->count ||
			before->boxes[k].inode != b->inode ||
			before->boxes[k].events != b->events)
			continue;

		struct box const fresh = *b;

		*b = before->boxes[k];
		b->inode = fresh.inode;
		before->boxes[k] = fresh;
	}
	for (size_t i = 0; i < before->list->count; i++)
		unwatch(n, &before->boxes[i]);
}

static void
tell_tree(struct session *s)
{
	struct notify *const n = s->notify;
	struct boxlist list = BOXLIST_ZERO;
	struct tree before = {&n->list, n->boxes}, after = {&list, NULL};

	n->tree_changed = false;
	if (!read_tree(s, &list, &after.boxes)) {
		boxlist_free(&list);
		overflow(s);
		return;
	}
	for (size_t i = 0; i < n->list.count; i++)
		tell_gone(s, &before, &after, i);
	for (size_t i = 0; i < list.count; i++)
		tell_here(s, &before, &after, i);
	carry_over(n, &before, &after);
	free(n->boxes);
	boxlist_free(&n->list);
	n->list = list;
	n->boxes = after.boxes;
	for (size_t i = 0; i < n->list.count; i++) {
		struct box *const b = &n->boxes[i];

		if (b->wd[0] >= 0 || b->wd[2] >= 0)
			continue;
		if (!watch(n, boxlist_name(&n->list, i), b)) {
			overflow(s);
			return;
		}
		b->changed = b->wd[0] >= 0;
	}
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

static void
read_events(struct notify *n)
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

void
notify_look(struct session *s)
{
	struct notify *const n = s->notify;

	if (n == NULL || n->fd < 0)
		return;
	read_events(n);
	if (n->tree_changed)
		tell_tree(s);
	if (n->server_annotated && n->args.all & NOTIFY_SERVER)
		tell_annotations(s, "", &n->known);
	n->server_annotated = false;
	for (size_t i = 0; i < n->list.count && n->boxes != NULL; i++) {
		struct box *const b = &n->boxes[i];

		if (b->changed)
			tell_state(s, boxlist_name(&n->list, i), b, false);
		if (b->annotated)
			tell_annotations(
				s, boxlist_name(&n->list, i), &b->known);
		b->annotated = false;
	}
}

/* 1 the client has said something, 0 something has happened, -1 errno. */
static int
wait_once(struct session *s, int64_t end_ms)
{
	struct stream *const in = s->stream;
	struct pollfd p[3] = {{.fd = in->in_fd, .events = POLLIN},
		{.fd = s->selected ? s->mailbox.watch.fd : -1,
			.events = POLLIN},
		{.fd = notify_fd(s), .events = POLLIN}};
	int64_t const left = end_ms - stream_clock_ms();
	struct timespec const time = {
		.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
	sigset_t none;
	int r;

	if (stream_pending(in) > 0 || deflate_pending())
		return 1;
	if (left <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (in->stop != NULL && *in->stop != 0) {
		errno = ECANCELED;
		return -1;
	}
	/* SIGTERM is let through only here. */
	sigemptyset(&none);
	r = ppoll(p, 3, &time, &none);
	if (r < 0)
		return errno == EINTR ? 0 : -1;
	return p[0].revents != 0;
}

bool
notify_wait(struct session *s)
{
	struct timespec const moment = {.tv_nsec = SETTLE_NS};
	int64_t const end = stream_clock_ms() + (int64_t)s->stream->timeout_ms;

	if (s->notify == NULL || !s->notify->args.on)
		return true;
	while (!s->ended && s->stream->error == 0) {
		int r;

		if (!stream_flush(s->stream))
			return false;
		r = wait_once(s, end);
		if (r != 0)
			return r > 0;
		nanosleep(&moment, NULL);
		session_sync(s, notify_at_once(s));
		notify_look(s);
	}
	return !s->ended;
}

static void
refuse(struct session *s)
{
	session_reply(s, "NO",
		"[BADEVENT (MessageNew MessageExpunge FlagChange MailboxName "
		"SubscriptionChange MailboxMetadataChange "
		"ServerMetadataChange)] No such event");
}

void
cmd_notify(struct session *s)
{
	static struct notify_args args;

	if (!notify_args_lex(&s->command.lex, s->utf8, &args)) {
		session_reply_syntax(s);
		return;
	}
	if (args.unsupported) {
		refuse(s);
		return;
	}
	if (s->notify == NULL) {
		s->notify = calloc(1, sizeof *s->notify);
		if (s->notify == NULL) {
			session_reply_errno(s, "memory");
			return;
		}
		s->notify->fd = -1;
	}
	stop(s->notify);
	s->notify->args = args;
	if (args.all != 0 && !start(s)) {
		stop(s->notify);
		s->notify->args.on = false;
		s->notify->args.selected = s->notify->args.all = 0;
		session_reply(
			s, "NO", "[NOTIFICATIONOVERFLOW] Too much to watch");
		return;
	}
	session_reply(s, "OK", "NOTIFY completed");
}
