/*
 * deliver.h - jobs of one destination, each tried at its hosts in turn
 *
 * The hosts of RFC 5321 5.1, the next one on a failure of the connection or a
 * 4xx before the message was handed over. The session is kept for the job that
 * follows.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include "common/dns.h"
#include "common/job.h"
#include "remote/client.h"
#include "remote/demand.h"
#include "remote/destination.h"
#include "remote/login.h"
#include "remote/mx.h"
#include "remote/place.h"
#include "remote/stslink.h"
#include "remote/transaction.h"

/* Connections that one job tries, and how long all of it may take. */
#define DELIVER_ATTEMPTS_MAX 10
#define DELIVER_SECONDS_MAX 7200

struct deliver {
	/* The caller's, set before deliver_job. */
	struct dns *dns;
	char const *self; /* our host name, lower case */
	unsigned port;	  /* where a destination names none */
	struct destination destination;
	struct client client; /* client_init; client_quit afterwards */
	struct demand demand; /* dns, anchors, and the table's word */
	struct stslink sts;
	bool has_login;
	struct login_out login; /* of the destination */
	struct outgoing const *outgoing;
	struct places places; /* places_open, before the fork */
	uint32_t turn;	      /* which of several outgoing addresses */
	/* The session that is kept: */
	unsigned served; /* jobs over it */
	bool is_lax;	 /* it is good enough for TLS-Required: No alone */
	struct outgoing_line const *from;
	/* The hosts, until mx_until (stream_clock_ms); 0: not looked up. */
	struct mx mx;
	int64_t mx_until_ms;
};

/* How long a place at a host is waited for. */
#define DELIVER_PLACE_MS 60000
/* Jobs over one session until it is given up for who waits for a place. */
#define DELIVER_SHARE 20

/*
 * Deliver the message that file_fd holds: all of results[0..recipient_count) is
 * settled, and told in the log.
 */
void deliver_job(struct deliver *d, struct job const *job, int file_fd,
	struct transaction_result *results);

/* End the session, and leave its place to others. */
void deliver_quit(struct deliver *d);

/* Between jobs: the same if others wait for its place. */
void deliver_yield(struct deliver *d);

#endif
