/*
 * received.h - our Received field (RFC 5321 4.4; RFC 3848, RFC 6531 3.7.3)
 */
#ifndef SMTP_RECEIVED_H
#define SMTP_RECEIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets that it can need at most. */
#define SMTP_RECEIVED_MAX 2048

struct smtp_received {
	char const *helo;      /* as the client gave it, checked */
	char const *client;    /* address as text */
	char const *name;      /* of the address in the DNS, or empty */
	char const *host;      /* ours */
	char const *id;	       /* of the queue file */
	char const *tls;       /* what TLS agreed on; empty: none */
	bool is_extended;      /* EHLO, not HELO */
	bool is_login;	       /* after AUTH */
	bool is_utf8;	       /* SMTPUTF8 was asked for */
	bool is_hidden;	       /* where from is left out */
	char const *recipient; /* NULL: more than one, who shall not know of
				* one another */
	uint64_t seconds;
};

/* Write the field, with its CRLF; returns the length. Strings that do not fit
 * are cut. */
size_t smtp_received_format(
	char out[SMTP_RECEIVED_MAX], struct smtp_received const *r);

#endif
