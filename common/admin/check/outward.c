/* Port 25 of others: whether mail can leave. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "common/admin/check/asking.h"
#include <skalibs/types.h>

/* RFC 5321 4.5.3.2.1 allows more; a person is waiting. */
#define TIMEOUT_MS 30000
#define GREETING_MAX 2000
#define HOST_MAX 255

struct target {
	char host[HOST_MAX + 1]; /* a name or an address */
	char port[12];
	bool may_be_domain; /* then its MX is meant */
};

/* `HOST[:PORT]`, `[ADDRESS][:PORT]`. */
static bool
split(struct doctor const *d, char const *s, struct target *t)
{
	char const *end = *s == '[' ? strchr(s, ']') : s + strcspn(s, ":");
	size_t len;
	uint32_t port;

	snprintf(t->port, sizeof t->port, "%.6s",
		doctor_setting(d, "remote-port"));
	if (*s == '[')
		s++;
	if (end == NULL)
		return false;
	len = (size_t)(end - s);
	if (len == 0 || len > HOST_MAX)
		return false;
	memcpy(t->host, s, len);
	t->host[len] = '\0';
	if (*end == ']')
		end++;
	if (*end == '\0')
		return true;
	if (*end != ':' || uint320_scan(end + 1, &port) == 0 || port == 0 ||
		port > 65535)
		return false;
	snprintf(t->port, sizeof t->port, "%u", (unsigned)port);
	return true;
}

/* The host of a domain's best MX, if it has any. */
static void
follow_mx(struct dns *dns, struct target *t)
{
	struct dns_question q = {.name = t->host, .type = DNS_MX};
	char name[DNS_NAME_SIZE], best[DNS_NAME_SIZE] = "";
	unsigned preference, least = 65536;

	dns_ask(dns, &q, 1, ASKING_MS);
	for (size_t i = 0; q.status == DNS_FOUND && i < q.reply.record_count;
		i++)
		if (dns_record_mx(&q.reply, i, &preference, name) &&
			preference < least && *name != '\0') {
			least = preference;
			snprintf(best, sizeof best, "%s", name);
		}
	dns_free(&q, 1);
	if (*best != '\0')
		snprintf(t->host, sizeof t->host, "%s", best);
}

static unsigned
sockaddr_of(char const *address, char const *port, struct sockaddr_storage *r)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	uint32_t n = 0;

	(void)uint320_scan(port, &n);
	v4.sin_port = v6.sin6_port = htons((uint16_t)n);
	memset(r, 0, sizeof *r);
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		memcpy(r, &v4, sizeof v4);
		return sizeof v4;
	}
	if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
		memcpy(r, &v6, sizeof v6);
		return sizeof v6;
	}
	return 0;
}

/* NULL, or why not. */
static char const *
resolve(struct dns *dns, struct target const *t, struct sockaddr_storage *r,
	unsigned *len_r)
{
	struct dns_question q[] = {{.name = t->host, .type = DNS_A},
		{.name = t->host, .type = DNS_AAAA}};
	char text[INET6_ADDRSTRLEN];
	char const *why = "it has no address";

	if ((*len_r = sockaddr_of(t->host, t->port, r)) > 0)
		return NULL;
	dns_ask(dns, q, 2, ASKING_MS);
	for (size_t i = 0; i < 2 && *len_r == 0; i++) {
		if (q[i].status == DNS_FOUND && q[i].reply.record_count > 0 &&
			asking_address(&q[i], 0, text))
			*len_r = sockaddr_of(text, t->port, r);
		else if (q[i].status == DNS_TEMPORARY)
			why = q[i].why;
	}
	dns_free(q, 2);
	return *len_r > 0 ? NULL : why;
}

static void
greet(struct doctor *d, struct stream *s, struct target const *t,
	char const *where)
{
	char const *line;
	char said[FINDING_WORD];
	size_t len;
	int n = stream_line(s, GREETING_MAX, &line, &len, NULL);

	if (n <= 0) {
		doctor_find(d, FIND_OUTWARD_CLOSED, 0, where,
			n < 0 ? strerror(errno) : "it hung up", t->host,
			t->port);
	} else if (len < 3 || memcmp(line, "220", 3) != 0) {
		snprintf(said, sizeof said, "%.*s", len < 200 ? (int)len : 200,
			line);
		doctor_find(d, FIND_OUTWARD_REFUSED, 0, where, said, t->host,
			t->port);
	}
	(void)!stream_puts(s, "QUIT\r\n");
	if (stream_flush(s))
		(void)!stream_line(s, GREETING_MAX, &line, &len, NULL);
}

static void
examine(struct doctor *d, void *data)
{
	static struct stream s;
	struct target t = *(struct target *)data;
	struct sockaddr_storage address;
	struct dns dns;
	char where[HOST_MAX + 16];
	char const *why;
	unsigned len;

	asking_open(d, &dns);
	if (t.may_be_domain)
		follow_mx(&dns, &t);
	snprintf(where, sizeof where, "%s:%s", t.host, t.port);
	why = resolve(&dns, &t, &address, &len);
	if (why == NULL && !apart_connect(&s, (struct sockaddr *)&address, len,
				   TIMEOUT_MS))
		why = strerror(errno);
	if (why != NULL) {
		doctor_find(
			d, FIND_OUTWARD_CLOSED, 0, where, why, t.host, t.port);
		return;
	}
	greet(d, &s, &t, where);
	stream_close(&s);
	dns_close(&dns);
}

/* Where all mail goes, if there is such a host. */
static struct config_route const *
smart_host(struct doctor const *d)
{
	for (size_t i = 0; i < d->config.routes.count; i++)
		if (strcmp(d->config.routes.list[i].name.s, "*") == 0 &&
			!d->config.routes.list[i].is_hold)
			return &d->config.routes.list[i];
	return NULL;
}

void
outward_examine(struct doctor *d)
{
	struct config_route const *r = smart_host(d);
	struct target t = {.may_be_domain = d->outward != NULL};

	if (d->outward == NULL && r == NULL)
		return;
	if (!split(d, d->outward != NULL ? d->outward : r->host, &t)) {
		doctor_find(d, FIND_UNEXAMINED, 0, d->section,
			"it is no HOST[:PORT]", NULL, NULL);
		return;
	}
	if (d->outward == NULL && r->port > 0)
		snprintf(t.port, sizeof t.port, "%u", (unsigned)r->port);
	asking_run(d, examine, &t);
}
