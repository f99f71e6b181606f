/* An account on another IMAP server, brought into a mailbox; see import.h. What
 * the server says is foreign input (imap_reply.h). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/tls.h"
#include "common/tls_anchors.h"
#include "common/admin/imap_reply.h"
#include "common/admin/import.h"

#define TIMEOUT_MS 300000
#define CONNECT_SECONDS 30
#define ANCHORS_MAX (8u << 20)
/* Octets of a response without its literals. */
#define LINES_MAX (4u << 20)
#define FOLDERS_MAX 10000
/* Bodies that are asked for at once. */
#define AT_ONCE 50
#define OCTETS_AT_ONCE (8u << 20)

struct summary {
	uint32_t uid;
	bool has_date;
	int64_t date;
	uint64_t size;
	size_t flags, flags_len; /* in text */
};

struct box {
	char *name; /* as the server has it */
	char ours[BOXNAME_MAX + 1];
	char use[16];
};

struct remote {
	struct import *m;
	struct import_remote const *r;
	struct stream stream;
	stralloc line, text; /* a response; what its quoted strings say */
	bool can_list_use, can_login, can_plain, has_namespace;
	stralloc prefix;
	struct box *boxes;
	size_t count;
	/* The folder in hand. */
	struct box const *box;
	uint32_t validity, exists;
	struct summary *list;
	size_t listed, room;
	stralloc flags;
	struct import_message message;
	size_t next; /* of list: whose body comes next */
};

typedef bool each_response(struct remote *c);

static bool
complain(struct remote const *c, char const *what, char const *why)
{
	fprintf(stderr, "%skereru: import: %s: %s: %s\n",
		c->m->is_terminal ? "\n" : "", c->r->host, what, why);
	return false;
}

/* Part of what a server says may be shown: printable ASCII. */
static bool
complain_reply(struct remote const *c, char const *what)
{
	char text[200];
	size_t n =
		c->line.len < sizeof text - 1 ? c->line.len : sizeof text - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = c->line.s[i] >= ' ' && c->line.s[i] <= '~'
				  ? c->line.s[i]
				  : '?';
	text[n] = '\0';
	return complain(c, what, text);
}

static int
connect_one(struct addrinfo const *a)
{
	struct timeval const limit = {.tv_sec = CONNECT_SECONDS};
	int const fd = socket(
		a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);

	if (fd < 0)
		return -1;
	/* Of connect, too. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
open_connection(struct remote *c)
{
	struct addrinfo const hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	int fd = -1;
	int const r = getaddrinfo(c->r->host, c->r->port, &hints, &list);

	if (r != 0)
		return complain(c, "not found", gai_strerror(r));
	for (struct addrinfo const *a = list; a != NULL && fd < 0;
		a = a->ai_next)
		fd = connect_one(a);
	freeaddrinfo(list);
	if (fd < 0)
		return complain(c, "connect", strerror(errno));
	stream_init(&c->stream, fd, fd, TIMEOUT_MS);
	return true;
}

static bool
trust(struct remote *c)
{
	static struct tls_anchors anchors;
	stralloc pem = STRALLOC_ZERO;
	char block[8192];
	int const fd = open(c->r->ca_file, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0;
	ssize_t n = 1;

	while (ok && n > 0 && pem.len < ANCHORS_MAX) {
		n = read(fd, block, sizeof block);
		ok = n >= 0 && stralloc_catb(&pem, block, (size_t)n);
	}
	ok = ok && tls_anchors_parse(&anchors, pem.s, pem.len);
	if (fd >= 0)
		close(fd);
	stralloc_free(&pem);
	if (!ok)
		return complain(c, "no certificates in", c->r->ca_file);
	tls_client_trust(&anchors);
	return true;
}

static bool
start_tls(struct remote *c)
{
	char text[32];

	if (tls_client_start(&c->stream, c->r->host, TLS_VERIFY_ANCHORS))
		return true;
	(void)snprintf(text, sizeof text, "error %d", tls_error(&c->stream));
	return complain(c, "TLS", text);
}

/* Octets of the stream, as they come, behind c->line. */
static bool
take(struct remote *c, uint64_t count)
{
	struct stream *const in = &c->stream;

	while (count > 0) {
		size_t n = stream_pending(in);

		if (n == 0) {
			if (stream_fill(in) <= 0)
				return false;
			continue;
		}
		if (n > count)
			n = (size_t)count;
		if (!stralloc_catb(&c->line, in->in + in->in_start, n))
			return false;
		in->in_start += n;
		count -= n;
	}
	return true;
}

/* A line up to its LF, behind c->line. */
static bool
take_line(struct remote *c)
{
	struct stream *const in = &c->stream;
	size_t const start = c->line.len;

	for (;;) {
		size_t const have = stream_pending(in);
		char const *const at = in->in + in->in_start;
		char const *const lf = have > 0 ? memchr(at, '\n', have) : NULL;
		size_t const n = lf != NULL ? (size_t)(lf - at) + 1 : have;

		if (!take(c, n) || c->line.len - start > LINES_MAX)
			return false;
		if (lf != NULL)
			return true;
		if (stream_fill(in) <= 0)
			return false;
	}
}

static size_t
without_end(stralloc const *line, size_t len)
{
	if (len > 0 && line->s[len - 1] == '\n')
		len--;
	if (len > 0 && line->s[len - 1] == '\r')
		len--;
	return len;
}

/* A whole response into c->line. */
static bool
response(struct remote *c)
{
	size_t start = 0, end;
	bool waits;
	uint64_t size;

	c->line.len = 0;
	for (;;) {
		if (!take_line(c))
			return complain(c, "connection",
				c->stream.error != 0 || errno != 0
					? strerror(errno)
					: "closed");
		end = without_end(&c->line, c->line.len);
		if (!lex_literal(c->line.s + start, end - start, &size, &waits))
			break;
		if (size > IMPORT_MESSAGE_MAX ||
			c->line.len > IMPORT_MESSAGE_MAX)
			return complain(c, "response", "too long");
		if (!take(c, size))
			return complain(c, "connection", "closed");
		start = c->line.len;
	}
	c->line.len = end;
	return stralloc_ready(&c->text, c->line.len + 1) ||
	       complain(c, "memory", strerror(errno));
}

/* Is the response that one's, which comes last? */
static bool
is_tagged(struct remote const *c)
{
	return c->line.len > 2 && memcmp(c->line.s, "a ", 2) == 0;
}

/* Responses up to the tagged one. 1 OK, 0 NO or BAD, -1 (told). */
static int
answer(struct remote *c, each_response *each)
{
	for (;;) {
		if (!response(c))
			return -1;
		if (is_tagged(c))
			return c->line.len >= 4 &&
			       strncasecmp(c->line.s + 2, "OK", 2) == 0;
		if (c->line.len > 5 &&
			strncasecmp(c->line.s, "* BYE", 5) == 0) {
			(void)complain_reply(c, "closed");
			return -1;
		}
		if (each != NULL && !each(c))
			return -1;
	}
}

static int
ask(struct remote *c, char const *command, each_response *each)
{
	stream_puts(&c->stream, "a ");
	stream_puts(&c->stream, command);
	stream_puts(&c->stream, "\r\n");
	return answer(c, each);
}

static bool
must(struct remote *c, char const *command, each_response *each)
{
	int const r = ask(c, command, each);

	return r > 0 || (r == 0 && complain_reply(c, "refused"));
}

static bool
note_capabilities(struct remote *c)
{
	static char const head[] = "* CAPABILITY ";
	struct lex_text words;

	if (c->line.len < sizeof head ||
		strncasecmp(c->line.s, head, sizeof head - 1) != 0)
		return true;
	words = (struct lex_text){
		c->line.s + sizeof head - 1, c->line.len - (sizeof head - 1)};
	c->can_login = !imap_reply_has(&words, "LOGINDISABLED");
	c->can_plain = imap_reply_has(&words, "AUTH=PLAIN");
	c->has_namespace = imap_reply_has(&words, "NAMESPACE") ||
			   imap_reply_has(&words, "IMAP4rev2");
	c->can_list_use = imap_reply_has(&words, "SPECIAL-USE") &&
			  (imap_reply_has(&words, "LIST-EXTENDED") ||
				  imap_reply_has(&words, "IMAP4rev2"));
	return true;
}

/* A string, as a literal that is waited for if it must be one. */
static bool
send_string(struct remote *c, char const *s)
{
	char number[32];

	if (strpbrk(s, "\"\\\r\n") == NULL) {
		stream_puts(&c->stream, " \"");
		stream_puts(&c->stream, s);
		stream_puts(&c->stream, "\"");
		return true;
	}
	(void)snprintf(number, sizeof number, " {%zu}\r\n", strlen(s));
	stream_puts(&c->stream, number);
	if (!response(c))
		return false;
	if (c->line.len == 0 || *c->line.s != '+')
		return complain_reply(c, "refused");
	stream_puts(&c->stream, s);
	return true;
}

/* AUTHENTICATE PLAIN (RFC 4616), with the answer when it is asked for. */
static bool
plain(struct remote *c)
{
	size_t const user = strlen(c->r->user),
		     password = strlen(c->r->password);
	char raw[2048], text[4096];
	size_t const len = user + password + 2;

	if (len > sizeof raw)
		return complain(c, "login", "password too long");
	raw[0] = raw[user + 1] = '\0';
	memcpy(raw + 1, c->r->user, user);
	memcpy(raw + user + 2, c->r->password, password);
	sodium_bin2base64(text, sizeof text, (unsigned char const *)raw, len,
		sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(raw, sizeof raw);
	stream_puts(&c->stream, "a AUTHENTICATE PLAIN\r\n");
	if (!response(c))
		return false;
	if (c->line.len == 0 || *c->line.s != '+')
		return complain_reply(c, "login");
	stream_puts(&c->stream, text);
	stream_puts(&c->stream, "\r\n");
	sodium_memzero(text, sizeof text);
	return answer(c, NULL) > 0 || complain_reply(c, "login");
}

static bool
login(struct remote *c)
{
	if (!must(c, "CAPABILITY", note_capabilities))
		return false;
	if (c->can_plain)
		return plain(c);
	if (!c->can_login)
		return complain(c, "login", "neither LOGIN nor PLAIN");
	stream_puts(&c->stream, "a LOGIN");
	if (!send_string(c, c->r->user) || !send_string(c, c->r->password))
		return false;
	stream_puts(&c->stream, "\r\n");
	return answer(c, NULL) > 0 || complain_reply(c, "login");
}

static bool
begin(struct remote *c)
{
	if (!open_connection(c) || !trust(c))
		return false;
	import_confine(-1);
	if ((c->r->implicit_tls && !start_tls(c)) || !response(c))
		return false;
	if (c->line.len < 4 || strncasecmp(c->line.s, "* OK", 4) != 0)
		return complain_reply(c, "greeting");
	if (!c->r->implicit_tls &&
		(!must(c, "STARTTLS", NULL) || !start_tls(c)))
		return false;
	return login(c) && must(c, "CAPABILITY", note_capabilities);
}

static bool
note_namespace(struct remote *c)
{
	struct lex_text prefix;

	return !imap_reply_namespace(
		       c->line.s, c->line.len, c->text.s, &prefix) ||
	       stralloc_copyb(&c->prefix, prefix.s, prefix.len);
}

static void
find_use(struct imap_list const *l, char use[16])
{
	static char const *const uses[] = {
		"\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"};

	use[0] = '\0';
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
		if (imap_reply_has(&l->attributes, uses[i]))
			strcpy(use, uses[i]);
}

/* The name here: without the prefix of what is the user's. */
static bool
our_name(struct remote const *c, struct imap_list const *l, char *name_r)
{
	char const *s = l->name.s;
	size_t len = l->name.len;

	if (c->prefix.len > 0 && len > c->prefix.len &&
		memcmp(s, c->prefix.s, c->prefix.len) == 0) {
		s += c->prefix.len;
		len -= c->prefix.len;
	}
	return import_name(s, len, l->separator, name_r);
}

static bool
note_folder(struct remote *c)
{
	struct imap_list l;
	struct box *b;

	if (!imap_reply_list(c->line.s, c->line.len, c->text.s, &l))
		return true;
	/* What is a view of others' messages would bring them twice. */
	if (imap_reply_has(&l.attributes, "\\Noselect") ||
		imap_reply_has(&l.attributes, "\\NonExistent") ||
		imap_reply_has(&l.attributes, "\\All") ||
		imap_reply_has(&l.attributes, "\\Flagged"))
		return true;
	if (c->count == FOLDERS_MAX)
		return complain(c, "LIST", "too many folders");
	for (size_t i = 0; i < c->count; i++)
		if (strlen(c->boxes[i].name) == l.name.len &&
			memcmp(c->boxes[i].name, l.name.s, l.name.len) == 0)
			return true;
	if (c->count % 64 == 0) {
		b = reallocarray(c->boxes, c->count + 64, sizeof *b);
		if (b == NULL)
			return complain(c, "memory", strerror(errno));
		c->boxes = b;
	}
	b = &c->boxes[c->count];
	if (!our_name(c, &l, b->ours)) {
		(void)complain_reply(c, "passed over");
		return true;
	}
	find_use(&l, b->use);
	b->name = strndup(l.name.s, l.name.len);
	c->count += b->name != NULL;
	return b->name != NULL;
}

static bool
note_state(struct remote *c)
{
	(void)!imap_reply_code(
		c->line.s, c->line.len, "UIDVALIDITY", &c->validity);
	(void)!imap_reply_exists(c->line.s, c->line.len, &c->exists);
	return true;
}

static bool
note_summary(struct remote *c)
{
	struct imap_fetch f;
	struct summary *list;

	if (!imap_reply_fetch(c->line.s, c->line.len, c->text.s, &f) ||
		f.uid == 0 || !f.has_flags || f.body.s != NULL ||
		(c->listed > 0 && f.uid <= c->list[c->listed - 1].uid))
		return true;
	if (c->listed == c->room) {
		list = reallocarray(c->list, c->room + 1024, sizeof *list);
		if (list == NULL)
			return complain(c, "memory", strerror(errno));
		c->list = list;
		c->room += 1024;
	}
	c->list[c->listed++] = (struct summary){
		f.uid, f.has_date, f.date, f.size, c->flags.len, f.flags.len};
	return stralloc_catb(&c->flags, f.flags.s, f.flags.len) ||
	       complain(c, "memory", strerror(errno));
}

/* LF, where it stands alone, becomes CRLF: not all servers are right. */
static bool
set_text(stralloc *out, struct lex_text const *body)
{
	size_t start = 0;

	out->len = 0;
	for (size_t i = 0; i < body->len; i++)
		if (body->s[i] == '\n' && (i == 0 || body->s[i - 1] != '\r')) {
			if (!stralloc_catb(out, body->s + start, i - start) ||
				!stralloc_append(out, '\r'))
				return false;
			start = i;
		}
	return stralloc_catb(out, body->s + start, body->len - start);
}

static bool
note_body(struct remote *c)
{
	char mark[BOXNAME_MAX + 64];
	struct summary const *v;
	struct imap_fetch f;

	if (!imap_reply_fetch(c->line.s, c->line.len, c->text.s, &f) ||
		f.body.s == NULL)
		return true;
	/* Those that are gone by now are passed over; in their order. */
	while (c->next < c->listed && c->list[c->next].uid < f.uid) {
		import_skip(c->m, 1);
		c->next++;
	}
	if (c->next == c->listed || c->list[c->next].uid != f.uid)
		return true;
	v = &c->list[c->next++];
	c->message.flags[0] = '\0';
	for (size_t i = 0; i < v->flags_len;) {
		char const *const s = c->flags.s + v->flags + i;
		char const *const end = memchr(s, ' ', v->flags_len - i);
		size_t const n =
			end != NULL ? (size_t)(end - s) : v->flags_len - i;
		import_flag(&c->message, s, n);
		i += n + 1;
	}
	c->message.has_date = v->has_date;
	c->message.date = v->date;
	if (!set_text(&c->message.text, &f.body))
		return complain(c, "memory", strerror(errno));
	(void)snprintf(mark, sizeof mark, "U %s\t%" PRIu32 " %" PRIu32,
		c->box->ours, c->validity, f.uid);
	return import_put(c->m, &c->message, mark, 1);
}

static bool
fetch_bodies(struct remote *c)
{
	char command[64];

	while (c->next < c->listed) {
		size_t const first = c->next;
		size_t last = first;
		uint64_t octets = c->list[first].size;

		while (last + 1 < c->listed && last + 1 - first < AT_ONCE &&
			octets < OCTETS_AT_ONCE)
			octets += c->list[++last].size;
		(void)snprintf(command, sizeof command,
			"UID FETCH %" PRIu32 ":%" PRIu32 " (UID BODY.PEEK[])",
			c->list[first].uid, c->list[last].uid);
		if (!must(c, command, note_body))
			return false;
		for (; c->next <= last; c->next++)
			import_skip(c->m, 1);
	}
	return true;
}

/* The UID up to which an earlier run has come. */
static uint32_t
find_mark(struct remote *c, char const *folder)
{
	char head[BOXNAME_MAX + 32];
	char const *mark;

	(void)snprintf(
		head, sizeof head, "U %s\t%" PRIu32 " ", folder, c->validity);
	mark = import_mark(c->m, head);
	return mark != NULL ? (uint32_t)strtoul(mark, NULL, 10) : 0;
}

static bool
bring_folder(struct remote *c, struct box const *b)
{
	char command[80];
	int r;

	c->box = b;
	c->validity = c->exists = 0;
	c->listed = c->next = 0;
	c->flags.len = 0;
	stream_puts(&c->stream, "a EXAMINE");
	if (!send_string(c, b->name))
		return false;
	stream_puts(&c->stream, "\r\n");
	r = answer(c, note_state);
	if (r == 0) {
		(void)complain_reply(c, b->ours);
		return true;
	}
	if (r < 0)
		return false;
	(void)snprintf(command, sizeof command,
		"UID FETCH %" PRIu32 ":* (UID FLAGS INTERNALDATE RFC822.SIZE)",
		find_mark(c, b->ours) + 1);
	if (c->exists > 0 && !must(c, command, note_summary))
		return false;
	/* `9:*` names the last one also where that is 7. */
	while (c->listed > 0 && c->list[0].uid <= find_mark(c, b->ours)) {
		c->listed--;
		memmove(c->list, c->list + 1, c->listed * sizeof *c->list);
	}
	return import_folder(c->m, b->ours, b->use, c->listed) &&
	       fetch_bodies(c) && import_end(c->m);
}

static bool
list_folders(struct remote *c)
{
	if (c->has_namespace && !must(c, "NAMESPACE", note_namespace))
		return false;
	stream_puts(&c->stream,
		c->can_list_use ? "a LIST \"\" (\"INBOX\"" : "a LIST \"\"");
	if (c->can_list_use) {
		char pattern[300];

		(void)snprintf(pattern, sizeof pattern, "%.*s*",
			(int)(c->prefix.len < 200 ? c->prefix.len : 0),
			c->prefix.s != NULL ? c->prefix.s : "");
		if (!send_string(c, pattern))
			return false;
		stream_puts(&c->stream, ") RETURN (SPECIAL-USE)");
	} else if (!send_string(c, "*")) {
		return false;
	}
	stream_puts(&c->stream, "\r\n");
	return answer(c, note_folder) > 0 || complain_reply(c, "LIST");
}

bool
import_remote(struct import *m, struct import_remote const *r)
{
	static struct remote c;
	bool ok;

	c.m = m;
	c.r = r;
	ok = begin(&c) && list_folders(&c);
	for (size_t i = 0; ok && i < c.count; i++)
		ok = bring_folder(&c, &c.boxes[i]);
	if (ok) {
		stream_puts(&c.stream, "a LOGOUT\r\n");
		(void)stream_flush(&c.stream);
	}
	if (c.stream.tls != NULL || c.stream.in_fd > 0)
		stream_close(&c.stream);
	for (size_t i = 0; i < c.count; i++)
		free(c.boxes[i].name);
	free(c.boxes);
	free(c.list);
	stralloc_free(&c.line);
	stralloc_free(&c.text);
	stralloc_free(&c.flags);
	stralloc_free(&c.prefix);
	stralloc_free(&c.message.text);
	return ok;
}
