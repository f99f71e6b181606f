/* What happens to the tree of mailboxes; see notify_parts.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "imapd/naming.h"
#include "imapd/notify_parts.h"
#include "imapd/subscriptions.h"

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

bool
notify_tree_read(struct session *s, struct boxlist *list, struct box **boxes_r)
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
		notify_unwatch_box(n, &before->boxes[i]);
}

bool
notify_tree_tell(struct session *s)
{
	struct notify *const n = s->notify;
	struct boxlist list = BOXLIST_ZERO;
	struct tree before = {&n->list, n->boxes}, after = {&list, NULL};

	n->tree_changed = false;
	if (!notify_tree_read(s, &list, &after.boxes)) {
		boxlist_free(&list);
		return false;
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
		if (!notify_watch_box(n, boxlist_name(&n->list, i), b))
			return false;
		b->changed = b->wd[0] >= 0;
	}
	return true;
}
