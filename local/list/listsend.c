/* What a list puts into the queue; see list.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/drop.h"
#include "common/queuefile.h"
#include "local/list/list.h"

#define ORIGIN "list"
/* Octets that a recipient's record takes beside its address, at most. */
#define RECORD_OCTETS 100

static bool
is_ascii(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] > 127)
			return false;
	return true;
}

/* Recipients of one file, taken from the members from *next on. */
struct batch {
	struct queuefile_recipient *list;
	char (*words)[LISTTOKEN_LEN + 1];
	size_t count;
	bool has_utf8;
};

static void
put(struct list *l, struct batch *b, char const *address, size_t len)
{
	struct queuefile_recipient *const to = &b->list[b->count];

	*to = (struct queuefile_recipient){.address = address,
		.address_len = len,
		.state = QUEUEFILE_TODO,
		.notify = QUEUEFILE_NOTIFY_FAILURE};
	if (l->set.url.len > 0) {
		listtoken_make(b->words[b->count], l->key, LISTTOKEN_LEAVE, 0,
			address, len);
		to->token = b->words[b->count];
		to->token_len = LISTTOKEN_LEN;
	}
	b->has_utf8 |= !is_ascii(address, len);
	b->count++;
}

static void
fill(struct list *l, struct batch *b, enum member_mode mode, size_t *next)
{
	size_t octets = 0;

	b->count = 0;
	b->has_utf8 = false;
	for (; *next < l->members.count && b->count < QUEUEFILE_VERP_MAX;
		++*next) {
		struct member const *const one = &l->members.list[*next];

		if (one->mode != mode)
			continue;
		octets += one->len + RECORD_OCTETS;
		if (octets > QUEUEFILE_VERP_ENVELOPE_MAX - 8192)
			break;
		put(l, b, members_address(&l->members, one), one->len);
	}
}

static bool
finish(struct drop *d, bool ok)
{
	int error;

	if (ok)
		return drop_commit(d);
	error = errno;
	drop_abort(d);
	errno = error;
	return false;
}

static bool
send_batch(struct list *l, struct batch const *b, stralloc const *sender,
	unsigned flags, list_write *write, void *data)
{
	static struct drop d;
	struct drop_envelope const e = {.origin = ORIGIN,
		.origin_len = sizeof ORIGIN - 1,
		.sender = sender->s,
		.sender_len = sender->len,
		.recipients = b->list,
		.recipient_count = b->count,
		.flags = flags | QUEUEFILE_VERP |
			 (b->has_utf8 ? QUEUEFILE_UTF8 : 0),
		.unsubscribe = l->set.url.len > 0 ? l->set.url.s : NULL,
		.unsubscribe_len = l->set.url.len,
		.ret = 'H'};

	return drop_begin(&d, l->outgoing.tmp_fd, l->outgoing.new_fd,
		       DROP_SYNC_FILE, &e) &&
	       finish(&d, write(&d, data));
}

bool
list_send(struct list *l, enum member_mode mode, unsigned flags,
	list_write *write, void *data, size_t *count_r)
{
	struct batch b = {0};
	stralloc sender = STRALLOC_ZERO;
	size_t next = 0, room;
	bool ok = list_load_members(l) &&
		  listrole_address(&sender, &l->set, LISTROLE_BOUNCES, "");

	*count_r = 0;
	room = l->members.count < QUEUEFILE_VERP_MAX ? l->members.count
						     : QUEUEFILE_VERP_MAX;
	if (ok && room > 0) {
		b.list = calloc(room, sizeof *b.list);
		b.words = calloc(room, sizeof *b.words);
		ok = b.list != NULL && b.words != NULL;
	}
	while (ok && next < l->members.count) {
		fill(l, &b, mode, &next);
		if (b.count == 0)
			break;
		ok = send_batch(l, &b, &sender, flags, write, data);
		*count_r += b.count;
	}
	free(b.list);
	free(b.words);
	stralloc_free(&sender);
	return ok;
}

bool
list_tell(struct list *l, char const *sender, char const *to, size_t to_len,
	stralloc const *message)
{
	static struct drop d;
	struct queuefile_recipient r = {.address = to,
		.address_len = to_len,
		.state = QUEUEFILE_TODO,
		.notify = *sender != '\0' ? QUEUEFILE_NOTIFY_FAILURE
					  : QUEUEFILE_NOTIFY_NEVER};
	struct drop_envelope e = {.origin = ORIGIN,
		.origin_len = sizeof ORIGIN - 1,
		.sender = sender,
		.sender_len = strlen(sender),
		.recipients = &r,
		.recipient_count = 1};
	size_t start = 0;

	if (!is_ascii(to, to_len))
		e.flags |= QUEUEFILE_UTF8;
	if (!is_ascii(message->s, message->len))
		e.flags |= QUEUEFILE_8BIT;
	if (!drop_begin(&d, l->outgoing.tmp_fd, l->outgoing.new_fd,
		    DROP_SYNC_FILE, &e))
		return false;
	for (size_t i = 0; i < message->len; i++)
		if (message->s[i] == '\n') {
			size_t n = i - start;

			if (n > 0 && message->s[i - 1] == '\r')
				n--;
			drop_message(&d, message->s + start, n);
			drop_message(&d, "\r\n", 2);
			start = i + 1;
		}
	return finish(&d, true);
}
