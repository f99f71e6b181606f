/* The options that programs give sendmail; see mailopts.h. */
#include <string.h>
#include <strings.h>
#include <skalibs/sgetopt.h>
#include "queue/mailopts.h"

static bool
is_word(char const *s, size_t len, char const *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

/* "success,delay", or "never" alone. */
static bool
parse_notify(char const *s, unsigned *notify_r)
{
	unsigned notify = 0;

	for (;;) {
		size_t const n = strcspn(s, ",");
		unsigned const one =
			is_word(s, n, "never")	   ? QUEUEFILE_NOTIFY_NEVER
			: is_word(s, n, "success") ? QUEUEFILE_NOTIFY_SUCCESS
			: is_word(s, n, "failure") ? QUEUEFILE_NOTIFY_FAILURE
			: is_word(s, n, "delay")   ? QUEUEFILE_NOTIFY_DELAY
						   : 0;

		if (one == 0)
			return false;
		notify |= one;
		if (s[n] == '\0')
			break;
		s += n + 1;
	}
	*notify_r = notify;
	return (notify & QUEUEFILE_NOTIFY_NEVER) == 0 ||
	       notify == QUEUEFILE_NOTIFY_NEVER;
}

static bool
parse_envid(char const *s, char out[QUEUEFILE_ENVID_MAX + 1])
{
	static char const hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (; *s != '\0'; s++) {
		unsigned char const c = (unsigned char)*s;
		bool const plain = c > ' ' && c < 127 && c != '+' && c != '=';

		if (n + (plain ? 1 : 3) > QUEUEFILE_ENVID_MAX)
			return false;
		if (!plain) {
			out[n++] = '+';
			out[n++] = hex[c >> 4];
		}
		out[n++] = plain ? (char)c : hex[c & 15];
	}
	out[n] = '\0';
	return n > 0;
}

static char const *
parse_mode(char const *s, enum mailopts_mode *mode_r)
{
	static struct {
		char const *letter;
		enum mailopts_mode mode;
	} const modes[] = {{"m", MAILOPTS_DELIVER}, {"s", MAILOPTS_SMTP},
		{"p", MAILOPTS_LIST}, {"i", MAILOPTS_ALIASES},
		{"v", MAILOPTS_VERIFY}};

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (strcmp(s, modes[i].letter) == 0) {
			*mode_r = modes[i].mode;
			return NULL;
		}
	if (*s == 'd' || *s == 'D')
		return "-bd: this is no daemon; the services run under s6 "
		       "(see monitor(8), and kereru setup)";
	return "this mode (-b) is not there: m, s, p, i and v are";
}

/* -q has an argument only if it is attached, and is mostly that of a daemon. */
static bool
is_run(char const *s)
{
	return s[0] == '-' && s[1] == 'q';
}

static char const *
take(struct mailopts *o, int option, char const *arg)
{
	switch (option) {
	case 't':
		o->from_header = true;
		break;
	case 'i':
		o->dot_continues = true;
		break;
	case 'o':
		if (strcmp(arg, "i") == 0)
			o->dot_continues = true;
		break;
	case 'f':
	case 'r':
		o->sender = arg;
		break;
	case 'F':
		o->name = arg;
		break;
	case 'c':
		o->tables = arg;
		break;
	case 'N':
		if (!parse_notify(arg, &o->notify))
			return "-N wants never, or some of success, failure "
			       "and delay";
		break;
	case 'R':
		if (strcasecmp(arg, "full") != 0 &&
			strcasecmp(arg, "hdrs") != 0)
			return "-R wants full or hdrs";
		o->ret = *arg == 'f' || *arg == 'F' ? 'F' : 'H';
		break;
	case 'V':
		if (!parse_envid(arg, o->envid))
			return "-V is empty or too long";
		break;
	case 'b':
		return parse_mode(arg, &o->mode);
	case '?':
	case ':':
		return "";
	default:
		break;
	}
	return NULL;
}

char const *
mailopts_parse(int argc, char const **argv, struct mailopts *o_r)
{
	subgetopt l = SUBGETOPT_ZERO;
	struct mailopts o = {0};
	char const *why;
	char const *name = argc > 0 ? argv[0] : "";
	int option, kept = argc > 0, i = kept;

	name = strrchr(name, '/') != NULL ? strrchr(name, '/') + 1 : name;
	if (strcmp(name, "newaliases") == 0)
		o.mode = MAILOPTS_ALIASES;
	else if (strcmp(name, "mailq") == 0)
		o.mode = MAILOPTS_LIST;
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (is_run(argv[i]))
			o.mode = MAILOPTS_RUN;
		else
			argv[kept++] = argv[i];
	for (; i < argc; i++)
		argv[kept++] = argv[i];
	argv[kept] = NULL;
	while ((option = subgetopt_r(kept, argv,
			"tif:r:F:c:b:o:e:B:N:R:V:O:h:L:X:A:C:D:d:p:vUGmns",
			&l)) >= 0) {
		why = take(&o, option, l.arg);
		if (why != NULL)
			return why;
	}
	o.rest = argv + l.ind;
	o.rest_count = (size_t)(kept - l.ind);
	*o_r = o;
	return NULL;
}
