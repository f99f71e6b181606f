/*
 * smtpd - receive mail by SMTP
 *
 * On port 25 it is the process that meets the client; after login (-m) it sits
 * behind submit-front, on pipes, under the mailbox's own uid. It trusts its
 * arguments and the open tables, and can write nothing but new queue files
 * through the descriptors of queue/tmp and queue/new.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include "common/log.h"
#include "common/settings.h"
#include "common/tls.h"
#include "common/monitor/template.h"
#include "smtpd/guard.h"
#include "smtpd/session.h"

#define USAGE "smtpd -a address -p port | smtpd -m mailbox -a address"
/* To a client for whom no process can be had. */
#define BUSY "421 4.7.0 Too busy, try again later\r\n"
#define TIMEOUT_DEFAULT 300
#define MEMORY_MAX (32u * 1024 * 1024)
#define FILES_MAX 16

char const *PROG = "smtpd";

static struct front front;
static struct smtp_session session;
static int volatile stop;

static void
on_term(int signal_number)
{
	(void)signal_number;
	stop = 1;
}

static void
set_timeout(void)
{
	uint64_t seconds = settings_number(
		&front.settings, "smtp-timeout", TIMEOUT_DEFAULT);

	if (seconds > 86400)
		seconds = 86400;
	front.stream.timeout_ms = (int)seconds * 1000;
}

static void
open_recipients(void)
{
	if (!table_open_fd(&session.recipients, FRONT_RECIPIENTS_FD)) {
		log_error("failed", NULL, "table", "recipients.cdb", (char *)0);
		_exit(111);
	}
	close(FRONT_RECIPIENTS_FD);
}

/* Port 25. */
static void
start_front(int argc, char const *const *argv)
{
	enum smtp_mode mode;

	front_init(&front, PROG, argc, argv, "smtp", TIMEOUT_DEFAULT * 1000);
	set_timeout();
	open_recipients();
	mode = getuid() == settings_number(
				   &front.settings, "uid-relay", UINT64_MAX)
		       ? SMTP_MODE_WORLD
		       : SMTP_MODE_HOSTED;
	front_seal(SANDBOX_SMTPD);
	smtp_session_init(&session, &front, mode, NULL);
}

/* The front's netstring, with what it knows of the client. */
static void
read_preamble(void)
{
	struct stream *in = &front.stream;
	size_t used = 0;

	for (;;) {
		int r = smtp_preamble_parse(in->in + in->in_start,
			stream_pending(in), &session.client, &used);
		if (r > 0)
			break;
		if (r == 0)
			r = stream_fill(in);
		if (r <= 0) {
			log_event("failed", NULL, "error", "bad preamble",
				(char *)0);
			_exit(111);
		}
	}
	in->in_start += used;
}

static void
open_settings(void)
{
	if (table_open_fd(&front.settings, FRONT_SETTINGS_FD))
		front.hostname = settings_text(&front.settings, "hostname");
	if (front.hostname == NULL) {
		log_event("failed", NULL, "table", "settings.cdb", (char *)0);
		_exit(111);
	}
	close(FRONT_SETTINGS_FD);
}

/* After login. */
static void
start_mailbox(char const *mailbox, char const *client)
{
	struct sandbox sandbox = {.filter = SANDBOX_SMTPD,
		.memory = MEMORY_MAX,
		.files = FILES_MAX,
		.may_write = true,
		.read_write = {FRONT_TMP_FD, FRONT_NEW_FD},
		.read_write_count = 2};
	struct sigaction action = {.sa_handler = on_term};
	sigset_t term;

	log_open(PROG);
	/* Taken only while the stream waits for input. */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	sigaction(SIGTERM, &action, NULL);
	open_settings();
	open_recipients();
	front.client = client;
	front.is_tls = true;
	stream_init(&front.stream, 0, 1, TIMEOUT_DEFAULT * 1000);
	front.stream.stop = &stop;
	set_timeout();
	smtp_guard_inherit(&session, &front.settings);
	sandbox_enter_or_exit(&sandbox);
	smtp_session_init(&session, &front, SMTP_MODE_OWNER, mailbox);
	read_preamble();
	session.is_extended = true;
}

int
main(int argc, char const *const *argv)
{
	char const *mailbox = NULL, *client = NULL;
	subgetopt options = SUBGETOPT_ZERO;
	int opt;

	if (getuid() == 0)
		strerr_dief1x(100, "refuses to run as root");
	if (argc == 1)
		argc = template_run(PROG, BUSY, &argv);
	while ((opt = subgetopt_r(argc, argv, "m:a:p:T", &options)) != -1) {
		if (opt == 'm')
			mailbox = options.arg;
		else if (opt == 'a')
			client = options.arg;
		else if (opt == '?')
			strerr_dieusage(100, USAGE);
	}
	if (client == NULL || options.ind < argc)
		strerr_dieusage(100, USAGE);
	if (mailbox != NULL)
		start_mailbox(mailbox, client);
	else
		start_front(argc, argv);
	smtp_session_run(&session);
	return 0;
}
