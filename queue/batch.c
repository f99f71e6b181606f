/* SMTP on standard input and output; see batch.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "queue/batch.h"
#include "queue/textin.h"

#define LINE_MAX_OCTETS 2048
#define CHUNK 4096

struct batch {
	struct handin *h;
	char in[CHUNK];
	size_t at, len;
	bool broken, has_sender;
	char sender[ADDR_PATH_MAX + 1];
	struct compose c;
	stralloc text;
};

/* -1: the end. What was answered goes out before we wait. */
static int
next_octet(struct batch *b)
{
	if (b->at == b->len) {
		ssize_t n;

		if (fflush(stdout) == EOF)
			b->broken = true;
		do
			n = read(0, b->in, sizeof b->in);
		while (n < 0 && errno == EINTR);
		b->broken = b->broken || n < 0;
		b->at = 0;
		b->len = n > 0 ? (size_t)n : 0;
		if (n <= 0 || b->broken)
			return -1;
	}
	return (unsigned char)b->in[b->at++];
}

static void
reply(char const *line)
{
	printf("%s\r\n", line);
}

static void
reset(struct batch *b)
{
	compose_free(&b->c);
	b->c = (struct compose){.hostname = b->h->hostname,
		.recipients_max = b->h->recipients_max,
		.header = STRALLOC_ZERO,
		.to = STRALLOC_ZERO};
	b->text.len = 0;
	b->has_sender = false;
}

/* The path behind "FROM:" or "TO:", brackets and all; *rest_r is what follows
 * it. NULL: there is none. */
static char *
path_of(char *arg, char const *word, char **rest_r)
{
	char *end;
	bool quoted = false;

	if (strncasecmp(arg, word, strlen(word)) != 0)
		return NULL;
	arg += strlen(word);
	arg += strspn(arg, " ");
	if (*arg != '<')
		return NULL;
	for (end = arg + 1; *end != '\0' && (quoted || *end != '>'); end++) {
		if (*end == '\\' && end[1] != '\0')
			end++;
		else if (*end == '"')
			quoted = !quoted;
	}
	if (*end == '\0')
		return NULL;
	*rest_r = end + 1;
	return arg;
}

/* Of the parameters only SIZE says something that we do not see ourselves. */
static char const *
parameters(struct batch const *b, char *rest)
{
	char *word, *save = NULL;
	uint64_t size;

	for (word = strtok_r(rest, " ", &save); word != NULL;
		word = strtok_r(NULL, " ", &save))
		if (strncasecmp(word, "SIZE=", 5) == 0) {
			if (!uint640_scan(word + 5, &size))
				return "501 5.5.4 SIZE is a number";
			if (b->h->size_max > 0 && size > b->h->size_max)
				return "552 5.3.4 Message too big";
		} else if (strncasecmp(word, "BODY=", 5) != 0 &&
			   strncasecmp(word, "AUTH=", 5) != 0) {
			return "555 5.5.4 Parameter not known";
		}
	return NULL;
}

static void
mail(struct batch *b, char *arg)
{
	char *rest, *path = path_of(arg, "FROM:", &rest);
	char const *why;
	char copy[LINE_MAX_OCTETS];

	if (b->has_sender) {
		reply("503 5.5.1 One sender is enough");
		return;
	}
	if (path != NULL) {
		(void)snprintf(
			copy, sizeof copy, "%.*s", (int)(rest - path), path);
		path = copy;
	}
	if (path == NULL || !compose_qualify(path, b->h->hostname, b->sender)) {
		reply("501 5.1.7 No address of a sender");
		return;
	}
	why = parameters(b, rest);
	b->has_sender = why == NULL;
	reply(why != NULL ? why : "250 2.1.0 Ok");
}

static void
rcpt(struct batch *b, char *arg)
{
	char *rest, *path = path_of(arg, "TO:", &rest);
	char whole[ADDR_PATH_MAX + 1], copy[LINE_MAX_OCTETS];

	if (!b->has_sender) {
		reply("503 5.5.1 MAIL first");
		return;
	}
	if (path != NULL)
		(void)snprintf(
			copy, sizeof copy, "%.*s", (int)(rest - path), path);
	if (path == NULL || !compose_qualify(copy, b->h->hostname, whole) ||
		whole[0] == '\0') {
		reply("501 5.1.3 No address of a recipient");
		return;
	}
	if (rest[strspn(rest, " ")] != '\0') {
		reply("555 5.5.4 Parameter not known");
		return;
	}
	switch (compose_recipients(&b->c, whole, strlen(whole))) {
	case COMPOSE_OK:
		reply("250 2.1.5 Ok");
		break;
	case COMPOSE_BAD_ADDRESS:
		reply("501 5.1.3 No address of a recipient");
		break;
	case COMPOSE_TOO_MANY:
		reply("452 4.5.3 Too many recipients");
		break;
	case COMPOSE_NO_MEMORY:
		reply("451 4.3.0 Out of memory");
		break;
	}
}

/* Dots at the start of lines are taken away (RFC 5321 4.5.2); LF will do as the
 * end of a line, as programs of this host write it. 1 all of it, 0 too big, -1
 * the input ended, -2 memory is short. */
static int
read_text(struct batch *b, bool *is_8bit_r)
{
	enum { START, TEXT, DOT, DOT_CR } state = START;
	struct textin in;
	char chunk[CHUNK];
	size_t n = 0;
	int result = 1, c = 0;

	textin_init(&in, false);
	while (c >= 0) {
		c = next_octet(b);
		if ((state == DOT || state == DOT_CR) && c == '\n')
			break;
		if (state == DOT_CR)
			chunk[n++] = '\r';
		if (c >= 0 && !(state == START && c == '.') &&
			!(state == DOT && c == '\r'))
			chunk[n++] = (char)c;
		state = c == '\n'		     ? START
			: state == START && c == '.' ? DOT
			: state == DOT && c == '\r'  ? DOT_CR
						     : TEXT;
		if (n + 2 < sizeof chunk)
			continue;
		if (result == 1 &&
			!stralloc_readyplus(&b->text, TEXTIN_ROOM(n)))
			result = -2;
		if (result == 1)
			b->text.len += textin_push(
				&in, chunk, n, b->text.s + b->text.len);
		if (b->h->size_max > 0 && b->text.len > b->h->size_max)
			result = 0;
		n = 0;
	}
	if (c < 0)
		return -1;
	if (result == 1 && !stralloc_readyplus(&b->text, TEXTIN_ROOM(n + 8)))
		result = -2;
	if (result == 1) {
		b->text.len +=
			textin_push(&in, chunk, n, b->text.s + b->text.len);
		b->text.len += textin_finish(&in, b->text.s + b->text.len);
	}
	*is_8bit_r = in.is_8bit;
	return result == 1 && b->h->size_max > 0 && b->text.len > b->h->size_max
		       ? 0
		       : result;
}

/* False: the input has ended, and nothing was handed in. */
static bool
data(struct batch *b)
{
	struct handin_wish wish = {.sender = b->sender};
	int got;

	if (b->c.to_count == 0) {
		reply("503 5.5.1 RCPT first");
		return true;
	}
	reply("354 Go on, to a line with one dot");
	got = read_text(b, &wish.is_8bit);
	if (got == -1)
		return false;
	if (got == 0)
		reply("552 5.3.4 Message too big");
	else if (got < 0 || compose_header(&b->c, b->text.s, b->text.len,
				    false) != COMPOSE_OK)
		reply("451 4.3.0 Out of memory");
	else if (handin_submit(b->h, &b->c, &b->text, &wish))
		reply("250 2.0.0 Ok, queued");
	else
		printf("451 4.3.0 Not queued: %s\r\n", strerror(errno));
	reset(b);
	return true;
}

static void
hello(struct batch *b, bool is_extended)
{
	reset(b);
	printf("250%c%s\r\n", is_extended ? '-' : ' ', b->h->hostname);
	if (is_extended)
		printf("250-8BITMIME\r\n250-PIPELINING\r\n250-SIZE %llu\r\n"
		       "250 ENHANCEDSTATUSCODES\r\n",
			(unsigned long long)b->h->size_max);
}

/* False: it was the last one. */
static bool
obey(struct batch *b, char *line)
{
	char *arg = line + strcspn(line, " ");

	if (*arg != '\0')
		*arg++ = '\0';
	if (strcasecmp(line, "EHLO") == 0 || strcasecmp(line, "HELO") == 0)
		hello(b, *line == 'E' || *line == 'e');
	else if (strcasecmp(line, "MAIL") == 0)
		mail(b, arg);
	else if (strcasecmp(line, "RCPT") == 0)
		rcpt(b, arg);
	else if (strcasecmp(line, "DATA") == 0)
		return data(b);
	else if (strcasecmp(line, "RSET") == 0) {
		reset(b);
		reply("250 2.0.0 Ok");
	} else if (strcasecmp(line, "NOOP") == 0)
		reply("250 2.0.0 Ok");
	else if (strcasecmp(line, "VRFY") == 0)
		reply("252 2.5.2 Send it and see");
	else if (strcasecmp(line, "QUIT") == 0) {
		reply("221 2.0.0 Bye");
		return false;
	} else
		reply("500 5.5.1 Command not known");
	return true;
}

bool
batch_run(struct handin *h)
{
	static struct batch b;
	char line[LINE_MAX_OCTETS];
	size_t n = 0;
	bool too_long = false, go_on = true;
	int c;

	b.h = h;
	reset(&b);
	printf("220 %s ESMTP for programs of this host\r\n", h->hostname);
	while (go_on && (c = next_octet(&b)) >= 0) {
		if (c != '\n') {
			too_long =
				too_long || n + 1 == sizeof line || c == '\0';
			if (!too_long)
				line[n++] = (char)c;
			continue;
		}
		n -= n > 0 && line[n - 1] == '\r';
		line[n] = '\0';
		if (too_long)
			reply("500 5.5.2 Line too long");
		else
			go_on = obey(&b, line);
		n = 0;
		too_long = false;
	}
	compose_free(&b.c);
	stralloc_free(&b.text);
	return fflush(stdout) == 0 && !b.broken;
}
