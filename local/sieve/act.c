/* What a script has done with the message; see act.h. */
#include <string.h>
#include <strings.h>
#include "local/sieve/act.h"
#include "local/sieve/flags.h"
#include "local/sieve/grammar.h"
#include "local/sieve/name.h"

#define DAY_SECONDS UINT64_C(86400)
/* RFC 5230, 4.1: days that an answer is remembered. */
#define VACATION_DAYS 7
#define VACATION_DAYS_MAX 180

/* The header that an action works with, if a script has changed it. */
static bool
keep_header(struct sieve_run *r, struct sieve_action *a)
{
	if (!r->is_edited)
		return true;
	if (r->header_copy == NULL)
		r->header_copy = sieve_memory_copy(
			&r->result->memory, r->header.s, r->header.len);
	a->header = r->header_copy;
	a->header_len = r->header.len;
	return a->header != NULL || sieve_fail_memory(r);
}

static char const *
keep_text(struct sieve_run *r, stralloc const *text)
{
	char const *const s =
		sieve_memory_copy(&r->result->memory, text->s, text->len);

	if (s == NULL)
		(void)sieve_fail_memory(r);
	return s;
}

/* An argument that may be left out, for an action. */
static bool
keep_argument(struct sieve_run *r, struct sieve_node const *n, unsigned slot,
	char const **s_r)
{
	if (n->args[slot].count == 0)
		return true;
	if (!sieve_get(r, n->args[slot], 0, &r->value))
		return false;
	*s_r = keep_text(r, &r->value);
	return *s_r != NULL;
}

/* The action of this kind and target that is there already, or a new one. */
static struct sieve_action *
add_action(struct sieve_run *r, enum sieve_action_kind kind,
	stralloc const *target)
{
	struct sieve_result *const result = r->result;
	struct sieve_action *a;

	for (size_t i = 0; i < result->count; i++) {
		a = &result->actions[i];
		if (a->kind == kind && a->target_len == target->len &&
			memcmp(a->target, target->s, target->len) == 0)
			return a;
	}
	if (result->count == SIEVE_ACTIONS_MAX) {
		(void)sieve_fail(r, "there are too many actions");
		return NULL;
	}
	a = &result->actions[result->count];
	*a = (struct sieve_action){.kind = kind, .line = r->line};
	a->target = keep_text(r, target);
	a->target_len = target->len;
	if (a->target == NULL || !keep_header(r, a))
		return NULL;
	result->count++;
	return a;
}

/* RFC 5429, 2.4: a message is rejected or delivered, not both. */
static bool
check_rejection(struct sieve_run *r, enum sieve_action_kind kind)
{
	for (size_t i = 0; i < r->result->count; i++)
		if (kind == SIEVE_DO_REJECT ||
			r->result->actions[i].kind == SIEVE_DO_REJECT)
			return sieve_fail(r, "a message can't be rejected and "
					     "something else be done with it");
	return true;
}

static bool
set_flags(
	struct sieve_run *r, struct sieve_node const *n, struct sieve_action *a)
{
	stralloc *set = &r->flags;

	if (n != NULL && (n->flags & SIEVE_F_FLAGS)) {
		set = &r->decoded;
		set->len = 0;
		for (uint32_t i = 0; i < n->args[1].count; i++)
			if (!sieve_get(r, n->args[1], i, &r->value) ||
				!sieve_flags_add(set, r->value.s, r->value.len))
				return sieve_fail_memory(r);
	}
	a->flags = keep_text(r, set);
	return a->flags != NULL;
}

bool
sieve_act_keep(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_action *a;

	r->value.len = 0;
	if (!stralloc_ready(&r->value, 1))
		return sieve_fail_memory(r);
	if (!check_rejection(r, SIEVE_DO_KEEP))
		return false;
	a = add_action(r, SIEVE_DO_KEEP, &r->value);
	r->cancels_keep = true;
	return a != NULL && set_flags(r, n, a);
}

bool
sieve_act_fileinto(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_action *a;
	char name[BOXNAME_MAX + 1];

	if (!sieve_get(r, n->args[0], 0, &r->value) ||
		!check_rejection(r, SIEVE_DO_FILEINTO))
		return false;
	if (!sieve_name_box(r->value.s, r->value.len, name))
		return sieve_fail(r, "\"%.*s\" is no mailbox",
			r->value.len > 60 ? 60 : (int)r->value.len, r->value.s);
	if (!stralloc_copys(&r->value, name))
		return sieve_fail_memory(r);
	a = add_action(r, SIEVE_DO_FILEINTO, &r->value);
	if (a == NULL || !set_flags(r, n, a) ||
		!keep_argument(r, n, 2, &a->use))
		return false;
	a->may_create = a->may_create || (n->flags & SIEVE_F_CREATE) != 0;
	r->cancels_keep = r->cancels_keep || !(n->flags & SIEVE_F_COPY);
	return true;
}

bool
sieve_act_redirect(struct sieve_run *r, struct sieve_node const *n)
{
	char address[SIEVE_NAME_ADDRESS_MAX];
	size_t len, count = 0;

	if (!sieve_get(r, n->args[0], 0, &r->value) ||
		!check_rejection(r, SIEVE_DO_REDIRECT))
		return false;
	if (!sieve_name_address_of(r->value.s, r->value.len, address, &len))
		return sieve_fail(r, "\"%.*s\" is no address",
			r->value.len > 60 ? 60 : (int)r->value.len, r->value.s);
	if (!stralloc_copyb(&r->value, address, len))
		return sieve_fail_memory(r);
	if (add_action(r, SIEVE_DO_REDIRECT, &r->value) == NULL)
		return false;
	for (size_t i = 0; i < r->result->count; i++)
		count += r->result->actions[i].kind == SIEVE_DO_REDIRECT;
	if (count > SIEVE_REDIRECTS_MAX)
		return sieve_fail(r, "there are more than %d addresses",
			SIEVE_REDIRECTS_MAX);
	r->cancels_keep = r->cancels_keep || !(n->flags & SIEVE_F_COPY);
	return true;
}

bool
sieve_act_reject(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_action *a;

	if (!sieve_get(r, n->args[0], 0, &r->value) ||
		!check_rejection(r, SIEVE_DO_REJECT))
		return false;
	a = add_action(r, SIEVE_DO_REJECT, &r->value);
	if (a == NULL)
		return false;
	a->is_ereject = n->op == SIEVE_EREJECT;
	r->cancels_keep = true;
	return true;
}

/* What tells one answer from others: its handle, or all that it is made of
 * before variables are replaced (RFC 5230, 4.2). */
static bool
keep_handle(
	struct sieve_run *r, struct sieve_node const *n, struct sieve_action *a)
{
	static unsigned const slots[] = {1, 2, 0};
	stralloc *const text = &r->value;

	if (n->flags & SIEVE_F_HANDLE) {
		if (!sieve_get(r, n->args[4], 0, text))
			return false;
	} else if (!stralloc_copys(text, n->flags & SIEVE_F_MIME ? "m" : "t")) {
		return sieve_fail_memory(r);
	}
	for (size_t i = 0; !(n->flags & SIEVE_F_HANDLE) &&
			   i < sizeof slots / sizeof *slots;
		i++) {
		size_t len = 0;
		char const *const s =
			n->args[slots[i]].count > 0
				? sieve_text(r->p, n->args[slots[i]], 0, &len)
				: "";

		if (!stralloc_catb(text, s, len) || !stralloc_0(text))
			return sieve_fail_memory(r);
	}
	a->handle = keep_text(r, text);
	a->handle_len = text->len;
	return a->handle != NULL;
}

static bool
keep_addresses(
	struct sieve_run *r, struct sieve_node const *n, struct sieve_action *a)
{
	stralloc *const all = &r->decoded;

	all->len = 0;
	for (uint32_t i = 0; i < n->args[3].count; i++) {
		char address[SIEVE_NAME_ADDRESS_MAX];
		size_t len;

		if (!sieve_get(r, n->args[3], i, &r->value))
			return false;
		if (!sieve_name_address_of(
			    r->value.s, r->value.len, address, &len))
			continue;
		if (all->len + len > SIEVE_TEXT_MAX)
			return sieve_fail(r, "there are too many addresses");
		if (!stralloc_catb(all, address, len) ||
			!stralloc_catb(all, " ", 1))
			return sieve_fail_memory(r);
	}
	if (!stralloc_ready(all, 1))
		return sieve_fail_memory(r);
	a->addresses = keep_text(r, all);
	return a->addresses != NULL;
}

static uint64_t
vacation_seconds(struct sieve_node const *n)
{
	uint64_t seconds = VACATION_DAYS * DAY_SECONDS;

	if (n->flags & SIEVE_F_DAYS)
		seconds =
			n->number > VACATION_DAYS_MAX
				? VACATION_DAYS_MAX * DAY_SECONDS
				: (n->number > 0 ? n->number : 1) * DAY_SECONDS;
	else if (n->flags & SIEVE_F_SECONDS)
		seconds = n->number;
	return seconds > VACATION_DAYS_MAX * DAY_SECONDS
		       ? VACATION_DAYS_MAX * DAY_SECONDS
		       : seconds;
}

bool
sieve_act_vacation(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_action *a;

	for (size_t i = 0; i < r->result->count; i++)
		if (r->result->actions[i].kind == SIEVE_DO_VACATION ||
			r->result->actions[i].kind == SIEVE_DO_REJECT)
			return sieve_fail(r, "vacation stands behind another, "
					     "or a reject");
	if (!sieve_get(r, n->args[0], 0, &r->value))
		return false;
	a = add_action(r, SIEVE_DO_VACATION, &r->value);
	if (a == NULL || !keep_argument(r, n, 1, &a->subject) ||
		!keep_argument(r, n, 2, &a->from) || !keep_handle(r, n, a) ||
		!keep_addresses(r, n, a))
		return false;
	/* RFC 5230, 4.3: one that is no list of mailboxes is ignored. */
	if (a->from != NULL && !sieve_name_from(a->from, strlen(a->from)))
		a->from = NULL;
	a->is_mime = (n->flags & SIEVE_F_MIME) != 0;
	a->seconds = vacation_seconds(n);
	return true;
}
