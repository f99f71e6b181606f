/* A line that names a program; see programline.h. */
#include <string.h>
#include <sysexits.h>
#include "local/programline.h"

#define EXIT_STOP 99 /* qmail-command(8) */
#define EXIT_HARD 100

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One word to out. False: a quote is open. */
static bool
take_word(char const *s, size_t len, size_t *pos, char **out)
{
	bool is_quoted = false;

	for (; *pos < len && (is_quoted || !is_blank(s[*pos])); ++*pos) {
		if (s[*pos] == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		if (is_quoted && s[*pos] == '\\' && *pos + 1 < len)
			++*pos;
		*(*out)++ = s[*pos];
	}
	*(*out)++ = '\0';
	return !is_quoted;
}

/* Whether a path stays below where it begins. */
static bool
is_below(char const *path)
{
	while (*path != '\0') {
		size_t const n = strcspn(path, "/");

		if (n == 0 || (n == 1 && path[0] == '.') ||
			(n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += n + (path[n] == '/');
		if (*path == '\0')
			return path[-1] != '/';
	}
	return false;
}

bool
programline_parse(
	char const *s, size_t len, char const *folder, struct programline *line)
{
	size_t folder_len = strlen(folder);
	char *out = line->text;
	size_t pos = 0, count = 0;
	char const *name;

	while (folder_len > 0 && folder[folder_len - 1] == '/')
		folder_len--;
	if (len > PROGRAMLINE_MAX || folder_len > PROGRAMLINE_MAX / 2 ||
		memchr(s, '\0', len) != NULL)
		return false;
	/* Room for the folder in front of a name. */
	memcpy(out, folder, folder_len);
	out[folder_len] = '/';
	out += folder_len + 1;
	name = out;
	for (;;) {
		while (pos < len && is_blank(s[pos]))
			pos++;
		if (pos == len)
			break;
		if (count == PROGRAMLINE_WORDS_MAX)
			return false;
		line->argv[count++] = out;
		if (!take_word(s, len, &pos, &out))
			return false;
	}
	line->argv[count] = NULL;
	if (count == 0)
		return false;
	if (name[0] == '/') {
		line->argv[0] = name;
		return strncmp(name, folder, folder_len) == 0 &&
		       name[folder_len] == '/' &&
		       is_below(name + folder_len + 1);
	}
	line->argv[0] = line->text;
	return is_below(name);
}

struct programline_end
programline_end(int code)
{
	static struct {
		int code;
		struct programline_end end;
	} const ends[] = {
		{0, {JOB_DONE, false, "2.0.0"}},
		{EXIT_STOP, {JOB_DONE, true, "2.0.0"}},
		{EX_USAGE, {JOB_FAILED, false, "5.3.5"}},
		{EX_DATAERR, {JOB_FAILED, false, "5.6.0"}},
		{EX_NOINPUT, {JOB_FAILED, false, "5.3.0"}},
		{EX_NOUSER, {JOB_FAILED, false, "5.1.1"}},
		{EX_NOHOST, {JOB_FAILED, false, "5.1.2"}},
		{EX_UNAVAILABLE, {JOB_FAILED, false, "5.3.0"}},
		{EX_SOFTWARE, {JOB_FAILED, false, "5.3.0"}},
		{EX_OSFILE, {JOB_FAILED, false, "5.3.5"}},
		{EX_CANTCREAT, {JOB_FAILED, false, "5.2.0"}},
		{EX_PROTOCOL, {JOB_FAILED, false, "5.5.0"}},
		{EX_NOPERM, {JOB_FAILED, false, "5.7.0"}},
		{EX_CONFIG, {JOB_FAILED, false, "5.3.5"}},
		{EXIT_HARD, {JOB_FAILED, false, "5.3.0"}},
	};

	/* EX_OSERR, EX_IOERR, EX_TEMPFAIL and 111 are among the rest. */
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (ends[i].code == code)
			return ends[i].end;
	return (struct programline_end){JOB_RETRY, false, "4.3.0"};
}
