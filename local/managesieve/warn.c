/* What a script may be meant to do, and does not; see session.h. */
#include <stdio.h>
#include <string.h>
#include "local/managesieve/session.h"
#include "local/sieve/grammar.h"
#include "local/sieve/program.h"
#include "local/sieve/run.h"

static bool
add(stralloc *warnings, char const *line)
{
	return (warnings->len == 0 || stralloc_cats(warnings, "\r\n")) &&
	       stralloc_cats(warnings, line);
}

/* A script that may come later (RFC 6609, 3.2): no fault. */
static bool
check_include(struct scripts const *s, struct sieve_program const *p,
	struct sieve_node const *n, stralloc *warnings)
{
	char line[SIEVE_NAME_SCRIPT_MAX + 100], name[SIEVE_NAME_SCRIPT_MAX + 1];
	size_t len;
	char const *const text = sieve_text(p, n->args[0], 0, &len);

	if (n->flags & SIEVE_F_OPTIONAL)
		return true;
	if (n->flags & SIEVE_F_GLOBAL) {
		snprintf(line, sizeof line,
			"line %u: there are no scripts for all mailboxes here",
			(unsigned)n->line);
		return add(warnings, line);
	}
	memcpy(name, text, len);
	name[len] = '\0';
	if (scripts_exist(s, name))
		return true;
	snprintf(line, sizeof line, "line %u: there is no script \"%s\" yet",
		(unsigned)n->line, name);
	return add(warnings, line);
}

bool
managesieve_warn(struct scripts const *s, struct sieve_program const *p,
	stralloc *warnings)
{
	unsigned redirects = 0;
	char line[100];

	for (size_t i = 1; i < p->node_count; i++) {
		struct sieve_node const *const n = &p->nodes[i];

		if (n->op == SIEVE_INCLUDE && !check_include(s, p, n, warnings))
			return false;
		if (n->op != SIEVE_REDIRECT ||
			++redirects != SIEVE_REDIRECTS_MAX + 1)
			continue;
		snprintf(line, sizeof line,
			"line %u: a message is sent on to %d addresses at "
			"most, this redirect may be one too many",
			(unsigned)n->line, SIEVE_REDIRECTS_MAX);
		if (!add(warnings, line))
			return false;
	}
	return true;
}
