/* What the owner of a queue file may send. */
#include "queue/order.h"
#include "queue/owner.h"

/* No account has this uid: what is not set is nobody's. */
#define NO_UID ((uid_t)-1)

static uid_t
account(struct table const *settings, char const *key)
{
	uint64_t n = settings_number(settings, key, NO_UID);

	return n < NO_UID ? (uid_t)n : NO_UID;
}

void
owner_read(struct owner_accounts *a, struct table const *settings)
{
	static char const *const others[] = {
		"uid-submit",
		"uid-pop3d",
		"uid-imapd",
		"uid-auth",
		"uid-remote",
		"uid-sign",
	};

	*a = (struct owner_accounts){.smtpd = account(settings, "uid-smtpd"),
		.relay = account(settings, "uid-relay"),
		.queue = account(settings, "uid-queue"),
		.mailbox_min = account(settings, "mailbox-uid-min"),
		.mailbox_max = account(settings, "mailbox-uid-max")};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		a->others[a->other_count++] = account(settings, others[i]);
}

/* What only we ourselves write into an envelope. */
static bool
claims_ours(struct queuefile const *q)
{
	if ((q->flags &
		    (QUEUEFILE_OWN | QUEUEFILE_EXPANDED | QUEUEFILE_DOUBLE)) ||
		q->has_dropper)
		return true;
	for (size_t i = 0; i < q->recipient_count; i++)
		if (q->recipients[i].state != QUEUEFILE_TODO)
			return true;
	return false;
}

/* A list is a mailbox, and writes under its own address; port 25 has none. */
static bool
claims_list(
	struct owner_accounts const *a, uid_t owner, struct queuefile const *q)
{
	return (q->flags & QUEUEFILE_VERP) &&
	       (owner == a->smtpd || owner == a->relay ||
		       (q->flags & QUEUEFILE_FORWARDED));
}

static enum owner_verdict
judge_hosted_only(struct route_tables const *t, struct queuefile const *q,
	char const **why_r)
{
	for (size_t i = 0; i < q->recipient_count; i++) {
		char key[ROUTE_NAME_MAX + 1];
		size_t len = route_key(t, q->recipients[i].address,
			q->recipients[i].address_len, key);
		enum route_domain domain = len > 0 ? route_domain(t, key, len)
						   : ROUTE_DOMAIN_FOREIGN;
		if (domain == ROUTE_DOMAIN_LATER)
			return OWNER_LATER;
		if (domain == ROUTE_DOMAIN_FOREIGN) {
			*why_r = "relaying is not for its owner";
			return OWNER_MAY_NOT;
		}
	}
	return OWNER_MAY;
}

static enum owner_verdict
judge_mailbox(struct route_tables const *t, uid_t owner,
	struct queuefile const *q, char const **why_r)
{
	int owns = q->sender_len == 0 || (q->flags & QUEUEFILE_FORWARDED)
			   ? 1
			   : route_owns(t, q->sender, q->sender_len, owner);

	if (owns < 0)
		return OWNER_LATER;
	*why_r = "the sender is not its owner's";
	return owns > 0 ? OWNER_MAY : OWNER_MAY_NOT;
}

enum owner_verdict
owner_judge_command(struct owner_accounts const *a, uid_t owner,
	struct queuefile const *q, char const **why_r)
{
	bool may_wake = owner == a->smtpd || owner == a->relay ||
			(owner >= a->mailbox_min && owner <= a->mailbox_max);
	struct order c;

	*why_r = "this is no command";
	if (!order_parse(q->command, q->command_len, &c))
		return OWNER_MAY_NOT;
	if (owner == 0 || (may_wake && c.verb == ORDER_WAKE_DOMAIN))
		return OWNER_MAY;
	*why_r = "the command is not for its owner";
	return OWNER_MAY_NOT;
}

enum owner_verdict
owner_judge(struct owner_accounts const *a, struct route_tables const *t,
	uid_t owner, struct queuefile const *q, char const **why_r)
{
	if (owner == a->queue)
		return OWNER_MAY;
	for (size_t i = 0; i < a->other_count; i++)
		if (owner == a->others[i]) {
			*why_r = "its owner has nothing to send";
			return OWNER_MAY_NOT;
		}
	if (claims_ours(q)) {
		*why_r = "it claims what only the manager writes";
		return OWNER_MAY_NOT;
	}
	*why_r = "it claims to be of a list";
	if (claims_list(a, owner, q))
		return OWNER_MAY_NOT;
	if (owner == a->smtpd)
		return judge_hosted_only(t, q, why_r);
	if (owner >= a->mailbox_min && owner <= a->mailbox_max)
		return judge_mailbox(t, owner, q, why_r);
	/* kr-relay, and people with an account on this machine. */
	return OWNER_MAY;
}
