/*
 * submit-front - submission of mail, until the client has logged in
 *
 * Meets the client on ports 587 and 465, speaks TLS, asks the monitor whether a
 * password is right, and from then on moves octets between the client and the
 * smtpd of the mailbox's own uid. Trusts its arguments and the monitor; can
 * write nothing but its socket and the pair.
 */
#include "common/settings.h"
#include "common/monitor/template.h"
#include "smtpd/submit.h"

/* To a client for whom no process can be had. */
#define BUSY "421 4.7.0 Too busy, try again later\r\n"

#define TIMEOUT_DEFAULT 60
#define SESSION_TIMEOUT_DEFAULT 300

char const *PROG = "submit-front";

static struct front front;
static struct submit submit = {.front = &front};

static int
timeout_ms(char const *key, unsigned otherwise)
{
	uint64_t seconds = settings_number(&front.settings, key, otherwise);

	return (int)(seconds > 86400 ? 86400 : seconds) * 1000;
}

int
main(int argc, char const *const *argv)
{
	if (argc == 1)
		argc = template_run(PROG, BUSY, &argv);
	front_init(&front, PROG, argc, argv, "smtp", TIMEOUT_DEFAULT * 1000);
	front.stream.timeout_ms = timeout_ms("login-timeout", TIMEOUT_DEFAULT);
	front_seal(SANDBOX_FRONT);
	if (!submit_run(&submit))
		return 0;
	front.stream.timeout_ms =
		timeout_ms("smtp-timeout", SESSION_TIMEOUT_DEFAULT);
	front_move(&front, submit.pipes);
}
