/* A Sieve program and a message: what is to be done; see run.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "local/sieve/act.h"
#include "local/sieve/compare.h"
#include "local/sieve/edit.h"
#include "local/sieve/flags.h"
#include "local/sieve/grammar.h"
#include "local/sieve/name.h"
#include "local/sieve/state.h"
#include "mime/header.h"

/* What a block of commands has come to. */
enum flow { FLOW_NEXT, FLOW_RETURN, FLOW_STOP, FLOW_FAILED };
static enum flow run_block(struct sieve_run *r, uint32_t first);

bool
sieve_fail(struct sieve_run *r, char const *format, ...)
{
	struct sieve_fault *const f = &r->result->fault;
	char const *const name = r->p->units[r->unit].name;
	va_list args;

	/* What came first is the reason. */
	if (r->result->failed)
		return false;
	r->result->failed = true;
	f->line = r->line;
	if (name != NULL)
		snprintf(f->script, sizeof f->script, "%s", name);
	va_start(args, format);
	vsnprintf(f->text, sizeof f->text, format, args);
	va_end(args);
	for (char *s = f->text; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
	return false;
}

bool
sieve_fail_memory(struct sieve_run *r)
{
	return sieve_fail(r, "the script needs too much memory");
}

bool
sieve_spend(struct sieve_run *r, uint64_t cost)
{
	r->cost += cost;
	return r->cost <= SIEVE_COST_MAX ||
	       sieve_fail(r, "the script takes too long");
}

bool
sieve_get(
	struct sieve_run *r, struct sieve_list list, uint32_t i, stralloc *out)
{
	size_t len;
	char const *const s = sieve_text(r->p, list, i, &len);
	bool ok;

	out->len = 0;
	ok = stralloc_ready(out, 1);
	if (ok && sieve_requires(r, SIEVE_X_VARIABLES))
		ok = sieve_variables_expand(&r->variables[r->unit], &r->global,
			s, len, SIEVE_TEXT_MAX, out);
	else if (ok)
		ok = stralloc_catb(out, s, len);
	return ok ? sieve_spend(r, 10 + len / 8) : sieve_fail_memory(r);
}

static bool
has_global_prefix(char const *name, size_t len)
{
	return len > 7 && strncasecmp(name, "global.", 7) == 0;
}

stralloc *
sieve_lookup(struct sieve_run const *r, char const *name, size_t len)
{
	struct sieve_variable *v = NULL;

	if (has_global_prefix(name, len))
		v = sieve_variable_find(&r->global, name + 7, len - 7);
	else
		v = sieve_variable_find(&r->variables[r->unit], name, len);
	if (v != NULL && v->is_global)
		v = sieve_variable_find(&r->global, name, len);
	return v != NULL ? &v->value : NULL;
}

stralloc *
sieve_assign(struct sieve_run *r, char const *name, size_t len)
{
	struct sieve_variable *v;

	if (has_global_prefix(name, len))
		v = sieve_variable_make(&r->global, name + 7, len - 7);
	else
		v = sieve_variable_make(&r->variables[r->unit], name, len);
	if (v != NULL && v->is_global)
		v = sieve_variable_make(&r->global, name, len);
	if (v == NULL)
		(void)sieve_fail(r, "there are too many variables");
	return v != NULL ? &v->value : NULL;
}

static bool
do_flags(struct sieve_run *r, struct sieve_node const *n)
{
	stralloc *set = &r->flags;
	bool ok = true;

	if (n->args[0].count > 0) {
		if (!sieve_get(r, n->args[0], 0, &r->value))
			return false;
		set = sieve_assign(r, r->value.s, r->value.len);
		if (set == NULL)
			return false;
	}
	if (n->op == SIEVE_SETFLAG)
		set->len = 0;
	/* A variable that held something else is a set from here on. */
	for (uint32_t i = 0; ok && i < n->args[1].count; i++) {
		ok = sieve_get(r, n->args[1], i, &r->value) &&
		     sieve_spend(r, set->len * (r->value.len / 8 + 1));
		if (ok && n->op == SIEVE_REMOVEFLAG)
			sieve_flags_remove(set, r->value.s, r->value.len);
		else if (ok && !sieve_flags_add(set, r->value.s, r->value.len))
			ok = sieve_fail_memory(r);
	}
	return ok;
}

static bool
do_set(struct sieve_run *r, struct sieve_node const *n)
{
	stralloc *value;
	size_t len;
	char const *const name = sieve_text(r->p, n->args[0], 0, &len);

	if (!sieve_get(r, n->args[1], 0, &r->value))
		return false;
	value = sieve_assign(r, name, len);
	if (value == NULL)
		return false;
	if (!sieve_variable_put(value, r->value.s, r->value.len) ||
		!sieve_variables_modify(value, n->flags))
		return sieve_fail_memory(r);
	return true;
}

/* RFC 6609, 3.4.1. */
static bool
do_global(struct sieve_run *r, struct sieve_node const *n)
{
	for (uint32_t i = 0; i < n->args[0].count; i++) {
		size_t len;
		char const *const name = sieve_text(r->p, n->args[0], i, &len);
		struct sieve_variable *const v =
			sieve_variable_make(&r->variables[r->unit], name, len);

		if (v == NULL ||
			sieve_variable_make(&r->global, name, len) == NULL)
			return sieve_fail(r, "there are too many variables");
		v->is_global = true;
	}
	return true;
}

/* From here on the header is the script's own. */
static bool
begin_edit(struct sieve_run *r)
{
	r->header_copy = NULL;
	if (r->is_edited)
		return sieve_spend(r, r->header.len);
	if (!stralloc_copyb(&r->header, r->mail->header, r->mail->header_len))
		return sieve_fail_memory(r);
	r->is_edited = true;
	return sieve_spend(r, r->header.len);
}

static bool
do_addheader(struct sieve_run *r, struct sieve_node const *n)
{
	if (!sieve_get(r, n->args[0], 0, &r->key) ||
		!sieve_get(r, n->args[1], 0, &r->value))
		return false;
	if (!sieve_name_field(r->key.s, r->key.len))
		return sieve_fail(r, "the name of the field is none");
	if (!sieve_edit_allowed(r->key.s, r->key.len))
		return true;
	if (!begin_edit(r))
		return false;
	if (r->header.len > HEADER_MAX)
		return sieve_fail(r, "the header has grown too long");
	return sieve_edit_add(&r->header, n->flags & SIEVE_F_LAST, r->key.s,
		       r->key.len, r->value.s, r->value.len) ||
	       sieve_fail_memory(r);
}

/* Whether a field with this value goes; without patterns all do. */
static int
is_doomed(struct sieve_run *r, struct sieve_node const *n, char const *value,
	size_t len)
{
	struct sieve_matcher m = {.r = r, .n = n};

	if (n->args[1].count == 0)
		return 1;
	if (!sieve_decode(r, value, len) ||
		!sieve_match_value(&m, r->decoded.s, r->decoded.len))
		return -1;
	return sieve_match_end(&m);
}

static bool
do_deleteheader(struct sieve_run *r, struct sieve_node const *n)
{
	stralloc name = STRALLOC_ZERO, left = STRALLOC_ZERO;
	uint64_t count = 0, at = 0, wanted = 0;
	struct header_field f;
	size_t pos = 0;
	bool ok = sieve_get(r, n->args[0], 0, &name);

	if (ok && !sieve_name_field(name.s, name.len))
		ok = sieve_fail(r, "the name of the field is none");
	if (!ok || !sieve_edit_allowed(name.s, name.len) || !begin_edit(r))
		goto done;
	ok = stralloc_ready(&left, r->header.len + 1) || sieve_fail_memory(r);
	while (ok && header_next(r->header.s, r->header.len, &pos, &f) > 0)
		count += f.name_len == name.len &&
			 strncasecmp(f.name, name.s, name.len) == 0;
	if (n->flags & SIEVE_F_INDEX)
		wanted = n->flags & SIEVE_F_LAST && n->number <= count
				 ? count - n->number + 1
				 : n->number;
	pos = 0;
	while (ok && header_next(r->header.s, r->header.len, &pos, &f) > 0) {
		int doomed = f.name_len == name.len &&
			     strncasecmp(f.name, name.s, name.len) == 0;

		if (doomed && (++at == wanted || wanted == 0))
			doomed = is_doomed(r, n, f.value, f.value_len);
		else
			doomed = 0;
		ok = doomed >= 0;
		if (doomed == 0 && !stralloc_catb(&left, f.line, f.line_len))
			ok = sieve_fail_memory(r);
	}
	if (ok && !stralloc_copyb(&r->header, left.s, left.len))
		ok = sieve_fail_memory(r);
done:
	stralloc_free(&name);
	stralloc_free(&left);
	return ok && !r->result->failed;
}

static enum flow
do_include(struct sieve_run *r, struct sieve_node const *n)
{
	uint8_t const unit = n->unit, outer = r->unit;
	enum flow flow;

	if (unit == 0) {
		if (n->flags & SIEVE_F_OPTIONAL)
			return FLOW_NEXT;
		(void)sieve_fail(r, "the included script is not there");
		return FLOW_FAILED;
	}
	if (r->is_active[unit]) {
		(void)sieve_fail(r, "a script includes itself");
		return FLOW_FAILED;
	}
	if ((n->flags & SIEVE_F_ONCE) && r->was_run[unit])
		return FLOW_NEXT;
	r->unit = unit;
	r->is_active[unit] = r->was_run[unit] = true;
	/* Its variables are new each time (RFC 6609, 3.4). */
	sieve_variables_free(&r->variables[unit]);
	flow = run_block(r, r->p->units[unit].first);
	r->is_active[unit] = false;
	r->unit = outer;
	return flow == FLOW_RETURN ? FLOW_NEXT : flow;
}

static bool
do_action(struct sieve_run *r, struct sieve_node const *n)
{
	switch ((enum sieve_op)n->op) {
	case SIEVE_KEEP:
		return sieve_act_keep(r, n);
	case SIEVE_DISCARD:
		r->cancels_keep = true;
		return true;
	case SIEVE_FILEINTO:
		return sieve_act_fileinto(r, n);
	case SIEVE_REDIRECT:
		return sieve_act_redirect(r, n);
	case SIEVE_REJECT:
	case SIEVE_EREJECT:
		return sieve_act_reject(r, n);
	case SIEVE_VACATION:
		return sieve_act_vacation(r, n);
	case SIEVE_SETFLAG:
	case SIEVE_ADDFLAG:
	case SIEVE_REMOVEFLAG:
		return do_flags(r, n);
	case SIEVE_SET:
		return do_set(r, n);
	case SIEVE_GLOBAL:
		return do_global(r, n);
	case SIEVE_ADDHEADER:
		return do_addheader(r, n);
	case SIEVE_DELETEHEADER:
		return do_deleteheader(r, n);
	default:
		return true;
	}
}

/* if, elsif and else: the first of them whose test holds; the others of the
 * chain are passed over. */
static enum flow
do_if(struct sieve_run *r, uint32_t *at)
{
	enum flow flow = FLOW_NEXT;
	bool is_done = false;
	uint32_t next = *at;

	do {
		struct sieve_node const *const n = &r->p->nodes[next];
		int holds = n->op == SIEVE_ELSE;

		*at = next;
		if (!is_done && !holds)
			holds = sieve_test(r, n->test);
		if (!is_done && holds < 0)
			return FLOW_FAILED;
		if (!is_done && holds > 0) {
			flow = run_block(r, n->inner);
			is_done = true;
		}
		next = n->next;
	} while (next != 0 && (r->p->nodes[next].op == SIEVE_ELSIF ||
				      r->p->nodes[next].op == SIEVE_ELSE));
	return flow;
}

static enum flow
run_block(struct sieve_run *r, uint32_t first)
{
	enum flow flow = FLOW_NEXT;

	for (uint32_t i = first; i != 0 && flow == FLOW_NEXT;
		i = r->p->nodes[i].next) {
		struct sieve_node const *const n = &r->p->nodes[i];

		r->line = n->line;
		if (!sieve_spend(r, 100))
			return FLOW_FAILED;
		switch ((enum sieve_op)n->op) {
		case SIEVE_STOP:
			return FLOW_STOP;
		case SIEVE_RETURN:
			return FLOW_RETURN;
		case SIEVE_IF:
			flow = do_if(r, &i);
			break;
		case SIEVE_INCLUDE:
			flow = do_include(r, n);
			break;
		default:
			flow = do_action(r, n) ? FLOW_NEXT : FLOW_FAILED;
		}
	}
	return flow;
}

/* RFC 5228, 2.10.6: the message is kept as it was, and nothing else is done. */
static void
fall_back(struct sieve_run *r)
{
	struct sieve_result *const result = r->result;

	result->actions[0] = (struct sieve_action){
		.kind = SIEVE_DO_KEEP, .target = "", .flags = ""};
	result->count = 1;
	result->seen_count = 0;
}

void
sieve_run(struct sieve_program const *p, struct sieve_mail const *mail,
	struct sieve_result *result_r)
{
	struct sieve_run r = {.p = p, .mail = mail, .result = result_r};

	memset(result_r, 0, sizeof *result_r);
	r.is_active[0] = true;
	if (!stralloc_ready(&r.flags, 1) || !stralloc_ready(&r.key, 1))
		(void)sieve_fail_memory(&r);
	else
		(void)run_block(&r, p->units[0].first);
	r.unit = 0;
	if (!result_r->failed && !r.cancels_keep)
		(void)!sieve_act_keep(&r, NULL);
	if (result_r->failed)
		fall_back(&r);
	for (size_t i = 0; i < SIEVE_UNITS_MAX; i++)
		sieve_variables_free(&r.variables[i]);
	sieve_variables_free(&r.global);
	sieve_body_free(&r);
	stralloc_free(&r.flags);
	stralloc_free(&r.header);
	stralloc_free(&r.key);
	stralloc_free(&r.value);
	stralloc_free(&r.decoded);
}

void
sieve_result_free(struct sieve_result *r)
{
	sieve_memory_free(&r->memory);
	r->count = r->seen_count = 0;
}
