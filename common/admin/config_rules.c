/* The rule table of check, read and judged; rules(5). */
#include <stdlib.h>
#include <string.h>
#include "common/admin/config.h"
#include "smtpd/check/rules.h"

/* As daemons get it: without comments, one statement a line. */
static bool
keep(struct config *c, char const *line, size_t len)
{
	return stralloc_catb(&c->rules, line, len) &&
	       stralloc_append(&c->rules, '\n');
}

bool
config_read_rules(struct config *c, struct faults *f)
{
	struct rules *rules = calloc(1, sizeof *rules);
	struct text *t = &c->rules_text;
	char *line;
	size_t len;
	bool ok = rules != NULL;

	while (ok && config_line(t, f, &line, &len)) {
		char const *why = NULL;

		if (rules_line(rules, line, len, t->line, &why))
			ok = keep(c, line, len);
		else
			fault(f, t->path, t->line, "the statement %s", why);
	}
	if (c->rules.len >= RULES_BYTES_MAX)
		fault(f, t->path, 0, "is longer than %u octets",
			RULES_BYTES_MAX);
	free(rules);
	return ok && stralloc_append(&c->rules, '\0');
}
