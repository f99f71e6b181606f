/* Jobs of one destination, each tried at its hosts in turn: see deliver.h. */
#include <string.h>
#include <unistd.h>
#include "common/log.h"
#include "remote/deliver.h"
#include "remote/race.h"
#include "remote/text.h"

/* How long the hosts are kept at most and at least, in seconds: a burst of
 * jobs asks once, a change is seen soon. */
#define MX_KEEP_MAX 3600u
#define MX_KEEP_MIN 10u

struct attempt {
	struct deliver *d;
	struct job const *job;
	int file_fd;
	int64_t give_up_ms;
	struct transaction_result *results;
	unsigned connections;
	bool permanent; /* every failure so far was */
	char text[CLIENT_TEXT_SIZE];
};

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

/* True: every recipient is settled, or no more is to be tried. */
static bool
try_address(struct attempt *a, char const *host, struct mx_address const *to)
{
	struct deliver *d = a->d;
	struct client *c = &d->client;
	enum client_status status;
	unsigned port = d->destination.port;

	if (a->connections++ == DELIVER_ATTEMPTS_MAX ||
		stream_clock_ms() > a->give_up_ms || client_is_alone(c))
		return true;
	c->give_up_ms = a->give_up_ms;
	status = client_open(c, host, to, port != 0 ? port : d->port, a->text);
	if (status == CLIENT_OK) {
		if (send_over_session(a))
			return true;
		status = CLIENT_TEMPORARY;
	}
	if (status != CLIENT_PERMANENT)
		a->permanent = false;
	log_skipped(a, c->peer);
	return false;
}

/* Connect to one of the addresses; those that failed are taken out, and the
 * one that answered comes first. How many are left. */
static size_t
race(struct attempt *a, char const *host, struct mx_address *addresses,
	size_t count)
{
	struct client *c = &a->d->client;
	unsigned port = a->d->destination.port;
	unsigned seconds = c->patience < CLIENT_WAIT_CONNECT
				   ? c->patience
				   : CLIENT_WAIT_CONNECT;
	struct race_runner runners[MX_ADDRESSES_MAX] = {{0}};
	struct mx_address left[MX_ADDRESSES_MAX];
	size_t n = 0;
	int winner;

	for (size_t i = 0; i < count; i++)
		runners[i].address = &addresses[i];
	winner = race_run(runners, count, port != 0 ? port : a->d->port,
		(int)seconds * 1000, c->hangup_fd);
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
		if (count > 1 && a->connections < DELIVER_ATTEMPTS_MAX)
			count = race(a, host, addresses, count);
		if (count == 0 || client_is_alone(&a->d->client))
			break;
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
	enum mx_status status;
	size_t count;

	if (client_is_alone(&a->d->client))
		return true;
	status = mx_addresses(
		a->d->dns, host, dns_timeout_ms(a), addresses, &count, a->text);
	if (status != MX_FOUND) {
		a->permanent = a->permanent && status == MX_NONE;
		log_skipped(a, host);
		return false;
	}
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
		log_text(&line, "reply", r->text, strlen(r->text));
		log_end(&line);
	}
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
		.permanent = true};

	for (size_t i = 0; i < job->recipient_count; i++)
		results[i].status = 0;
	d->client.give_up_ms = a.give_up_ms;
	/* A kept session that fails is nobody's fault: from the start again. */
	if (!client_alive(&d->client) || !send_over_session(&a))
		try_destination(&a);
	for (size_t i = 0; i < job->recipient_count; i++) {
		if (results[i].status != 0)
			continue;
		results[i].status = a.permanent ? JOB_FAILED : JOB_RETRY;
		memcpy(results[i].text, a.text, sizeof a.text);
	}
	log_results(&a);
}
