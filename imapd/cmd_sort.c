/* SORT (RFC 5256, 3; RFC 5267, 3). */
#include <errno.h>

#include "imapd/commands.h"
#include "imapd/context.h"
#include "imapd/search_run.h"
#include "imapd/sort.h"

static void
run(struct search *q, struct search_return const *r,
	struct sort_args const *criteria)
{
	struct session *const s = q->message.s;
	struct search_found found;

	if (!search_collect(q, SEARCH_ALL, &found)) {
		session_reply_errno(s, "SORT");
		return;
	}
	if (!sort_messages(&q->message, criteria, found.v, found.count)) {
		if (errno == ENOBUFS)
			session_reply(s, "NO", "[LIMIT] Too much to sort");
		else
			session_reply_errno(s, "SORT");
		search_found_free(&found);
		return;
	}
	if (q->asks_modseq)
		search_found_modseq(s, r, &found);
	if (!search_reply(s, r, "SORT", &found, true)) {
		session_reply_errno(s, "SORT");
	} else {
		if (r->update)
			context_add(s, q, &found, criteria);
		search_done(q, "SORT");
	}
	search_found_free(&found);
}

void
cmd_sort(struct session *s)
{
	static struct search q;
	struct lex *const l = &s->command.lex;
	struct sort_args criteria;
	struct search_return r;

	q.args.keys_count = 0;
	if (!search_return_lex(l, &r) || !lex_space(l) ||
		!sort_args_lex(l, &criteria) || !lex_space(l) ||
		!search_args_lex_charset(l, &q.args) || !lex_end(l)) {
		session_reply_syntax(s);
		return;
	}
	if (r.update && context_has(&s->command.tag)) {
		session_reply(s, "BAD", "The tag is one of a search already");
		return;
	}
	if (search_prepare(&q, s))
		run(&q, &r, &criteria);
	if (r.save && s->status[0] == 'N')
		saved_clear(&s->saved);
	search_release(&q);
}
