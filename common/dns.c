/* Asking the resolver: see dns.h. */
#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/dns.h"

#define CLASS_IN 1
/* What passes any path unfragmented. */
#define UDP_SIZE 1232
#define SERVERS_TEXT_MAX 1024
#define TRY_MS 3000
#define TRIES 3

/* c-ares has it until it has called on_reply. */
struct dns_waiting {
	struct dns *dns;
	struct dns_sent *sent; /* NULL: nobody waits any more */
	size_t which;
};

static bool
is_loopback(struct ares_addr_port_node const *server)
{
	if (server->family == AF_INET)
		return ntohl(server->addr.addr4.s_addr) >> 24 == 127;
	struct in6_addr six;
	memcpy(&six, &server->addr.addr6, sizeof six);
	return IN6_IS_ADDR_LOOPBACK(&six);
}

static bool
all_local(ares_channel channel)
{
	struct ares_addr_port_node *servers;
	bool local = true;

	if (ares_get_servers_ports(channel, &servers) != ARES_SUCCESS)
		return false;
	for (struct ares_addr_port_node *s = servers; s != NULL; s = s->next)
		local = local && is_loopback(s);
	local = local && servers != NULL;
	ares_free_data(servers);
	return local;
}

static bool
set_servers(ares_channel channel, char const *servers)
{
	char csv[SERVERS_TEXT_MAX];
	size_t len = strlen(servers);

	if (len >= sizeof csv)
		return false;
	for (size_t i = 0; i <= len; i++)
		csv[i] = (char)(servers[i] == ' ' ? ',' : servers[i]);
	return ares_set_servers_ports_csv(channel, csv) == ARES_SUCCESS;
}

bool
dns_open(struct dns *dns, char const *servers)
{
	bool given = servers != NULL && *servers != '\0';
	static char nowhere[] = "/dev/null", lookups[] = "b";
	struct ares_options o = {.flags = ARES_FLAG_NOSEARCH |
					  ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
		.timeout = TRY_MS,
		.tries = TRIES,
		.ednspsz = UDP_SIZE,
		.lookups = lookups};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		   ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS;
	ares_channel channel;

	if (given) {
		o.resolvconf_path = nowhere;
		mask |= ARES_OPT_RESOLVCONF;
	}
	if (sodium_init() < 0 ||
		ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
		ares_init_options(&channel, &o, mask) != ARES_SUCCESS) {
		errno = ENOMEM;
		return false;
	}
	if (given && !set_servers(channel, servers)) {
		ares_destroy(channel);
		errno = EINVAL;
		return false;
	}
	dns->channel = channel;
	dns->in_flight = 0;
	dns->local = all_local(channel);
	return true;
}

void
dns_close(struct dns *dns)
{
	if (dns->channel == NULL)
		return;
	ares_destroy(dns->channel);
	ares_library_cleanup();
	dns->channel = NULL;
}

static void
temporary(struct dns_question *q, char const *why)
{
	q->status = DNS_TEMPORARY;
	q->why = why;
}

static void
judge(struct dns const *dns, struct dns_question *q, size_t len)
{
	enum dns_error e;

	if (!dns_reply_parse(q->bytes, len, q->name, q->type, &q->reply, &e)) {
		temporary(q, dns_strerror(e));
		return;
	}
	if (q->reply.truncated)
		temporary(q, "truncated reply");
	else if (q->reply.rcode == DNS_RCODE_NXDOMAIN)
		q->status = DNS_NXDOMAIN;
	else if (q->reply.rcode != DNS_RCODE_NOERROR)
		temporary(q, "the name server failed");
	else
		q->status = q->reply.record_count > 0 ? DNS_FOUND : DNS_NODATA;
	q->authentic = dns->local && q->reply.authentic;
}

static void
take_reply(struct dns const *dns, struct dns_question *q, int status,
	unsigned char const *s, size_t len)
{
	if (status != ARES_SUCCESS || len == 0) {
		temporary(
			q, status == ARES_ECANCELLED || status == ARES_ETIMEOUT
				   ? "no answer in time"
				   : "the name servers failed");
		return;
	}
	q->bytes = malloc(len);
	if (q->bytes == NULL) {
		temporary(q, "out of memory");
		return;
	}
	memcpy(q->bytes, s, len);
	judge(dns, q, len);
}

/* Nobody is told of an answer to this one any more. */
static void
forget(struct dns_waiting *w)
{
	w->sent->waiting[w->which] = NULL;
	w->sent->left--;
	w->dns->in_flight--;
	w->sent = NULL;
}

static void
on_reply(void *data, int status, int timeouts, unsigned char *s, int len)
{
	struct dns_waiting *w = data;

	(void)timeouts;
	if (w->sent != NULL) {
		struct dns_question *q = &w->sent->questions[w->which];

		forget(w);
		take_reply(w->dns, q, status, s, len > 0 ? (size_t)len : 0);
	}
	free(w);
}

static void
send_question(struct dns *dns, struct dns_sent *sent, size_t which, uint16_t id)
{
	struct dns_question *q = &sent->questions[which];
	struct dns_waiting *w;
	unsigned char *query;
	int len;

	if (!dns_name_valid(q->name)) {
		q->status = DNS_NXDOMAIN;
		return;
	}
	w = malloc(sizeof *w);
	if (w == NULL || ares_create_query(q->name, CLASS_IN, (int)q->type, 0,
				 1, &query, &len, UDP_SIZE) != ARES_SUCCESS) {
		free(w);
		temporary(q, "out of memory");
		return;
	}
	/* c-ares draws ids from a state that was made before the fork and is
	 * the same in every child. */
	memcpy(query, &id, sizeof id);
	/* RFC 6840 5.7: AD in a query asks for AD in the reply. */
	query[3] |= 0x20;
	*w = (struct dns_waiting){dns, sent, which};
	sent->waiting[which] = w;
	sent->left++;
	dns->in_flight++;
	ares_send(dns->channel, query, len, on_reply, w);
	ares_free_string(query);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Wait for some socket or for c-ares's own next timeout; act on it. */
static void
step(ares_channel channel, int64_t left_ms)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	struct pollfd fds[ARES_GETSOCK_MAXNUM];
	/* Its own macros shift into the sign. */
	unsigned bits =
		(unsigned)ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
	struct timeval most = {
		.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};
	struct timeval next;
	nfds_t n = 0;

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		bool reads = (bits >> i & 1u) != 0;
		bool writes = (bits >> (i + ARES_GETSOCK_MAXNUM) & 1u) != 0;
		if (reads || writes)
			fds[n++] = (struct pollfd){.fd = sockets[i],
				.events = (short)((reads ? POLLIN : 0) |
						  (writes ? POLLOUT : 0))};
	}
	struct timeval const *wait = ares_timeout(channel, &most, &next);
	int ms = (int)(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000);
	int ready = poll(fds, n, ms);

	if (ready <= 0) {
		ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		return;
	}
	for (nfds_t i = 0; i < n; i++) {
		short e = fds[i].revents;
		bool reads = (e & (POLLIN | POLLERR | POLLHUP)) != 0;
		if (e != 0)
			ares_process_fd(channel,
				reads ? fds[i].fd : ARES_SOCKET_BAD,
				e & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	}
}

void
dns_send(struct dns *dns, struct dns_question *questions, size_t count,
	struct dns_sent *sent)
{
	uint16_t ids[DNS_QUESTIONS_MAX];

	*sent = (struct dns_sent){.questions = questions,
		.count = count < DNS_QUESTIONS_MAX ? count : DNS_QUESTIONS_MAX};
	randombytes_buf(ids, sizeof ids);
	for (size_t i = 0; i < count; i++) {
		questions[i].why = NULL;
		questions[i].authentic = false;
		questions[i].bytes = NULL;
		questions[i].reply.record_count = 0;
		if (i < sent->count)
			send_question(dns, sent, i, ids[i]);
		else
			temporary(&questions[i], "too many questions");
	}
}

void
dns_wait(struct dns *dns, struct dns_sent *sent, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms, left;

	while (sent->left > 0 && (left = deadline - now_ms()) > 0)
		step(dns->channel, left);
	for (size_t i = 0; i < sent->count && sent->left > 0; i++)
		if (sent->waiting[i] != NULL) {
			forget(sent->waiting[i]);
			temporary(&sent->questions[i], "no answer in time");
		}
	/* What is left in there nobody waits for. */
	if (dns->in_flight == 0)
		ares_cancel(dns->channel);
}

void
dns_ask(struct dns *dns, struct dns_question *questions, size_t count,
	int timeout_ms)
{
	struct dns_sent sent;

	dns_send(dns, questions, count, &sent);
	dns_wait(dns, &sent, timeout_ms);
}

void
dns_free(struct dns_question *questions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(questions[i].bytes);
		questions[i].bytes = NULL;
		questions[i].reply.record_count = 0;
	}
}
