/*
 * alarm.h - telling the postmaster that an account looks stolen
 */
#ifndef SMTP_ALARM_H
#define SMTP_ALARM_H

#include "smtpd/session.h"

/* After a login: log it, and queue a message to postmaster, from the null
 * sender and under the mailbox's uid. reason: one of POLICING_ALARMS. Whoever
 * calls does so once a day for an account. What fails is logged. */
void smtp_alarm(struct smtp_session *s, char reason);

#endif
