/* The test message waited for, read and removed. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/admin/check/testmail.h"
#include "common/tls.h"

#define TIMEOUT_MS 40000
#define PASSWORD_MAX 512
/* Messages that may have come in between. */
#define LAST_LOOKED_AT 50

enum kind { IMAP, POP3 };

/* A program that is started when its gate is opened: from then on, behind the
 * sandbox, nothing could be. */
struct program {
	int gate, to, from;
};

struct reader {
	struct doctor *d;
	struct testmail *m;
	char credentials[2 * PASSWORD_MAX]; /* SASL PLAIN, in base64 */
	struct program programs[3];	    /* IMAP, POP3, IMAP again */
	size_t used;
	struct stream stream;
};

static void
become(char const *path, int gate, int in, int out)
{
	char const *const argv[] = {path, ".", NULL};
	char go;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (read(gate, &go, 1) == 1 && dup2(in, 0) == 0 && dup2(out, 1) == 1 &&
		dup2(null, 2) == 2)
		execv(path, (char *const *)(uintptr_t)argv);
	_exit(111);
}

static bool
start(struct reader *r, struct program *p, char const *name)
{
	int gate[2], in[2], out[2];
	char path[600];
	pid_t pid;

	snprintf(path, sizeof path, "%s/%s", r->d->libexec, name);
	if (pipe2(gate, O_CLOEXEC) < 0 || pipe2(in, O_CLOEXEC) < 0 ||
		pipe2(out, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		close(gate[1]);
		become(path, gate[0], in[0], out[1]);
	}
	close(gate[0]);
	close(in[0]);
	close(out[1]);
	*p = (struct program){gate[1], in[1], out[0]};
	return pid > 0;
}

static bool
start_all(struct reader *r)
{
	static char const *const names[] = {"imapd", "pop3d", "imapd"};

	if (chdir(r->m->maildir.s) < 0)
		return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!start(r, &r->programs[i], names[i]))
			return false;
	return true;
}

/* RFC 4616. */
static bool
read_password(struct reader *r)
{
	char plain[PASSWORD_MAX + FINDING_SUBJECT + 4];
	size_t head = (size_t)snprintf(plain, FINDING_SUBJECT + 2, "%c%s%c",
		'\0', r->m->address, '\0');
	ssize_t n;

	if (head > FINDING_SUBJECT)
		return false;
	n = read(r->m->password_fd, plain + head, PASSWORD_MAX / 2);
	if (n <= 0)
		return false;
	for (size_t i = 0; i < (size_t)n; i++)
		if (plain[head + i] == '\n')
			n = (ssize_t)i;
	sodium_bin2base64(r->credentials, sizeof r->credentials,
		(unsigned char *)plain, head + (size_t)n,
		sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(plain, sizeof plain);
	return true;
}

static void
failed(struct reader *r, enum kind kind, char const *why)
{
	doctor_find(r->d, kind == IMAP ? FIND_MESSAGE_IMAP : FIND_MESSAGE_POP3,
		0, r->m->address, why, NULL, NULL);
}

static bool
connect_to(struct reader *r, enum kind kind, char answer[TALK_ANSWER])
{
	struct sockaddr_storage address;
	char where[64];
	unsigned len;

	if (!doctor_listener(r->d,
		    kind == IMAP ? "listen-imaps" : "listen-pop3s", &address,
		    &len, where, sizeof where)) {
		snprintf(answer, TALK_ANSWER, "there is no port for it");
		return false;
	}
	if (apart_connect(
		    &r->stream, (struct sockaddr *)&address, len, TIMEOUT_MS) &&
		tls_client_start(&r->stream, r->d->hostname, TLS_VERIFY_NONE))
		return true;
	snprintf(answer, TALK_ANSWER, "%s", strerror(errno));
	return false;
}

static bool
log_in(struct reader *r, enum kind kind)
{
	char command[sizeof r->credentials + 32], answer[TALK_ANSWER] = "";
	bool ok;

	snprintf(command, sizeof command, "%s PLAIN %s",
		kind == IMAP ? "AUTHENTICATE" : "AUTH", r->credentials);
	ok = kind == IMAP ? talk_imap(&r->stream, command, NULL, NULL, answer)
			  : talk_pop3(&r->stream, command, answer);
	sodium_memzero(command, sizeof command);
	if (!ok)
		doctor_find(r->d, FIND_MESSAGE_LOGIN, 0, r->m->address,
			kind == IMAP ? "IMAP" : "POP3", answer, NULL);
	return ok;
}

/* Up to where commands can be given; what fails is reported. */
static bool
begin(struct reader *r, enum kind kind)
{
	char answer[TALK_ANSWER] = "";
	struct program const *p = &r->programs[r->used++];
	bool ok = true;

	if (r->m->password_fd < 0) {
		ok = write(p->gate, "", 1) == 1;
		stream_init(&r->stream, p->from, p->to, TIMEOUT_MS);
	} else {
		ok = connect_to(r, kind, answer);
	}
	if (ok)
		ok = kind == IMAP
			     ? talk_imap(&r->stream, NULL, NULL, NULL, answer)
			     : talk_pop3(&r->stream, NULL, answer);
	if (!ok) {
		failed(r, kind, answer);
		return false;
	}
	return r->m->password_fd < 0 || log_in(r, kind);
}

static void
end(struct reader *r, enum kind kind)
{
	char answer[TALK_ANSWER];

	if (kind == IMAP)
		(void)talk_imap(&r->stream, "LOGOUT", NULL, NULL, answer);
	else
		(void)talk_pop3(&r->stream, "QUIT", answer);
	if (r->m->password_fd >= 0)
		stream_close(&r->stream);
}

/* `* SEARCH 7`. */
static void
take_search(void *data, char const *line, size_t len)
{
	char text[64];
	unsigned long *uid = data;

	snprintf(text, sizeof text, "%.*s", len < 60 ? (int)len : 60, line);
	(void)sscanf(text, "* SEARCH %lu", uid);
}

/* In a folder, now: its UID; 0: it is not there. False: reported. */
static bool
search(struct reader *r, char const *folder, unsigned long *uid_r)
{
	char command[200], answer[TALK_ANSWER] = "";

	*uid_r = 0;
	snprintf(command, sizeof command, "SELECT %s", folder);
	if (!talk_imap(&r->stream, command, NULL, NULL, answer)) {
		/* Whoever never had junk has no folder for it. */
		if (strcmp(folder, "INBOX") != 0)
			return true;
		failed(r, IMAP, answer);
		return false;
	}
	snprintf(command, sizeof command, "UID SEARCH HEADER Message-ID \"%s\"",
		r->m->token);
	if (talk_imap(&r->stream, command, take_search, uid_r, answer))
		return true;
	failed(r, IMAP, answer);
	return false;
}

/* Where it came to, or NULL: reported. */
static char const *
wait_for(struct reader *r, unsigned long *uid_r)
{
	int64_t deadline = stream_clock_ms() + TESTMAIL_SECONDS * 1000;
	useconds_t pause = 5000;
	char seconds[16];

	do {
		if (!search(r, "INBOX", uid_r))
			return NULL;
		if (*uid_r > 0)
			return "INBOX";
		if (pause > 100000 && !search(r, "Junk", uid_r))
			return NULL;
		if (*uid_r > 0)
			return "Junk";
		usleep(pause);
		pause += pause / 2;
		if (pause > 500000)
			pause = 500000;
	} while (stream_clock_ms() < deadline);
	snprintf(seconds, sizeof seconds, "%d", TESTMAIL_SECONDS);
	doctor_find(r->d, FIND_MESSAGE_LATE, 0, r->m->address, seconds,
		*r->m->shared->id != '\0' ? r->m->shared->id : r->m->address,
		NULL);
	return NULL;
}

/* In the folder that is selected. */
static void
remove_it(struct reader *r, unsigned long uid)
{
	char command[100], answer[TALK_ANSWER] = "";
	bool ok;

	snprintf(command, sizeof command, "UID STORE %lu +FLAGS.SILENT (%s)",
		uid, "\\Deleted");
	ok = talk_imap(&r->stream, command, NULL, NULL, answer);
	snprintf(command, sizeof command, "UID EXPUNGE %lu", uid);
	if (!ok || !talk_imap(&r->stream, command, NULL, NULL, answer))
		doctor_find(r->d, FIND_MESSAGE_LEFT, 0, r->m->address, answer,
			NULL, NULL);
}

/* Whether the header of message number n has our token. */
static bool
is_ours(struct reader *r, unsigned long n)
{
	char command[64], answer[TALK_ANSWER] = "";
	char const *line;
	size_t len;
	bool found = false;

	snprintf(command, sizeof command, "TOP %lu 0", n);
	if (!talk_pop3(&r->stream, command, answer))
		return false;
	while (stream_line(&r->stream, STREAM_IN - 2, &line, &len, NULL) > 0) {
		if (len == 1 && *line == '.')
			return found;
		found = found || memmem(line, len, r->m->token,
					 sizeof r->m->token - 1) != NULL;
	}
	return false;
}

/* By POP3, and removed by it. */
static bool
read_by_pop3(struct reader *r)
{
	char command[64], answer[TALK_ANSWER] = "";
	unsigned long count = 0, n;

	if (!begin(r, POP3))
		return false;
	if (!talk_pop3(&r->stream, "STAT", answer) ||
		sscanf(answer, "+OK %lu", &count) != 1) {
		failed(r, POP3, answer);
		return false;
	}
	for (n = count; n > 0 && n + LAST_LOOKED_AT > count; n--)
		if (is_ours(r, n))
			break;
	if (n == 0 || n + LAST_LOOKED_AT <= count) {
		failed(r, POP3, "it does not show the test message");
		end(r, POP3);
		return false;
	}
	snprintf(command, sizeof command, "DELE %lu", n);
	if (!talk_pop3(&r->stream, command, answer)) {
		failed(r, POP3, answer);
		end(r, POP3);
		return false;
	}
	end(r, POP3);
	return true;
}

static bool
has_pop3(struct reader const *r)
{
	return r->m->password_fd < 0 ||
	       *doctor_setting(r->d, "listen-pop3s") != '\0';
}

void
testmail_read(struct doctor *d, void *data)
{
	static struct reader r;
	unsigned long uid = 0;
	char const *folder;

	r.d = d;
	r.m = data;
	if (r.m->password_fd >= 0 ? !read_password(&r) : !start_all(&r))
		_exit(111);
	apart_confine();
	if (!begin(&r, IMAP))
		return;
	folder = wait_for(&r, &uid);
	if (folder == NULL)
		return;
	if (strcmp(folder, "Junk") == 0)
		doctor_find(d, FIND_MESSAGE_JUNK, 0, r.m->address, folder,
			*r.m->shared->id != '\0' ? r.m->shared->id
						 : r.m->address,
			NULL);
	if (strcmp(folder, "INBOX") != 0 || !has_pop3(&r)) {
		remove_it(&r, uid);
		end(&r, IMAP);
		return;
	}
	end(&r, IMAP);
	if (read_by_pop3(&r) || !begin(&r, IMAP))
		return;
	if (search(&r, "INBOX", &uid) && uid > 0)
		remove_it(&r, uid);
	end(&r, IMAP);
}
