/* crc32c.h against the values of RFC 3720, B.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/crc32c.h"

static void
known_values(void **state)
{
	unsigned char s[32];

	(void)state;
	memset(s, 0, sizeof s);
	assert_int_equal(crc32c(0, s, sizeof s), 0x8A9136AA);
	memset(s, 0xff, sizeof s);
	assert_int_equal(crc32c(0, s, sizeof s), 0x62A8AB43);
	for (unsigned char i = 0; i < 32; i++)
		s[i] = i;
	assert_int_equal(crc32c(0, s, sizeof s), 0x46DD794E);
	assert_int_equal(crc32c(crc32c(0, s, 5), s + 5, 27), 0x46DD794E);
	assert_int_equal(crc32c(0, "", 0), 0);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {cmocka_unit_test(known_values)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
