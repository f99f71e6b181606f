/*
 * cmd.h - the commands of a session, one function each
 *
 * Called in the states that session.c's table allows. argument is not
 * NUL-ended; it holds no control characters; octets beyond ASCII
 * only for MAIL, RCPT, VRFY and EXPN.
 */
#ifndef SMTP_CMD_H
#define SMTP_CMD_H

#include "smtpd/session.h"

typedef void smtp_cmd_function(
	struct smtp_session *s, char const *argument, size_t len);

smtp_cmd_function smtp_cmd_helo;
smtp_cmd_function smtp_cmd_ehlo;
smtp_cmd_function smtp_cmd_mail;
smtp_cmd_function smtp_cmd_rcpt;
smtp_cmd_function smtp_cmd_data;
smtp_cmd_function smtp_cmd_rset;
smtp_cmd_function smtp_cmd_noop;
smtp_cmd_function smtp_cmd_vrfy;
smtp_cmd_function smtp_cmd_help;
smtp_cmd_function smtp_cmd_quit;
smtp_cmd_function smtp_cmd_starttls;
smtp_cmd_function smtp_cmd_auth;
smtp_cmd_function smtp_cmd_bdat;
smtp_cmd_function smtp_cmd_etrn;
smtp_cmd_function smtp_cmd_expn;
smtp_cmd_function smtp_cmd_xclient;
smtp_cmd_function smtp_cmd_not_here;
smtp_cmd_function smtp_cmd_http;
smtp_cmd_function smtp_cmd_unknown;

#endif
