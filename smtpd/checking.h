/*
 * checking.h - asking `check` about a message, before it is accepted
 *
 * smtpd sends what it knows of a message, with the queue file's descriptor,
 * over the pair that its monitor gave it, and gets a verdict and header lines.
 * Frames are those of common/wire.h; doc/PIPES.md shows them octet by octet.
 * Encoders give the frame's length, or 0 if it does not fit or breaks the form
 * that the decoder demands. Decoders point into the frame; false: malformed.
 * Both sides check all again. Only checking_ask does i/o.
 */
#ifndef CHECKING_H
#define CHECKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* Octets of a client's address as text, a name (client's, HELO's), what TLS
 * agreed on, a path or a mailbox, an id. */
#define CHECKING_CLIENT_MAX 64
#define CHECKING_NAME_MAX 255
#define CHECKING_TLS_MAX 100
#define CHECKING_PATH_MAX 320
#define CHECKING_ID_MAX 32
/* Octets of a reply's text, its enhanced code included. */
#define CHECKING_TEXT_MAX 400
/* Recipients of a message; octets of all header lines of a verdict. */
#define CHECKING_RECIPIENTS_MAX 1000
#define CHECKING_LINES_MAX 65536
/* Octets of one frame of header lines. */
#define CHECKING_LINES_FRAME 16384

struct checking_bytes {
	char const *s;
	size_t len;
};

/* All but size and offsets are without control characters. */
struct checking_message {
	struct checking_bytes client;  /* address as text */
	struct checking_bytes name;    /* of the address, or empty */
	struct checking_bytes helo;    /* as the client said it */
	struct checking_bytes tls;     /* version and suite, or empty */
	struct checking_bytes mailbox; /* who has logged in, or empty */
	struct checking_bytes sender;  /* reverse-path without brackets */
	struct checking_bytes id;      /* of the queue file */
	uint64_t message_offset, message_len; /* in the file */
	uint64_t added_offset, added_len;     /* len 0: nothing added yet */
	uint32_t flags;			      /* QUEUEFILE_* */
	uint32_t messages; /* of policing_answer; 0: not known */
	bool is_early;	   /* the client spoke before it was greeted */
};

enum checking_action {
	CHECKING_ACCEPT = 'a',
	CHECKING_REJECT = 'r',
	CHECKING_TEMPFAIL = 't',
	CHECKING_DISCARD = 'd' /* say 250 and keep nothing */
};

struct checking_verdict {
	enum checking_action action;
	/* For REJECT 500 to 599, for TEMPFAIL 400 to 499, else 250. */
	uint16_t code;
	/* Begins with an enhanced code; printable ASCII; may be empty. */
	struct checking_bytes text;
	bool is_junk;
	bool is_replaced; /* a descriptor comes along: the new message */
	uint64_t replacement_len; /* from offset 0 of it; CRLF lines */
};

size_t checking_message_encode(
	char *s, size_t max, struct checking_message const *m);
bool checking_message_decode(char const *s, size_t len,
	struct checking_message *m_r) __attribute__((warn_unused_result));

/*
 * Recipients, each NUL-ended, to[0..len). As many as fit go into the frame;
 * *used_r says how many octets of to those were.
 */
size_t checking_recipients_encode(
	char *s, size_t max, char const *to, size_t len, size_t *used_r);
/* Appends the frame's recipients to to, each NUL-ended, and adds their number
 * to *count. False: malformed, more than CHECKING_RECIPIENTS_MAX, or no memory.
 */
bool checking_recipients_decode(char const *s, size_t len, stralloc *to,
	size_t *count) __attribute__((warn_unused_result));

size_t checking_verdict_encode(
	char *s, size_t max, struct checking_verdict const *v);
bool checking_verdict_decode(char const *s, size_t len,
	struct checking_verdict *v_r) __attribute__((warn_unused_result));

/* Header lines: whole lines that end in CRLF, without NUL, bare CR or LF;
 * each begins with a field name or a blank, the first with a field name. */
size_t checking_lines_encode(
	char *s, size_t max, char const *lines, size_t len);
bool checking_lines_decode(char const *s, size_t len,
	struct checking_bytes *lines_r) __attribute__((warn_unused_result));

/* The end, of recipients and of lines: one octet. */
#define CHECKING_END 'e'
bool checking_is_end(char const *s, size_t len);

struct checking_answer {
	enum checking_action action;
	uint16_t code;
	char text[CHECKING_TEXT_MAX + 1]; /* NUL-ended */
	bool is_junk;
	int replacement_fd; /* -1: none; the caller's */
	uint64_t replacement_len;
	stralloc lines; /* CRLF-ended header lines; the caller frees it */
};
#define CHECKING_ANSWER_ZERO                                                   \
	{                                                                      \
		.action = CHECKING_TEMPFAIL, .replacement_fd = -1,             \
		.lines = STRALLOC_ZERO                                         \
	}

/*
 * Ask over fd about the message in file_fd (its recipients NUL-ended in
 * to[0..to_len)) and wait for the answer, timeout_ms at most. answer_r is
 * CHECKING_ANSWER_ZERO at first.
 *
 * False: no verdict (errno); the message gets 451 4.3.0, and the pair can't be
 * used again. Nothing in answer_r is the caller's then.
 */
bool checking_ask(int fd, int file_fd, struct checking_message const *m,
	char const *to, size_t to_len, int timeout_ms,
	struct checking_answer *answer_r) __attribute__((warn_unused_result));

/* Close and free what an answer holds; twice is safe. */
void checking_answer_free(struct checking_answer *answer);

#endif
