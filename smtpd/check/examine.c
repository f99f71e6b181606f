/* One message: its checks, its rules, its verdict. */
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/log.h"
#include "mime/spamtext.h"
#include "mime/dkim/authres.h"
#include "smtpd/check/bayes.h"
#include "smtpd/check/dmarc_line.h"
#include "smtpd/check/examine_run.h"
#include "smtpd/check/facts.h"

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
know_results(struct examine_state *st, struct mailauth_results const *results)
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
authenticate(struct examine_state *st, void (*meanwhile)(void *data))
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
	struct examine_state *st = data;

	st->has_gtube |= facts_gtube(s, len);
	if (is_html)
		uribl_html(&st->urls, s, len);
	else
		uribl_text(&st->urls, s, len);
	return true;
}

/* What the text says: URLs, the test line; and the classifier is asked. */
static void
read_text(struct examine_state *st)
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
hear_bayes(struct examine_state *st)
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
listed_client(struct examine_state const *st, char out[CHECKING_CLIENT_MAX + 1])
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
	struct examine_state *st = data;
	struct examine *x = st->x;
	char client[CHECKING_CLIENT_MAX + 1];

	read_text(st);
	query_init(&st->lists, query_dns, x->dns, x->dns_timeout_ms);
	if (x->rules->zone_count > 0 && !st->failed)
		dnsbl_send(x->rules, x->zone_states, &st->lists,
			listed_client(st, client), &st->urls);
}

static void
hear_lists(struct examine_state *st)
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
know_session(struct examine_state *st)
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

/* What was done of what the author's domain asks for. */
static enum dmarc_policy
applied(struct examine_state const *st)
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
collect(struct examine_state const *st)
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
	static struct examine_state st;
	bool ok;

	st = (struct examine_state){.x = x,
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
	sentence_walk(&st);
	collect(&st);
	if (verdict_r->action != CHECKING_ACCEPT) {
		verdict_r->is_junk = false;
		return true;
	}
	return sentence_field(&st);
}
