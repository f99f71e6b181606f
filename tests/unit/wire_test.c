/* wire.h: fields read back as written; anything short, long or left over
 * fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/wire.h"

static size_t
write_sample(char *s, size_t max)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u8(&out, 0xfe);
	wire_put_u16(&out, 0xfedc);
	wire_put_u32(&out, 0xfedcba98);
	wire_put_u64(&out, UINT64_C(0xfedcba9876543210));
	wire_put_bytes(&out, "hello", 5);
	wire_put_bytes(&out, "", 0);
	return out.failed ? 0 : out.len;
}

static bool
read_sample(char const *s, size_t len)
{
	/* An exact block: the sanitizer sees one octet too far. */
	char *copy = malloc(len > 0 ? len : 1);
	struct wire_in in;
	size_t n, m;
	bool ok;

	memcpy(copy, s, len);
	wire_open(&in, copy, len);
	ok = wire_get_u8(&in) == 0xfe && wire_get_u16(&in) == 0xfedc &&
	     wire_get_u32(&in) == 0xfedcba98 &&
	     wire_get_u64(&in) == UINT64_C(0xfedcba9876543210);
	char const *t = wire_get_bytes(&in, 5, &n);
	ok = ok && n == 5 && memcmp(t, "hello", 5) == 0;
	wire_get_bytes(&in, 5, &m);
	ok = wire_end(&in) && ok && m == 0;
	free(copy);
	return ok;
}

static void
fields_read_back(void **state)
{
	char s[64];
	size_t len = write_sample(s, sizeof s);

	(void)state;
	assert_int_equal(len, 1 + 2 + 4 + 8 + 2 + 5 + 2);
	assert_true(read_sample(s, len));
}

static void
every_short_frame_fails(void **state)
{
	char s[64];
	size_t len = write_sample(s, sizeof s);

	(void)state;
	for (size_t i = 0; i < len; i++)
		assert_false(read_sample(s, i));
}

static void
left_over_octet_fails(void **state)
{
	char s[64] = {0};
	size_t len = write_sample(s, sizeof s);

	(void)state;
	assert_false(read_sample(s, len + 1));
}

static void
field_over_its_limit_fails(void **state)
{
	struct wire_in in;
	size_t len;

	(void)state;
	wire_open(&in, "\0\5hello", 7);
	wire_get_bytes(&in, 4, &len);
	assert_int_equal(len, 0);
	assert_true(in.failed);
	assert_false(wire_end(&in));
}

static void
full_frame_fails(void **state)
{
	char s[64];

	(void)state;
	for (size_t max = 0; max < 24; max++)
		assert_int_equal(write_sample(s, max), 0);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(fields_read_back),
		cmocka_unit_test(every_short_frame_fails),
		cmocka_unit_test(left_over_octet_fails),
		cmocka_unit_test(field_over_its_limit_fails),
		cmocka_unit_test(full_frame_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
