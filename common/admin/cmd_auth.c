/* What the commands that check mail have in common: see cmd_auth.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/admin/cmd_auth.h"

#define MESSAGE_MAX (256u * 1024 * 1024)
#define TIMEOUT_MS 20000

void
cmd_auth_init(struct cmd_auth *a, char const *command)
{
	*a = (struct cmd_auth){.command = command,
		.host = "localhost",
		.timeout_ms = TIMEOUT_MS,
		.now = (uint64_t)time(NULL)};
}

static bool
number(struct cmd_auth const *a, char const *option, char const *text,
	uint64_t max, uint64_t *n_r)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (*text >= '0' && *text <= '9' && *end == '\0' && n <= max) {
		*n_r = n;
		return true;
	}
	fprintf(stderr, "kereru: %s: %s wants a number\n", a->command, option);
	return false;
}

int
cmd_auth_option(struct cmd_auth *a, int argc, char const *const *argv, int *i)
{
	static char const *const names[] = {
		"--resolver", "--host", "--timeout", "--time", "--bits"};
	char const *option = argv[*i], *value;
	uint64_t n = 0;
	size_t which = 0;

	while (which < 5 && strcmp(option, names[which]) != 0)
		which++;
	if (which == 5)
		return 0;
	if (*i + 1 >= argc) {
		fprintf(stderr, "kereru: %s: %s wants a value\n", a->command,
			option);
		return -1;
	}
	value = argv[*i + 1];
	*i += 2;
	if (which >= 2 &&
		!number(a, option, value, which == 3 ? INT64_MAX : 1000000, &n))
		return -1;
	switch (which) {
	case 0:
		a->resolver = value;
		break;
	case 1:
		a->host = value;
		break;
	case 2:
		a->timeout_ms = (int)n;
		break;
	case 3:
		a->now = n;
		break;
	default:
		a->bits_min = (unsigned)n;
	}
	return 1;
}

bool
cmd_auth_open(struct cmd_auth *a)
{
	if (dns_open(&a->dns, a->resolver))
		return true;
	fprintf(stderr, "kereru: %s: cannot use the resolver %s: %s\n",
		a->command, a->resolver != NULL ? a->resolver : "of the system",
		strerror(errno));
	return false;
}

void
cmd_auth_close(struct cmd_auth *a)
{
	dns_close(&a->dns);
}

void
cmd_auth_query(struct cmd_auth *a, struct query *query)
{
	query_init(query, query_dns, &a->dns, a->timeout_ms);
}

bool
cmd_auth_read_raw(char const *path, char **bytes_r, size_t *len_r)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *s = NULL;
	size_t len = 0, room = 0, n;

	if (f == NULL)
		goto fail;
	do {
		if (room - len < 65536) {
			char *more = room < MESSAGE_MAX
					     ? realloc(s, room * 2 + 65536)
					     : NULL;
			if (more == NULL) {
				errno = EFBIG;
				goto fail;
			}
			s = more;
			room = room * 2 + 65536;
		}
		n = fread(s + len, 1, room - len, f);
		len += n;
	} while (n > 0);
	if (ferror(f))
		goto fail;
	if (f != stdin)
		fclose(f);
	*bytes_r = s;
	*len_r = len;
	return true;
fail:
	fprintf(stderr, "kereru: cannot read %s: %s\n", path, strerror(errno));
	free(s);
	if (f != NULL && f != stdin)
		fclose(f);
	return false;
}

bool
cmd_auth_read(char const *path, char **bytes_r, size_t *len_r)
{
	char *s, *out;
	size_t len, n = 0, lines = 0;

	if (!cmd_auth_read_raw(path, &s, &len))
		return false;
	for (size_t i = 0; i < len; i++)
		lines += s[i] == '\n';
	if (lines == 0 || memmem(s, len, "\r\n", 2) != NULL) {
		*bytes_r = s;
		*len_r = len;
		return true;
	}
	out = malloc(len + lines);
	if (out == NULL) {
		fprintf(stderr, "kereru: out of memory\n");
		free(s);
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n')
			out[n++] = '\r';
		out[n++] = s[i];
	}
	free(s);
	*bytes_r = out;
	*len_r = n;
	return true;
}

char *
cmd_auth_line(void)
{
	static char *line;
	static size_t room;
	ssize_t n = getline(&line, &room, stdin);

	if (n < 0) {
		free(line);
		line = NULL;
		room = 0;
		return NULL;
	}
	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	return line;
}

char *
cmd_auth_field(char **line)
{
	char *field = *line, *tab = strchr(field, '\t');

	if (tab != NULL) {
		*tab = '\0';
		*line = tab + 1;
	} else {
		*line += strlen(field);
	}
	return field;
}
