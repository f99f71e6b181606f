/*
 * job.h - what the manager asks of a delivery, and what it hears back
 *
 * The manager asks a spawner to open a channel (to a mailbox or a destination);
 * the spawner forks a process and answers with one end of a pair, over which
 * the manager sends jobs, each with an open read-only descriptor of the queue
 * file, and gets one report a job. Both directions are hostile to the
 * receiver: forms and lengths are checked. Pure functions over frames.
 */
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/id.h"
#include "common/queuefile.h"
#include "common/wire.h"

/* Recipients of one job. With all that may come along 50 do not fit into a
 * frame: whoever puts them together keeps the sum of job_recipient_octets below
 * JOB_OCTETS_MAX. */
#define JOB_RECIPIENTS_MAX 50
#define JOB_OCTETS_MAX (WIRE_FRAME_MAX - JOB_LINES_MAX - 1024)
/* Octets of header lines that come along. */
#define JOB_LINES_MAX 8192
#define JOB_ADDRESS_MAX 320
/* Octets of an answer's text. */
#define JOB_TEXT_MAX 400

/* Manager -> spawner. name: a mailbox's address, or a destination. */
struct job_open {
	uint32_t channel;
	char const *name;
	size_t name_len;
};
/* Spawner -> manager; JOB_OPENED comes with one descriptor. */
enum job_opened { JOB_OPENED = 'o', JOB_UNKNOWN = 'u', JOB_LATER = 'l' };

struct job_recipient {
	char const *address;
	size_t address_len;
	unsigned notify;   /* QUEUEFILE_NOTIFY_*; 0: not said */
	char const *orcpt; /* as given, or empty */
	size_t orcpt_len;
};

/* Manager -> delivery, with one descriptor. */
struct job {
	uint32_t number;
	char id[ID_LEN + 1];
	uint64_t message_offset, message_len, added_offset, added_len;
	unsigned flags; /* JOB_FLAGS; others mean nothing */
	char const *sender;
	size_t sender_len;
	/* What the sender asked for, as in queuefile.h. */
	int priority;
	uint64_t deliver_by; /* seconds since 1970; 0: none */
	char by_mode;	     /* 'R', 'N'; 0 without deliver_by */
	bool by_trace;
	char ret;	   /* 'F', 'H', 0 */
	char const *envid; /* or empty */
	size_t envid_len;
	/* remote: for RCPT TO; local: one, the address as it was in the
	 * envelope, for Delivered-To */
	struct job_recipient recipients[JOB_RECIPIENTS_MAX];
	size_t recipient_count;
	/* whole header lines with CRLF that go in front of all (signatures, to
	 * other hosts; a list's fields for this recipient alone), or empty */
	char const *lines;
	size_t lines_len;
};

/* Of a job to remote alone: the message is sent as mime/reencode.h makes it for
 * a host that takes no 8-bit octet, whatever the host takes: so it is signed.
 */
#define JOB_SEVEN 128u

/* The flags of a queue file that deliveries are told. */
#define JOB_FLAGS                                                              \
	(QUEUEFILE_8BIT | QUEUEFILE_UTF8 | QUEUEFILE_BINARY |                  \
		QUEUEFILE_REQUIRETLS | QUEUEFILE_JUNK)

enum job_status {
	JOB_DONE = 'd',
	/* Done, by a host that will not report a success (RFC 3461 5.2.2). */
	JOB_RELAYED = 'h',
	JOB_RETRY = 'r',
	JOB_FAILED = 'f'
};

/* Octets that a recipient takes in a frame. */
static inline size_t
job_recipient_octets(size_t address_len, size_t orcpt_len)
{
	return address_len + orcpt_len + 5;
}

struct job_result {
	enum job_status status;
	/* One line for logs, mailq and bounces: "mx.example.net said: 550
	 * 5.1.1 no such user", or the delivered file. May be foreign. */
	char const *text;
	size_t text_len;
};

/* Delivery -> manager: one result for each recipient, in order. */
struct job_report {
	uint32_t number;
	struct job_result results[JOB_RECIPIENTS_MAX];
	size_t result_count;
};

/* Encoders: the frame's length, or 0 if something is too long. */
size_t job_open_encode(char *s, size_t max, struct job_open const *open);
size_t job_opened_encode(
	char *s, size_t max, uint32_t channel, enum job_opened answer);
size_t job_encode(char *s, size_t max, struct job const *job);
size_t job_report_encode(char *s, size_t max, struct job_report const *report);

/* Decoders: pointers go into the frame. False: malformed. */
bool job_open_decode(char const *s, size_t len, struct job_open *open_r)
	__attribute__((warn_unused_result));
bool job_opened_decode(char const *s, size_t len, uint32_t *channel_r,
	enum job_opened *answer_r) __attribute__((warn_unused_result));
bool job_decode(char const *s, size_t len, struct job *job_r)
	__attribute__((warn_unused_result));
bool job_report_decode(char const *s, size_t len, struct job_report *report_r)
	__attribute__((warn_unused_result));

#endif
