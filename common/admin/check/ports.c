/* Whether who connects is greeted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "common/admin/check/apart.h"
#include "common/tls.h"

/* greet-delay is at most 30 seconds. */
#define TIMEOUT_MS 40000
#define GREETING_MAX 2000

static struct port {
	char const *setting, *service, *greeting, *goodbye;
	bool is_tls;
} const ports[] = {
	{"listen-smtp", "smtp", "220", "QUIT\r\n", false},
	{"listen-submit", "submit", "220", "QUIT\r\n", false},
	{"listen-submits", "submit", "220", "QUIT\r\n", true},
	{"listen-pop3", "pop3", "+OK", "QUIT\r\n", false},
	{"listen-pop3s", "pop3", "+OK", "QUIT\r\n", true},
	{"listen-imap", "imap", "* OK", "a LOGOUT\r\n", false},
	{"listen-imaps", "imap", "* OK", "a LOGOUT\r\n", true},
	/* The first of its capabilities (RFC 5804 1.7). */
	{"listen-sieve", "sieve", "\"", "LOGOUT\r\n", false},
};

static void
greet(struct doctor *d, struct stream *s, struct port const *p,
	char const *text, char const *service)
{
	char const *line;
	char said[FINDING_WORD];
	size_t len;
	int n;

	if (p->is_tls && !tls_client_start(s, d->hostname, TLS_VERIFY_NONE)) {
		doctor_find(d, FIND_PORT_SILENT, 0, text, p->setting,
			"TLS does not begin", service);
		return;
	}
	n = stream_line(s, GREETING_MAX, &line, &len, NULL);
	if (n <= 0) {
		doctor_find(d, FIND_PORT_SILENT, 0, text, p->setting,
			n < 0 ? strerror(errno) : "it hung up", service);
		return;
	}
	if (len < strlen(p->greeting) ||
		memcmp(line, p->greeting, strlen(p->greeting)) != 0) {
		snprintf(said, sizeof said, "%.*s", len < 200 ? (int)len : 200,
			line);
		doctor_find(d, FIND_PORT_SILENT, 0, text, p->setting, said,
			service);
		return;
	}
	(void)!stream_puts(s, p->goodbye);
	/* Its answer, so that its log does not tell of one who hung up. */
	if (stream_flush(s))
		(void)!stream_line(s, GREETING_MAX, &line, &len, NULL);
}

static void
examine(struct doctor *d, void *data)
{
	static struct stream s;

	(void)data;
	apart_confine();
	for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
		struct port const *p = &ports[i];
		struct sockaddr_storage address;
		char text[64], service[512];
		unsigned len;
		/* Without certificates nothing listens there. */
		if ((p->is_tls &&
			    *doctor_setting(d, "tls-certificates") == '\0') ||
			doctor_is_down(d, p->service) ||
			!doctor_listener(d, p->setting, &address, &len, text,
				sizeof text))
			continue;
		doctor_service_path(d, p->service, "", service, sizeof service);
		if (!apart_connect(
			    &s, (struct sockaddr *)&address, len, TIMEOUT_MS)) {
			doctor_find(d, FIND_PORT_CLOSED, 0, text, p->setting,
				strerror(errno), service);
			continue;
		}
		greet(d, &s, p, text, service);
		stream_close(&s);
	}
}

void
ports_examine(struct doctor *d)
{
	apart_run_as(d, "remote", examine, NULL,
		TIMEOUT_MS / 1000 * (int)(sizeof ports / sizeof *ports));
}
