/* Commands to an IMAP server over TLS, and where their responses end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/imap_peer.h"
#include "tests/bench/peer.h"

/* Keep the start of the line, where tags are, and always its last octets. */
static void
keep(struct imap_peer *p, char const *s, size_t len)
{
	size_t const tail = 32;

	for (size_t i = 0; i < len; i++) {
		if (p->line_len == sizeof p->line - 1) {
			memmove(p->line + sizeof p->line - 1 - tail,
				p->line + sizeof p->line - tail, tail - 1);
			p->line_len--;
		}
		if (p->line_len < sizeof p->line - tail || len - i < tail * 2)
			p->line[p->line_len++] = s[i];
	}
	p->line[p->line_len] = '\0';
}

/* The octets of the literal that the line announces at its end, or 0. */
static uint64_t
literal_of(struct imap_peer const *p)
{
	char const *open;

	if (p->line_len < 5 || p->line[p->line_len - 3] != '}')
		return 0;
	open = memrchr(p->line, '{', p->line_len);
	return open == NULL ? 0 : strtoull(open + 1, NULL, 10);
}

/* Whether the line ends the command; dies if it ends it badly. */
static bool
ends(struct imap_peer const *p, char const *tag)
{
	size_t len = strlen(tag);

	if (tag[0] == '*' && strncmp(p->line, "* OK", 4) == 0)
		return true;
	if (p->line[0] == '+')
		return true;
	if (strncmp(p->line, tag, len) != 0 || p->line[len] != ' ')
		return false;
	if (strncmp(p->line + len + 1, "OK", 2) != 0)
		peer_die("the server said: %s", p->line);
	return true;
}

static void
read_until(struct imap_peer *p, char const *tag)
{
	char block[16384];

	for (;;) {
		size_t len = tls_peer_read(&p->tls, block, sizeof block);
		char const *at = block, *end = block + len;
		p->octets += len;
		while (at < end) {
			size_t left = (size_t)(end - at);
			char const *lf;
			if (p->literal > 0) {
				if (left > p->literal)
					left = (size_t)p->literal;
				p->literal -= left;
				at += left;
				continue;
			}
			lf = memchr(at, '\n', left);
			if (lf != NULL)
				left = (size_t)(lf - at) + 1;
			keep(p, at, left);
			at += left;
			if (lf == NULL)
				break;
			p->literal = literal_of(p);
			if (p->literal > 0) {
				/* The same response goes on behind it. */
				p->line_len = 1;
				p->line[0] = ' ';
				continue;
			}
			if (ends(p, tag)) {
				p->line_len = 0;
				return;
			}
			p->line_len = 0;
		}
	}
}

void
imap_peer_command(struct imap_peer *p, char const *command)
{
	char tag[16], text[1200];
	int len;

	snprintf(tag, sizeof tag, "k%u", ++p->tag);
	len = snprintf(text, sizeof text, "%s %s\r\n", tag, command);
	if (len < 0 || (size_t)len >= sizeof text)
		peer_die("the command is too long");
	p->octets = 0;
	tls_peer_write(&p->tls, text, (size_t)len);
	read_until(p, tag);
}

void
imap_peer_append(
	struct imap_peer *p, char const *mailbox, char const *s, size_t len)
{
	char tag[16], text[256];

	snprintf(tag, sizeof tag, "k%u", ++p->tag);
	snprintf(text, sizeof text, "%s APPEND %s {%zu+}\r\n", tag, mailbox,
		len);
	p->octets = 0;
	tls_peer_put(&p->tls, text, strlen(text));
	tls_peer_put(&p->tls, s, len);
	tls_peer_write(&p->tls, "\r\n", 2);
	read_until(p, tag);
}

void
imap_peer_greet(struct imap_peer *p, char const *address, unsigned port)
{
	p->tag = 0;
	p->line_len = 0;
	p->literal = 0;
	tls_peer_open(&p->tls, address, port);
	read_until(p, "*");
}

void
imap_peer_open(struct imap_peer *p, char const *address, unsigned port,
	char const *user, char const *password)
{
	char login[512];

	imap_peer_greet(p, address, port);
	snprintf(login, sizeof login, "LOGIN \"%s\" \"%s\"", user, password);
	imap_peer_command(p, login);
}
