/* What the test message is sent and read with. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "common/admin/check/talk.h"

#define LINE_MAX_OCTETS 8000
/* Lines of one answer; the folder of a test may be large, its answers are not.
 */
#define LINES_MAX 10000

static bool
next(struct stream *s, char const **line_r, size_t *len_r,
	char answer_r[TALK_ANSWER])
{
	int n = stream_line(s, LINE_MAX_OCTETS, line_r, len_r, NULL);

	if (n <= 0) {
		snprintf(answer_r, TALK_ANSWER, "%s",
			n < 0 ? strerror(errno) : "the connection was closed");
		return false;
	}
	snprintf(answer_r, TALK_ANSWER, "%.*s",
		*len_r < TALK_ANSWER ? (int)*len_r : TALK_ANSWER - 1, *line_r);
	return true;
}

static bool
say(struct stream *s, char const *tag, char const *command)
{
	return stream_puts(s, tag) && stream_puts(s, command) &&
	       stream_puts(s, "\r\n") && stream_flush(s);
}

unsigned
talk_smtp(struct stream *s, char const *command, char answer_r[TALK_ANSWER])
{
	char const *line;
	size_t len;
	unsigned code = 0;

	if (command != NULL && !say(s, "", command))
		return 0;
	for (int i = 0; i < LINES_MAX; i++) {
		if (!next(s, &line, &len, answer_r))
			return 0;
		if (len < 3 || strspn(answer_r, "0123456789") < 3)
			return 0;
		code = (unsigned)(line[0] - '0') * 100 +
		       (unsigned)(line[1] - '0') * 10 +
		       (unsigned)(line[2] - '0');
		if (len == 3 || line[3] != '-')
			return code;
	}
	return 0;
}

bool
talk_pop3(struct stream *s, char const *command, char answer_r[TALK_ANSWER])
{
	char const *line;
	size_t len;

	if (command != NULL && !say(s, "", command))
		return false;
	return next(s, &line, &len, answer_r) && len >= 3 &&
	       memcmp(line, "+OK", 3) == 0;
}

bool
talk_imap(struct stream *s, char const *command,
	void (*each)(void *data, char const *line, size_t len), void *data,
	char answer_r[TALK_ANSWER])
{
	char const *line;
	size_t len;

	if (command == NULL)
		return next(s, &line, &len, answer_r) &&
		       (strncmp(answer_r, "* OK", 4) == 0 ||
			       strncmp(answer_r, "* PREAUTH", 9) == 0);
	if (!say(s, "x ", command))
		return false;
	for (int i = 0; i < LINES_MAX; i++) {
		if (!next(s, &line, &len, answer_r))
			return false;
		if (len >= 2 && memcmp(line, "x ", 2) == 0)
			return strncmp(answer_r, "x OK", 4) == 0;
		if (each != NULL)
			each(data, line, len);
	}
	return false;
}
