/* NOTIFY (RFC 5465): the command, and waiting for what it asks for; see
 * notify.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imapd/commands.h"
#include "imapd/deflate.h"
#include "imapd/notify_parts.h"
#include "imapd/shared.h"
#include "imapd/subscriptions.h"

/* A burst of deliveries is told in one go. */
#define SETTLE_NS 20000000

void
notify_free(struct session *s)
{
	if (s->notify == NULL)
		return;
	notify_watch_stop(s->notify);
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

static void
overflow(struct session *s)
{
	notify_watch_stop(s->notify);
	s->notify->args.on = false;
	s->notify->args.selected = s->notify->args.all = 0;
	session_puts(s, "* OK [NOTIFICATIONOVERFLOW] Too much to watch\r\n");
}

void
notify_look(struct session *s)
{
	struct notify *const n = s->notify;

	if (n == NULL || n->fd < 0)
		return;
	notify_watch_read(n);
	if (n->tree_changed && !notify_tree_tell(s))
		overflow(s);
	if (n->server_annotated && n->args.all & NOTIFY_SERVER)
		notify_known_tell(s, "", &n->known);
	n->server_annotated = false;
	for (size_t i = 0; i < n->list.count && n->boxes != NULL; i++) {
		struct box *const b = &n->boxes[i];

		if (b->changed)
			notify_tell_state(
				s, boxlist_name(&n->list, i), b, false);
		if (b->annotated)
			notify_known_tell(
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

/* Is one of the names, or one below it, in a mailbox that others share? */
static bool
names_shared(struct session const *s, struct notify_args const *args,
	struct notify_group const *g)
{
	char const *p = args->text + g->names_start;
	struct share share;

	for (size_t i = 0; i < g->names_count; i++, p += strlen(p) + 1)
		if (shared_find(s, p, &share) ||
			(g->filter == NOTIFY_SUBTREE &&
				strcmp(p, SHARE_ROOT) == 0))
			return true;
	return false;
}

static bool
subscribes_shared(struct session const *s)
{
	struct boxlist b = BOXLIST_ZERO;
	struct share share;
	bool found = false;

	if (subscriptions_read(&b, s->root_fd, 0) && boxlist_finish(&b))
		for (size_t i = 0; i < b.count && !found; i++)
			found = shared_find(s, boxlist_name(&b, i), &share);
	boxlist_free(&b);
	return found;
}

/* No watch reaches into others' maildirs, and a client that is promised news
 * does not look for them (RFC 5465, 3.1 and 5.8). */
static bool
asks_shared(struct session const *s, struct notify_args const *args)
{
	if (!shared_any(s))
		return false;
	for (size_t i = 0; i < args->count; i++) {
		struct notify_group const *const g = &args->groups[i];

		if (g->events != 0 &&
			(((g->filter == NOTIFY_SUBTREE ||
				  g->filter == NOTIFY_MAILBOXES) &&
				 names_shared(s, args, g)) ||
				(g->filter == NOTIFY_SUBSCRIBED &&
					subscribes_shared(s))))
			return true;
	}
	return false;
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
	if (asks_shared(s, &args)) {
		session_reply(s, "NO",
			"[NOTIFICATIONOVERFLOW] Others' mailboxes are not "
			"watched");
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
	notify_watch_stop(s->notify);
	s->notify->args = args;
	if (args.all != 0 && !notify_watch_start(s)) {
		notify_watch_stop(s->notify);
		s->notify->args.on = false;
		s->notify->args.selected = s->notify->args.all = 0;
		session_reply(
			s, "NO", "[NOTIFICATIONOVERFLOW] Too much to watch");
		return;
	}
	session_reply(s, "OK", "NOTIFY completed");
}
