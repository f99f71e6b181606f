/* Asking policy and check, where the settings want it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "common/log.h"
#include "common/queuebody.h"
#include "common/settings.h"
#include "smtpd/alarm.h"
#include "smtpd/checking.h"
#include "smtpd/guard.h"
#include "smtpd/stamp.h"

/* Greylists and rates are looked up in memory. */
#define POLICY_TIMEOUT_MS 10000
/* check has a limit of its own, and says so a moment later. The client waits
 * ten minutes (RFC 5321 4.5.3.2.6). */
#define CHECK_SECONDS_DEFAULT 120
#define CHECK_SECONDS_MAX 540
#define CHECK_SECONDS_MORE 10
/* What fails sooner has been hung up on. */
#define CHECK_GONE_MS 2000

static struct checking_bytes
bytes(char const *s)
{
	return (struct checking_bytes){s, strlen(s)};
}

static char const *
known(char const *s)
{
	return s != NULL ? s : "";
}

static struct smtp_guard_pair
inherited(int fd, struct table const *settings, char const *setting)
{
	struct stat st;

	return (struct smtp_guard_pair){.is_asked = true,
		.is_wanted = settings_number(settings, setting, 0) != 0,
		.fd = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? fd : -1};
}

void
smtp_guard_inherit(struct smtp_session *s, struct table const *settings)
{
	s->guard.policy = inherited(FRONT_POLICY_FD, settings, "policy-login");
	s->guard.check = inherited(FRONT_CHECK_FD, settings, "check-login");
}

/* What both are asked about: the setting that switches it on. */
static int
pair_of(struct smtp_session *s, struct smtp_guard_pair *pair,
	enum request_kind role, char const *setting)
{
	if (!pair->is_asked) {
		pair->is_asked = true;
		pair->fd = -1;
		pair->is_wanted =
			settings_number(&s->front->settings, setting, 0) != 0;
		if (pair->is_wanted)
			pair->fd = front_open(role);
	}
	return pair->fd;
}

bool
smtp_guard_stage(struct smtp_session *s, enum policing_stage stage,
	struct addr const *recipient, uint64_t size)
{
	int fd = pair_of(s, &s->guard.policy, REQUEST_POLICY, "policy");
	struct policing_question q = {.stage = stage,
		.client = bytes(s->front->client),
		.name = bytes(s->client_name),
		.helo = bytes(s->client.helo),
		.mailbox = bytes(known(s->mailbox)),
		.sender = {s->mail.sender, s->mail.sender_len},
		.size = size};
	struct policing_answer answer;

	if (fd < 0)
		return true;
	if (recipient != NULL)
		q.recipient = (struct checking_bytes){
			recipient->whole, recipient->whole_len};
	if (!policing_ask(fd, &q, POLICY_TIMEOUT_MS, &answer)) {
		log_error("no-policy", NULL, "client", s->front->client,
			(char *)0);
		close(fd);
		s->guard.policy.fd = -1;
		return true;
	}
	s->guard.messages = answer.messages;
	smtp_session_pause(s, (int)answer.delay_ms);
	if (answer.alarm != '\0')
		smtp_alarm(s, answer.alarm);
	if (answer.is_held)
		s->mail.flags |= QUEUEFILE_HOLD;
	if (answer.action == POLICING_ACCEPT)
		return true;
	if (answer.text[0] != '\0')
		smtp_session_refuse_text(s, answer.text, recipient);
	else
		smtp_session_refuse(s,
			answer.action == POLICING_LATER ? SMTP_R_POLICY_LATER
							: SMTP_R_POLICY_REFUSED,
			"", recipient);
	return false;
}

/* The message anew, from len octets of fd at offset, with these flags; our own
 * header lines behind. False: errno. */
static void
put_message(void *data, char const *s, size_t len)
{
	drop_message(data, s, len);
}

static bool
rewrite(struct smtp_session *s, int fd, uint64_t offset, uint64_t len,
	unsigned flags)
{
	struct drop *d = &s->intake.drop;

	drop_abort(d);
	if (!smtp_stamp_begin(s, flags))
		return false;
	if (queuebody_copy(fd, offset, len, put_message, d) != QUEUEBODY_OK) {
		drop_abort(d);
		return false;
	}
	smtp_stamp_add(s);
	return true;
}

/* The verdict is to accept: what it changes. */
static bool
take_over(struct smtp_session *s, struct checking_answer const *a, int file,
	uint64_t offset, uint64_t len)
{
	struct drop *d = &s->intake.drop;
	unsigned flags = s->mail.flags | (a->is_junk ? QUEUEFILE_JUNK : 0);

	if (a->replacement_fd >= 0) {
		if (!rewrite(
			    s, a->replacement_fd, 0, a->replacement_len, flags))
			return false;
	} else if (a->is_junk && !rewrite(s, file, offset, len, flags)) {
		return false;
	}
	drop_added(d, a->lines.s, a->lines.len);
	return true;
}

static bool
ask(struct smtp_session *s, int fd, int file, struct checking_answer *a)
{
	struct drop const *d = &s->intake.drop;
	uint64_t seconds = settings_number(
		&s->front->settings, "check-timeout", CHECK_SECONDS_DEFAULT);
	struct checking_message m = {.client = bytes(s->front->client),
		.name = bytes(s->client_name),
		.helo = bytes(s->client.helo),
		.tls = bytes(s->client.tls),
		.mailbox = bytes(known(s->mailbox)),
		.sender = {s->mail.sender, s->mail.sender_len},
		.id = bytes(d->q.id),
		.message_offset = d->q.message_offset,
		.message_len = d->q.message_len,
		.added_offset = d->q.added_offset,
		.added_len = d->q.added_len,
		.flags = s->mail.flags,
		.messages = s->guard.messages,
		.is_early = s->guard.is_early};

	if (seconds > CHECK_SECONDS_MAX)
		seconds = CHECK_SECONDS_MAX;
	return checking_ask(fd, file, &m, s->mail.to.s, s->mail.to.len,
		(int)(seconds + CHECK_SECONDS_MORE) * 1000, a);
}

static void
refuse_verdict(struct smtp_session *s, struct checking_answer const *a)
{
	char text[SMTP_REPLY_MAX + 1];
	size_t n = uint_fmt(text, a->code);
	size_t len = strlen(a->text);

	if (len == 0) {
		smtp_session_refuse(s,
			a->action == CHECKING_REJECT ? SMTP_R_POLICY_REFUSED
						     : SMTP_R_POLICY_LATER,
			"", NULL);
		return;
	}
	text[n++] = ' ';
	memcpy(text + n, a->text, len + 1);
	smtp_session_refuse_text(s, text, NULL);
}

static int
check_pair(struct smtp_session *s)
{
	return pair_of(s, &s->guard.check, REQUEST_CHECK,
		s->mode == SMTP_MODE_OWNER ? "check-login" : "check");
}

/* The pair is of no more use. After login there is none but the one that was
 * inherited; else the monitor is asked for another when one is wanted, once: it
 * ends who asks too often. */
static void
let_go(struct smtp_session *s)
{
	if (s->guard.check.fd >= 0)
		close(s->guard.check.fd);
	s->guard.check.fd = -1;
	s->guard.check.is_asked =
		s->mode == SMTP_MODE_OWNER || s->guard.check.is_second;
	s->guard.check.is_second = true;
}

/* Once more if check was started anew since it was last asked; a message of
 * which it dies is not given to a third. */
static bool
ask_twice(struct smtp_session *s, int fd, int file, struct checking_answer *a)
{
	int64_t begin = stream_clock_ms();

	if (ask(s, fd, file, a))
		return true;
	let_go(s);
	if (stream_clock_ms() - begin > CHECK_GONE_MS)
		return false;
	fd = check_pair(s);
	if (fd >= 0 && ask(s, fd, file, a))
		return true;
	let_go(s);
	return false;
}

/* check has the whole message to look at: it must be in the file. False:
 * answered. */
static bool
check(struct smtp_session *s, int fd)
{
	struct drop *d = &s->intake.drop;
	uint64_t offset = d->q.message_offset, len = d->q.message_len;
	struct checking_answer a = CHECKING_ANSWER_ZERO;
	int file = drop_open(d);
	bool is_asked = file >= 0 && ask_twice(s, fd, file, &a), ok = false;

	if (!is_asked) {
		log_error("no-check", d->q.id, (char *)0);
		smtp_session_refuse(s, SMTP_R_TROUBLE, "", NULL);
	} else if (a.action == CHECKING_ACCEPT) {
		ok = take_over(s, &a, file, offset, len);
		if (!ok) {
			log_error("queue-failed", NULL, (char *)0);
			smtp_session_refuse(s, SMTP_R_TROUBLE, "", NULL);
		}
	} else if (a.action == CHECKING_DISCARD) {
		log_event("discarded", d->q.id, (char *)0);
		smtp_session_reply(s, SMTP_R_QUEUED, d->q.id);
	} else {
		refuse_verdict(s, &a);
	}
	if (is_asked)
		checking_answer_free(&a);
	if (file >= 0)
		close(file);
	return ok;
}

bool
smtp_guard_message(struct smtp_session *s)
{
	int fd;

	if (!smtp_guard_stage(s, POLICING_END, NULL, s->intake.size))
		return false;
	fd = check_pair(s);
	if (!s->guard.check.is_wanted)
		return true;
	/* Who wants mail checked does not want it unchecked. */
	if (fd < 0) {
		log_event("no-check", s->intake.drop.q.id, (char *)0);
		smtp_session_refuse(s, SMTP_R_TROUBLE, "", NULL);
		let_go(s);
		return false;
	}
	return check(s, fd);
}
