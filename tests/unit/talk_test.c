/* common/admin/check/talk: what servers answer, good and bad. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/admin/check/talk.h"

static char answer[TALK_ANSWER];

/* A server that has said all of it already, and is gone. */
static struct stream *
server(char const *said, size_t len)
{
	static struct stream s;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], said, len), len);
	close(ends[1]);
	stream_init(&s, ends[0], open("/dev/null", O_WRONLY), 1000);
	return &s;
}

static void
done(struct stream *s)
{
	close(s->in_fd);
	close(s->out_fd);
}

static unsigned
smtp(char const *said)
{
	struct stream *s = server(said, strlen(said));
	unsigned code = talk_smtp(s, "NOOP", answer);

	done(s);
	return code;
}

static void
test_smtp(void **state)
{
	(void)state;
	assert_int_equal(smtp("250 ok\r\n"), 250);
	assert_string_equal(answer, "250 ok");
	assert_int_equal(smtp("250\r\n"), 250);
	assert_int_equal(smtp("250-a\r\n250-b\r\n250 c\r\n"), 250);
	assert_string_equal(answer, "250 c");
	assert_int_equal(smtp("451 4.7.1 later\r\n"), 451);
	assert_int_equal(smtp(""), 0);
	assert_int_equal(smtp("250-and then nothing\r\n"), 0);
	assert_int_equal(smtp("25\r\n"), 0);
	assert_int_equal(smtp("2x0 ok\r\n"), 0);
	assert_int_equal(smtp("\r\n"), 0);
	assert_int_equal(smtp("\xff\xff\xff\xff\r\n"), 0);
}

static void
test_a_long_answer_is_cut(void **state)
{
	char said[3000];
	struct stream *s;

	(void)state;
	memset(said, 'x', sizeof said);
	memcpy(said, "550 ", 4);
	said[sizeof said - 1] = '\n';
	s = server(said, sizeof said);
	assert_int_equal(talk_smtp(s, NULL, answer), 550);
	assert_int_equal(strlen(answer), TALK_ANSWER - 1);
	done(s);
}

static bool
pop3(char const *said)
{
	struct stream *s = server(said, strlen(said));
	bool ok = talk_pop3(s, "STAT", answer);

	done(s);
	return ok;
}

static void
test_pop3(void **state)
{
	(void)state;
	assert_true(pop3("+OK 3 120\r\n"));
	assert_false(pop3("-ERR no\r\n"));
	assert_false(pop3("+O\r\n"));
	assert_false(pop3(""));
}

static void
count(void *data, char const *line, size_t len)
{
	unsigned *n = data;

	(void)line;
	*n += len > 0;
}

static bool
imap(char const *command, char const *said, unsigned *lines_r)
{
	struct stream *s = server(said, strlen(said));
	bool ok;

	*lines_r = 0;
	ok = talk_imap(s, command, count, lines_r, answer);
	done(s);
	return ok;
}

static void
test_imap(void **state)
{
	unsigned lines;

	(void)state;
	assert_true(imap(NULL, "* OK hello\r\n", &lines));
	assert_true(imap(NULL, "* PREAUTH hello\r\n", &lines));
	assert_false(imap(NULL, "* BYE no\r\n", &lines));
	assert_true(
		imap("NOOP", "* SEARCH 7\r\n* 1 EXISTS\r\nx OK\r\n", &lines));
	assert_int_equal(lines, 2);
	assert_false(imap("NOOP", "x NO [ALERT] no\r\n", &lines));
	assert_string_equal(answer, "x NO [ALERT] no");
	assert_false(imap("NOOP", "* BYE\r\n", &lines));
	assert_false(imap("NOOP", "x\r\ny OK\r\n", &lines));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(test_smtp),
		cmocka_unit_test(test_a_long_answer_is_cut),
		cmocka_unit_test(test_pop3),
		cmocka_unit_test(test_imap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
