/* ManageSieve after login; see session.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "common/log.h"
#include "local/managesieve/command.h"
#include "local/managesieve/session.h"
#include "local/managesieve/talk.h"
#include "local/sieve/compile.h"

/* A whole PUTSCRIPT: its words, the name, the script, in quotes if it must be
 * with a backslash for each octet. */
#define INPUT_MAX (SIEVE_SCRIPT_MAX + 8192)
/* One after the other. */
#define BAD_COMMANDS_MAX 20

static char input[INPUT_MAX];

static void
answer(struct managesieve_session *s, char const *status, char const *code,
	char const *text)
{
	talk_answer(s->stream, status, code, text);
}

static void
failed(struct managesieve_session *s)
{
	log_error("failed", NULL, (char *)0);
	answer(s, "NO",
		errno == ENOSPC || errno == EDQUOT ? "QUOTA" : "TRYLATER",
		errno == EPERM || errno == ELOOP
			? "This is no script that can be used here"
			: "It can't be done now");
}

static void
say_result(struct managesieve_session *s, enum scripts_result r)
{
	switch (r) {
	case SCRIPTS_OK:
		answer(s, "OK", NULL, NULL);
		break;
	case SCRIPTS_NONE:
		answer(s, "NO", "NONEXISTENT", "There is no such script");
		break;
	case SCRIPTS_EXISTS:
		answer(s, "NO", "ALREADYEXISTS", "There is such a script");
		break;
	case SCRIPTS_IS_ACTIVE:
		answer(s, "NO", "ACTIVE", "The script is active");
		break;
	case SCRIPTS_TOO_MANY:
		answer(s, "NO", "QUOTA/MAXSCRIPTS",
			"There are too many scripts");
		break;
	case SCRIPTS_TOO_LARGE:
		answer(s, "NO", "QUOTA/MAXSIZE", "The script is too large");
		break;
	case SCRIPTS_FAILED:
		failed(s);
		break;
	}
}

/* The i-th argument as a script's name. False: answered. */
static bool
take_name(struct managesieve_session *s, struct managesieve_command const *c,
	size_t i, char name_r[SIEVE_NAME_SCRIPT_MAX + 1])
{
	struct managesieve_argument const *const a = &c->args[i];

	if (!sieve_name_script(a->s, a->len)) {
		answer(s, "NO", NULL, "A script can't have this name");
		return false;
	}
	memcpy(name_r, a->s, a->len);
	name_r[a->len] = '\0';
	return true;
}

static void
say_capabilities(struct managesieve_session *s)
{
	talk_capabilities(s->stream);
	if (s->owner != NULL)
		talk_pair(s->stream, "OWNER", s->owner);
	answer(s, "OK", NULL, NULL);
}

static void
show(void *data, char const *name, bool is_active)
{
	struct managesieve_session *const s = data;

	talk_string(s->stream, name, strlen(name));
	stream_puts(s->stream, is_active ? " ACTIVE\r\n" : "\r\n");
}

static void
list(struct managesieve_session *s)
{
	if (scripts_list(&s->scripts, show, s))
		answer(s, "OK", NULL, NULL);
	else
		failed(s);
}

static void
get(struct managesieve_session *s, char const *name)
{
	stralloc text = STRALLOC_ZERO;
	enum scripts_result const r = scripts_read(&s->scripts, name, &text);

	if (r == SCRIPTS_OK) {
		char size[32];

		/* 2.9: the content is most safely told as a literal. */
		snprintf(size, sizeof size, "{%zu}\r\n", text.len);
		stream_puts(s->stream, size);
		stream_write(s->stream, text.s, text.len);
		stream_puts(s->stream, "\r\n");
	}
	say_result(s, r);
	stralloc_free(&text);
}

/* False: answered. Else warnings has what is to be said with the OK. */
static bool
check(struct managesieve_session *s, struct managesieve_argument const *text,
	stralloc *warnings)
{
	struct sieve_program p = SIEVE_PROGRAM_ZERO;
	struct sieve_fault fault;
	char why[sizeof fault.text + 32];
	bool ok;

	if (text->len > SIEVE_SCRIPT_MAX) {
		say_result(s, SCRIPTS_TOO_LARGE);
		return false;
	}
	ok = sieve_compile(&p, text->s, text->len, NULL, &fault);
	if (!ok) {
		snprintf(
			why, sizeof why, "line %u: %s", fault.line, fault.text);
		answer(s, "NO", NULL, why);
	} else if (!managesieve_warn(&s->scripts, &p, warnings) ||
		   !stralloc_0(warnings)) {
		ok = false;
		errno = ENOMEM;
		failed(s);
	}
	sieve_program_free(&p);
	return ok;
}

static void
say_checked(struct managesieve_session *s, stralloc const *warnings)
{
	if (warnings->len > 1)
		answer(s, "OK", "WARNINGS", warnings->s);
	else
		answer(s, "OK", NULL, NULL);
}

static void
check_only(struct managesieve_session *s, struct managesieve_command const *c)
{
	stralloc warnings = STRALLOC_ZERO;

	if (check(s, &c->args[0], &warnings))
		say_checked(s, &warnings);
	stralloc_free(&warnings);
}

static void
put(struct managesieve_session *s, struct managesieve_command const *c,
	char const *name)
{
	struct managesieve_argument const *const text = &c->args[1];
	stralloc warnings = STRALLOC_ZERO;
	enum scripts_result r;

	if (text->len == 0) {
		/* 2.6 */
		answer(s, "NO", NULL, "A script is not empty");
		return;
	}
	if (check(s, text, &warnings)) {
		r = scripts_write(&s->scripts, name, text->s, text->len);
		if (r == SCRIPTS_OK)
			say_checked(s, &warnings);
		else
			say_result(s, r);
	}
	stralloc_free(&warnings);
}

static void
set_active(struct managesieve_session *s, struct managesieve_command const *c)
{
	char name[SIEVE_NAME_SCRIPT_MAX + 1];

	if (c->args[0].len == 0)
		say_result(s, scripts_activate(&s->scripts, NULL));
	else if (take_name(s, c, 0, name))
		say_result(s, scripts_activate(&s->scripts, name));
}

static void
rename_script(
	struct managesieve_session *s, struct managesieve_command const *c)
{
	char name[SIEVE_NAME_SCRIPT_MAX + 1], to[SIEVE_NAME_SCRIPT_MAX + 1];

	if (take_name(s, c, 0, name) && take_name(s, c, 1, to))
		say_result(s, scripts_rename(&s->scripts, name, to));
}

/* False: the session is over. */
static bool
run(struct managesieve_session *s, struct managesieve_command const *c)
{
	char name[SIEVE_NAME_SCRIPT_MAX + 1];

	switch (c->verb) {
	case MANAGESIEVE_UNKNOWN:
		break;
	case MANAGESIEVE_AUTHENTICATE:
	case MANAGESIEVE_STARTTLS:
		answer(s, "NO", NULL, "Not after login");
		break;
	case MANAGESIEVE_CAPABILITY:
		say_capabilities(s);
		break;
	case MANAGESIEVE_CHECKSCRIPT:
		check_only(s, c);
		break;
	case MANAGESIEVE_DELETESCRIPT:
		if (take_name(s, c, 0, name))
			say_result(s, scripts_delete(&s->scripts, name));
		break;
	case MANAGESIEVE_GETSCRIPT:
		if (take_name(s, c, 0, name))
			get(s, name);
		break;
	case MANAGESIEVE_HAVESPACE:
		if (take_name(s, c, 0, name))
			say_result(s, scripts_room(&s->scripts, name,
					      c->args[1].number));
		break;
	case MANAGESIEVE_LISTSCRIPTS:
		list(s);
		break;
	case MANAGESIEVE_LOGOUT:
		answer(s, "OK", NULL, "Goodbye");
		return false;
	case MANAGESIEVE_NOOP:
		talk_noop(s->stream, c->count > 0 ? c->args[0].s : NULL,
			c->args[0].len);
		break;
	case MANAGESIEVE_PUTSCRIPT:
		if (take_name(s, c, 0, name))
			put(s, c, name);
		break;
	case MANAGESIEVE_RENAMESCRIPT:
		rename_script(s, c);
		break;
	case MANAGESIEVE_SETACTIVE:
		set_active(s, c);
		break;
	}
	return true;
}

static void
say_why_over(struct managesieve_session *s)
{
	if (errno == ETIMEDOUT)
		answer(s, "BYE", NULL, "Nothing was said for too long");
	else if (errno == ECANCELED)
		answer(s, "BYE", "TRYLATER", "Shutting down");
	else if (errno == E2BIG)
		answer(s, "BYE", "QUOTA/MAXSIZE", "Too long");
}

void
managesieve_run(struct managesieve_session *s, bool greets)
{
	unsigned bad = 0;

	if (greets)
		say_capabilities(s);
	while (s->stream->error == 0 && bad < BAD_COMMANDS_MAX) {
		struct managesieve_command c;
		char const *why;
		size_t len = 0;
		int const r = talk_read(s->stream, input, sizeof input, &len);

		if (r < 0 && errno == EMSGSIZE) {
			say_result(s, SCRIPTS_TOO_LARGE);
			continue;
		}
		if (r < 0)
			say_why_over(s);
		if (r <= 0)
			break;
		why = managesieve_parse(input, len, &c);
		bad = why != NULL ? bad + 1 : 0;
		if (why != NULL)
			answer(s, "NO", NULL, why);
		else if (!run(s, &c))
			break;
	}
	if (bad == BAD_COMMANDS_MAX)
		answer(s, "BYE", NULL, "Too many errors");
	stream_flush(s->stream);
}
