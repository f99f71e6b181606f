/* sign.h: keys are read anew when their file was replaced, and kept when what
 * replaced it is none. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/monitor/sign.h"
#include "common/wire.h"

#define SECP256R1 23

static int folder_fd;
static char folder[] = "/tmp/kereru-sign-XXXXXX";

/* A file with this many EC keys; more octets behind make it malformed. */
static void
write_keys(unsigned count, size_t more)
{
	/* Longer than the clock's tick, which stamps files. */
	struct timespec const moment = {.tv_nsec = 20000000};
	char s[512] = "", scalar[32] = {[31] = 5};
	struct wire_out out;
	int fd;

	nanosleep(&moment, NULL);
	wire_start(&out, s, sizeof s);
	wire_put_u32(&out, count);
	for (unsigned i = 0; i < count; i++) {
		wire_put_u8(&out, 'E');
		wire_put_u32(&out, SECP256R1);
		wire_put_bytes(&out, scalar, sizeof scalar);
	}
	fd = openat(folder_fd, "keys", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, s, out.len + more), out.len + more);
	close(fd);
}

static size_t
sign(uint8_t key)
{
	unsigned char signature[SIGN_MAX];
	char hash[32] = "x";

	return sign_hash(
		sign_set(-1), key, 'E', 4, hash, sizeof hash, signature);
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY);
	return folder_fd < 0;
}

static int
take_down(void **state)
{
	(void)state;
	unlinkat(folder_fd, "keys", 0);
	return rmdir(folder);
}

static void
what_is_not_as_it_should_be_is_not_signed(void **state)
{
	unsigned char signature[SIGN_MAX];
	char hash[64] = "x";

	(void)state;
	assert_false(sign_refresh(folder_fd));
	assert_int_equal(sign(0), 0);
	write_keys(1, 0);
	assert_true(sign_refresh(folder_fd));
	assert_true(sign(0) > 0);
	assert_int_equal(sign(1), 0);
	assert_int_equal(sign(8), 0);
	assert_int_equal(sign(255), 0);
	assert_int_equal(
		sign_hash(sign_set(-1), 0, 'R', 4, hash, 32, signature), 0);
	assert_int_equal(
		sign_hash(sign_set(-1), 0, 'E', 5, hash, 32, signature), 0);
	assert_int_equal(
		sign_hash(sign_set(-1), 0, 'E', 2, hash, 20, signature), 0);
	assert_int_equal(
		sign_hash(sign_set(-1), 0, 'E', 4, hash, 64, signature), 0);
}

/* As of a file that was replaced twice. */
static void
another_file_of_the_same_inode_is_read(void **state)
{
	(void)state;
	write_keys(1, 0);
	assert_true(sign_refresh(folder_fd));
	assert_int_equal(sign(1), 0);
	write_keys(2, 0);
	assert_true(sign_refresh(folder_fd));
	assert_true(sign(1) > 0);
	write_keys(3, 0);
	assert_true(sign_refresh(folder_fd));
	assert_true(sign(0) > 0 && sign(1) > 0 && sign(2) > 0);
}

static void
malformed_file_leaves_the_keys_that_were(void **state)
{
	(void)state;
	write_keys(2, 0);
	assert_true(sign_refresh(folder_fd));
	write_keys(1, 1);
	assert_false(sign_refresh(folder_fd));
	assert_true(sign(0) > 0 && sign(1) > 0);
	write_keys(9, 0);
	assert_false(sign_refresh(folder_fd));
	assert_true(sign(0) > 0 && sign(1) > 0);
	assert_int_equal(unlinkat(folder_fd, "keys", 0), 0);
	assert_false(sign_refresh(folder_fd));
	assert_true(sign(1) > 0);
	write_keys(1, 0);
	assert_true(sign_refresh(folder_fd));
	assert_true(sign(0) > 0);
	assert_int_equal(sign(1), 0);
}

/* Certificates that were opened before the keys were replaced. */
static void
the_keys_before_serve_the_certificates_before(void **state)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
	unsigned char signature[SIGN_MAX];
	char hash[32] = "x";
	int certs = openat(folder_fd, "certs", O_RDWR | O_CREAT, 0600);
	unsigned old;

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		write_keys(i, 0);
		times[1].tv_sec = (time_t)i;
		assert_int_equal(utimensat(folder_fd, "keys", times, 0), 0);
		assert_true(sign_refresh(folder_fd));
		/* Those of the last time, of this one, of none. */
		times[1].tv_sec = (time_t)i - 1;
		assert_int_equal(futimens(certs, times), 0);
		old = sign_set(certs);
		if (i > 1)
			assert_int_equal(sign_hash(old, (uint8_t)(i - 1), 'E',
						 4, hash, 32, signature),
				0);
		assert_true(sign_hash(old, 0, 'E', 4, hash, 32, signature) > 0);
		for (time_t t = i; t < (time_t)i + 9; t += 8) {
			times[1].tv_sec = t;
			assert_int_equal(futimens(certs, times), 0);
			assert_true(sign_hash(sign_set(certs), (uint8_t)(i - 1),
					    'E', 4, hash, 32, signature) > 0);
		}
	}
	close(certs);
	unlinkat(folder_fd, "certs", 0);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(what_is_not_as_it_should_be_is_not_signed),
		cmocka_unit_test(another_file_of_the_same_inode_is_read),
		cmocka_unit_test(malformed_file_leaves_the_keys_that_were),
		cmocka_unit_test(the_keys_before_serve_the_certificates_before),
	};

	return cmocka_run_group_tests(tests, set_up, take_down);
}
