/* dns.h against a name server of a few lines: what it says, by the first letter
 * of the asked name. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/dns.h"

static char servers[64];
static pid_t server;

/*
 * n: NXDOMAIN; d: no data; f: SERVFAIL; r: REFUSED; s: silence; g: garbage;
 * o: a reply to another question; a: an address, with the AD bit as it came;
 * i: an address that ends in the low octet of the question's id.
 */
static size_t
answer(unsigned char *s, unsigned char id)
{
	static unsigned char const record[] = {
		0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 9};
	size_t question = 12 + strlen((char *)s + 12) + 1 + 4;

	s[2] = 0x81;
	s[3] = (unsigned char)(0x80 | (s[3] & 0x20));
	s[8] = s[9] = s[10] = s[11] = 0;
	switch (s[13]) {
	case 'n':
		s[3] |= 3;
		return question;
	case 'd':
		return question;
	case 'f':
		s[3] |= 2;
		return question;
	case 'r':
		s[3] |= 5;
		return question;
	case 'g':
		s[7] = 9;
		return question;
	case 'o':
		s[14] = (unsigned char)(s[14] + 1);
		return question;
	case 'a':
	case 'i':
		s[7] = 1;
		memcpy(s + question, record, sizeof record);
		if (s[13] == 'i')
			s[question + sizeof record - 1] = id;
		return question + sizeof record;
	}
	return 0;
}

static void
serve(int fd)
{
	unsigned char s[1500];
	struct sockaddr_in from;

	for (;;) {
		socklen_t from_len = sizeof from;
		ssize_t r = recvfrom(fd, s, sizeof s - 64, 0,
			(struct sockaddr *)&from, &from_len);
		if (r < 18)
			continue;
		size_t len = answer(s, s[1]);
		if (len > 0)
			(void)sendto(fd, s, len, 0, (struct sockaddr *)&from,
				from_len);
	}
}

static int
set_up(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(servers, sizeof servers, "127.0.0.1:%u", ntohs(a.sin_port));
	server = fork();
	if (server == 0)
		serve(fd);
	close(fd);
	return 0;
}

static int
take_down(void **state)
{
	(void)state;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return 0;
}

static void
answers(void **state)
{
	static struct {
		char const *name;
		enum dns_status status;
	} const cases[] = {{"a.test", DNS_FOUND}, {"d.test", DNS_NODATA},
		{"n.test", DNS_NXDOMAIN}, {"f.test", DNS_TEMPORARY},
		{"r.test", DNS_TEMPORARY}, {"g.test", DNS_TEMPORARY},
		{"o.test", DNS_TEMPORARY}, {"s.test", DNS_TEMPORARY},
		{"a..test", DNS_NXDOMAIN}, {"", DNS_NXDOMAIN}};
	size_t const count = sizeof cases / sizeof cases[0];
	struct dns_question q[sizeof cases / sizeof cases[0]];
	unsigned char address[16];
	struct dns dns;
	time_t start = time(NULL);

	(void)state;
	assert_true(dns_open(&dns, servers));
	for (size_t i = 0; i < count; i++)
		q[i] = (struct dns_question){
			.name = cases[i].name, .type = DNS_A};
	dns_ask(&dns, q, count, 1500);
	assert_true(time(NULL) - start < 4);
	for (size_t i = 0; i < count; i++) {
		print_message("%s %s\n", cases[i].name,
			q[i].why != NULL ? q[i].why : "");
		assert_int_equal(q[i].status, cases[i].status);
		assert_int_equal(
			q[i].why != NULL, q[i].status == DNS_TEMPORARY);
	}
	assert_int_equal(dns_record_address(&q[0].reply, 0, address), 4);
	assert_memory_equal(address, "\x7f\0\0\x09", 4);
	/* From a resolver on this host. */
	assert_true(q[0].authentic);
	dns_free(q, count);
	dns_free(q, count);
	/* After all that it can be asked again. */
	q[0] = (struct dns_question){.name = "a.test", .type = DNS_A};
	dns_ask(&dns, q, 1, 1500);
	assert_int_equal(q[0].status, DNS_FOUND);
	dns_free(q, 1);
	dns_close(&dns);
	dns_close(&dns);
}

/* Who waits for one is not held up by the other, and a question that nobody
 * waits for any more does no harm when its time is over. */
static void
several_are_under_way(void **state)
{
	struct dns_question slow[] = {{.name = "s.test", .type = DNS_A},
		{.name = "a2.test", .type = DNS_A}};
	struct dns_question quick = {.name = "a.test", .type = DNS_A};
	struct dns_sent first, second;
	struct dns dns;
	time_t start = time(NULL);

	(void)state;
	assert_true(dns_open(&dns, servers));
	dns_send(&dns, slow, 2, &first);
	dns_send(&dns, &quick, 1, &second);
	dns_wait(&dns, &second, 60000);
	assert_int_equal(quick.status, DNS_FOUND);
	assert_true(time(NULL) - start < 30);
	/* Given up while another is under way. */
	dns_free(&quick, 1);
	dns_send(&dns, &quick, 1, &second);
	dns_wait(&dns, &first, 100);
	assert_int_equal(slow[0].status, DNS_TEMPORARY);
	assert_int_equal(slow[1].status, DNS_FOUND);
	dns_wait(&dns, &second, 60000);
	assert_int_equal(quick.status, DNS_FOUND);
	dns_wait(&dns, &second, 0);
	dns_free(&quick, 1);
	dns_free(slow, 2);
	dns_close(&dns);
}

static void
children_draw_their_own_ids(void **state)
{
	unsigned char ids[16], address[16];
	struct dns dns;
	unsigned different = 0;
	int ends[2];

	(void)state;
	assert_true(dns_open(&dns, servers));
	assert_int_equal(pipe(ends), 0);
	for (size_t i = 0; i < sizeof ids; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			struct dns_question q = {
				.name = "i.test", .type = DNS_A};
			dns_ask(&dns, &q, 1, 2000);
			if (q.status != DNS_FOUND)
				_exit(1);
			(void)dns_record_address(&q.reply, 0, address);
			_exit(write(ends[1], address + 3, 1) != 1);
		}
		assert_int_equal(read(ends[0], &ids[i], 1), 1);
		waitpid(pid, NULL, 0);
		different += i > 0 && ids[i] != ids[0];
	}
	assert_true(different > 8);
	close(ends[0]);
	close(ends[1]);
	dns_close(&dns);
}

static void
servers_text(void **state)
{
	struct dns dns;

	(void)state;
	assert_true(dns_open(&dns, "127.0.0.1:53 [::1]:5353"));
	assert_true(dns.local);
	dns_close(&dns);
	assert_true(dns_open(&dns, "127.0.0.1:53 192.0.2.1:53"));
	assert_false(dns.local);
	dns_close(&dns);
	assert_true(dns_open(&dns, "[2001:db8::1]:53"));
	assert_false(dns.local);
	dns_close(&dns);
	errno = 0;
	assert_false(dns_open(&dns, "nonsense"));
	assert_int_equal(errno, EINVAL);
	assert_false(dns_open(&dns, "127.0.0.1:53 x"));
	assert_true(dns_open(&dns, NULL));
	dns_close(&dns);
	assert_true(dns_open(&dns, ""));
	dns_close(&dns);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(several_are_under_way),
		cmocka_unit_test(children_draw_their_own_ids),
		cmocka_unit_test(servers_text),
	};

	return cmocka_run_group_tests(tests, set_up, take_down);
}
