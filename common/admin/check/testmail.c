/* A test message: through SMTP and the queue into a mailbox, read by IMAP and
 * by POP3, and removed. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/id.h"
#include "common/addr.h"
#include "common/admin/edit.h"
#include "common/admin/check/testmail.h"

/* A mailbox of this name, in whatever domain, is for these messages. */
#define SPECIAL "kereru-check@"
#define TIMEOUT_MS 40000
#define SECONDS 120

static struct config_user const *
find_mailbox(struct doctor *d)
{
	char key[ADDR_KEY_MAX + 1];
	struct config_user const *u = NULL;

	if (d->mailbox == NULL) {
		for (size_t i = 0; i < d->config.users.count && u == NULL; i++)
			if (strncmp(d->config.users.list[i].name.s, SPECIAL,
				    sizeof SPECIAL - 1) == 0)
				u = &d->config.users.list[i];
		return u;
	}
	if (edit_address(d->mailbox, key, sizeof key))
		u = config_user(&d->config, key, strlen(key));
	if (u == NULL)
		doctor_find(d, FIND_MESSAGE_NOBODY, 0, d->mailbox, NULL, NULL,
			NULL);
	return u;
}

/* `... queued as ID`: what a person may ask `kereru why` about. */
static void
keep_id(struct testmail *m, char const *answer)
{
	char const *last = strrchr(answer, ' ');

	if (last != NULL && strlen(last + 1) == ID_LEN &&
		id_valid(last + 1, ID_LEN))
		memcpy(m->shared->id, last + 1, ID_LEN);
}

static void
refused(struct doctor *d, struct testmail const *m, char const *answer)
{
	doctor_find(d, FIND_MESSAGE_REFUSED, 0, m->address, answer, NULL, NULL);
}

/* What begins with 4 may be a greylist at work. */
static bool
is_greylisted(struct doctor const *d, unsigned code)
{
	return code / 100 == 4 && *doctor_setting(d, "greylist") == '1';
}

/* The body, with the last dot. From nobody: no program answers that. */
static void
format(struct doctor const *d, struct testmail const *m, char *text,
	size_t size)
{
	snprintf(text, size,
		"From: <kereru-check@%s>\r\n"
		"To: <%s>\r\n"
		"Subject: a test by kereru check\r\n"
		"Message-ID: <%s@%s>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"\r\n"
		"It is removed again as soon as it has arrived.\r\n.",
		d->hostname, m->address, m->token, d->hostname);
}

static void
send_over(struct doctor *d, struct testmail *m, struct stream *s)
{
	char hello[100], to[FINDING_SUBJECT + 16], text[2048],
		answer[TALK_ANSWER] = "";
	char const *const commands[] = {
		NULL, hello, "MAIL FROM:<>", to, "DATA", text};
	static unsigned const wanted[] = {220, 250, 250, 250, 354, 250};

	/* A name of our own would be one that others may not say. */
	snprintf(hello, sizeof hello, "EHLO %s", m->hello);
	snprintf(to, sizeof to, "RCPT TO:<%s>", m->address);
	format(d, m, text, sizeof text);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		unsigned code = talk_smtp(s, commands[i], answer);
		if (code == wanted[i])
			continue;
		if (!is_greylisted(d, code))
			refused(d, m, answer);
		return;
	}
	keep_id(m, answer);
	m->shared->is_sent = true;
	(void)talk_smtp(s, "QUIT", answer);
}

static void
send_message(struct doctor *d, void *data)
{
	static struct stream s;
	struct testmail *m = data;
	struct sockaddr_storage address;
	char where[64];
	unsigned len;

	apart_confine();
	if (!doctor_listener(
		    d, "listen-smtp", &address, &len, where, sizeof where))
		return;
	if (!apart_connect(&s, (struct sockaddr *)&address, len, TIMEOUT_MS)) {
		refused(d, m, strerror(errno));
		return;
	}
	send_over(d, m, &s);
	stream_close(&s);
}

static bool
prepare(struct doctor *d, struct testmail *m, struct config_user const *u)
{
	unsigned char random[16];

	m->address = u->name.s;
	m->uid = u->uid;
	m->hello = "[127.0.0.1]";
	randombytes_buf(random, sizeof random);
	sodium_bin2hex(m->token, sizeof m->token, random, sizeof random);
	m->shared = mmap(NULL, sizeof *m->shared, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m->shared == MAP_FAILED)
		return false;
	m->password_fd = -1;
	if (d->password_file != NULL) {
		m->password_fd = open(d->password_file, O_RDONLY | O_CLOEXEC);
		if (m->password_fd < 0)
			return false;
	}
	return config_maildir(&d->config, u, &m->maildir) &&
	       stralloc_append(&m->maildir, '\0');
}

static bool
may_run(struct doctor const *d)
{
	return *doctor_setting(d, "listen-smtp") != '\0' &&
	       !doctor_is_down(d, "smtp") && !doctor_is_down(d, "queue") &&
	       !doctor_is_down(d, "imap") && !doctor_is_down(d, "pop3");
}

void
testmail_examine(struct doctor *d)
{
	struct config_user const *u = find_mailbox(d);
	struct testmail m = {.maildir = STRALLOC_ZERO};

	if (u == NULL || !may_run(d))
		return;
	if (!prepare(d, &m, u)) {
		doctor_find(d, FIND_UNEXAMINED, 0, d->section, strerror(errno),
			NULL, NULL);
		return;
	}
	apart_run_as(d, "remote", send_message, &m, SECONDS);
	/* An id of a child's: only its form is known. */
	m.shared->id[ID_LEN] = '\0';
	if (m.shared->is_sent && m.password_fd >= 0)
		apart_run_as(d, "remote", testmail_read, &m, SECONDS);
	else if (m.shared->is_sent)
		apart_run(d, m.uid, m.uid, testmail_read, &m, SECONDS);
	if (m.password_fd >= 0)
		close(m.password_fd);
	munmap(m.shared, sizeof *m.shared);
	stralloc_free(&m.maildir);
}
