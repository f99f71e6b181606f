/* throttle.h: failures double the delay, by user and by client, and are
 * forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/monitor/throttle.h"

static int
open_store(void **state)
{
	int fd = memfd_create("throttle", 0);

	(void)state;
	if (fd < 0 || !throttle_open(fd))
		return -1;
	close(fd);
	return 0;
}

static unsigned
failed(char const *user, char const *client, uint64_t now)
{
	return throttle_failed(
		user, strlen(user), client, strlen(client), now, 1);
}

static void
delay_doubles_up_to_its_limit(void **state)
{
	static unsigned const wanted[] = {1, 2, 4, 8, 16, 30, 30};

	(void)state;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(failed("a", "192.0.2.1", 1000), wanted[i]);
}

static void
client_counts_over_users_and_user_over_clients(void **state)
{
	(void)state;
	assert_int_equal(failed("a", "192.0.2.1", 1000), 1);
	assert_int_equal(failed("b", "192.0.2.1", 1000), 2);
	assert_int_equal(failed("a", "192.0.2.2", 1000), 2);
	assert_int_equal(failed("c", "192.0.2.3", 1000), 1);
}

static void
ipv6_counts_by_64_bits(void **state)
{
	(void)state;
	assert_int_equal(failed("a", "2001:db8:0:1::1", 1000), 1);
	assert_int_equal(failed("b", "2001:db8:0:1::2", 1000), 2);
	assert_int_equal(failed("c", "2001:db8:0:2::1", 1000), 1);
	/* One network, however it is written. */
	assert_int_equal(failed("d", "2001:db8::1", 1000), 1);
	assert_int_equal(failed("e", "2001:db8::2", 1000), 2);
	assert_int_equal(failed("f", "2001:db8::a:b:c:d", 1000), 4);
	assert_int_equal(failed("g", "2001:db8:0:0:1:2:3:4", 1000), 8);
}

static void
failures_are_forgotten(void **state)
{
	(void)state;
	assert_int_equal(failed("a", "192.0.2.1", 1000), 1);
	assert_int_equal(failed("a", "192.0.2.1", 1001), 2);
	assert_int_equal(failed("a", "192.0.2.1", 1002 + 15 * 60), 1);
	throttle_succeeded("a", 1);
	assert_int_equal(failed("a", "192.0.2.2", 1003 + 15 * 60), 1);
	/* A mailbox of one's own does not help to guess others'. */
	assert_int_equal(failed("b", "192.0.2.1", 1003 + 15 * 60), 2);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test_setup(
			delay_doubles_up_to_its_limit, open_store),
		cmocka_unit_test_setup(
			client_counts_over_users_and_user_over_clients,
			open_store),
		cmocka_unit_test_setup(ipv6_counts_by_64_bits, open_store),
		cmocka_unit_test_setup(failures_are_forgotten, open_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
