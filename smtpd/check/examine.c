/* One message: its checks, its rules, its verdict. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "common/log.h"
#include "mime/spamtext.h"
#include "mime/dkim/authres.h"
#include "smtpd/check/bayes.h"
#include "smtpd/check/dmarc_line.h"
#include "smtpd/check/examine.h"
#include "smtpd/check/facts.h"
#include "smtpd/check/hook.h"
#include "smtpd/check/mailauth.h"
#include "smtpd/check/milter.h"
#include "smtpd/check/uribl.h"

/* Octets of the X-Spam field's list of rules. */
#define NAMES_MAX 8000

struct state {
	struct examine *x;
	char const *s; /* the message as it came */
	size_t len;
	struct rules_facts facts;
	struct query lists;
	bool failed;  /* in reading the text */
	int bayes_fd; /* its answer comes there; -1: nobody was asked */
	struct uribl urls;
	bool has_gtube;
	struct mailauth_results const *auth; /* NULL: a user's message */
	/* What the walk over the rules has come to. */
	struct examine_verdict *verdict;
	bool is_tagged, is_over;
	char names[NAMES_MAX];
	size_t names_len;
};

/* Our own fields come from us alone: RFC 8601 5. */
static bool
claims_ours(void *data, struct header_field const *field)
{
	struct examine const *x = data;

	return header_is(field, "x-spam") ||
	       (header_is(field, "authentication-results") &&
		       authres_claims(
			       field->value, field->value_len, x->hostname));
}

static char *
copy(struct checking_bytes b, char *out, size_t size)
{
	size_t len = b.len < size ? b.len : size - 1;

	memcpy(out, b.s, len);
	out[len] = '\0';
	return out;
}

static uint64_t
now(void)
{
	return (uint64_t)time(NULL);
}

static void
know_results(struct state *st, struct mailauth_results const *results)
{
	char const **words = st->facts.words;

	if (st->auth != NULL) {
		words[RULES_SPF] = spf_name(results->spf_from.code);
		words[RULES_SPF_HELO] = spf_name(results->spf_helo.code);
		words[RULES_DMARC] = dmarc_name(results->dmarc.code);
		words[RULES_DMARC_POLICY] =
			dmarc_policy_name(results->dmarc.disposition);
	}
	words[RULES_DKIM] = dkim_name(DKIM_NONE);
	for (size_t i = 0; i < results->dkim.count; i++)
		/* The best of them: one is enough. */
		if (i == 0 || results->dkim.list[i].code == DKIM_PASS)
			words[RULES_DKIM] =
				dkim_name(results->dkim.list[i].code);
	words[RULES_ARC] = arc_name(results->arc.code);
}

/* SPF, DKIM, ARC, DMARC, over the message as it came. */
static bool
authenticate(struct state *st, void (*meanwhile)(void *data))
{
	static struct mailauth_results results;
	struct examine *x = st->x;
	struct checking_message const *m = x->message;
	char client[CHECKING_CLIENT_MAX + 1], helo[CHECKING_NAME_MAX + 1],
		sender[CHECKING_PATH_MAX + 1];
	bool has_login = m->mailbox.len > 0;
	struct mailauth_request request = {
		.message = {.bytes = st->s, .fd = -1, .len = st->len},
		.client = copy(m->client, client, sizeof client),
		.helo = copy(m->helo, helo, sizeof helo),
		.sender = copy(m->sender, sender, sizeof sender),
		.host = x->hostname,
		.now = now(),
		/* Where a user sits says nothing about their domain. */
		.flags = has_login ? MAILAUTH_NO_SPF | MAILAUTH_NO_DMARC : 0,
		.meanwhile = meanwhile,
		.data = st};
	struct query query;
	bool ok;

	query_init(&query, query_dns, x->dns, x->dns_timeout_ms);
	ok = mailauth_run(&request, &query, &results);
	if (ok) {
		st->auth = has_login ? NULL : &results;
		know_results(st, &results);
		ok = edit_front(&x->edit, "Authentication-Results", 22,
			results.value, results.value_len);
	}
	mailauth_free(&results);
	query_free(&query);
	return ok;
}

static bool
take_part(void *data, bool is_html, char *s, size_t len)
{
	struct state *st = data;

	st->has_gtube |= facts_gtube(s, len);
	if (is_html)
		uribl_html(&st->urls, s, len);
	else
		uribl_text(&st->urls, s, len);
	return true;
}

/* What the text says: URLs, the test line; and the classifier is asked. */
static void
read_text(struct state *st)
{
	static struct message message;
	static stralloc text = STRALLOC_ZERO;
	struct examine *x = st->x;

	/* Not the message's own: never grown or freed. */
	memcpy(&message.text.s, &st->s, sizeof message.text.s);
	message.text.len = st->len;
	message.count = structure_parse(
		st->s, st->len, message.parts, STRUCTURE_PARTS_MAX);
	uribl_start(&st->urls, x->psl);
	text.len = 0;
	st->failed = !spamtext_make(&message, &text, take_part, st);
	if (!st->failed && x->rules->uses_bayes && x->bayes_fd >= 0)
		st->bayes_fd = bayes_send(x->bayes_fd, text.s, text.len);
}

/* What it says. */
static void
hear_bayes(struct state *st)
{
	static char const *const verdicts[] = {[CLASSIFIER_NONE] = "none",
		[CLASSIFIER_SPAM] = "spam",
		[CLASSIFIER_HAM] = "ham",
		[CLASSIFIER_UNSURE] = "unsure"};
	unsigned thousandths;
	enum classifier_verdict v;

	if (!st->x->rules->uses_bayes || st->x->bayes_fd < 0)
		return;
	v = bayes_take(st->bayes_fd, &thousandths);
	st->facts.words[RULES_BAYES] = verdicts[v];
	st->facts.has_spamicity = v != CLASSIFIER_NONE;
	st->facts.numbers[RULES_SPAMICITY] =
		(int64_t)thousandths * RULES_UNIT / 1000;
}

/* The client to ask lists about; NULL: users send from wherever they are. */
static char const *
listed_client(struct state const *st, char out[CHECKING_CLIENT_MAX + 1])
{
	struct checking_message const *m = st->x->message;

	return m->mailbox.len > 0 || m->client.len == 0
		       ? NULL
		       : copy(m->client, out, CHECKING_CLIENT_MAX + 1);
}

/* While the first answers of the DNS are on their way: what needs the message
 * alone, and the lists' questions go out. */
static void
meanwhile(void *data)
{
	struct state *st = data;
	struct examine *x = st->x;
	char client[CHECKING_CLIENT_MAX + 1];

	read_text(st);
	query_init(&st->lists, query_dns, x->dns, x->dns_timeout_ms);
	if (x->rules->zone_count > 0 && !st->failed)
		dnsbl_send(x->rules, x->zone_states, &st->lists,
			listed_client(st, client), &st->urls);
}

static void
hear_lists(struct state *st)
{
	struct examine *x = st->x;
	char client[CHECKING_CLIENT_MAX + 1];
	unsigned dead;

	if (x->rules->zone_count == 0)
		return;
	dead = dnsbl_ask(x->rules, x->zone_states, &st->lists,
		listed_client(st, client), &st->urls);
	if (dead > 0) {
		struct log_line line;

		log_begin(&line, "lists-silent", NULL);
		log_number(&line, "count", dead);
		log_end(&line);
	}
}

static void
know_session(struct state *st)
{
	struct examine *x = st->x;
	struct checking_message const *m = x->message;
	char const **words = st->facts.words;

	words[RULES_LOGIN] = m->mailbox.len > 0 ? "yes" : "no";
	words[RULES_TLS] = m->tls.len > 0 ? "yes" : "no";
	words[RULES_SENDER] = m->sender.len > 0 ? "given" : "empty";
	words[RULES_HELO] = facts_helo(m->helo, x->hostname);
	words[RULES_REVERSE] = facts_reverse(m->name, m->helo);
	words[RULES_GTUBE] = st->has_gtube ? "yes" : "no";
	words[RULES_EARLY] = m->is_early ? "yes" : "no";
	st->facts.numbers[RULES_RATE] = (int64_t)m->messages * RULES_UNIT;
	st->facts.numbers[RULES_SIZE] = (int64_t)x->edit.len * RULES_UNIT;
	st->facts.numbers[RULES_RECIPIENTS] = (int64_t)x->to_count * RULES_UNIT;
}

static void
decide(struct state *st, enum checking_action action, unsigned code,
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
refuse(struct state *st, bool is_final, char const *text, size_t len)
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

/* `NAME`, or `NAME 2.5`. */
static void
name_rule(struct state *st, struct rules_statement const *r)
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
apply(struct state *st, struct rules_statement const *r)
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
could_not_ask(
	struct state *st, struct rules_statement const *r, char const *why)
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
take_output(struct state *st, struct hook_answer const *a, bool is_message)
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
ask_hook(struct state *st, struct rules_statement const *r)
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
ask_milter(struct state *st, struct rules_statement const *r)
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

static void
walk(struct state *st)
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

/* Why, for the user: each rule with its weight. */
static bool
write_field(struct state *st)
{
	char value[NAMES_MAX + 100], score[RULES_NUMBER_SIZE];
	int n;

	rules_format(st->facts.numbers[RULES_SCORE], score);
	n = snprintf(value, sizeof value, "%s; score=%s%s%s",
		st->is_tagged ? "yes" : "no", score,
		st->names_len > 0 ? ";\n " : "", st->names);
	return n > 0 && edit_front(&st->x->edit, "X-Spam", 6, value, (size_t)n);
}

/* What was done of what the author's domain asks for. */
static enum dmarc_policy
applied(struct state const *st)
{
	enum dmarc_policy asked = st->auth->dmarc.disposition;
	bool is_refused = st->verdict->action != CHECKING_ACCEPT;

	if (asked == DMARC_POLICY_REJECT && is_refused)
		return DMARC_POLICY_REJECT;
	if (asked != DMARC_POLICY_NONE && (is_refused || st->verdict->is_junk))
		return DMARC_POLICY_QUARANTINE;
	return DMARC_POLICY_NONE;
}

/* For the reports that the domain wants; a line that cannot be written is
 * told, and no reason to keep the message waiting. */
static void
collect(struct state const *st)
{
	struct examine const *x = st->x;
	char client[CHECKING_CLIENT_MAX + 1], line[DMARC_LINE_MAX];
	struct mailauth_request request = {
		.client = copy(x->message->client, client, sizeof client),
		.now = now()};
	enum dmarc_policy policy;
	size_t len;

	if (st->auth == NULL || x->dmarc_fd < 0)
		return;
	policy = applied(st);
	len = dmarc_line_make(&request, st->auth, policy,
		policy != st->auth->dmarc.disposition ? "local_policy" : "",
		line);
	if (len > 0 && write(x->dmarc_fd, line, len) != (ssize_t)len)
		log_error("dmarc-data-failed", NULL, (char *)0);
}

bool
examine_message(struct examine *x, struct examine_verdict *verdict_r)
{
	static struct state st;
	bool ok;

	st = (struct state){.x = x,
		.s = x->edit.s,
		.len = x->edit.len,
		.bayes_fd = -1,
		.verdict = verdict_r};
	*verdict_r = (struct examine_verdict){
		.action = CHECKING_ACCEPT, .code = 250};
	/* Checked is what came; passed on is what is left of it. */
	ok = edit_remove(&x->edit, claims_ours, x) &&
	     authenticate(&st, meanwhile) && !st.failed;
	if (ok) {
		hear_lists(&st);
		hear_bayes(&st);
	}
	query_free(&st.lists);
	if (!ok)
		return false;
	know_session(&st);
	walk(&st);
	collect(&st);
	if (verdict_r->action != CHECKING_ACCEPT) {
		verdict_r->is_junk = false;
		return true;
	}
	return write_field(&st);
}
