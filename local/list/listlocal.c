/* Mail that local delivers to a list; see list.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "common/log.h"
#include "local/list/list.h"

static void
put_off(struct delivery *d, char const *what)
{
	char const *const error = strerrordesc_np(errno);

	d->result.status = JOB_RETRY;
	(void)snprintf(d->result.text, sizeof d->result.text,
		"4.3.0 the list: %s%s%s", what, *what != 0 ? ": " : "",
		error != NULL ? error : "unknown error");
}

static void
done(struct list const *l, struct delivery *d, struct list_mail const *mail,
	char const *text)
{
	struct log_line line;

	d->result.status = JOB_DONE;
	(void)snprintf(d->result.text, sizeof d->result.text, "list: %s", text);
	log_begin(&line, "list", mail->id);
	log_text(&line, "list", l->set.address.s, l->set.address.len);
	log_text(&line, "done", text, strlen(text));
	log_end(&line);
}

static void
refuse(struct delivery *d, char const *code, char const *why)
{
	d->result.status = JOB_FAILED;
	(void)snprintf(
		d->result.text, sizeof d->result.text, "%s %s", code, why);
}

static bool
post(struct list *l, struct list_mail *mail, struct delivery *d)
{
	char const *why;
	char text[100];
	size_t count = 0;
	bool full;

	if (!list_load_members(l))
		return false;
	switch (list_judge(l, mail, &why)) {
	case LIST_HOLD:
		if (list_hold(l, mail, why)) {
			(void)snprintf(text, sizeof text, "held: %s", why);
			done(l, d, mail, text);
			return true;
		}
		if (errno != EDQUOT)
			return false;
		refuse(d, "5.7.1", "too many postings wait for a moderator");
		return true;
	case LIST_REFUSE:
		refuse(d, "5.7.1", why);
		return true;
	case LIST_DROP:
		(void)snprintf(text, sizeof text, "not posted: %s", why);
		done(l, d, mail, text);
		return true;
	case LIST_POST:
		break;
	}
	if (list_post(l, mail, &full, &count)) {
		(void)snprintf(text, sizeof text, "posted to %zu", count);
		done(l, d, mail, text);
		return true;
	}
	if (!full)
		return false;
	deliver_refuse(&d->result, JOB_RETRY, "4.2.2 the archive is full");
	return true;
}

/* To each of the owners, as it came. */
static bool
to_owners(struct list *l, struct job const *job, int fd, struct delivery *d,
	struct list_mail const *mail)
{
	for (size_t i = 0; i < l->set.owner_count; i++)
		if (!outgoing_forward(&l->outgoing, job, fd, l->set.owners[i].s,
			    l->set.owners[i].len, NULL))
			return false;
	done(l, d, mail, "sent to the owners");
	return true;
}

static bool
serve(struct list *l, struct job const *job, int fd, struct delivery *d)
{
	struct job_recipient const *const to = &job->recipients[0];
	struct list_mail mail = {.fd = fd,
		.message_offset = job->message_offset,
		.message_len = job->message_len,
		.added_offset = job->added_offset,
		.added_len = job->added_len,
		.flags = job->flags,
		.sender = job->sender,
		.sender_len = job->sender_len};
	struct listset_text detail;
	enum listrole const role =
		listrole_find(&l->set, to->address, to->address_len, &detail);
	char const *text = "";
	bool ok;

	memcpy(mail.id, job->id, sizeof mail.id);
	ok = list_read_mail(&mail);
	if (ok && role == LISTROLE_POST)
		ok = post(l, &mail, d);
	else if (ok && role == LISTROLE_OWNER)
		ok = to_owners(l, job, fd, d, &mail);
	else if (ok) {
		ok = role == LISTROLE_BOUNCES
			     ? list_came_back(l, &mail, &detail, &text)
			     : list_talk(l, &mail, role, &detail, &text);
		if (ok)
			done(l, d, &mail, text);
	}
	list_free_mail(&mail);
	return ok;
}

void
list_deliver(
	struct mailbox *m, struct job const *job, int fd, struct delivery *d)
{
	static struct list l;

	if (!list_open(&l, m->boxes.root_fd, &m->outgoing, m->place.hostname))
		put_off(d, l.fault[0] != '\0' ? l.fault : "");
	else if (!serve(&l, job, fd, d))
		put_off(d, "");
	list_close(&l);
}
