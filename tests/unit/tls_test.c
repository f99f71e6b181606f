/* common/tls.h: our server against our client, in two processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <bearssl.h>
#include <cmocka.h>
#include "common/tls.h"

#define MIB (1024 * 1024)

static char folder[] = "/tmp/tls_test.XXXXXX";
static struct stream stream;

static size_t
slurp(char const *name, unsigned char *s, size_t max)
{
	char path[256];
	FILE *f;
	size_t len;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	len = fread(s, 1, max, f);
	fclose(f);
	return len;
}

static int
make_keys(void **state)
{
	char command[1024];
	static char const *const options[] = {
		"ec -pkeyopt ec_paramgen_curve:P-256", "rsa:2048"};
	static char const *const names[] = {"ec", "rsa"};

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		snprintf(command, sizeof command,
			"cd %s && openssl req -x509 -newkey %s -nodes "
			"-subj /CN=test -days 2 -outform DER -keyout %s.pem "
			"-out %s.der 2>err && openssl pkey -in %s.pem "
			"-outform DER -out %s.key 2>err",
			folder, options[i], names[i], names[i], names[i],
			names[i]);
		if (system(command) != 0)
			return -1;
	}
	return 0;
}

static int
remove_keys(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

/* The certificates' file for a list of types such as "ER". */
static int
certificates(char const *types)
{
	static unsigned char der[8192];
	unsigned char head[6];
	int fd = memfd_create("certificates", 0);
	uint32_t count = (uint32_t)strlen(types);
	unsigned char const four[4] = {0, 0, 0, (unsigned char)count};

	assert_int_equal(write(fd, four, 4), 4);
	for (size_t i = 0; i < count; i++) {
		size_t len = slurp(types[i] == 'E' ? "ec.der" : "rsa.der", der,
			sizeof der);
		head[0] = (unsigned char)types[i];
		head[1] = 1;
		head[2] = head[3] = 0;
		head[4] = (unsigned char)(len >> 8);
		head[5] = (unsigned char)len;
		assert_int_equal(write(fd, head, 6), 6);
		assert_int_equal(write(fd, der, len), (ssize_t)len);
	}
	return fd;
}

/* What the monitor does for real. */
static size_t
sign(void *data, unsigned key_index, char key_type, int algorithm,
	unsigned char const *hash, size_t hash_len,
	unsigned char signature_r[TLS_SIGNATURE_MAX])
{
	static unsigned char der[8192];
	br_skey_decoder_context key;
	br_hash_class const *classes[7] = {[4] = &br_sha256_vtable,
		[5] = &br_sha384_vtable,
		[6] = &br_sha512_vtable};
	unsigned char const *oid = br_sha256_ID == algorithm
					   ? BR_HASH_OID_SHA256
					   : BR_HASH_OID_SHA384;

	(void)key_index;
	if (data != NULL) /* a monitor that refuses */
		return 0;
	br_skey_decoder_init(&key);
	br_skey_decoder_push(&key, der,
		slurp(key_type == 'E' ? "ec.key" : "rsa.key", der, sizeof der));
	if (key_type == 'E')
		return br_ecdsa_sign_asn1_get_default()(br_ec_get_default(),
			classes[algorithm], hash, br_skey_decoder_get_ec(&key),
			signature_r);
	if (!br_rsa_pkcs1_sign_get_default()(oid, hash, hash_len,
		    br_skey_decoder_get_rsa(&key), signature_r))
		return 0;
	return (br_skey_decoder_get_rsa(&key)->n_bitlen + 7) / 8;
}

static void
prepare_server(char const *types, void *sign_data)
{
	struct tls_server_setup setup = {.certificates_fd = certificates(types),
		.sign = sign,
		.sign_data = sign_data};

	if (!tls_server_prepare(&setup))
		_exit(90);
	close(setup.certificates_fd);
}

/* Run serve in a child on one end of a socketpair; the other end. */
static int
start(void (*serve)(char const *types), char const *types, pid_t *pid_r)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	*pid_r = fork();
	if (*pid_r == 0) {
		close(ends[0]);
		stream_init(&stream, ends[1], ends[1], 5000);
		serve(types);
		_exit(0);
	}
	close(ends[1]);
	return ends[0];
}

static int
finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void
serve_echo(char const *types)
{
	char const *line;
	size_t len;

	prepare_server(types, NULL);
	if (!tls_server_start(&stream))
		_exit(1);
	while (stream_line(&stream, 8000, &line, &len, NULL) > 0) {
		static char copy[8000];
		memcpy(copy, line, len);
		stream_write(&stream, copy, len);
		stream_puts(&stream, "\r\n");
	}
	stream_close(&stream);
}

static void
echo_with(char const *types, char const *description)
{
	pid_t pid;
	int fd = start(serve_echo, types, &pid);
	char const *line;
	static char text[5000];
	size_t len;
	bool crlf;

	stream_init(&stream, fd, fd, 5000);
	assert_true(tls_client_start(&stream, "test", TLS_VERIFY_NONE));
	assert_string_equal(tls_describe(&stream), description);
	for (size_t i = 0; i < 100; i++) {
		memset(text, 'a' + (int)(i % 26), i * 50 + 1);
		stream_write(&stream, text, i * 50 + 1);
		stream_puts(&stream, "\n");
		assert_int_equal(
			stream_line(&stream, 8000, &line, &len, &crlf), 1);
		assert_true(crlf);
		assert_int_equal(len, i * 50 + 1);
		assert_memory_equal(line, text, len);
	}
	stream_close(&stream);
	close(fd);
	assert_int_equal(finish(pid), 0);
}

static void
both_certificates_choose_the_ec_one(void **state)
{
	(void)state;
	echo_with("RE", "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256");
}

static void
rsa_alone_works(void **state)
{
	(void)state;
	echo_with("R", "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256");
}

static void
serve_refusing(char const *types)
{
	prepare_server(types, &stream);
	_exit(tls_server_start(&stream) ? 1 : 42);
}

static void
refused_signature_ends_the_handshake(void **state)
{
	pid_t pid;
	int fd = start(serve_refusing, "E", &pid);

	(void)state;
	stream_init(&stream, fd, fd, 5000);
	assert_false(tls_client_start(&stream, "test", TLS_VERIFY_NONE));
	assert_int_not_equal(stream.error, 0);
	assert_false(stream_puts(&stream, "x"));
	close(fd);
	assert_int_equal(finish(pid), 42);
}

static void
serve_starttls(char const *types)
{
	char const *line;
	size_t len;

	prepare_server(types, NULL);
	if (stream_line(&stream, 100, &line, &len, NULL) != 1)
		_exit(2);
	stream_puts(&stream, "+OK\r\n");
	_exit(tls_server_start(&stream) ? 1 : errno);
}

static void
input_behind_starttls_is_refused(void **state)
{
	pid_t pid;
	int fd = start(serve_starttls, "E", &pid);

	(void)state;
	assert_int_equal(write(fd, "STLS\r\nSTAT\r\n", 12), 12);
	assert_int_equal(finish(pid), EPROTO);
	close(fd);
}

static void
answers_behind_starttls_are_refused(void **state)
{
	int ends[2];
	char const *line;
	size_t len;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[1], "220 go\r\n250 x\r\n", 15), 15);
	stream_init(&stream, ends[0], ends[0], 5000);
	assert_int_equal(stream_line(&stream, 100, &line, &len, NULL), 1);
	assert_false(tls_client_start(&stream, "test", TLS_VERIFY_NONE));
	assert_int_equal(errno, EPROTO);
	close(ends[0]);
	close(ends[1]);
}

static void
silent_peer_times_out(void **state)
{
	int ends[2];
	int64_t began = stream_clock_ms();

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	stream_init(&stream, ends[0], ends[0], 200);
	assert_false(tls_client_start(&stream, NULL, TLS_VERIFY_NONE));
	assert_int_equal(errno, ETIMEDOUT);
	assert_in_range(stream_clock_ms() - began, 190, 10000);
	close(ends[0]);
	close(ends[1]);
}

/* A program behind the mover that gives back what it gets. */
static void
fork_cat(int *to_r, int *from_r)
{
	int to[2], from[2];
	char s[4096];
	ssize_t r;

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	if (fork() == 0) {
		close(to[1]);
		close(from[0]);
		while ((r = read(to[0], s, sizeof s)) > 0)
			if (write(from[1], s, (size_t)r) != r)
				break;
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	*to_r = to[1];
	*from_r = from[0];
}

static void
serve_move(char const *types)
{
	int to, from;

	if (*types != '\0') {
		prepare_server(types, NULL);
		if (!tls_server_start(&stream))
			_exit(1);
	}
	fork_cat(&to, &from);
	tls_move(&stream, to, from);
}

static unsigned char
octet(size_t i)
{
	return (unsigned char)(i * 2654435761u >> 13);
}

/* 4 MiB out and back again, written and read by two processes at once. */
static void
move_both_ways(char const *types)
{
	pid_t pid, writer, mover;
	int fd = start(serve_move, types, &pid), to[2], from[2];
	static unsigned char s[65536];
	size_t seen = 0;
	ssize_t r;

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	writer = fork();
	if (writer == 0) {
		for (size_t done = 0; done < 4 * MIB; done += sizeof s) {
			for (size_t i = 0; i < sizeof s; i++)
				s[i] = octet(done + i);
			for (size_t at = 0; at < sizeof s; at += (size_t)r)
				if ((r = write(from[1], s + at,
					     sizeof s - at)) < 0)
					_exit(1);
		}
		pause();
		_exit(0);
	}
	mover = fork();
	if (mover == 0) {
		close(to[0]);
		close(from[1]);
		stream_init(&stream, fd, fd, 5000);
		if (*types != '\0' &&
			!tls_client_start(&stream, NULL, TLS_VERIFY_NONE))
			_exit(1);
		tls_move(&stream, to[1], from[0]);
		_exit(0);
	}
	close(fd);
	close(to[1]);
	close(from[0]);
	close(from[1]);
	while (seen < 4 * MIB) {
		r = read(to[0], s, sizeof s);
		assert_true(r > 0);
		for (size_t i = 0; i < (size_t)r; i++)
			if (s[i] != octet(seen + i))
				fail_msg("octet %zu", seen + i);
		seen += (size_t)r;
	}
	kill(writer, SIGKILL);
	assert_int_equal(finish(writer), 255);
	assert_int_equal(finish(mover), 0);
	assert_int_equal(finish(pid), 0);
	close(to[0]);
}

static void
mover_under_tls(void **state)
{
	(void)state;
	move_both_ways("E");
}

static void
mover_in_the_clear(void **state)
{
	(void)state;
	move_both_ways("");
}

/* The peer has said all and closed its side; it still gets every answer. */
static void
answers_after(char const *types, void (*half_close)(int fd))
{
	pid_t pid;
	int fd = start(serve_move, types, &pid);
	static char text[3000];
	size_t got = 0;

	memset(text, 'x', sizeof text);
	stream_init(&stream, fd, fd, 5000);
	if (*types != '\0')
		assert_true(tls_client_start(&stream, NULL, TLS_VERIFY_NONE));
	for (size_t i = 0; i < 20; i++)
		assert_true(stream_write(&stream, text, sizeof text));
	assert_true(stream_flush(&stream));
	half_close(fd);
	for (;;) {
		int r = stream_fill(&stream);
		assert_true(r >= 0);
		if (r == 0)
			break;
		got += stream_pending(&stream);
		stream.in_start = stream.in_end = 0;
	}
	assert_int_equal(got, 20 * sizeof text);
	close(fd);
	assert_int_equal(finish(pid), 0);
}

static void
fin(int fd)
{
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

static void
answers_after_a_fin(void **state)
{
	(void)state;
	answers_after("", fin);
	answers_after("E", fin);
}

/* A program that has ended, and a peer that does not read its last words. */
static void
serve_deaf(char const *types)
{
	static char text[MIB];
	int to[2], from[2];

	prepare_server(types, NULL);
	if (!tls_server_start(&stream) || pipe(to) < 0 || pipe(from) < 0)
		_exit(1);
	if (fork() == 0) {
		close(from[0]);
		(void)!write(from[1], text, sizeof text);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	tls_move(&stream, to[1], from[0]);
}

static void
deaf_peer_is_given_up(void **state)
{
	pid_t pid;
	int fd = start(serve_deaf, "E", &pid), size = 4096;
	int64_t began;

	(void)state;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	stream_init(&stream, fd, fd, 5000);
	assert_true(tls_client_start(&stream, NULL, TLS_VERIFY_NONE));
	/* The program writes on until the end of what the mover takes. */
	usleep(200000);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	began = stream_clock_ms();
	assert_int_equal(finish(pid), 0);
	assert_in_range(stream_clock_ms() - began, 1500, 15000);
	close(fd);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(both_certificates_choose_the_ec_one),
		cmocka_unit_test(rsa_alone_works),
		cmocka_unit_test(refused_signature_ends_the_handshake),
		cmocka_unit_test(input_behind_starttls_is_refused),
		cmocka_unit_test(answers_behind_starttls_are_refused),
		cmocka_unit_test(silent_peer_times_out),
		cmocka_unit_test(mover_under_tls),
		cmocka_unit_test(mover_in_the_clear),
		cmocka_unit_test(answers_after_a_fin),
		cmocka_unit_test(deaf_peer_is_given_up),
	};

	return cmocka_run_group_tests_name(
		"tls", tests, make_keys, remove_keys);
}
