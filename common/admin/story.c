/* What the logs say of a message; see story.h. */
#include <string.h>
#include <time.h>
#include "common/admin/story.h"

#define TIME_SHOWN 19

/* The value of a key as it stands in the line, `otherwise` without one. */
static void
show(FILE *out, struct logline const *l, char const *key, char const *otherwise)
{
	struct logline_pair p;

	if (logline_find(l, key, &p) && p.value_len > 0)
		fwrite(p.value, 1, p.value_len, out);
	else
		fputs(otherwise, out);
}

/* Words and a value, if the line has it. */
static void
show_if(FILE *out, struct logline const *l, char const *before, char const *key,
	char const *after)
{
	struct logline_pair p;

	if (!logline_find(l, key, &p) || p.value_len == 0)
		return;
	fputs(before, out);
	fwrite(p.value, 1, p.value_len, out);
	fputs(after, out);
}

static void
show_all(FILE *out, struct logline const *l, char const *key)
{
	struct logline_pair p;
	char const *comma = "";
	size_t pos = 0;

	while (logline_next(l, &pos, &p)) {
		if (p.key_len != strlen(key) ||
			memcmp(p.key, key, p.key_len) != 0)
			continue;
		fputs(comma, out);
		fwrite(p.value, 1, p.value_len, out);
		comma = ", ";
	}
}

static void
begin(FILE *out, struct logline const *l)
{
	fwrite(l->time, 1, TIME_SHOWN, out);
	fputs("  ", out);
}

static void
tell_accepted(FILE *out, struct logline const *l)
{
	fputs("taken from ", out);
	show(out, l, "client", "this host");
	show_if(out, l, ", which calls itself ", "helo", "");
	show_if(out, l, ", logged in as ", "mailbox", "");
	show_if(out, l, ", over ", "tls", "");
	fputs(": from <", out);
	show(out, l, "from", "");
	fputs("> to ", out);
	show_all(out, l, "to");
	show_if(out, l, ", ", "size", " octets");
	show_if(out, l, ", Message-ID ", "message-id", "");
}

static void
tell_checked(FILE *out, struct logline const *l)
{
	static char const *const skipped[] = {"pid", "id", "action"};
	struct logline_pair p;
	size_t pos = 0;

	fputs("checked: ", out);
	if (!logline_find(l, "action", &p))
		return;
	fputs(*p.value == 'a'	  ? "nothing against it"
		: *p.value == 'r' ? "to be refused"
		: *p.value == 't' ? "to be refused for now"
				  : "to be discarded",
		out);
	while (logline_next(l, &pos, &p)) {
		bool skip = p.value_len == 0;
		for (size_t i = 0; i < 3; i++)
			skip = skip || (p.key_len == strlen(skipped[i]) &&
					       memcmp(p.key, skipped[i],
						       p.key_len) == 0);
		if (skip)
			continue;
		fputs("; ", out);
		fwrite(p.key, 1, p.key_len, out);
		putc(' ', out);
		fwrite(p.value, 1, p.value_len, out);
	}
}

static void
tell_queued(FILE *out, struct logline const *l)
{
	fputs("in the queue, for ", out);
	show(out, l, "recipients", "?");
	fputs(" to deliver to; from <", out);
	show(out, l, "from", "");
	show_if(out, l, ">, by ", "origin", "");
}

static void
tell_delivered(FILE *out, struct logline const *l)
{
	fputs("delivered to ", out);
	show(out, l, "to", "?");
	show_if(out, l, " after ", "delay", " s");
	show_if(out, l, " in all: ", "answer", "");
}

static void
tell_deferred(FILE *out, struct logline const *l)
{
	fputs("not delivered to ", out);
	show(out, l, "to", "?");
	fputs(" yet, to be tried again: ", out);
	show(out, l, "why", "no reason is known");
}

static void
tell_failed(FILE *out, struct logline const *l)
{
	fputs("given up for ", out);
	show(out, l, "to", "?");
	show_if(out, l, " after ", "delay", " s");
	fputs(": ", out);
	show(out, l, "why", "no reason is known");
}

static void
tell_attempt(FILE *out, struct logline const *l)
{
	fputs("host ", out);
	show(out, l, "host", "(none could be asked)");
	show_if(out, l, ", over ", "tls", ",");
	fputs(" for ", out);
	show(out, l, "to", "the message");
	fputs(": ", out);
	show(out, l, "reply", "no answer");
}

static void
tell_skipped(FILE *out, struct logline const *l)
{
	fputs("host ", out);
	show(out, l, "host", "?");
	fputs(" did not take it: ", out);
	show(out, l, "reply", "no answer");
}

static void
tell_bounced(FILE *out, struct logline const *l)
{
	fputs("its sender is told, by message ", out);
	show(out, l, "as", "?");
}

static void
tell_doubly(FILE *out, struct logline const *l)
{
	fputs("it was a report that can't be delivered; the postmaster is "
	      "told, by message ",
		out);
	show(out, l, "as", "?");
}

static void
tell_removed(FILE *out, struct logline const *l)
{
	fputs("done, and out of the queue", out);
	show_if(out, l, " after ", "delay", " s");
}

static void
tell_dropped(FILE *out, struct logline const *l)
{
	fputs("dropped: ", out);
	show(out, l, "why", "no reason is known");
}

static void
tell_held(FILE *out, struct logline const *l)
{
	(void)l;
	fputs("held: nothing is tried until `kereru queue release`", out);
}

static void
tell_refused(FILE *out, struct logline const *l)
{
	fputs("refused", out);
	show_if(out, l, " for ", "to", "");
	show_if(out, l, ", from ", "client", "");
	show_if(out, l, " as <", "from", ">");
	show_if(out, l, ": told \"", "reply", "\"");
	show_if(out, l, ": ", "why", "");
}

/* What else there is, as it stands. */
static void
tell_other(FILE *out, struct logline const *l)
{
	struct logline_pair p;
	size_t pos = 0;

	fwrite(l->program, 1, l->program_len, out);
	fputs(": ", out);
	fwrite(l->event, 1, l->event_len, out);
	while (logline_next(l, &pos, &p)) {
		if (p.key_len == 3 && memcmp(p.key, "pid", 3) == 0)
			continue;
		if (p.key_len == 2 && memcmp(p.key, "id", 2) == 0)
			continue;
		fputs(", ", out);
		fwrite(p.key, 1, p.key_len, out);
		putc(' ', out);
		fwrite(p.value, 1, p.value_len, out);
	}
}

static struct {
	char const *program, *event; /* program NULL: any */
	void (*tell)(FILE *out, struct logline const *l);
} const words[] = {
	{"remote", "delivered", tell_attempt},
	{"remote", "deferred", tell_attempt},
	{"remote", "failed", tell_attempt},
	{"remote", "skipped", tell_skipped},
	{NULL, "accepted", tell_accepted},
	{"check", "checked", tell_checked},
	{"manager", "queued", tell_queued},
	{"manager", "delivered", tell_delivered},
	{"manager", "deferred", tell_deferred},
	{"manager", "failed", tell_failed},
	{"manager", "bounced", tell_bounced},
	{"manager", "double-bounced", tell_doubly},
	{"manager", "removed", tell_removed},
	{"manager", "dropped", tell_dropped},
	{"manager", "on-hold", tell_held},
	{NULL, "refused", tell_refused},
};

static bool
program_is(struct logline const *l, char const *program)
{
	return program == NULL ||
	       (l->program_len == strlen(program) &&
		       memcmp(l->program, program, l->program_len) == 0);
}

static void
tell(FILE *out, struct logline const *l)
{
	size_t i = 0;

	while (i < sizeof words / sizeof *words &&
		!(logline_event_is(l, words[i].event) &&
			program_is(l, words[i].program)))
		i++;
	begin(out, l);
	if (i < sizeof words / sizeof *words)
		words[i].tell(out, l);
	else
		tell_other(out, l);
	putc('\n', out);
}

static void
note(struct story *s, struct logline const *l)
{
	struct logline_pair p;

	s->lines++;
	if (!program_is(l, "manager")) {
		if (logline_event_is(l, "refused") ||
			logline_event_is(l, "discarded"))
			s->is_over = true;
		return;
	}
	if (logline_event_is(l, "removed"))
		s->is_over = true;
	else if (logline_event_is(l, "deferred") && logline_find(l, "why", &p))
		(void)logline_value(
			&p, s->deferred_why, sizeof s->deferred_why);
	else if (logline_event_is(l, "bounced") && logline_find(l, "as", &p) &&
		 p.value_len == ID_LEN)
		memcpy(s->report, p.value, ID_LEN);
}

/* When the first line of a message can have been written: an id knows the time,
 * and the clock may have been wrong, or have gone back an hour in autumn. */
static char const *
earliest(struct story const *s, char text[LOGLINE_TIME_LEN])
{
	time_t const from = id_time(s->id) - 7200;
	struct tm tm;

	return localtime_r(&from, &tm) != NULL &&
			       strftime(text, LOGLINE_TIME_LEN,
				       "%Y-%m-%d %H:%M:%S", &tm) > 0
		       ? text
		       : NULL;
}

static void
tell_lines(FILE *out, struct logs *logs, struct story *s, char const *since,
	bool of_intake)
{
	struct logline_pair p;
	struct logs_line l;

	logs_seek(logs, since, s->id);
	while (logs_next(logs, &l)) {
		if (logline_event_is(&l.line, "accepted") != of_intake ||
			!logline_find(&l.line, "id", &p) ||
			!logline_has(&p, s->id, ID_LEN))
			continue;
		if (s->lines == 0)
			fprintf(out, "%s\n", s->id);
		tell(out, &l.line);
		note(s, &l.line);
	}
}

void
story_tell(FILE *out, struct logs *logs, struct story *s)
{
	char text[LOGLINE_TIME_LEN];
	char const *const since = earliest(s, text);

	s->lines = 0;
	s->is_over = false;
	memset(s->report, 0, sizeof s->report);
	*s->deferred_why = '\0';
	/* smtpd writes its line when the queue may have taken the message. */
	tell_lines(out, logs, s, since, true);
	tell_lines(out, logs, s, since, false);
}

void
story_tell_refusal(FILE *out, struct logs_line const *l)
{
	tell(out, &l->line);
}
