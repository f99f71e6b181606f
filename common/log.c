/* One event, one line, on standard error. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "common/log.h"

static char const *program = "kereru";
static uint64_t dropped;

void
log_open(char const *name)
{
	int const flags = fcntl(2, F_GETFL);
	struct stat st;

	program = name;
	if (flags >= 0 && fstat(2, &st) == 0 && S_ISFIFO(st.st_mode))
		(void)fcntl(2, F_SETFL, flags | O_NONBLOCK);
}

static void
add(struct log_line *line, char const *s, size_t len)
{
	/* One octet is kept for the newline. */
	size_t room = sizeof line->text - 1 - line->len;

	if (len > room)
		len = room;
	memcpy(line->text + line->len, s, len);
	line->len += len;
}

static void
add_string(struct log_line *line, char const *s)
{
	add(line, s, strlen(s));
}

static void
add_key(struct log_line *line, char const *key)
{
	add_string(line, " ");
	add_string(line, key);
	add_string(line, "=");
}

void
log_begin(struct log_line *line, char const *event, char const *id)
{
	line->len = 0;
	add_string(line, program);
	add_string(line, " event=");
	add_string(line, event);
	log_number(line, "pid", (uint64_t)getpid());
	if (id != NULL && *id != '\0')
		log_text(line, "id", id, strlen(id));
}

void
log_text(struct log_line *line, char const *key, char const *s, size_t len)
{
	static char const hex[] = "0123456789abcdef";
	int quote = len == 0;

	add_key(line, key);
	if (len > LOG_VALUE_MAX)
		len = LOG_VALUE_MAX;
	for (size_t i = 0; i < len && !quote; i++)
		quote = (signed char)s[i] <= ' ' || s[i] == 127 ||
			strchr("\"=\\", s[i]);
	add(line, "\"", (size_t)quote);
	for (size_t i = 0; i < len; i++) {
		unsigned char const c = (unsigned char)s[i];
		int const is_short = c == '"' || c == '\\';
		char esc[4] = {
			'\\', is_short ? s[i] : 'x', hex[c >> 4], hex[c & 15]};
		if (is_short || c < ' ' || c >= 127)
			add(line, esc, is_short ? 2 : sizeof esc);
		else
			add(line, s + i, 1);
	}
	add(line, "\"", (size_t)quote);
}

void
log_number(struct log_line *line, char const *key, uint64_t n)
{
	char digits[UINT64_FMT];

	add_key(line, key);
	add(line, digits, uint64_fmt(digits, n));
}

void
log_end(struct log_line *line)
{
	if (dropped > 0)
		log_number(line, "dropped", dropped);
	line->text[line->len++] = '\n';
	dropped = write(2, line->text, line->len) == (ssize_t)line->len
			  ? 0
			  : dropped + 1;
}

/* The text of an error, too, unless it is NULL. */
static void
write_line(char const *event, char const *id, va_list args, char const *text)
{
	struct log_line line;
	int error = errno;
	char const *key;

	log_begin(&line, event, id);
	while ((key = va_arg(args, char const *)) != NULL) {
		char const *value = va_arg(args, char const *);
		log_text(&line, key, value, strlen(value));
	}
	if (text != NULL)
		log_text(&line, "error", text, strlen(text));
	log_end(&line);
	errno = error;
}

void
log_event(char const *event, char const *id, ...)
{
	va_list args;

	va_start(args, id);
	write_line(event, id, args, NULL);
	va_end(args);
}

void
log_error(char const *event, char const *id, ...)
{
	char const *text = strerrordesc_np(errno);
	va_list args;

	va_start(args, id);
	write_line(event, id, args, text == NULL ? "unknown error" : text);
	va_end(args);
}
