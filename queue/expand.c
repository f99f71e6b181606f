/* A message for an alias, queued anew for its targets. */
#include <stdio.h>
#include "common/drop.h"
#include "common/log.h"
#include "common/queuebody.h"
#include "queue/expand.h"

struct targets {
	struct queuefile_recipient all[ROUTE_TARGETS_MAX];
	size_t count;
	/* What the sender wants to hear of the alias goes on to its targets. */
	struct queuefile_recipient const *alias;
};

static bool
add(void *data, char const *address, size_t len)
{
	struct targets *t = data;

	if (t->count == ROUTE_TARGETS_MAX || len > QUEUEFILE_ADDRESS_MAX)
		return false;
	t->all[t->count++] = (struct queuefile_recipient){.address = address,
		.address_len = len,
		.state = QUEUEFILE_TODO,
		.notify = t->alias->notify,
		.orcpt = t->alias->orcpt,
		.orcpt_len = t->alias->orcpt_len};
	return true;
}

/* Whether the message went through this alias before, as its header says. */
static enum helper_result
check_loop(struct queued const *m, struct queuefile_recipient const *alias)
{
	struct queuebody const b = {.fd = m->fd,
		.message_offset = m->q.message_offset,
		.message_len = m->q.message_len,
		.added_offset = m->q.added_offset,
		.added_len = m->q.added_len};
	bool loops;
	enum queuebody_result r = queuebody_find_loop(
		&b, alias->address, alias->address_len, &loops);

	if (r != QUEUEBODY_OK)
		return r == QUEUEBODY_SHORT ? HELPER_SHORT : HELPER_FAILED;
	return loops ? HELPER_LOOP : HELPER_OK;
}

static void
put_message(void *data, char const *s, size_t len)
{
	drop_message(data, s, len);
}

static void
put_added(void *data, char const *s, size_t len)
{
	drop_added(data, s, len);
}

static enum helper_result
write_file(int tmp_fd, int new_fd, struct queued const *m,
	struct queuefile_recipient const *alias, struct targets *t)
{
	static struct drop d;
	char origin[32], sender[QUEUEFILE_ADDRESS_MAX + 1];
	char fields[VERP_FIELDS_MAX];
	size_t recipient = (size_t)(alias - m->q.recipients);
	struct drop_envelope e = {.origin = origin,
		.sender = sender,
		.sender_len = queued_sender(m, recipient, sender),
		.recipients = t->all,
		.recipient_count = t->count,
		/* What its targets do comes back to the list as the alias's. */
		.flags = (m->q.flags & ~QUEUEFILE_VERP) | QUEUEFILE_OWN |
			 QUEUEFILE_EXPANDED,
		.expires = m->q.expires,
		.priority = m->q.priority,
		.deliver_by = m->q.deliver_by,
		.by_mode = m->q.by_mode,
		.by_trace = m->q.by_trace,
		.ret = m->q.ret,
		.envid = m->q.envid,
		.envid_len = m->q.envid_len,
		.has_dropper = true,
		.dropper = m->q.has_dropper ? m->q.dropper : m->owner};
	enum queuebody_result r;

	e.origin_len =
		(size_t)snprintf(origin, sizeof origin, "alias %s", m->q.id);
	if (!drop_begin(&d, tmp_fd, new_fd, DROP_SYNC_FOLDER, &e))
		return HELPER_FAILED;
	r = queuebody_copy(
		m->fd, m->q.message_offset, m->q.message_len, put_message, &d);
	drop_added(&d, "Delivered-To: ", 14);
	drop_added(&d, alias->address, alias->address_len);
	drop_added(&d, "\r\n", 2);
	drop_added(&d, fields, queued_unsubscribe(m, recipient, fields));
	if (r == QUEUEBODY_OK)
		r = queuebody_copy(m->fd, m->q.added_offset, m->q.added_len,
			put_added, &d);
	if (r != QUEUEBODY_OK) {
		drop_abort(&d);
		return r == QUEUEBODY_SHORT ? HELPER_SHORT : HELPER_FAILED;
	}
	return drop_commit(&d) ? HELPER_OK : HELPER_FAILED;
}

/* RFC 3461 5.2.7.3 (c): the alias itself is told as expanded. */
static void
without_success(struct targets *t)
{
	for (size_t i = 0; i < t->count; i++) {
		unsigned *notify = &t->all[i].notify;
		if (!(*notify & QUEUEFILE_NOTIFY_SUCCESS))
			continue;
		*notify &= ~QUEUEFILE_NOTIFY_SUCCESS;
		/* To say nothing would mean failures, which weren't asked. */
		if (*notify == 0)
			*notify = QUEUEFILE_NOTIFY_NEVER;
	}
}

enum helper_result
expand_alias(int tmp_fd, int new_fd, struct route_tables const *tables,
	struct queued const *m, size_t recipient)
{
	static struct targets t;
	struct queuefile_recipient const *alias = &m->q.recipients[recipient];
	char key[ROUTE_NAME_MAX + 1];
	size_t key_len =
		route_key(tables, alias->address, alias->address_len, key);
	enum helper_result r = check_loop(m, alias);
	int expanded;

	if (r != HELPER_OK)
		return r;
	t.count = 0;
	t.alias = alias;
	expanded = route_expand(tables, key, key_len, add, &t);
	if (expanded == 0 || (expanded > 0 && t.count == 0))
		return HELPER_LOOP;
	if (t.count > 1)
		without_success(&t);
	if (expanded > 0)
		r = write_file(tmp_fd, new_fd, m, alias, &t);
	if (expanded < 0 || r == HELPER_FAILED) {
		log_error("expand-failed", m->q.id, (char *)0);
		return HELPER_FAILED;
	}
	return r == HELPER_OK && t.count > 1 ? HELPER_MANY : r;
}
