/* common/admin/records: what a host and its domains need in the DNS. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/admin/ownaddresses.h"
#include "common/admin/records.h"
#include "common/admin/records_print.h"
#include "common/admin/setting.h"
#include "mime/dkim/dkim_private.h"

static char folder[] = "/tmp/kereru-records-XXXXXX";
static char const *const addresses[] = {"192.0.2.10", "2001:db8::a"};

/* SEQUENCE { SEQUENCE { INTEGER, 4 SEQUENCEs, SEQUENCE of one octet } }; the
 * last one is what a TLSA record is the digest of. */
static unsigned char const certificate[] = {0x30, 16, 0x30, 14, 2, 1, 7, 0x30,
	0, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 1, 9};

static void
put(char const *name, char const *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
read_all(struct config *c, char const *more, char const *domains)
{
	struct faults f = {0};
	char text[4096] = "hostname mail.example.org\n", *end;

	for (size_t i = 0; i < setting_count; i++) {
		if (setting_table[i].type != SETTING_ACCOUNT)
			continue;
		end = text + strlen(text);
		snprintf(end, (size_t)(text + sizeof text - end), "%s %zu\n",
			setting_table[i].key, 900000 + i);
	}
	end = text + strlen(text);
	snprintf(end, (size_t)(text + sizeof text - end),
		"group-drop 900100\n%s", more);
	put("settings", text);
	put("domains", domains);
	*c = (struct config){.folder = folder};
	assert_true(config_read(c, folder, &f));
	assert_int_equal(f.count, 0);
}

static struct record const *
find(struct records const *r, char const *name, enum record_type type)
{
	struct record const *found = NULL;

	for (size_t i = 0; i < r->count; i++)
		if (r->list[i].type == type &&
			strcmp(r->list[i].name, name) == 0) {
			assert_null(found);
			found = &r->list[i];
		}
	return found;
}

static void
expect(struct records const *r, char const *name, enum record_type type,
	char const *value)
{
	struct record const *found = find(r, name, type);

	if (value == NULL) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found->value, value);
}

static void
make(struct records *r, struct config const *c,
	struct records_facts const *facts, char const *domain)
{
	struct config_domain const *d =
		config_domain(c, domain, strlen(domain));

	assert_non_null(d);
	assert_true(records_of_host(r, c, facts));
	assert_true(records_of_domain(r, c, facts, d));
}

static void
test_all_of_a_domain(void **state)
{
	struct config c;
	struct records r = RECORDS_ZERO;
	char certs[64] = {0, 0, 0, 1, 'E', 1, 0, 0, 0, sizeof certificate};
	struct records_facts facts = {addresses, 2, certs, 10};

	(void)state;
	memcpy(certs + 10, certificate, sizeof certificate);
	facts.certs_len += sizeof certificate;
	read_all(&c,
		"listen-pop3 \nlisten-imap 127.0.0.1:143 [::1]:143\n"
		"listen-imaps 127.0.0.1:1 0.0.0.0:9993 [::]:993\n",
		"mail.example.org local\nexample.org local\nkept.example "
		"backup\n");
	make(&r, &c, &facts, "example.org");
	expect(&r, "mail.example.org", RECORD_A, "192.0.2.10");
	expect(&r, "mail.example.org", RECORD_AAAA, "2001:db8::a");
	expect(&r, "mail.example.org", RECORD_TXT, "v=spf1 a -all");
	expect(&r, "10.2.0.192.in-addr.arpa", RECORD_PTR, "mail.example.org.");
	expect(&r,
		"a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0."
		"0.2.ip6.arpa",
		RECORD_PTR, "mail.example.org.");
	expect(&r, "example.org", RECORD_MX, "10 mail.example.org.");
	expect(&r, "example.org", RECORD_TXT, "v=spf1 mx -all");
	expect(&r, "_dmarc.example.org", RECORD_TXT,
		"v=DMARC1; p=none; rua=mailto:postmaster@example.org");
	/* echo -ne '\x30\x01\x09' | sha256sum */
	expect(&r, "_25._tcp.mail.example.org", RECORD_TLSA,
		"3 1 1 799d6a87d5e8ac5e31473779c77c7d96"
		"0b7cfeef00ba5c0338ba0efd95de8e3e");
	expect(&r, "mta-sts.example.org", RECORD_CNAME, "mail.example.org.");
	expect(&r, "_smtp._tls.example.org", RECORD_TXT,
		"v=TLSRPTv1; rua=mailto:postmaster@example.org");
	expect(&r, "_imaps._tcp.example.org", RECORD_SRV,
		"0 1 9993 mail.example.org.");
	expect(&r, "_pop3._tcp.example.org", RECORD_SRV, "0 0 0 .");
	expect(&r, "_imap._tcp.example.org", RECORD_SRV, "0 0 0 .");
	assert_false(find(&r, "_dmarc.example.org", RECORD_TXT)->is_needed ==
		     find(&r, "_smtp._tls.example.org", RECORD_TXT)->is_needed);
	records_free(&r);
	make(&r, &c, &facts, "kept.example");
	expect(&r, "kept.example", RECORD_MX, "20 mail.example.org.");
	expect(&r, "kept.example", RECORD_TXT, NULL);
	records_free(&r);
	config_free(&c);
}

static void
test_the_hosts_own_name(void **state)
{
	struct config c;
	struct records r = RECORDS_ZERO;
	struct records_facts facts = {addresses, 1, NULL, 0};

	(void)state;
	read_all(&c, "", "mail.example.org local\nexample.org local\n");
	make(&r, &c, &facts, "mail.example.org");
	expect(&r, "mail.example.org", RECORD_TXT, "v=spf1 a -all");
	expect(&r, "mail.example.org", RECORD_MX, "10 mail.example.org.");
	expect(&r, "_imaps._tcp.mail.example.org", RECORD_SRV, NULL);
	records_free(&r);
	config_free(&c);
	/* It is all there is: people are expected in it. */
	read_all(&c, "", "mail.example.org local\n");
	make(&r, &c, &facts, "mail.example.org");
	expect(&r, "_imaps._tcp.mail.example.org", RECORD_SRV,
		"0 1 993 mail.example.org.");
	expect(&r, "_mta-sts.mail.example.org", RECORD_TXT, NULL);
	records_free(&r);
	config_free(&c);
}

static void
test_who_else_sends(void **state)
{
	struct config c;
	struct records r = RECORDS_ZERO;
	struct records_facts facts = {addresses, 2, NULL, 0};

	(void)state;
	put("outgoing", "192.0.2.10 out.example.org\n192.0.2.11 "
			"out.example.org\n");
	put("routes", "* smart.example.net\n");
	read_all(&c, "remote-hello hello.example.org\n",
		"mail.example.org local\n");
	make(&r, &c, &facts, "mail.example.org");
	expect(&r, "mail.example.org", RECORD_TXT,
		"v=spf1 a ip4:192.0.2.10 ip4:192.0.2.11 a:smart.example.net "
		"-all");
	expect(&r, "10.2.0.192.in-addr.arpa", RECORD_PTR, "out.example.org.");
	expect(&r, "hello.example.org", RECORD_AAAA, "2001:db8::a");
	assert_non_null(find(&r, "out.example.org", RECORD_TXT));
	records_free(&r);
	config_free(&c);
	put("outgoing", "");
	put("routes", "");
}

static void
test_an_address_that_is_not_known(void **state)
{
	struct config c;
	struct records r = RECORDS_ZERO;
	struct records_facts facts = {0};
	struct record const *a;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	read_all(&c, "", "mail.example.org local\n");
	make(&r, &c, &facts, "mail.example.org");
	a = find(&r, "mail.example.org", RECORD_A);
	assert_true(a != NULL && a->value == NULL && a->is_needed);
	records_print_zone(f, &r);
	fclose(f);
	assert_non_null(strstr(text, "; mail.example.org. IN A YOUR-PUBLIC"));
	free(text);
	records_free(&r);
	config_free(&c);
}

static void
test_keys_in_strings_of_255(void **state)
{
	struct config c;
	struct records r = RECORDS_ZERO;
	struct records_facts facts = {addresses, 1, NULL, 0};
	struct record const *key;
	char pem[DKIM_PEM_MAX], *text, *s;
	size_t len, strings = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_true(dkim_private_make(1024, pem));
	put("key.pem", pem);
	put("dkim", "example.org sel key.pem\n");
	read_all(&c, "", "example.org local\n");
	make(&r, &c, &facts, "example.org");
	key = find(&r, "sel._domainkey.example.org", RECORD_TXT);
	assert_non_null(key);
	assert_memory_equal(key->value, "v=DKIM1", 7);
	/* As long as a key of 2048 bits is. */
	s = realloc(key->value, 401);
	assert_non_null(s);
	memset(s, 'x', 400);
	s[400] = '\0';
	r.list[key - r.list].value = s;
	records_print_zone(f, &r);
	fclose(f);
	s = strstr(text, "_domainkey");
	assert_non_null(s);
	for (; *s != ')'; s++)
		strings += *s == '"';
	assert_int_equal(strings, 4);
	free(text);
	records_free(&r);
	config_free(&c);
	put("dkim", "");
}

static void
test_what_changes_a_policys_id(void **state)
{
	struct config c;
	stralloc text = STRALLOC_ZERO;
	char before[RECORDS_STS_ID_SIZE], after[RECORDS_STS_ID_SIZE];

	(void)state;
	read_all(&c, "", "example.org local\n");
	assert_true(records_sts_policy(&c, &text, before));
	assert_true(stralloc_append(&text, '\0'));
	assert_string_equal(text.s, "version: STSv1\r\nmode: testing\r\n"
				    "mx: mail.example.org\r\nmax_age: "
				    "604800\r\n");
	config_free(&c);
	read_all(&c, "sts-enforce yes\n", "example.org local\n");
	text.len = 0;
	assert_true(records_sts_policy(&c, &text, after));
	assert_string_not_equal(before, after);
	/* RFC 8461 3.1: 1 to 32 letters and digits. */
	assert_int_equal(strlen(after), 32);
	stralloc_free(&text);
	config_free(&c);
}

static void
test_certificates_that_are_cut_off(void **state)
{
	struct config c;
	char certs[64] = {0, 0, 0, 1, 'E', 1, 0, 0, 0, sizeof certificate};

	(void)state;
	memcpy(certs + 10, certificate, sizeof certificate);
	read_all(&c, "", "example.org local\n");
	for (size_t len = 0; len < 10 + sizeof certificate; len++) {
		struct records r = RECORDS_ZERO;
		char *exact = malloc(len > 0 ? len : 1);
		struct records_facts facts = {addresses, 1, exact, len};
		assert_non_null(exact);
		memcpy(exact, certs, len);
		assert_false(records_of_host(&r, &c, &facts));
		records_free(&r);
		free(exact);
	}
	config_free(&c);
}

static void
test_public_addresses(void **state)
{
	static char const *const no[] = {"10.1.2.3", "127.0.0.1", "172.31.0.1",
		"192.168.1.1", "100.64.0.1", "169.254.1.1", "224.0.0.1",
		"fe80::1", "fd00::1", "::1", "x", ""};
	static char const *const yes[] = {"192.0.2.1", "172.32.0.1", "8.8.8.8",
		"2001:db8::1", "2a01:4f8::1"};

	(void)state;
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_false(ownaddresses_is_public(no[i]));
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		assert_true(ownaddresses_is_public(yes[i]));
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
teardown(void **state)
{
	static char const *const names[] = {
		"settings", "domains", "outgoing", "routes", "dkim", "key.pem"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(test_all_of_a_domain),
		cmocka_unit_test(test_the_hosts_own_name),
		cmocka_unit_test(test_who_else_sends),
		cmocka_unit_test(test_an_address_that_is_not_known),
		cmocka_unit_test(test_keys_in_strings_of_255),
		cmocka_unit_test(test_what_changes_a_policys_id),
		cmocka_unit_test(test_certificates_that_are_cut_off),
		cmocka_unit_test(test_public_addresses),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
