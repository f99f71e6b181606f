/*
 * guard.h - asking policy and check, where the settings want it
 *
 * Each is asked over a pair that the monitor gives, if a setting wants it.
 * Where there is none to be had, mail goes on without policy, and waits for
 * check (451).
 */
#ifndef SMTP_GUARD_H
#define SMTP_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include "smtpd/policing.h"
#include "smtpd/session.h"

/* After a login the pairs are there from the start, if at all: take them,
 * before the sandbox. Otherwise the monitor is asked for them. */
void smtp_guard_inherit(struct smtp_session *s, struct table const *settings);

/*
 * Ask policy at a stage; waits as long as it says. recipient may be NULL.
 * False: it was refused, and is answered and logged.
 */
bool smtp_guard_stage(struct smtp_session *s, enum policing_stage stage,
	struct addr const *recipient, uint64_t size)
	__attribute__((warn_unused_result));

/*
 * Behind the last octet, with our own header lines written: ask policy and
 * check about the message in s->intake. Header lines of the verdict are added;
 * a replaced one stands in s->intake then. False: answered and logged.
 */
bool smtp_guard_message(struct smtp_session *s)
	__attribute__((warn_unused_result));

#endif
