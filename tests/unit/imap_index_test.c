/* imapd/text_token.h, text_find.h, text_build.h, text_segment.h. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "imapd/text_build.h"
#include "imapd/text_find.h"
#include "imapd/text_list.h"
#include "imapd/text_segment.h"
#include "imapd/text_token.h"
#include "tests/unit/exact.h"

#define DOCS 300
#define TEXT_LEN 400

static char dir[] = "/tmp/kereru-index-XXXXXX";
static int dir_fd;
static char texts[DOCS][TEXT_LEN];
static uint32_t state = 1;

static uint32_t
roll(uint32_t n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

static void
collect(void *arg, char const *s, size_t len)
{
	char *const all = arg;

	strncat(all, s, len);
	strcat(all, "|");
}

static void
words_are(char const *in, size_t piece, char const *wanted)
{
	char all[1024] = "";
	struct text_token t = {.take = collect, .arg = all};
	size_t const len = strlen(in);

	for (size_t at = 0; at < len; at += piece) {
		size_t const n = len - at < piece ? len - at : piece;
		char *const s = exact(in + at, n);

		text_token_push(&t, s, n);
		free(s);
	}
	text_token_end(&t);
	assert_string_equal(all, wanted);
}

static void
test_words(void **unused)
{
	char word[101], wanted[300];

	(void)unused;
	words_are("hello, w_1rld\xc3\xa9!", 100, "hello|w_1rld\xc3\xa9|");
	words_are("hello, w_1rld\xc3\xa9!", 1, "hello|w_1rld\xc3\xa9|");
	words_are("", 1, "");
	words_are(" - ", 1, "");
	for (int i = 0; i < 100; i++)
		word[i] = (char)('a' + i % 26);
	word[100] = '\0';
	(void)snprintf(wanted, sizeof wanted, "%.64s|%.64s|%s|", word,
		word + 32, word + 64);
	words_are(word, 100, wanted);
	words_are(word, 7, wanted);
	word[65] = '\0';
	(void)snprintf(wanted, sizeof wanted, "%.64s|%s|", word, word + 32);
	words_are(word, 3, wanted);
	word[64] = '\0';
	(void)snprintf(wanted, sizeof wanted, "%s|", word);
	words_are(word, 64, wanted);
}

static void
test_find(void **unused)
{
	(void)unused;
	for (int n = 0; n < 20000; n++) {
		char hay[100], needle[6];
		size_t const hay_len = roll(sizeof hay);
		size_t const len = 1 + roll(sizeof needle - 1);
		char *s;

		for (size_t i = 0; i < hay_len; i++)
			hay[i] = (char)('a' + roll(3));
		for (size_t i = 0; i < len; i++)
			needle[i] = (char)('a' + roll(3));
		s = exact(hay, hay_len);
		assert_ptr_equal(text_find(s, hay_len, needle, len),
			memmem(s, hay_len, needle, len));
		free(s);
	}
}

/* Words of few letters, so that substrings meet; some are long. */
static void
make_text(char *s)
{
	size_t n = 0;

	while (n < TEXT_LEN - 100) {
		size_t len = roll(40) == 0 ? 90 : 1 + roll(7);

		while (len-- > 0)
			s[n++] = (char)('a' + roll(5));
		s[n++] = "  ,.-"[roll(5)];
	}
	s[n] = '\0';
}

static void
write_index(char const *name, size_t from, size_t to)
{
	struct text_build b;
	uint64_t size;

	assert_true(text_build_init(&b));
	for (size_t i = from; i < to; i++) {
		text_build_start(&b, (uint32_t)i + 1);
		text_build_add(&b, i % 2 ? TEXT_IN_HEADER : TEXT_IN_BODY,
			texts[i], strlen(texts[i]), true);
		/* In all of them, so that there is a bitmap. */
		text_build_add(&b, TEXT_IN_BODY, "everywhere", 10, true);
		assert_true(text_build_end(&b));
	}
	assert_true(text_build_write(&b, dir_fd, name, 7, &size));
	text_build_free(&b);
}

static bool
has_all(struct text_segment *g, struct text_query const *q, unsigned where,
	size_t doc)
{
	unsigned char hits[DOCS / 8 + 1];
	bool all = true;

	for (size_t k = 0; k < q->count; k++) {
		memset(hits, 0, sizeof hits);
		assert_true(text_segment_find(g, &q->v[k], where, hits));
		all = all && hits[doc / 8] >> (doc % 8) & 1;
	}
	return all;
}

static void
test_answers(void **unused)
{
	struct text_segment g;
	struct text_query q;

	(void)unused;
	write_index("one", 0, DOCS);
	assert_true(text_segment_open(&g, dir_fd, "one", 7));
	for (int n = 0; n < 400; n++) {
		char const *const text = texts[roll(DOCS)];
		size_t const at = roll((uint32_t)strlen(text) - 80);
		size_t const len = 1 + roll(roll(8) == 0 ? 80 : 8);
		char *const s = exact(text + at, len);
		size_t const doc = roll(DOCS);
		unsigned const where = doc % 2 ? TEXT_IN_HEADER : TEXT_IN_BODY;
		bool const there =
			memmem(texts[doc], strlen(texts[doc]), s, len) != NULL;
		bool said;

		text_query_make(&q, s, len);
		said = has_all(&g, &q, TEXT_IN_HEADER | TEXT_IN_BODY, doc);
		if (q.exact ? said != there : there && !said)
			fail_msg("%.*s in %s", (int)len, s, texts[doc]);
		if (q.exact)
			assert_int_equal(has_all(&g, &q, where, doc), there);
		free(s);
	}
	text_query_make(&q, "everyw", 6);
	assert_true(has_all(&g, &q, TEXT_IN_BODY, 0));
	assert_false(has_all(&g, &q, TEXT_IN_HEADER, 0));
	text_segment_close(&g);
	assert_false(text_segment_open(&g, dir_fd, "one", 8));
	assert_false(text_segment_open(&g, dir_fd, "none", 7));
}

/* Whatever octet is wrong: the answer is right or there is none. */
static void
test_damage(void **unused)
{
	struct text_segment g;
	struct text_query q;
	struct stat st;
	unsigned refused = 0;
	int const fd = openat(dir_fd, "one", O_RDWR);

	(void)unused;
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	text_query_make(&q, "ab", 2);
	for (int n = 0; n < 300; n++) {
		off_t const at = (off_t)roll((uint32_t)st.st_size);
		unsigned char hits[DOCS / 8 + 1] = {0};
		unsigned char c, wrong;
		bool ok;

		assert_int_equal(pread(fd, &c, 1, at), 1);
		wrong = (unsigned char)(c ^ 1u << roll(8));
		assert_int_equal(pwrite(fd, &wrong, 1, at), 1);
		ok = text_segment_open(&g, dir_fd, "one", 7) &&
		     text_segment_find(
			     &g, &q.v[0], TEXT_IN_HEADER | TEXT_IN_BODY, hits);
		for (size_t i = 0; ok && i < DOCS; i++)
			assert_int_equal(hits[i / 8] >> (i % 8) & 1,
				strstr(texts[i], "ab") != NULL);
		refused += !ok;
		text_segment_close(&g);
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
	}
	assert_true(refused > 250);
	for (off_t len = 0; len < st.st_size; len += 997) {
		assert_int_equal(ftruncate(fd, len), 0);
		assert_false(text_segment_open(&g, dir_fd, "one", 7));
	}
	close(fd);
}

/* Somebody cuts the file off while it is open: it has nothing more to say. */
static void
test_cut_off(void **unused)
{
	unsigned char hits[DOCS / 8 + 1];
	struct text_segment g;
	struct text_query q;
	struct stat st;
	int fd;

	(void)unused;
	text_query_make(&q, "ab", 2);
	for (unsigned n = 0; n < 4; n++) {
		write_index("one", 0, DOCS);
		fd = openat(dir_fd, "one", O_RDWR);
		assert_true(fd >= 0 && fstat(fd, &st) == 0);
		assert_true(text_segment_open(&g, dir_fd, "one", 7));
		memset(hits, 0, sizeof hits);
		/* With what has been read and checked, and before that. */
		if (n % 2)
			assert_true(text_segment_find(&g, &q.v[0],
				TEXT_IN_HEADER | TEXT_IN_BODY, hits));
		assert_true(text_segment_is_whole(&g));
		assert_int_equal(ftruncate(fd, n < 2 ? 0 : 4096), 0);
		assert_false(text_segment_find(
			&g, &q.v[0], TEXT_IN_HEADER | TEXT_IN_BODY, hits));
		for (uint32_t d = 0; d < DOCS; d++)
			(void)text_segment_uid(&g, d);
		assert_false(text_segment_is_whole(&g));
		text_segment_close(&g);
		close(fd);
		assert_int_equal(unlinkat(dir_fd, "one", 0), 0);
	}
	write_index("one", 0, DOCS);
}

static void
test_too_much_for_one_segment(void **unused)
{
	struct text_build b;
	char word[16];

	(void)unused;
	assert_true(text_build_init(&b));
	text_build_start(&b, 1);
	text_build_add(&b, TEXT_IN_BODY, "small", 5, true);
	assert_true(text_build_end(&b));
	text_build_start(&b, 2);
	for (size_t i = 0; i <= TEXT_WORDS_MAX; i++)
		text_build_add(&b, TEXT_IN_BODY, word,
			(size_t)snprintf(word, sizeof word, "w%zu", i), true);
	assert_false(text_build_end(&b));
	assert_int_equal(b.docs, 1);
	assert_int_equal(b.pairs_count, 1);
	assert_true(text_build_is_full(&b));
	text_build_free(&b);
}

static void
test_list(void **unused)
{
	struct text_list list = {.next = 4, .count = 2, .numbers = {1, 3}};
	struct text_list back;
	char name[TEXT_NAME_MAX];
	int fd;

	(void)unused;
	assert_false(text_list_read(dir_fd, &back));
	assert_int_equal(back.next, 1);
	assert_true(text_list_write(dir_fd, &list));
	assert_true(text_list_read(dir_fd, &back));
	assert_memory_equal(&list, &back, sizeof list);
	for (uint32_t n = 1; n < 4; n++) {
		text_list_name(n, name);
		fd = openat(dir_fd, name, O_WRONLY | O_CREAT, 0600);
		close(fd);
	}
	text_list_clean(dir_fd, &list);
	assert_int_equal(faccessat(dir_fd, "kereru-text.1", F_OK, 0), 0);
	assert_int_equal(faccessat(dir_fd, "kereru-text.2", F_OK, 0), -1);
	assert_int_equal(faccessat(dir_fd, "kereru-text.3", F_OK, 0), 0);
	fd = openat(dir_fd, "kereru-text", O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 9), 1);
	close(fd);
	assert_false(text_list_read(dir_fd, &back));
}

static int
setup(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < DOCS; i++)
		make_text(texts[i]);
	if (mkdtemp(dir) == NULL)
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	return dir_fd < 0 ? -1 : 0;
}

static int
teardown(void **unused)
{
	static char const *const names[] = {
		"one", "kereru-text", "kereru-text.1", "kereru-text.3"};

	(void)unused;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)unlinkat(dir_fd, names[i], 0);
	close(dir_fd);
	return rmdir(dir);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_too_much_for_one_segment),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
