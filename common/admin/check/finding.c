/* A finding made clean, and printed. */
#include <stdlib.h>
#include <string.h>
#include "common/admin/check/finding.h"
#include "common/admin/queue_print.h"

static void
clean(char *s, size_t size)
{
	s[size - 1] = '\0';
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

bool
finding_clean(struct finding *f)
{
	clean(f->subject, sizeof f->subject);
	for (size_t i = 0; i < FINDING_WORDS; i++)
		clean(f->word[i], sizeof f->word[i]);
	return f->kind < FINDING_KINDS;
}

/* As one word of a shell's. */
static void
put_quoted(FILE *out, char const *s)
{
	static char const plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789/._+@%,:=-";

	if (*s != '\0' && *s != '-' && strspn(s, plain) == strlen(s)) {
		fputs(s, out);
		return;
	}
	putc('\'', out);
	for (; *s != '\0'; s++)
		if (*s == '\'')
			fputs("'\\''", out);
		else
			putc(*s, out);
	putc('\'', out);
}

static void
put_text(FILE *out, struct finding_printer const *p, struct finding const *f,
	char const *text, bool is_command)
{
	for (; *text != '\0'; text++) {
		char const *s;
		if (text[0] != '{' || text[1] == '\0' || text[2] != '}') {
			putc(*text, out);
			continue;
		}
		if (text[1] == 'l') {
			if (f->line > 0)
				fprintf(out, "+%u ", (unsigned)f->line);
			text += 2;
			continue;
		}
		if (text[1] == 'k')
			s = p->kereru;
		else if (text[1] == 's')
			s = f->subject;
		else
			s = f->word[(text[1] - '1') % FINDING_WORDS];
		text += 2;
		if (is_command && text[-1] != 'k')
			put_quoted(out, s);
		else
			fputs(s, out);
	}
}

static void
put_json(struct finding_printer const *p, struct finding const *f,
	char const *key, char const *text, bool is_command)
{
	char *s = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&s, &len);

	fprintf(p->out, ",\"%s\":", key);
	if (memory == NULL) {
		fputs("null", p->out);
		return;
	}
	put_text(memory, p, f, text, is_command);
	if (fclose(memory) == 0)
		queue_print_string(p->out, s, len);
	else
		fputs("null", p->out);
	free(s);
}

static char const *const weights[] = {
	[FINDING_WARNING] = "warning", [FINDING_FAULT] = "fault"};

static void
print_json(struct finding_printer const *p, char const *section,
	struct finding const *f)
{
	struct finding_text const *t = &finding_texts[f->kind];

	fprintf(p->out, "{\"weight\":\"%s\",\"section\":\"%s\",\"name\":\"%s\"",
		weights[t->weight], section, t->name);
	put_json(p, f, "subject", "{s}", false);
	if (f->line > 0)
		fprintf(p->out, ",\"line\":%u", (unsigned)f->line);
	put_json(p, f, "what", t->what, false);
	put_json(p, f, "why", t->why, false);
	put_json(p, f, "mend", t->mend, true);
	fputs("}\n", p->out);
}

void
finding_print(struct finding_printer const *p, char const *section,
	struct finding const *f)
{
	struct finding_text const *t = &finding_texts[f->kind];

	if (p->is_json) {
		print_json(p, section, f);
		return;
	}
	fputs(f->subject, p->out);
	if (f->line > 0)
		fprintf(p->out, ":%u", (unsigned)f->line);
	fprintf(p->out, ": %s",
		t->weight == FINDING_WARNING ? "warning: " : "");
	put_text(p->out, p, f, t->what, false);
	fprintf(p->out, " [%s]\n    ", t->name);
	put_text(p->out, p, f, t->why, false);
	fputs("\n    # ", p->out);
	put_text(p->out, p, f, t->mend, true);
	putc('\n', p->out);
}
