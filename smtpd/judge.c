/* What policy answers: greylist, rates, delays for guessing. */
#include <stdio.h>
#include <string.h>
#include "common/settings.h"
#include "smtpd/counting.h"
#include "smtpd/judge.h"

#define HOUR COUNTING_HOUR

static uint32_t
seconds(struct table const *t, char const *key, uint32_t otherwise)
{
	return (uint32_t)settings_number(t, key, otherwise);
}

void
judge_rules_read(struct judge_rules *r, struct table const *t)
{
	r->has_greylist = settings_number(t, "greylist", 0) != 0;
	r->grey_delay = seconds(t, "greylist-delay", 300);
	r->grey_window = seconds(t, "greylist-window", 2 * 24 * HOUR);
	r->grey_lifetime = seconds(t, "greylist-lifetime", 36 * 24 * HOUR);
	r->network_messages = seconds(t, "rate-network-messages", 0);
	r->network_recipients = seconds(t, "rate-network-recipients", 0);
	r->user_messages = seconds(t, "rate-user-messages", 0);
	r->user_recipients = seconds(t, "rate-user-recipients", 0);
	r->guess_max_ms = seconds(t, "guess-delay-max", 15) * 1000;
	if (r->guess_max_ms > POLICING_DELAY_MAX_MS)
		r->guess_max_ms = POLICING_DELAY_MAX_MS;
	outbound_rules_read(&r->outbound, t);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A path in lower case; of a sender each run of digits is one, so that lists
 * that number their senders are met again. */
static size_t
normal(struct checking_bytes path, bool is_sender, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < path.len && n < CHECKING_PATH_MAX; i++) {
		bool is_digit = path.s[i] >= '0' && path.s[i] <= '9';

		if (is_sender && is_digit && n > 0 && out[n - 1] == '#')
			continue;
		out[n++] = is_sender && is_digit ? '#' : lower(path.s[i]);
	}
	return n;
}

static void
answer(struct policing_answer *a, enum policing_action action, char const *text)
{
	a->action = action;
	snprintf(a->text, sizeof a->text, "%s", text);
}

struct who {
	char text[CHECKING_PATH_MAX + 2];
	struct policystore_part part;
	bool is_user;
};

static void
find_who(struct who *w, struct policing_question const *q,
	struct checking_bytes mailbox)
{
	w->is_user = mailbox.len > 0;
	if (w->is_user) {
		w->text[0] = 'u';
		w->part.len = 1 + normal(mailbox, false, w->text + 1);
	} else {
		w->part.len = counting_network(q->client, w->text);
	}
	w->part.s = w->text;
}

/* Seconds since it was first seen decide. */
static void
greylist(struct policystore *store, struct judge_rules const *r,
	struct policing_question const *q, struct who const *who, uint32_t now,
	struct policing_answer *a)
{
	char sender[CHECKING_PATH_MAX], recipient[CHECKING_PATH_MAX], text[80];
	struct policystore_part parts[] = {who->part,
		{sender, normal(q->sender, true, sender)},
		{recipient, normal(q->recipient, false, recipient)}};
	uint32_t before, known_before;
	struct policystore_slot *known = policystore_find(
		store, POLICYSTORE_KNOWN, &who->part, 1, now, &known_before);
	struct policystore_slot *grey;

	if (now - known_before > r->grey_lifetime)
		known->count = 0;
	if (known->count >= JUDGE_KNOWN)
		return;
	grey = policystore_find(
		store, POLICYSTORE_GREY, parts, 3, now, &before);
	/* It comes too late, or has not come for long: as if it were new. */
	if (now < grey->first ||
		(grey->count == 0 && now - grey->first > r->grey_window) ||
		(grey->count > 0 && now - before > r->grey_lifetime)) {
		grey->first = now;
		grey->count = 0;
	}
	if (grey->count > 0)
		return;
	if (now - grey->first >= r->grey_delay) {
		grey->count = 1;
		known->count++;
		return;
	}
	snprintf(text, sizeof text,
		"450 4.7.1 greylisted, try again in %u seconds",
		r->grey_delay - (now - grey->first));
	answer(a, POLICING_LATER, text);
}

/* Each wrong guess of a network makes the next answer slower. */
static void
guess(struct policystore *store, struct judge_rules const *r,
	struct policing_question const *q, uint32_t now,
	struct policing_answer *a)
{
	char text[COUNTING_NETWORK_MAX];
	struct policystore_part part = {
		text, counting_network(q->client, text)};
	uint32_t before, halves;
	uint64_t delay;
	struct policystore_slot *slot = policystore_find(
		store, POLICYSTORE_GUESSES, &part, 1, now, &before);

	halves = now > slot->first ? (now - slot->first) / JUDGE_GUESSES_HALF
				   : 0;
	if (halves > 0) {
		slot->count = halves < 32 ? slot->count >> halves : 0;
		slot->first = now;
	}
	if (slot->count < UINT32_MAX)
		slot->count++;
	if (slot->count <= JUDGE_GUESSES_FREE)
		return;
	delay = (uint64_t)(slot->count - JUDGE_GUESSES_FREE) * JUDGE_GUESS_MS;
	a->delay_ms =
		delay < r->guess_max_ms ? (uint32_t)delay : r->guess_max_ms;
}

void
judge(struct policystore *store, struct policystore *destinations,
	struct judge_rules const *rules, struct policing_question const *q,
	struct checking_bytes mailbox, bool is_in_networks, uint32_t now,
	struct policing_answer *answer_r)
{
	struct who who;
	uint32_t messages_max, recipients_max;

	*answer_r = (struct policing_answer){.action = POLICING_ACCEPT};
	find_who(&who, q, mailbox);
	if (is_in_networks && !who.is_user)
		return;
	messages_max =
		who.is_user ? rules->user_messages : rules->network_messages;
	recipients_max = who.is_user ? rules->user_recipients
				     : rules->network_recipients;
	switch (q->stage) {
	case POLICING_CONNECT:
	case POLICING_HELO:
		break;
	case POLICING_MAIL:
		if (messages_max > 0 &&
			counting_add(store, POLICYSTORE_MESSAGES, who.part, 0,
				HOUR, now) >= messages_max)
			answer(answer_r, POLICING_LATER,
				"450 4.7.1 too many messages in an hour, try "
				"again later");
		break;
	case POLICING_RCPT:
		if (recipients_max > 0 &&
			counting_add(store, POLICYSTORE_RECIPIENTS, who.part, 1,
				HOUR, now) > recipients_max)
			answer(answer_r, POLICING_LATER,
				"450 4.7.1 too many recipients in an hour, "
				"try again later");
		else if (rules->has_greylist && !who.is_user)
			greylist(store, rules, q, &who, now, answer_r);
		break;
	case POLICING_END:
		/* The rules may want to know, whatever the limit is. */
		answer_r->messages = counting_add(
			store, POLICYSTORE_MESSAGES, who.part, 1, HOUR, now);
		break;
	case POLICING_UNKNOWN:
	case POLICING_LOGIN:
		guess(store, rules, q, now, answer_r);
		break;
	}
	if (who.is_user && rules->outbound.is_on)
		outbound_judge(store, destinations, &rules->outbound, q,
			mailbox, now, answer_r);
}
