/* Jobs of one destination, each tried at its hosts in turn: see deliver.h. */
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "common/log.h"
#include "remote/deliver.h"
#include "remote/race.h"
#include "remote/text.h"
#include "remote/tlsrequired.h"

/* How long the hosts are kept at most and at least, in seconds: a burst of
 * jobs asks once, a change is seen soon. */
#define MX_KEEP_MAX 3600u
#define MX_KEEP_MIN 10u
/* Where TLS comes before the greeting (RFC 8314 3.3). */
#define PORT_TLS 465u
/* How often who waits for a place looks for one. */
#define PLACE_LOOK_MS 50

struct attempt {
	struct deliver *d;
	struct job const *job;
	int file_fd;
	int64_t give_up_ms;
	struct transaction_result *results;
	unsigned connections;
	bool permanent;	      /* every failure so far was */
	bool is_tls_required; /* REQUIRETLS, and somebody to tell of a failure
			       * (RFC 8689 5) */
	int does_without;     /* TLS-Required: No; -1: not looked yet */
	struct outgoing_choice from;
	char text[CLIENT_TEXT_SIZE];
};

static bool
does_without_tls(struct attempt *a)
{
	static char header[TLSREQUIRED_LOOK];
	struct job const *job = a->job;
	size_t len = job->message_len < sizeof header ? (size_t)job->message_len
						      : sizeof header;
	ssize_t n;

	if (a->does_without >= 0)
		return a->does_without > 0;
	/* RFC 8689 4.1: beside REQUIRETLS the field does not count. */
	n = job->flags & QUEUEFILE_REQUIRETLS
		    ? 0
		    : pread(a->file_fd, header, len,
			      (off_t)job->message_offset);
	a->does_without = n > 0 && tlsrequired_is_no(header, (size_t)n);
	return a->does_without > 0;
}

static unsigned
port_of(struct attempt const *a)
{
	unsigned port = a->d->destination.port;

	return port != 0 ? port : a->d->port;
}

static int
dns_timeout_ms(struct attempt const *a)
{
	unsigned patience = a->d->client.patience;

	return patience < MX_TIMEOUT_MS / 1000 ? (int)patience * 1000
					       : MX_TIMEOUT_MS;
}

static bool
all_settled(struct attempt const *a)
{
	for (size_t i = 0; i < a->job->recipient_count; i++)
		if (a->results[i].status == 0)
			return false;
	return true;
}

/* Over the session, as often as recipients are left that it may take. False:
 * the session is gone and another is needed. */
static bool
send_over_session(struct attempt *a)
{
	struct client *c = &a->d->client;

	while (c->fd >= 0 && !all_settled(a))
		if (transaction_send(c, a->job, a->file_fd, a->results,
			    a->text) != CLIENT_OK)
			break;
	return all_settled(a);
}

static void
log_skipped(struct attempt const *a, char const *host)
{
	log_event("skipped", a->job->id, "host", host, "reply", a->text,
		(char *)0);
}

/* RFC 8460: how it went is told to who collects it. */
static void
tell_result(struct attempt *a, char const *host, struct mx_address const *to)
{
	struct deliver *d = a->d;
	struct security const *w = &d->client.security;
	char address[INET6_ADDRSTRLEN] = "", from[INET6_ADDRSTRLEN] = "";
	struct outgoing_line const *our = outgoing_for(&a->from, to->len);
	struct stswire_report r = {.policy = w->policy,
		.result = w->result,
		.domain = d->destination.name,
		.domain_len = strlen(d->destination.name),
		.host = host,
		.host_len = strlen(host),
		.from = from,
		.to = address,
		.why = w->why != NULL ? w->why : ""};

	if (!d->destination.by_mx || d->sts.fd < 0)
		return;
	inet_ntop(to->len == 4 ? AF_INET : AF_INET6, to->s, address,
		sizeof address);
	if (our != NULL)
		inet_ntop(to->len == 4 ? AF_INET : AF_INET6, our->address.s,
			from, sizeof from);
	r.to_len = strlen(address);
	r.from_len = strlen(from);
	r.why_len = strlen(r.why);
	stslink_report(&d->sts, &r);
}

/* What REQUIRETLS asks of a session beyond what was demanded of it before. */
static bool
is_safe_enough(struct deliver const *d)
{
	struct client const *c = &d->client;

	return c->security.is_verified && d->demand.is_host_known &&
	       c->ehlo.requiretls;
}

/* A host that does not do what the message demands is none for it. */
static enum client_status
refuse_host(struct attempt *a)
{
	struct client *c = &a->d->client;

	client_quit(c);
	text_join(a->text, sizeof a->text, "5.7.30 ", c->peer,
		": the host takes no REQUIRETLS", (char *)0);
	return CLIENT_PERMANENT;
}

static enum client_status
open_session(struct attempt *a, char const *host, struct mx_address const *to)
{
	struct deliver *d = a->d;
	struct client *c = &d->client;
	enum client_status status;

	c->give_up_ms = a->give_up_ms;
	c->outgoing = a->from;
	c->login = d->has_login ? &d->login : NULL;
	c->is_tls_first = !d->destination.by_mx && port_of(a) == PORT_TLS;
	d->from = outgoing_for(&a->from, to->len);
	status = client_open(c, host, to, port_of(a), a->text);
	if (status == CLIENT_OK || c->security.result != TLSRPT_SUCCESS)
		tell_result(a, host, to);
	d->is_lax = a->does_without > 0 && c->security.result != TLSRPT_SUCCESS;
	if (status == CLIENT_OK && c->security.result != TLSRPT_SUCCESS &&
		c->security.whose != NULL)
		log_event("tls-unmet", a->job->id, "host", c->peer, "policy",
			c->security.whose, "why",
			c->security.why != NULL ? c->security.why
						: "the handshake failed",
			(char *)0);
	if (status == CLIENT_OK)
		return a->is_tls_required && !is_safe_enough(d) ? refuse_host(a)
								: CLIENT_OK;
	/* RFC 8689 4.2.1: who asked for TLS is told, not kept waiting. */
	if (a->is_tls_required && c->security.result != TLSRPT_SUCCESS) {
		char said[CLIENT_TEXT_SIZE];
		memcpy(said, a->text, sizeof said);
		text_join(a->text, sizeof a->text, "5.7.10",
			said + strcspn(said, " "), (char *)0);
		return CLIENT_PERMANENT;
	}
	return status;
}

/* Wait for a place at one of the addresses, which then comes first. False:
 * there was none. */
static bool
take_place(struct attempt *a, char const *host, struct mx_address *addresses,
	size_t count)
{
	struct client *c = &a->d->client;
	struct places *p = &a->d->places;
	int64_t end = stream_clock_ms() + DELIVER_PLACE_MS;

	for (;;) {
		for (size_t i = 0; i < count; i++) {
			struct mx_address one = addresses[i];
			if (!places_take(p, &one, port_of(a)))
				continue;
			memmove(addresses + 1, addresses, i * sizeof one);
			addresses[0] = one;
			places_want(p, NULL, 0);
			return true;
		}
		if (stream_clock_ms() >= end || client_is_alone(c))
			break;
		places_want(p, &addresses[0], port_of(a));
		(void)poll(NULL, 0, PLACE_LOOK_MS);
	}
	places_want(p, NULL, 0);
	text_join(a->text, sizeof a->text, "4.3.2 ", host,
		" has as many sessions of ours as it is given", (char *)0);
	a->permanent = false;
	log_skipped(a, host);
	return false;
}

/* True: every recipient is settled, or no more is to be tried. */
static bool
try_address(struct attempt *a, char const *host, struct mx_address const *to)
{
	struct client *c = &a->d->client;
	struct security demanded = c->security;
	enum client_status status;

	if (a->connections++ == DELIVER_ATTEMPTS_MAX ||
		stream_clock_ms() > a->give_up_ms || client_is_alone(c))
		return true;
	status = open_session(a, host, to);
	if (status == CLIENT_OK) {
		if (send_over_session(a))
			return true;
		status = CLIENT_TEMPORARY;
	}
	if (status != CLIENT_PERMANENT)
		a->permanent = false;
	log_skipped(a, c->peer);
	/* For the host's next address. */
	if (c->fd < 0)
		c->security = demanded;
	return false;
}

/* Find out what is demanded of a host. False: no mail goes there now. */
static bool
demand(struct attempt *a, char const *host, struct mx_origin const *origin)
{
	struct deliver *d = a->d;
	struct mx const *mx = d->destination.by_mx ? &d->mx : NULL;
	struct demand_host h = {.destination = &d->destination,
		.mx = mx,
		.origin = origin,
		.name = host,
		.port = port_of(a),
		.timeout_ms = dns_timeout_ms(a),
		.has_login = d->has_login,
		.is_tls_required = a->is_tls_required};
	struct security *w = &d->client.security;
	bool ok = demand_of(&d->demand, &h, w, a->text);

	if ((!ok || w->need == SECURITY_MUST) && does_without_tls(a)) {
		w->is_lenient = true;
		ok = true;
	}
	if (ok)
		return true;
	a->permanent = a->permanent && a->is_tls_required && a->text[0] == '5';
	log_skipped(a, host);
	return false;
}

/* Connect to one of the addresses; those that failed are taken out, and the
 * one that answered comes first. How many are left. */
static size_t
race(struct attempt *a, char const *host, struct mx_address *addresses,
	size_t count)
{
	struct client *c = &a->d->client;
	unsigned seconds = c->patience < CLIENT_WAIT_CONNECT
				   ? c->patience
				   : CLIENT_WAIT_CONNECT;
	struct race_runner runners[MX_ADDRESSES_MAX] = {{0}};
	struct mx_address left[MX_ADDRESSES_MAX];
	size_t n = 0;
	int winner;

	for (size_t i = 0; i < count; i++) {
		struct outgoing_line const *our =
			outgoing_for(&a->from, addresses[i].len);
		runners[i].address = &addresses[i];
		runners[i].from = our != NULL ? &our->address : NULL;
	}
	winner = race_run(
		runners, count, port_of(a), (int)seconds * 1000, c->hangup_fd);
	if (winner >= 0) {
		c->ready_fd = runners[winner].fd;
		left[n++] = addresses[winner];
	}
	for (size_t i = 0; i < count; i++) {
		if ((int)i == winner)
			continue;
		if (runners[i].error == 0) {
			left[n++] = addresses[i];
			continue;
		}
		client_unreachable(
			c, host, &addresses[i], runners[i].error, a->text);
		a->permanent = false;
		a->connections++;
		log_skipped(a, c->peer);
	}
	memcpy(addresses, left, n * sizeof *left);
	return n;
}

/* A connection that was not wanted after all. */
static void
drop_ready(struct client *c)
{
	if (c->ready_fd >= 0)
		close(c->ready_fd);
	c->ready_fd = -1;
}

/* As try_address, of all of a host's. */
static bool
try_addresses(struct attempt *a, char const *host, struct mx_address *addresses,
	size_t count)
{
	race_mix(addresses, count);
	while (count > 0) {
		if (!take_place(a, host, addresses, count))
			break;
		if (count > 1 && a->connections < DELIVER_ATTEMPTS_MAX)
			count = race(a, host, addresses, count);
		if (count == 0 || client_is_alone(&a->d->client))
			break;
		/* Another has won than had the place. */
		if (!places_take(&a->d->places, &addresses[0], port_of(a))) {
			drop_ready(&a->d->client);
			continue;
		}
		if (try_address(a, host, &addresses[0])) {
			drop_ready(&a->d->client);
			return true;
		}
		count--;
		memmove(addresses, addresses + 1, count * sizeof *addresses);
	}
	drop_ready(&a->d->client);
	return client_is_alone(&a->d->client);
}

static bool
try_host(struct attempt *a, char const *host)
{
	struct mx_address addresses[MX_ADDRESSES_MAX];
	struct mx_origin origin;
	enum mx_status status;
	size_t count;

	if (client_is_alone(&a->d->client))
		return true;
	status = mx_addresses(a->d->dns, host, dns_timeout_ms(a), addresses,
		&count, &origin, a->text);
	if (status != MX_FOUND) {
		a->permanent = a->permanent && status == MX_NONE;
		log_skipped(a, host);
		return false;
	}
	if (!demand(a, host, &origin))
		return false;
	return try_addresses(a, host, addresses, count);
}

static enum mx_status
find_hosts(struct attempt *a)
{
	struct deliver *d = a->d;
	enum mx_status status;
	unsigned keep;

	if (d->mx_until_ms > stream_clock_ms())
		return MX_FOUND;
	d->mx_until_ms = 0;
	status = mx_lookup(d->dns, d->destination.name, d->self,
		dns_timeout_ms(a), &d->mx, a->text);
	if (status != MX_FOUND)
		return status;
	keep = d->mx.ttl > MX_KEEP_MAX ? MX_KEEP_MAX : d->mx.ttl;
	if (keep < MX_KEEP_MIN)
		keep = MX_KEEP_MIN;
	d->mx_until_ms = stream_clock_ms() + (int64_t)keep * 1000;
	d->demand.has_sts = d->demand.table.level == TLSPOLICY_UNSET &&
			    stslink_ask(&d->sts, d->destination.name,
				    d->client.hangup_fd, &d->demand.sts);
	return MX_FOUND;
}

static void
try_destination(struct attempt *a)
{
	struct destination const *to = &a->d->destination;
	enum mx_status status;

	if (to->address_len > 0) {
		struct mx_address address = {.len = to->address_len};
		memcpy(address.s, to->address, to->address_len);
		if (demand(a, to->name, NULL) &&
			take_place(a, to->name, &address, 1))
			(void)try_address(a, to->name, &address);
		return;
	}
	if (!to->by_mx) {
		(void)try_host(a, to->name);
		return;
	}
	status = find_hosts(a);
	if (status != MX_FOUND) {
		a->permanent = status == MX_NONE;
		return;
	}
	for (size_t i = 0; i < a->d->mx.count; i++)
		if (try_host(a, a->d->mx.hosts[i].name))
			return;
}

static void
log_results(struct attempt const *a)
{
	struct client const *c = &a->d->client;

	for (size_t i = 0; i < a->job->recipient_count; i++) {
		struct transaction_result const *r = &a->results[i];
		struct job_recipient const *to = &a->job->recipients[i];
		struct log_line line;

		log_begin(&line,
			r->status == JOB_DONE || r->status == JOB_RELAYED
				? "delivered"
			: r->status == JOB_RETRY ? "deferred"
						 : "failed",
			a->job->id);
		log_text(&line, "to", to->address, to->address_len);
		log_text(&line, "destination", a->d->destination.name,
			strlen(a->d->destination.name));
		log_text(&line, "host", c->peer, strlen(c->peer));
		log_text(&line, "tls", c->tls, strlen(c->tls));
		if (c->security.is_verified)
			log_text(&line, "verified", c->security.whose,
				strlen(c->security.whose));
		log_text(&line, "reply", r->text, strlen(r->text));
		log_end(&line);
	}
}

/* Whether a kept session is one that this message may go over. */
static bool
suits(struct attempt *a)
{
	struct deliver *d = a->d;

	return (d->from == a->from.four || d->from == a->from.six) &&
	       (!a->is_tls_required || is_safe_enough(d)) &&
	       (!d->is_lax || does_without_tls(a));
}

void
deliver_job(struct deliver *d, struct job const *job, int file_fd,
	struct transaction_result *results)
{
	struct attempt a = {.d = d,
		.job = job,
		.file_fd = file_fd,
		.give_up_ms = stream_clock_ms() + DELIVER_SECONDS_MAX * 1000,
		.results = results,
		.permanent = true,
		.is_tls_required = (job->flags & QUEUEFILE_REQUIRETLS) &&
				   job->sender_len > 0,
		.does_without = -1};

	for (size_t i = 0; i < job->recipient_count; i++)
		results[i].status = 0;
	d->client.give_up_ms = a.give_up_ms;
	a.from = outgoing_choose(
		d->outgoing, job->sender, job->sender_len, d->turn);
	if (d->client.fd >= 0 && !suits(&a))
		deliver_quit(d);
	if (d->served >= DELIVER_SHARE)
		deliver_yield(d);
	/* A kept session that fails is nobody's fault: from the start again. */
	if (!client_alive(&d->client) || !send_over_session(&a)) {
		d->served = 0;
		try_destination(&a);
	}
	d->served++;
	if (d->client.fd < 0)
		places_leave(&d->places);
	for (size_t i = 0; i < job->recipient_count; i++) {
		if (results[i].status != 0)
			continue;
		results[i].status = a.permanent ? JOB_FAILED : JOB_RETRY;
		memcpy(results[i].text, a.text, sizeof a.text);
	}
	log_results(&a);
}

void
deliver_quit(struct deliver *d)
{
	client_quit(&d->client);
	places_leave(&d->places);
}

void
deliver_yield(struct deliver *d)
{
	if (d->client.fd >= 0 && places_are_wanted(&d->places))
		deliver_quit(d);
}
