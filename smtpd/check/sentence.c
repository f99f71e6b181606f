/* What becomes of a message: the walk over the rules. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/log.h"
#include "smtpd/check/examine_run.h"
#include "smtpd/check/hook.h"
#include "smtpd/check/milter.h"

static void
decide(struct examine_state *st, enum checking_action action, unsigned code,
	char const *text, size_t len)
{
	struct examine_verdict *v = st->verdict;

	v->action = action;
	v->code = code;
	if (len > CHECKING_TEXT_MAX)
		len = CHECKING_TEXT_MAX;
	for (size_t i = 0; i < len; i++)
		v->text[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	v->text[len] = '\0';
	st->is_over = true;
}

static bool
has_enhanced_code(char const *text, size_t len, char class)
{
	return len > 5 && text[0] == class && text[1] == '.' &&
	       text[2] >= '0' && text[2] <= '9';
}

/* A text with its enhanced code (RFC 3463), which may not have one yet. */
static void
refuse(struct examine_state *st, bool is_final, char const *text, size_t len)
{
	char out[CHECKING_TEXT_MAX + 1];
	int n;

	if (len == 0) {
		text = is_final ? "refused by our rules" : "try again later";
		len = strlen(text);
	}
	if (len > RULES_TEXT_MAX)
		len = RULES_TEXT_MAX;
	n = snprintf(out, sizeof out, "%s%.*s",
		has_enhanced_code(text, len, is_final ? '5' : '4') ? ""
		: is_final					   ? "5.7.1 "
								   : "4.7.1 ",
		(int)len, text);
	decide(st, is_final ? CHECKING_REJECT : CHECKING_TEMPFAIL,
		is_final ? 550 : 451, out, (size_t)n);
}

/* Where a failure of SPF is the reason, the domain has the last word (RFC 7208,
 * 8.4); it must be seen that the words are not ours. */
static void
explain(struct examine_state *st, struct rules_statement const *r)
{
	struct examine_verdict *v = st->verdict;
	size_t len = strlen(v->text), left = sizeof v->text - len;
	struct spf_result const *spf = NULL;
	int n;

	for (size_t i = 0; st->auth != NULL && i < r->condition_count; i++) {
		struct rules_condition const *c = &r->conditions[i];

		if (c->subject != RULES_IS_WORD || c->is_negated)
			continue;
		if (c->which == RULES_SPF)
			spf = &st->auth->spf_from;
		else if (c->which == RULES_SPF_HELO)
			spf = &st->auth->spf_helo;
	}
	if (spf == NULL || spf->code != SPF_FAIL || *spf->explanation == '\0')
		return;
	n = snprintf(v->text + len, left, "; %s explains: %s", spf->domain,
		spf->explanation);
	if (n < 0 || (size_t)n >= left)
		v->text[len] = '\0';
	for (char *c = v->text + len; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* `NAME`, or `NAME 2.5`. */
static void
name_rule(struct examine_state *st, struct rules_statement const *r)
{
	char number[RULES_NUMBER_SIZE] = "";
	size_t left = sizeof st->names - st->names_len;
	int n;

	if (r->action == RULES_WEIGHT)
		rules_format(r->weight, number);
	n = snprintf(st->names + st->names_len, left, "%s%.*s%s%s",
		st->names_len > 0 ? ",\n " : "", (int)r->name.len, r->name.s,
		*number != '\0' ? " " : "", number);
	if (n > 0 && (size_t)n < left)
		st->names_len += (size_t)n;
	else
		st->names[st->names_len] = '\0';
}

static void
apply(struct examine_state *st, struct rules_statement const *r)
{
	name_rule(st, r);
	switch (r->action) {
	case RULES_NOTHING:
		break;
	case RULES_WEIGHT:
		st->facts.numbers[RULES_SCORE] += r->weight;
		break;
	case RULES_JUNK:
		st->verdict->is_junk = true;
		st->is_tagged = true;
		break;
	case RULES_TAG:
		st->is_tagged = true;
		break;
	case RULES_ACCEPT:
		st->is_over = true;
		break;
	case RULES_REJECT:
		refuse(st, true, r->text.s, r->text.len);
		explain(st, r);
		break;
	case RULES_TEMPFAIL:
		refuse(st, false, r->text.s, r->text.len);
		break;
	case RULES_DISCARD:
		decide(st, CHECKING_DISCARD, 250, "", 0);
		break;
	}
}

/* A hook or milter could not be asked. */
static void
could_not_ask(struct examine_state *st, struct rules_statement const *r,
	char const *why)
{
	struct log_line line;

	log_begin(&line,
		r->kind == RULES_HOOK ? "hook-failed" : "milter-failed", NULL);
	log_text(&line, "name", r->name.s, r->name.len);
	log_text(&line, "why", why, strlen(why));
	if (errno != 0)
		log_text(&line, "error", strerror(errno),
			strlen(strerror(errno)));
	log_end(&line);
	if (!r->may_fail)
		refuse(st, false, "4.3.0 a filter is out of order", 30);
}

/* What a hook wrote: its first line, or the whole in place of the message. */
static bool
take_output(
	struct examine_state *st, struct hook_answer const *a, bool is_message)
{
	char *s;
	bool ok = true;

	if (a->output_len == 0)
		return !is_message;
	s = mmap(NULL, a->output_len, PROT_READ, MAP_PRIVATE, a->output_fd, 0);
	if (s == MAP_FAILED)
		return false;
	if (is_message) {
		ok = edit_message(&st->x->edit, s, a->output_len);
	} else {
		size_t len = 0;

		while (len < a->output_len && s[len] != '\n' &&
			s[len] != '\r' && len < RULES_TEXT_MAX)
			len++;
		refuse(st, a->code != HOOK_TEMPFAIL, s, len);
	}
	munmap(s, a->output_len);
	return ok;
}

static void
ask_hook(struct examine_state *st, struct rules_statement const *r)
{
	struct examine *x = st->x;
	struct hook_request request = {.path = {r->where.s, r->where.len},
		.message = x->message,
		.to = x->to,
		.to_len = x->to_len,
		.s = x->edit.s,
		.len = x->edit.len,
		.timeout_ms = x->hook_timeout_ms + 2000};
	struct hook_answer a = {.code = HOOK_FAILED, .output_fd = -1};

	errno = 0;
	if (x->hook_fd >= 0)
		hook_ask(x->hook_fd, &request, &a);
	switch (a.code) {
	case HOOK_ACCEPT:
		break;
	case HOOK_JUNK:
		st->verdict->is_junk = true;
		st->is_tagged = true;
		name_rule(st, r);
		break;
	case HOOK_REPLACE:
		if (!take_output(st, &a, true))
			could_not_ask(st, r, "no message in its output");
		else
			name_rule(st, r);
		break;
	case HOOK_REJECT:
	case HOOK_REJECT_QFILTER:
	case HOOK_TEMPFAIL:
		if (!take_output(st, &a, false) || !st->is_over)
			refuse(st, a.code != HOOK_TEMPFAIL, "", 0);
		break;
	default:
		could_not_ask(st, r, "it failed");
		break;
	}
	if (a.output_fd >= 0)
		close(a.output_fd);
}

static void
ask_milter(struct examine_state *st, struct rules_statement const *r)
{
	struct examine *x = st->x;
	struct milter_request request = {.where = r->where,
		.message = x->message,
		.to = x->to,
		.to_len = x->to_len,
		.hostname = x->hostname,
		.timeout_ms = x->hook_timeout_ms};
	static struct milter_answer a;

	milter_ask(&request, &x->edit, &a);
	if (a.refused_changes > 0) {
		struct log_line line;

		log_begin(&line, "milter-refused", NULL);
		log_text(&line, "name", r->name.s, r->name.len);
		log_text(&line, "why", "recipients and sender stay as they are",
			38);
		log_number(&line, "count", a.refused_changes);
		log_end(&line);
	}
	switch (a.outcome) {
	case MILTER_PASSED:
		break;
	case MILTER_REJECTED:
		refuse(st, true, a.text, strlen(a.text));
		st->verdict->code = a.code;
		break;
	case MILTER_DEFERRED:
		refuse(st, false, a.text, strlen(a.text));
		st->verdict->code = a.code;
		break;
	case MILTER_DISCARDED:
		decide(st, CHECKING_DISCARD, 250, "", 0);
		break;
	case MILTER_BROKEN:
		could_not_ask(st, r, a.why);
		break;
	}
	if (a.is_quarantined) {
		st->verdict->is_junk = true;
		st->is_tagged = true;
		name_rule(st, r);
	}
}

void
sentence_walk(struct examine_state *st)
{
	struct rules *r = st->x->rules;

	for (size_t i = 0; i < r->count && !st->is_over; i++) {
		struct rules_statement const *s = &r->statements[i];

		if (!rules_hold(r, s, &st->facts))
			continue;
		switch (s->kind) {
		case RULES_RULE:
			apply(st, s);
			break;
		case RULES_HOOK:
			ask_hook(st, s);
			break;
		case RULES_MILTER:
			ask_milter(st, s);
			break;
		}
	}
}

bool
sentence_field(struct examine_state *st)
{
	char value[EXAMINE_NAMES_MAX + 100], score[RULES_NUMBER_SIZE];
	int n;

	rules_format(st->facts.numbers[RULES_SCORE], score);
	n = snprintf(value, sizeof value, "%s; score=%s%s%s",
		st->is_tagged ? "yes" : "no", score,
		st->names_len > 0 ? ";\n " : "", st->names);
	return n > 0 && edit_front(&st->x->edit, "X-Spam", 6, value, (size_t)n);
}
