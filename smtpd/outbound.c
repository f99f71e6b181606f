/* When a user's mail is held back, and the postmaster told. */
#include <stdio.h>
#include <string.h>
#include "common/namelist.h"
#include "common/settings.h"
#include "smtpd/counting.h"
#include "smtpd/outbound.h"

struct user {
	struct policystore *store;
	struct outbound_rules const *rules;
	struct policystore_part name;
	uint32_t now;
};

static uint32_t
setting(struct table const *t, char const *key, uint32_t otherwise)
{
	return (uint32_t)settings_number(t, key, otherwise);
}

void
outbound_rules_read(struct outbound_rules *r, struct table const *t)
{
	r->is_on = settings_number(t, "outbound-guard", 0) != 0;
	r->messages = setting(t, "outbound-messages", 200);
	r->recipients = setting(t, "outbound-recipients", 500);
	r->unknown = setting(t, "outbound-unknown", 20);
	r->new_addresses = setting(t, "outbound-new", 100);
	r->networks = setting(t, "outbound-networks", 10);
	r->except = settings_text(t, "outbound-except");
}

/* The postmaster hears of it, unless today of the same user already. */
static void
alarm_once(struct user const *u, char reason, struct policing_answer *a)
{
	if (counting_add(u->store, POLICYSTORE_ALARM, u->name, 1, COUNTING_DAY,
		    u->now) == 1)
		a->alarm = reason;
}

static void
hold(struct user const *u, char reason, struct policing_answer *a)
{
	if (a->action == POLICING_ACCEPT)
		a->is_held = true;
	alarm_once(u, reason, a);
}

static bool
is_over(uint32_t count, uint32_t limit)
{
	return limit > 0 && count > limit;
}

static uint32_t
add(struct user const *u, enum policystore_kind kind, uint32_t n,
	uint32_t period)
{
	return counting_add(u->store, kind, u->name, n, period, u->now);
}

/* Where the user sends from: many places are no reason to hold anything, since
 * people travel. */
static void
count_network(struct user const *u, struct policing_question const *q,
	struct policing_answer *a)
{
	char text[COUNTING_NETWORK_MAX];
	struct policystore_part parts[] = {
		u->name, {text, counting_network(q->client, text)}};
	uint32_t before;
	struct policystore_slot *slot = policystore_find(
		u->store, POLICYSTORE_FROM, parts, 2, u->now, &before);
	bool is_new = slot->count == 0 || u->now < slot->first ||
		      u->now - slot->first >= COUNTING_DAY;

	if (!is_new)
		return;
	slot->count = 1;
	slot->first = u->now;
	if (is_over(add(u, POLICYSTORE_NETWORKS, 1, COUNTING_DAY),
		    u->rules->networks))
		alarm_once(u, 'n', a);
}

static void
judge_mail(struct user const *u, struct policing_answer *a)
{
	uint32_t const limit = u->rules->messages;
	uint32_t const sent = add(u, POLICYSTORE_MESSAGES, 0, COUNTING_HOUR);

	if (is_over(sent + 1, limit))
		hold(u, 'm', a);
	if (is_over(add(u, POLICYSTORE_UNKNOWN, 0, COUNTING_HOUR),
		    u->rules->unknown))
		hold(u, 'x', a);
	if (limit == 0 || a->action != POLICING_ACCEPT ||
		sent / OUTBOUND_HELD_TIMES < limit)
		return;
	a->action = POLICING_LATER;
	a->is_held = false;
	snprintf(a->text, sizeof a->text,
		"450 4.7.1 too much of your mail is held back, ask the "
		"postmaster");
}

/* In lower case, so that a name is one however it is written. */
static size_t
lower(struct checking_bytes path, char out[CHECKING_PATH_MAX])
{
	size_t n = 0;

	for (; n < path.len && n < CHECKING_PATH_MAX; n++) {
		char const c = path.s[n];

		out[n] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return n;
}

static bool
is_of_same_domain(char const *to, size_t to_len, struct checking_bytes mailbox)
{
	char const *at = memrchr(mailbox.s, '@', mailbox.len);
	size_t const len =
		at != NULL ? mailbox.len - (size_t)(at - mailbox.s) : 0;

	return len > 0 && to_len > len &&
	       memcmp(to + to_len - len, at, len) == 0;
}

static void
judge_recipient(struct user const *u, struct policystore *destinations,
	struct policing_question const *q, struct checking_bytes mailbox,
	struct policing_answer *a)
{
	char to[CHECKING_PATH_MAX];
	struct policystore_part parts[] = {
		u->name, {to, lower(q->recipient, to)}};
	uint32_t const limit = u->rules->new_addresses;
	uint32_t before, count;
	struct policystore_slot *slot;

	if (is_over(add(u, POLICYSTORE_SENT, 1, COUNTING_HOUR),
		    u->rules->recipients))
		hold(u, 'r', a);
	if (limit == 0 || is_of_same_domain(to, parts[1].len, mailbox))
		return;
	/* A thief's lists must not take the places of what others write to. */
	if (add(u, POLICYSTORE_NEW, 0, COUNTING_DAY) >= 2 * limit) {
		hold(u, 'd', a);
		return;
	}
	slot = policystore_find(destinations, POLICYSTORE_DESTINATION, parts, 2,
		u->now, &before);
	if (slot->count > 0)
		return;
	slot->count = 1;
	count = add(u, POLICYSTORE_NEW, 1, COUNTING_DAY);
	if (is_over(count, limit))
		hold(u, 'd', a);
}

void
outbound_judge(struct policystore *store, struct policystore *destinations,
	struct outbound_rules const *r, struct policing_question const *q,
	struct checking_bytes mailbox, uint32_t now, struct policing_answer *a)
{
	char name[CHECKING_PATH_MAX + 1] = "u";
	struct user const u = {.store = store,
		.rules = r,
		.name = {name, 1 + lower(mailbox, name + 1)},
		.now = now};

	if (namelist_holds(r->except, name + 1, u.name.len - 1))
		return;
	switch (q->stage) {
	case POLICING_MAIL:
		count_network(&u, q, a);
		judge_mail(&u, a);
		break;
	case POLICING_RCPT:
		judge_recipient(&u, destinations, q, mailbox, a);
		break;
	case POLICING_UNKNOWN:
		if (is_over(add(&u, POLICYSTORE_UNKNOWN, 1, COUNTING_HOUR),
			    r->unknown))
			alarm_once(&u, 'x', a);
		break;
	case POLICING_CONNECT:
	case POLICING_HELO:
	case POLICING_END:
	case POLICING_LOGIN:
		break;
	}
}
