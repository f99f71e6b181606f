/* Tests mime/metarecord.c: what is no record is never taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/crc32c.h"
#include "mime/metarecord.h"

#define TEXTS "(ENV)(STRUCT)(BODY)Subject: x\r\n\r\n"

/* A record of an exact-size block, its checksum right. */
static char *
make(struct metarecord *r, size_t *len_r)
{
	size_t const len = (sizeof *r + strlen(TEXTS) + META_UNIT - 1) /
			   META_UNIT * META_UNIT;
	char *const s = calloc(1, len);

	assert_non_null(s);
	r->head.len = (uint32_t)len;
	memcpy(s, r, sizeof *r);
	memcpy(s + sizeof *r, TEXTS, strlen(TEXTS));
	r->head.crc =
		crc32c(0, s + sizeof r->head.crc, len - sizeof r->head.crc);
	memcpy(s, r, sizeof *r);
	*len_r = len;
	return s;
}

static struct metarecord const good = {.uid = 7,
	.name = 1,
	.inode = 2,
	.present = META_HEADER | META_DATE,
	.date = -5,
	.lens = {5, 8, 6, 14}};

static void
test_taken_apart(void **state)
{
	struct metarecord r = good, back;
	struct meta_entry e;
	size_t len;
	char *const s = make(&r, &len);

	(void)state;
	assert_true(metarecord_is_whole(s, len));
	assert_true(metarecord_take_apart(s, len, &back, &e));
	assert_int_equal(back.uid, 7);
	assert_int_equal(e.date, -5);
	assert_memory_equal(e.structure, "(STRUCT)", e.structure_len);
	assert_int_equal(e.header_len, 14);
	assert_memory_equal(e.header, "Subject: x\r\n\r", 13);
	free(s);
}

static void
test_every_flipped_bit_is_seen(void **state)
{
	struct metarecord r = good;
	size_t len;
	char *const s = make(&r, &len);

	(void)state;
	for (size_t bit = 0; bit < 8 * len; bit++) {
		s[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(metarecord_is_whole(s, len));
		s[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t less = 1; less <= len; less++)
		assert_false(metarecord_is_whole(s + less, len - less));
	free(s);
}

static void
test_lengths_beyond_the_record(void **state)
{
	static uint32_t const lens[] = {
		100, UINT32_MAX, UINT32_MAX - 7, 1u << 31};

	(void)state;
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
		for (int k = 0; k < METARECORD_TEXTS; k++) {
			struct metarecord r = good, back;
			struct meta_entry e;
			size_t len;
			char *s;

			r.lens[k] = lens[i];
			s = make(&r, &len);
			assert_true(metarecord_is_whole(s, len));
			assert_false(metarecord_take_apart(s, len, &back, &e));
			free(s);
		}
}

static void
test_heads(void **state)
{
	(void)state;
	assert_true(metarecord_is_head(&(struct meta_head){0, 8}));
	assert_false(metarecord_is_head(&(struct meta_head){0, 0}));
	assert_false(metarecord_is_head(&(struct meta_head){0, 12}));
	assert_false(metarecord_is_head(
		&(struct meta_head){0, META_RECORD_MAX + META_UNIT}));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(test_taken_apart),
		cmocka_unit_test(test_every_flipped_bit_is_seen),
		cmocka_unit_test(test_lengths_beyond_the_record),
		cmocka_unit_test(test_heads),
	};

	return cmocka_run_group_tests_name("metarecord", tests, NULL, NULL);
}
