/* Every answer that smtpd and submit-front can give. */
#include <string.h>
#include "smtpd/reply.h"

static struct {
	char const *text;
	bool is_bad;
} const replies[SMTP_REPLIES] = {
	[SMTP_R_GREETING] = {"220 % ESMTP Kereru", false},
	[SMTP_R_BYE] = {"221 2.0.0 % says goodbye", false},
	[SMTP_R_OK] = {"250 2.0.0 ok", false},
	[SMTP_R_HELLO] = {"250 %", false},
	[SMTP_R_SENDER] = {"250 2.1.0 sender ok", false},
	[SMTP_R_RECIPIENT] = {"250 2.1.5 recipient ok", false},
	[SMTP_R_QUEUED] = {"250 2.0.0 ok, queued as %", false},
	[SMTP_R_CHUNK] = {"250 2.0.0 % octets received", false},
	[SMTP_R_WOKEN] = {"250 2.0.0 ok, trying %", false},
	[SMTP_R_MEMBER] = {"250 2.1.5 <%>", false},
	[SMTP_R_VRFY] = {"252 2.0.0 send a message and see", false},
	[SMTP_R_HELP] = {"214 2.0.0 commands: HELO EHLO MAIL RCPT DATA BDAT "
			 "RSET NOOP VRFY EXPN ETRN HELP QUIT STARTTLS AUTH; "
			 "see RFC 5321",
		false},
	[SMTP_R_GO_AHEAD] = {"354 go ahead, end with a line of one dot", false},
	[SMTP_R_TLS_READY] = {"220 2.0.0 ready for TLS", false},
	[SMTP_R_LOGIN_OK] = {"235 2.7.0 logged in", false},
	[SMTP_R_TIMEOUT] = {"421 4.4.2 % waited too long for you", false},
	[SMTP_R_STOPPED] = {"421 4.3.2 % is shutting down", false},
	[SMTP_R_TOO_MANY] = {"421 4.7.0 % has too many connections of yours",
		false},
	[SMTP_R_BAD_COMMANDS] = {"421 4.7.0 % has seen too many bad commands",
		false},
	[SMTP_R_HTTP] = {"421 4.7.0 % is no web server", false},
	[SMTP_R_INJECTION] = {"421 4.7.0 % got octets behind STARTTLS", false},
	[SMTP_R_FAILED_LOGINS] = {"421 4.7.0 % has seen too many failed logins",
		false},
	[SMTP_R_MANY_REFUSED] = {"421 4.7.0 % has refused too many recipients",
		false},
	[SMTP_R_IDLE] = {"421 4.7.0 % has seen many commands and no message",
		false},
	[SMTP_R_LOST_CHUNK] = {"421 4.7.0 % can't tell the chunk from commands",
		false},
	[SMTP_R_TROUBLE] = {"451 4.3.0 trouble here, try again later", false},
	[SMTP_R_QUEUE_FULL] = {"452 4.3.1 no room here, try again later",
		false},
	[SMTP_R_MAILBOX_FULL] = {"452 4.2.2 the mailbox is full", false},
	[SMTP_R_TOO_MANY_RECIPIENTS] = {"452 4.5.3 too many recipients", false},
	[SMTP_R_WAKE_LATER] = {"458 4.3.0 can't do that now, try again later",
		false},
	[SMTP_R_WAKE_DENIED] = {"459 4.7.1 not for you", false},
	[SMTP_R_TLS_LATER] = {"454 4.7.0 TLS is not available", false},
	[SMTP_R_LOGIN_LATER] = {"454 4.7.0 can't check that now, try again "
				"later",
		false},
	[SMTP_R_LINE_LONG] = {"500 5.5.2 line too long", true},
	[SMTP_R_LINE_CONTROL] = {"500 5.5.2 control character in the line, or "
				 "no CRLF behind it",
		true},
	[SMTP_R_LINE_8BIT] = {"501 5.5.2 command is not in ASCII", true},
	[SMTP_R_UNKNOWN] = {"500 5.5.1 unknown command", true},
	[SMTP_R_NOT_HERE] = {"502 5.5.1 command not implemented", true},
	[SMTP_R_SYNTAX] = {"501 5.5.4 syntax: %", true},
	[SMTP_R_VALUE] = {"501 5.5.4 bad value of a parameter", true},
	[SMTP_R_PARAMETER] = {"555 5.5.4 unknown parameter", true},
	[SMTP_R_BAD_SENDER] = {"501 5.1.7 %", true},
	[SMTP_R_BAD_RECIPIENT] = {"501 5.1.3 %", false},
	[SMTP_R_NEED_HELLO] = {"503 5.5.1 EHLO first", true},
	[SMTP_R_NEED_MAIL] = {"503 5.5.1 MAIL first", true},
	[SMTP_R_NEED_RCPT] = {"503 5.5.1 RCPT first", true},
	[SMTP_R_NO_CHUNKS] = {"503 5.5.1 no transaction that takes chunks",
		false},
	[SMTP_R_NEED_BDAT] = {"503 5.5.1 a binary message needs BDAT", true},
	[SMTP_R_NESTED] = {"503 5.5.1 not within a transaction", true},
	[SMTP_R_IS_TLS] = {"503 5.5.1 TLS is on already", true},
	[SMTP_R_IS_LOGIN] = {"503 5.5.1 logged in already", true},
	[SMTP_R_NO_RECIPIENTS] = {"554 5.5.1 no valid recipients", false},
	[SMTP_R_NEED_TLS] = {"530 5.7.0 STARTTLS first", true},
	[SMTP_R_NEED_LOGIN] = {"530 5.7.0 log in first", true},
	[SMTP_R_LOGIN_FAILED] = {"535 5.7.8 wrong name or password", false},
	[SMTP_R_CANCELLED] = {"501 5.7.0 login cancelled", true},
	[SMTP_R_BASE64] = {"501 5.5.2 malformed base64", true},
	[SMTP_R_SASL_LONG] = {"500 5.5.6 login message too long", true},
	[SMTP_R_MECHANISM] = {"504 5.5.4 unknown login mechanism", true},
	[SMTP_R_NO_MAILBOX] = {"550 5.1.1 no such mailbox here", false},
	[SMTP_R_TAKES_NONE] = {"550 5.2.1 that mailbox takes no mail", false},
	[SMTP_R_NO_RELAY] = {"550 5.7.1 relaying denied", false},
	[SMTP_R_NOT_OWNER] = {"553 5.7.1 that sender's address is not yours",
		false},
	[SMTP_R_NOT_TOLD] = {"550 5.7.1 that is not told", false},
	[SMTP_R_NOT_TRUSTED] = {"550 5.7.1 XCLIENT is not for you", true},
	[SMTP_R_UTF8_SENDER] = {"550 5.6.7 that address needs SMTPUTF8", false},
	[SMTP_R_UTF8_RECIPIENT] = {"553 5.6.7 that address needs SMTPUTF8",
		false},
	[SMTP_R_FLAWED] = {"550 5.6.0 message has a bare CR, a bare LF or a "
			   "NUL",
		false},
	[SMTP_R_LONG_LINE] = {"550 5.6.0 message has a line that is too long",
		false},
	[SMTP_R_TOO_BIG] = {"552 5.3.4 message is too big", false},
	[SMTP_R_LOOP] = {"554 5.4.6 too many hops, this is a loop", false},
	[SMTP_R_EARLY] = {"554 5.5.1 % speaks first", false},
	[SMTP_R_POLICY_LATER] = {"450 4.7.1 not now, try again later", false},
	[SMTP_R_POLICY_REFUSED] = {"550 5.7.1 refused", false},
	[SMTP_R_GIVEN] = {"%", false},
};

size_t
smtp_reply_format(
	char out[SMTP_REPLY_MAX], enum smtp_reply r, char const *detail)
{
	char const *text = replies[r].text;
	size_t n = 0;

	for (; *text != '\0' && n < SMTP_REPLY_MAX; text++) {
		size_t len = 1;
		char const *piece = text;

		if (*text == '%') {
			piece = detail;
			len = strlen(detail);
		}
		if (len > SMTP_REPLY_MAX - n)
			len = SMTP_REPLY_MAX - n;
		memcpy(out + n, piece, len);
		n += len;
	}
	return n;
}

bool
smtp_reply_is_bad(enum smtp_reply r)
{
	return replies[r].is_bad;
}

bool
smtp_reply_send(struct stream *stream, enum smtp_reply r, char const *detail)
{
	char text[SMTP_REPLY_MAX];
	size_t len = smtp_reply_format(text, r, detail);

	return stream_write(stream, text, len) && stream_puts(stream, "\r\n");
}
