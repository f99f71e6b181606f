/* THREAD (RFC 5256, 3). */
#include <errno.h>

#include "imapd/commands.h"
#include "imapd/search_run.h"
#include "imapd/sort.h"
#include "imapd/thread.h"

static bool
algorithm(struct lex *l, enum thread_algorithm *algorithm_r)
{
	struct lex_text word;

	if (!lex_atom(l, &word))
		return false;
	if (lex_is(&word, "REFERENCES"))
		*algorithm_r = THREAD_REFERENCES;
	else if (lex_is(&word, "ORDEREDSUBJECT"))
		*algorithm_r = THREAD_ORDEREDSUBJECT;
	else if (lex_is(&word, "REFS"))
		*algorithm_r = THREAD_REFS;
	else
		return false;
	return true;
}

static bool
add(struct thread *t, struct search_message *m, size_t i, stralloc *scratch,
	stralloc *subject)
{
	struct thread_message one = {.message = (uint32_t)i};
	struct lex_text text;

	search_message_start(m, i);
	one.date = sort_sent_date(m);
	if (t->algorithm == THREAD_REFS) {
		(void)search_message_internal(m, &one.arrival);
	} else {
		subject->len = 0;
		if (!stralloc_ready(subject, 1) ||
			!sort_subject(m, scratch, subject, &one.reply))
			return false;
		one.subject = subject->s;
		one.subject_len = subject->len;
	}
	if (t->algorithm != THREAD_ORDEREDSUBJECT) {
		text = search_message_field(m, "Message-ID");
		one.id = text.s;
		one.id_len = text.len;
		text = search_message_field(m, "References");
		one.references = text.s;
		one.references_len = text.len;
		text = search_message_field(m, "In-Reply-To");
		one.in_reply_to = text.s;
		one.in_reply_to_len = text.len;
	}
	return thread_add(t, &one);
}

static uint32_t
number(void const *arg, uint32_t message)
{
	return search_number(arg, message);
}

static bool
make(struct search *q, struct thread *t, struct search_found const *found)
{
	stralloc scratch = STRALLOC_ZERO, subject = STRALLOC_ZERO;
	stralloc *const out = &q->message.s->out;
	bool ok = true;

	for (size_t k = 0; ok && k < found->count; k++)
		ok = add(t, &q->message, found->v[k], &scratch, &subject);
	out->len = 0;
	ok = ok && thread_finish(t) && stralloc_cats(out, "* THREAD") &&
	     (found->count == 0 || stralloc_catb(out, " ", 1)) &&
	     thread_write(t, number, q->message.s, out) &&
	     stralloc_catb(out, "\r\n", 2);

	int const error = errno;

	stralloc_free(&scratch);
	stralloc_free(&subject);
	errno = error;
	return ok;
}

static void
run(struct search *q, enum thread_algorithm how)
{
	struct session *const s = q->message.s;
	struct search_found found;
	struct thread t;

	if (!search_collect(q, SEARCH_ALL, &found)) {
		session_reply_errno(s, "THREAD");
		return;
	}
	thread_init(&t, how);
	if (make(q, &t, &found)) {
		session_send(s);
		search_done(q, "THREAD");
	} else if (errno == ENOBUFS) {
		session_reply(s, "NO", "[LIMIT] Too much to thread");
	} else {
		session_reply_errno(s, "THREAD");
	}
	s->out.len = 0;
	thread_free(&t);
	search_found_free(&found);
}

void
cmd_thread(struct session *s)
{
	static struct search q;
	struct lex *const l = &s->command.lex;
	enum thread_algorithm how;

	q.args.keys_count = 0;
	if (!lex_space(l) || !algorithm(l, &how) || !lex_space(l) ||
		!search_args_lex_charset(l, &q.args) || !lex_end(l)) {
		session_reply_syntax(s);
		return;
	}
	if (search_prepare(&q, s))
		run(&q, how);
	search_release(&q);
}
