/*
 * policing.h - asking `policy` whether and how fast to go on
 *
 * smtpd tells `policy` of each stage of a session and hears accept, try later
 * or refuse, and how long to hold its reply back. Frames are those of
 * common/wire.h; doc/PIPES.md shows them. One question at a time on a pair.
 * Encoders give the frame's length, or 0 if it does not fit or breaks the form
 * that the decoder demands; decoders point into the frame. Only policing_ask
 * does i/o.
 */
#ifndef POLICING_H
#define POLICING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "smtpd/checking.h"

enum policing_stage {
	POLICING_CONNECT = 'c',
	POLICING_HELO = 'h',
	POLICING_MAIL = 'm',
	POLICING_RCPT = 'r',	/* a recipient that would be taken */
	POLICING_END = 'e',	/* end of data, before it is accepted */
	POLICING_UNKNOWN = 'x', /* a recipient that there is not */
	POLICING_LOGIN = 'f'	/* a login that failed */
};

/* What is not known at a stage is empty, or 0. */
struct policing_question {
	enum policing_stage stage;
	struct checking_bytes client;	 /* address as text */
	struct checking_bytes name;	 /* of the address */
	struct checking_bytes helo;	 /* as the client said it */
	struct checking_bytes mailbox;	 /* who has logged in */
	struct checking_bytes sender;	 /* reverse-path, no brackets */
	struct checking_bytes recipient; /* the one in question */
	uint64_t size; /* declared at MAIL; at END that of the message */
};

enum policing_action {
	POLICING_ACCEPT = 'a',
	POLICING_LATER = 't',
	POLICING_REFUSE = 'r'
};

/* Longest delay that is asked for. */
#define POLICING_DELAY_MAX_MS 60000

/* Too many messages, recipients, new destinations, unknown recipients, networks
 * that the user sends from. */
#define POLICING_ALARMS "mrdxn"

struct policing_answer {
	enum policing_action action;
	uint32_t delay_ms; /* to wait before the reply, at most the above */
	/* The reply, e.g. "450 4.7.1 try again later"; of three digits of the
	 * right class and printable ASCII; empty: the stage's own. */
	char text[CHECKING_TEXT_MAX + 1];
	/* What is sent is to be held in the queue: the user has sent more than
	 * usual. Only with ACCEPT. */
	bool is_held;
	/* One of POLICING_ALARMS: the postmaster is to hear of the user, which
	 * is said once a day; 0: not. */
	char alarm;
	/* At the end of data: messages within the hour of the client's network,
	 * or of who has logged in, this one included; else 0. */
	uint32_t messages;
};

size_t policing_question_encode(
	char *s, size_t max, struct policing_question const *q);
bool policing_question_decode(char const *s, size_t len,
	struct policing_question *q_r) __attribute__((warn_unused_result));

size_t policing_answer_encode(
	char *s, size_t max, struct policing_answer const *a);
bool policing_answer_decode(char const *s, size_t len,
	struct policing_answer *a_r) __attribute__((warn_unused_result));

/*
 * Ask, and wait for the answer, timeout_ms at most. The caller sleeps.
 *
 * False: no answer (errno), and the pair can't be used again; answer_r accepts
 * without delay then, since policy guards comfort, not mailboxes: mail goes on
 * without it.
 */
bool policing_ask(int fd, struct policing_question const *q, int timeout_ms,
	struct policing_answer *answer_r) __attribute__((warn_unused_result));

#endif
