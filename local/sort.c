/* Doing with a message what the mailbox's script says; see sort.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include "common/log.h"
#include "common/queuebody.h"
#include "local/answer.h"
#include "local/filter.h"
#include "local/seen.h"
#include "local/sort.h"
#include "mime/header.h"

/* A message with more Received fields is not sent on (RFC 5321, 6.3). */
#define HOPS_MAX 50
/* A fault is told again after so long, if it is still there. */
#define FAULT_SECONDS (UINT64_C(30) * 24 * 3600)

struct sorting {
	struct mailbox *m;
	struct job const *job;
	int fd;
	bool locks;
	uint64_t now;
	struct delivery *d;
	struct filtered filtered;
	/* Mailboxes that have their copy. */
	char names[SIEVE_ACTIONS_MAX + 1][BOXNAME_MAX + 1];
	size_t done_count;
};

static bool
put_off(struct sorting *s, char const *what)
{
	char const *const error = strerrordesc_np(errno);

	s->d->result.status = JOB_RETRY;
	snprintf(s->d->result.text, sizeof s->d->result.text, "4.3.0 %s: %s",
		what, error != NULL ? error : "unknown error");
	return false;
}

static void
done_with(struct sorting *s, char const *text)
{
	s->d->result.status = JOB_DONE;
	snprintf(s->d->result.text, sizeof s->d->result.text, "%s", text);
}

static struct answer_facts
facts(struct sorting const *s)
{
	struct job const *const job = s->job;

	return (struct answer_facts){.header = s->filtered.header.s,
		.header_len = s->filtered.header.len,
		.sender = job->sender,
		.sender_len = job->sender_len,
		.recipient = job->recipients[0].address,
		.recipient_len = job->recipients[0].address_len,
		.is_junk = (job->flags & QUEUEFILE_JUNK) != 0,
		.now = s->now,
		.hostname = s->m->place.hostname};
}

/* What a script has made of the header; NULL: it stays. */
static struct delivery_header const *
header_of(struct sorting const *s, struct sieve_action const *a,
	struct delivery_header *h)
{
	if (a->header == NULL || !s->filtered.is_header_whole || s->locks)
		return NULL;
	*h = (struct delivery_header){.s = a->header,
		.len = a->header_len,
		.replaced = s->filtered.own_len};
	return h;
}

/* Where an action puts a copy. */
static void
name_of(struct sorting const *s, struct sieve_action const *a, char *name_r)
{
	int const root = s->m->boxes.root_fd;

	if (a->kind == SIEVE_DO_KEEP)
		strcpy(name_r, s->job->flags & QUEUEFILE_JUNK ? MAILBOX_JUNK
							      : "INBOX");
	else if (a->use == NULL || !filter_find_use(root, a->use, name_r))
		memcpy(name_r, a->target, a->target_len + 1);
}

/* A folder that is not there, or can't be had: INBOX has it then (RFC 5228,
 * 4.1). cached: the descriptor is the mailbox's, else the caller's. */
static int
open_box(struct sorting *s, struct sieve_action const *a, char *name,
	bool cached)
{
	struct boxes *const b = &s->m->boxes;
	bool const create = a->may_create || a->kind == SIEVE_DO_KEEP;
	int fd = cached ? boxes_open(b, name, create)
			: boxes_open_alone(b, name, create);

	if (fd >= 0)
		return fd;
	log_event("no-folder", s->job->id, "folder", name, "why",
		strerrorname_np(errno), (char *)0);
	strcpy(name, "INBOX");
	return cached ? b->root_fd : boxes_open_alone(b, name, false);
}

/* Write a copy; where and with which flags stands in d then. */
static bool
write_copy(struct sorting *s, struct sieve_action const *a, int folder_fd)
{
	struct delivery *const d = s->d;
	struct delivery_header h;

	d->folder_fd = folder_fd;
	d->has_flags = *a->flags != '\0';
	if (d->has_flags && !boxes_letters(folder_fd, a->flags, d->letters))
		return put_off(s, "flags can't be set");
	/* Flags of which none has a letter. */
	d->has_flags = d->has_flags && d->letters[0] != '\0';
	return mailbox_has_room(s->m, s->job->message_len, &d->result) &&
	       deliver_write(&d->writer, &s->m->place, folder_fd, s->locks,
		       s->job, s->fd, header_of(s, a, &h), &d->result);
}

static bool
copy_now(struct sorting *s, struct sieve_action const *a, int folder_fd)
{
	struct delivery *const d = s->d;

	if (!write_copy(s, a, folder_fd))
		return false;
	maildir_harden(&d->writer);
	deliver_commit(
		&d->writer, d->has_flags ? d->letters : NULL, &d->result);
	if (d->result.status != JOB_DONE)
		return false;
	if (!deliver_sync(folder_fd, d->has_flags ? "cur" : "new"))
		return put_off(s, "the mailbox could not be synced");
	mailbox_count(s->m, d->writer.name);
	return true;
}

/* Whether the mailbox has a copy already; else it is noted to have one. */
static bool
has_copy(struct sorting *s, char const *name)
{
	for (size_t i = 0; i < s->done_count; i++)
		if (strcmp(s->names[i], name) == 0)
			return true;
	strcpy(s->names[s->done_count++], name);
	return false;
}

static bool
deliver_copy(struct sorting *s, struct sieve_action const *a)
{
	char name[BOXNAME_MAX + 1];
	int folder_fd;
	bool ok;

	name_of(s, a, name);
	folder_fd = open_box(s, a, name, false);
	if (folder_fd < 0)
		return put_off(s, "the mailbox can't be opened");
	ok = has_copy(s, name) || copy_now(s, a, folder_fd);
	close(folder_fd);
	return ok;
}

static size_t
count_hops(struct sorting const *s)
{
	struct header_field f;
	size_t pos = 0, count = 0;

	while (header_next(s->filtered.header.s, s->filtered.header.len, &pos,
		       &f) > 0)
		count += header_is(&f, "received");
	return count;
}

/* Why a copy must not go to an address: it would come back (RFC 5228, 10). */
static char const *
why_not_forward(struct sorting const *s, char const *to, size_t len)
{
	struct job_recipient const *const own = &s->job->recipients[0];

	if (len == own->address_len && strncasecmp(to, own->address, len) == 0)
		return "that is this mailbox";
	if (queuebody_was_delivered_to(
		    s->filtered.header.s, s->filtered.header.len, to, len))
		return "it has been there";
	return count_hops(s) > HOPS_MAX ? "it has come too far" : NULL;
}

/* A message that must not be sent on stays here. */
static bool
forward(struct sorting *s, struct sieve_action const *a)
{
	struct sieve_action keep = *a;
	struct delivery_header h;
	char const *const why = why_not_forward(s, a->target, a->target_len);

	log_event(why == NULL ? "forwarded" : "not-forwarded", s->job->id, "to",
		a->target, why != NULL ? "why" : NULL, why, (char *)0);
	if (why != NULL) {
		keep.kind = SIEVE_DO_KEEP;
		keep.flags = "";
		return deliver_copy(s, &keep);
	}
	done_with(s, "forwarded by the mailbox's filter");
	return outgoing_forward(&s->m->outgoing, s->job, s->fd, a->target,
		       a->target_len, header_of(s, a, &h)) ||
	       put_off(s, "it can't be forwarded");
}

static bool
send_answer(struct sorting *s, stralloc const *text)
{
	return outgoing_answer(&s->m->outgoing, s->job->sender,
		       s->job->sender_len, text->s, text->len) ||
	       put_off(s, "the answer can't be sent");
}

/* Not noted is answered again: the message itself has been dealt with. */
static void
note(struct sorting const *s, char const *hash, uint64_t seconds)
{
	if (!seen_note(s->m->boxes.root_fd, hash, s->now + seconds, s->now))
		log_error("note-failed", s->job->id, (char *)0);
}

static bool
answer(struct sorting *s, struct sieve_action const *a)
{
	struct answer_facts const f = facts(s);
	char const *why = answer_refusal(&f, a->addresses);
	stralloc text = STRALLOC_ZERO;
	char hash[SEEN_HASH_SIZE];
	bool ok;

	seen_hash(hash, SEEN_ANSWER, f.sender, f.sender_len, a->handle,
		a->handle_len);
	if (why == NULL && seen_has(s->m->boxes.root_fd, hash, s->now))
		why = "it was answered before";
	if (why != NULL) {
		log_event("not-answered", s->job->id, "why", why, (char *)0);
		return true;
	}
	if (answer_vacation(&text, &f, a))
		ok = send_answer(s, &text);
	else
		ok = put_off(s, "the answer can't be written");
	stralloc_free(&text);
	if (!ok)
		return false;
	log_event("answered", s->job->id, (char *)0);
	note(s, hash, a->seconds);
	return true;
}

/* The reason on one line in ASCII, for the report that the sender gets. */
static void
fail_with(struct sorting *s, struct sieve_action const *a)
{
	char *const out = s->d->result.text;
	size_t n = (size_t)snprintf(out, sizeof s->d->result.text, "5.7.1 ");

	s->d->result.status = JOB_FAILED;
	for (size_t i = 0; i < a->target_len && n + 1 < JOB_TEXT_MAX; i++) {
		char const c = a->target[i];

		if (c == '\r')
			continue;
		out[n++] = c == '\n' ? ' ' : (c >= ' ' && c <= '~' ? c : '?');
	}
	out[n] = '\0';
}

/* RFC 5429, 2: ereject by a failure, which becomes a report; reject by a report
 * with the reason as it was written. */
static bool
reject(struct sorting *s, struct sieve_action const *a)
{
	struct answer_facts const f = facts(s);
	stralloc text = STRALLOC_ZERO;
	bool ok;

	log_event("rejected", s->job->id, (char *)0);
	done_with(s, "rejected by the mailbox's filter");
	if (f.sender_len == 0)
		return true;
	if (a->is_ereject) {
		fail_with(s, a);
		return true;
	}
	if (answer_rejection(&text, &f, a->target, a->target_len))
		ok = send_answer(s, &text);
	else
		ok = put_off(s, "the report can't be written");
	stralloc_free(&text);
	return ok;
}

/* The owner is told of each fault once, in INBOX. */
static bool
tell_fault(struct sorting *s)
{
	struct sieve_fault const *const fault = &s->filtered.result.fault;
	struct answer_facts const f = facts(s);
	struct maildir_writer *const w = &s->d->writer;
	int const root = s->m->boxes.root_fd;
	stralloc text = STRALLOC_ZERO;
	char hash[SEEN_HASH_SIZE], line[32];
	int const n = snprintf(line, sizeof line, "%u", fault->line);
	bool ok;

	log_event("filter-failed", s->job->id, "line", line, "why", fault->text,
		(char *)0);
	seen_hash(hash, SEEN_FAULT, fault->text, strlen(fault->text), line,
		(size_t)n);
	if (seen_has(root, hash, s->now))
		return true;
	ok = answer_fault(&text, &f, fault) &&
	     maildir_begin(w, root, s->m->place.hostname, NULL);
	if (ok) {
		maildir_write(w, text.s, text.len);
		ok = maildir_commit(w, NULL) && maildir_sync(root, "new");
	}
	stralloc_free(&text);
	if (!ok)
		return put_off(s, "its owner can't be told of a fault");
	mailbox_count(s->m, w->name);
	note(s, hash, FAULT_SECONDS);
	return true;
}

static bool
is_copy(struct sieve_action const *a)
{
	return a->kind == SIEVE_DO_KEEP || a->kind == SIEVE_DO_FILEINTO;
}

/* The usual case: one copy and nothing else. */
static bool
is_simple(struct sieve_result const *r)
{
	return r->count == 1 && is_copy(&r->actions[0]) && !r->failed &&
	       r->seen_count == 0;
}

static void
sort_simply(struct sorting *s)
{
	struct sieve_action const *const a = &s->filtered.result.actions[0];
	char name[BOXNAME_MAX + 1];

	name_of(s, a, name);
	s->d->is_written = write_copy(s, a, open_box(s, a, name, true));
}

static bool
perform(struct sorting *s, struct sieve_action const *a)
{
	switch (a->kind) {
	case SIEVE_DO_KEEP:
	case SIEVE_DO_FILEINTO:
		return true; /* done before */
	case SIEVE_DO_REDIRECT:
		return forward(s, a);
	case SIEVE_DO_REJECT:
		return reject(s, a);
	case SIEVE_DO_VACATION:
		return answer(s, a);
	}
	return true;
}

/* Copies first: a mailbox without room sends nothing out again and again. */
static void
sort_fully(struct sorting *s)
{
	struct sieve_result const *const r = &s->filtered.result;
	bool ok = true;

	done_with(s, "thrown away by the mailbox's filter");
	for (size_t i = 0; ok && i < r->count; i++)
		ok = !is_copy(&r->actions[i]) ||
		     deliver_copy(s, &r->actions[i]);
	for (size_t i = 0; ok && i < r->count; i++)
		ok = perform(s, &r->actions[i]);
	if (ok && r->failed)
		(void)tell_fault(s);
	for (size_t i = 0; ok && i < r->seen_count; i++) {
		struct sieve_seen const *const one = &r->seen[i];
		char hash[SEEN_HASH_SIZE];

		seen_hash(hash, SEEN_MESSAGE, one->handle, one->handle_len,
			one->id, one->id_len);
		note(s, hash, one->seconds);
	}
}

void
sort_message(struct mailbox *m, stralloc const *script, struct job const *job,
	int fd, bool locks, struct delivery *d)
{
	static struct sorting s;
	struct filter f = {.root_fd = m->boxes.root_fd,
		.hostname = m->place.hostname,
		.now = (uint64_t)time(NULL)};

	s.m = m;
	s.job = job;
	s.fd = fd;
	s.locks = locks;
	s.now = f.now;
	s.d = d;
	s.done_count = 0;
	d->is_written = false;
	if (!filter_run(&f, script, job, fd, &s.filtered))
		(void)put_off(&s, "the filter can't be run");
	else if (is_simple(&s.filtered.result))
		sort_simply(&s);
	else
		sort_fully(&s);
	filter_free(&s.filtered);
}
