/* What is seen of a message's header as it comes in. */
#include <string.h>
#include "smtpd/glance.h"

static char const hop[] = "received:";
static char const id[] = "message-id:";

/* The first octet of a line. */
static void
begin_line(struct smtp_glance *g, char c)
{
	g->in_body = c == '\r';
	/* Folded: what is skipped, or taken, goes on. */
	if ((c == ' ' || c == '\t') && g->state != SMTP_GLANCE_NAME)
		return;
	g->state = SMTP_GLANCE_NAME;
	g->may_be_hop = true;
	g->may_be_id = g->id_len == 0;
}

static void
in_name(struct smtp_glance *g, char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	g->may_be_hop = g->may_be_hop && c == hop[g->column];
	g->may_be_id = g->may_be_id && c == id[g->column];
	if (g->may_be_hop && g->column + 1 == sizeof hop - 1) {
		g->hops++;
		g->may_be_hop = false;
	}
	if (g->may_be_id && g->column + 1 == sizeof id - 1)
		g->state = SMTP_GLANCE_ID;
	else if (!g->may_be_hop && !g->may_be_id)
		g->state = SMTP_GLANCE_SKIP;
}

static void
in_id(struct smtp_glance *g, char c)
{
	if (c > ' ' && c != 127 && c != '<' && c != '>' &&
		g->id_len < sizeof g->id)
		g->id[g->id_len++] = c;
}

void
smtp_glance_push(struct smtp_glance *g, char const *s, size_t len)
{
	char const *const end = s + len;

	for (; s < end && !g->in_body; s++) {
		if (g->column == 0)
			begin_line(g, *s);
		if (*s == '\n') {
			g->column = 0;
			continue;
		}
		if (g->state == SMTP_GLANCE_NAME)
			in_name(g, *s);
		else if (g->state == SMTP_GLANCE_ID)
			in_id(g, *s);
		g->column++;
		if (g->state != SMTP_GLANCE_SKIP)
			continue;
		s = memchr(s, '\n', (size_t)(end - s));
		if (s == NULL)
			return;
		g->column = 0;
	}
}
