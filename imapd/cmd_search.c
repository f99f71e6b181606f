/* SEARCH (RFC 3501, 6.4.4; RFC 4731; RFC 5182; RFC 9394). */
#include "imapd/commands.h"
#include "imapd/context.h"
#include "imapd/search_run.h"

/* One message is enough for MIN or MAX alone. */
static enum search_extent
extent(struct search_return const *r)
{
	if (r->all || r->count || r->partial || r->update || r->min == r->max)
		return SEARCH_ALL;
	return r->min ? SEARCH_FIRST : SEARCH_LAST;
}

static void
run(struct search *q, struct search_return const *r)
{
	struct session *const s = q->message.s;
	struct search_found found;

	if (!search_collect(q, extent(r), &found)) {
		session_reply_errno(s, "SEARCH");
		return;
	}
	if (q->asks_modseq)
		search_found_modseq(s, r, &found);
	if (!search_reply(s, r, "SEARCH", &found, false)) {
		session_reply_errno(s, "SEARCH");
	} else {
		if (r->update)
			context_add(s, q, &found, NULL);
		search_done(q, "SEARCH");
	}
	search_found_free(&found);
}

/* RFC 9755, 3: the client has said that all of it is UTF-8. */
static bool
has_charset(struct session const *s)
{
	struct lex probe = s->command.lex;
	struct lex_text word;

	return s->utf8 && !s->rev2 && lex_space(&probe) &&
	       lex_atom(&probe, &word) && lex_is(&word, "CHARSET");
}

void
cmd_search(struct session *s)
{
	static struct search q;
	struct lex *const l = &s->command.lex;
	struct search_return r;

	q.args.keys_count = 0;
	if (!search_return_lex(l, &r) || has_charset(s) || !lex_space(l) ||
		!search_args_lex(l, &q.args) || !lex_end(l)) {
		session_reply_syntax(s);
		return;
	}
	if (r.update && context_has(&s->command.tag)) {
		session_reply(s, "BAD", "The tag is one of a search already");
		return;
	}
	/* RFC 9051, 6.4.4: always by ESEARCH. */
	if (s->rev2 && !r.extended)
		r.extended = r.all = true;
	if (search_prepare(&q, s))
		run(&q, &r);
	/* RFC 5182, 2.1: what fails saves nothing; BAD leaves what is saved. */
	if (r.save && s->status[0] == 'N')
		saved_clear(&s->saved);
	search_release(&q);
}
