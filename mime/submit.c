/*
 * mime-submit - hand a message to a submission server, for mime send
 *
 * The part of mime that uses the network, a program of its own for that. It
 * looks up the host as the system does. The password comes from a file or from
 * a program, never from an argument, which all could read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "common/addr.h"
#include "mime/charset.h"
#include "mime/command.h"
#include "mime/signer.h"
#include "mime/submission.h"
#include "mime/terminal.h"

#define CONNECT_SECONDS 30
#define PASSWORD_OCTETS_MAX 256
#define ANCHORS_OCTETS_MAX (16u * 1024 * 1024)

char const *PROG;

static void
read_all(int fd, char const *what, size_t max, stralloc *out)
{
	ssize_t n;

	do {
		if (!stralloc_readyplus(out, 65536))
			strerr_diefu2sys(111, "read ", what);
		n = read(fd, out->s + out->len, 65536);
		if (n < 0 && errno != EINTR)
			strerr_diefu2sys(111, "read ", what);
		out->len += n > 0 ? (size_t)n : 0;
		if (out->len > max)
			strerr_dief2x(111, what, " is too large");
	} while (n != 0);
}

static void
read_file(char const *name, size_t max, stralloc *out)
{
	int const fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		strerr_diefu2sys(111, "open ", name);
	read_all(fd, name, max, out);
	close(fd);
}

/* The first line of a file, or of what a program writes. */
static void
read_password(struct options const *o, char password[PASSWORD_OCTETS_MAX + 1])
{
	char const *const file = options_value(o, 'p', NULL);
	char const *const program = options_value(o, 'P', NULL);
	stralloc text = STRALLOC_ZERO;
	struct html run;
	size_t len;

	if ((file != NULL) == (program != NULL))
		strerr_dief1x(100, "name the password's file by -p, or a "
				   "program that tells it by -P");
	if (file)
		read_file(file, 65536, &text);
	else if (!html_start(&run, program) ||
		 !html_run(&run, "", 0, 65536, &text))
		strerr_diefu2sys(111, "run ", program);
	if (!stralloc_0(&text))
		strerr_diefu1sys(111, "read the password");
	len = strcspn(text.s, "\r\n");
	if (len == 0 || len > PASSWORD_OCTETS_MAX)
		strerr_dief1x(111, "there is no password, or it is too long");
	memcpy(password, text.s, len);
	password[len] = '\0';
	explicit_bzero(text.s, text.len);
	stralloc_free(&text);
}

/* "host", "host:port", "[address]:port" */
static void
split_host(char const *text, char host[256], char const **port_r)
{
	char const *const colon = strrchr(text, ':');
	size_t const len = colon ? (size_t)(colon - text) : strlen(text);

	*port_r = colon ? colon + 1 : NULL;
	if (len == 0 || len > 255 || (colon && colon[1] == '\0'))
		strerr_dief2x(100, text, " is no HOST or HOST:PORT");
	memcpy(host, text, len);
	host[len] = '\0';
}

static int
try(struct addrinfo const *a)
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

static int
open_connection(char const *host, char const *port)
{
	struct addrinfo const hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	int fd = -1;
	int const r = getaddrinfo(host, port, &hints, &list);

	if (r != 0)
		strerr_diefu4x(
			111, "find the host ", host, ": ", gai_strerror(r));
	for (struct addrinfo const *a = list; a && fd < 0; a = a->ai_next)
		fd = try(a);
	if (fd < 0)
		strerr_diefu4sys(111, "connect to ", host, " port ", port);
	freeaddrinfo(list);
	return fd;
}

/* Our address as a literal (RFC 5321, 4.1.3): a name would tell more. */
static void
name_ourselves(int fd, char hello[INET6_ADDRSTRLEN + 16])
{
	struct sockaddr_storage us;
	socklen_t len = sizeof us;
	char text[INET6_ADDRSTRLEN] = "127.0.0.1";
	bool six;

	memset(&us, 0, sizeof us);
	(void)getsockname(fd, (void *)&us, &len);
	six = us.ss_family == AF_INET6;
	if (six)
		(void)inet_ntop(AF_INET6,
			&((struct sockaddr_in6 *)(void *)&us)->sin6_addr, text,
			sizeof text);
	else if (us.ss_family == AF_INET)
		(void)inet_ntop(AF_INET,
			&((struct sockaddr_in *)(void *)&us)->sin_addr, text,
			sizeof text);
	(void)snprintf(hello, INET6_ADDRSTRLEN + 16, "[%s%s]",
		six ? "IPv6:" : "", text);
}

/* Each can stand in a command, as it is. */
static void
check_addresses(stralloc const *list)
{
	for (size_t i = 0; i < list->len; i += strlen(list->s + i) + 1) {
		struct addr a;
		enum addr_error e;
		stralloc shown = STRALLOC_ZERO;

		if (addr_parse(list->s + i, strlen(list->s + i), 0, &a, &e))
			continue;
		if (!terminal_line(&shown, list->s + i, strlen(list->s + i)) ||
			!stralloc_0(&shown))
			strerr_diefu1sys(111, "read the message");
		strerr_dief4x(
			100, "the address ", shown.s, ": ", addr_strerror(e));
	}
}

static void
put_envelope(stralloc const *text, stralloc *sender, stralloc *recipients)
{
	size_t const header = header_end(text->s, text->len, HEADER_MAX);

	if (!signer_addresses(sender, text->s, header, "from") ||
		!signer_addresses(recipients, text->s, header, "to") ||
		!signer_addresses(recipients, text->s, header, "cc") ||
		!signer_addresses(recipients, text->s, header, "bcc"))
		strerr_diefu1sys(111, "read the message");
	if (sender->len == 0 || recipients->len == 0)
		strerr_dief1x(100, "there is no sender, or no recipient");
	check_addresses(sender);
	check_addresses(recipients);
}

/* Who is in Bcc is for the envelope alone. */
static void
drop_bcc(stralloc const *text, stralloc *out)
{
	struct header_field f;
	size_t pos = 0;
	bool ok = true;

	while (ok && header_next(text->s, text->len, &pos, &f) > 0)
		if (!header_is(&f, "bcc"))
			ok = stralloc_catb(out, f.line, f.line_len);
	ok = ok && stralloc_append(out, '\n') &&
	     stralloc_catb(out, text->s + pos, text->len - pos);
	if (!ok)
		strerr_diefu1sys(111, "keep the message");
}

static int
tell(enum submission_result r, char const *text)
{
	stralloc utf8 = STRALLOC_ZERO, shown = STRALLOC_ZERO;

	if (r == SUBMISSION_OK)
		return 0;
	if (!charset_to_utf8("utf-8", 5, text, strlen(text), &utf8) ||
		!terminal_line(&shown, utf8.s, utf8.len) || !stralloc_0(&shown))
		strerr_diefu1sys(111, "tell what the server said");
	strerr_warnw2x("not sent: ", shown.s);
	return r == SUBMISSION_PERMANENT ? 100 : 111;
}

int
main(int argc, char const *const *argv)
{
	static char const *const spec[] = {"h: host", "u: user",
		"p: password-file", "P: password-program", "t starttls",
		"C: ca-file", NULL};
	struct options o;
	struct tls_anchors anchors = {0};
	stralloc text = STRALLOC_ZERO, pem = STRALLOC_ZERO,
		 sender = STRALLOC_ZERO, recipients = STRALLOC_ZERO,
		 message = STRALLOC_ZERO;
	char host[256], password[PASSWORD_OCTETS_MAX + 1] = "";
	char hello[INET6_ADDRSTRLEN + 16], said[SUBMISSION_TEXT_MAX];
	char const *port;
	size_t used;

	PROG = "mime";
	if (argc < 2 ||
		!options_parse(argv + 2, (size_t)argc - 2, spec, &o, &used) ||
		used + 2 != (size_t)argc || !options_has(&o, 'h'))
		strerr_dieusage(100, "it is mime that calls this");
	read_all(0, "the message", MESSAGE_MAX, &text);
	put_envelope(&text, &sender, &recipients);
	drop_bcc(&text, &message);

	char const *const ca = options_value(&o, 'C', TLS_ANCHORS_SYSTEM);

	read_file(ca, ANCHORS_OCTETS_MAX, &pem);
	if (!tls_anchors_parse(&anchors, pem.s, pem.len))
		strerr_diefu2sys(111, "find certificates in ", ca);
	split_host(options_value(&o, 'h', ""), host, &port);

	struct submission m = {.host = host,
		.starttls = options_has(&o, 't') ||
			    (port && strcmp(port, "587") == 0),
		.user = options_value(&o, 'u', NULL),
		.password = password,
		.anchors = &anchors,
		.hello = hello,
		.sender = sender.s,
		.recipients = recipients.s,
		.recipients_len = recipients.len,
		.s = message.s,
		.len = message.len};

	if (m.user)
		read_password(&o, password);
	if (!port)
		port = m.starttls ? "587" : "465";

	int const fd = open_connection(host, port);
	name_ourselves(fd, hello);

	enum submission_result const r = submission_run(&m, fd, said);

	explicit_bzero(password, sizeof password);
	return tell(r, said);
}
