/* The header and the footer of what a list sends; what a header says of where a
 * posting comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "local/list/listbody.h"
#include "local/list/listhead.h"

static struct listset
list_with(char const *more, char *text, size_t max)
{
	struct listset_fault fault;
	struct listset set;

	assert_true(strlen(more) + 80 < max);
	strcpy(text, "address dev@x.test\nowner o@x.test\nname The Devs\n");
	strcat(text, more);
	assert_true(listset_parse(text, strlen(text), &set, &fault));
	return set;
}

static char *
make(struct listhead const *h, char const *header)
{
	size_t const len = strlen(header);
	char *const s = malloc(len);
	stralloc out = STRALLOC_ZERO;

	memcpy(s, header, len);
	assert_true(listhead_make(&out, h, s, len));
	assert_true(stralloc_append(&out, '\0'));
	free(s);
	return out.s;
}

#define FIELDS                                                                 \
	"List-Id: The Devs <dev.x.test>\r\n"                                   \
	"List-Post: <mailto:dev@x.test>\r\n"                                   \
	"List-Help: <mailto:dev-request@x.test>\r\n"                           \
	"List-Subscribe: <mailto:dev-subscribe@x.test>\r\n"                    \
	"List-Unsubscribe: <mailto:dev-unsubscribe@x.test>\r\n"                \
	"List-Owner: <mailto:dev-owner@x.test>\r\n"                            \
	"Precedence: list\r\n"

static void
a_plain_list_only_puts_fields_in_front(void **state)
{
	char text[512];
	struct listset const set = list_with("", text, sizeof text);
	struct listhead const h = {.set = &set};
	char *const s = make(&h,
		"From:  Ann\r\n <a@y.test>\r\nLIST-ID: <other>\r\n"
		"Precedence: bulk\r\nSubject:x\r\nReply-To: b@y.test\r\n"
		"To: dev@x.test\r\n\r\n");

	(void)state;
	assert_string_equal(s,
		FIELDS "From:  Ann\r\n <a@y.test>\r\nSubject:x\r\n"
		       "Reply-To: b@y.test\r\nTo: dev@x.test\r\n");
	free(s);
	assert_false(listhead_breaks(&set, "Subject: x\r\n", 12));
}

static void
from_becomes_the_lists_and_the_author_is_answered(void **state)
{
	char text[512];
	struct listset const set = list_with("", text, sizeof text);
	struct listhead const h = {.set = &set, .rewrites_from = true};
	char *s = make(&h, "From: =?utf-8?q?J=C3=B6rg?= <j@y.test>\r\n"
			   "Sender: x@y.test\r\n");

	(void)state;
	assert_non_null(strstr(s, "\r\nReply-To: =?utf-8?q?J=C3=B6rg?= "
				  "<j@y.test>\r\n"));
	assert_non_null(strstr(s, "\r\n <dev@x.test>\r\n"));
	assert_non_null(
		strstr(s, "\r\nX-Original-From: =?utf-8?q?J=C3=B6rg?="));
	assert_null(strstr(s, "Sender:"));
	free(s);
	s = make(&h, "From: \"A, B\" <a@y.test>\r\nReply-To: z@y.test\r\n");
	assert_non_null(
		strstr(s, "\r\nFrom: \"A, B via The Devs\"\r\n <dev@x.test>"));
	assert_null(strstr(s, "Reply-To: \"A"));
	assert_non_null(strstr(s, "Reply-To: z@y.test"));
	free(s);
	s = make(&h, "From: a@y.test\r\n");
	assert_non_null(strstr(s, "From: a via The Devs\r\n <dev@x.test>"));
	free(s);
}

static void
a_tag_stands_there_once(void **state)
{
	char text[512];
	struct listset const set =
		list_with("subject-tag [dev]\n", text, sizeof text);
	struct listhead const h = {.set = &set, .leaves_unsubscribe = true};
	char *s = make(&h, "Subject:  hello\r\n  you\r\n");

	(void)state;
	assert_non_null(strstr(s, "\r\nSubject: [dev] hello\r\n  you\r\n"));
	assert_null(strstr(s, "List-Unsubscribe"));
	free(s);
	s = make(&h, "Subject: Re: =?us-ascii?q?=5BDEV=5D_hello?=\r\n");
	assert_non_null(strstr(
		s, "\r\nSubject: Re: =?us-ascii?q?=5BDEV=5D_hello?=\r\n"));
	free(s);
	s = make(&h, "X: y\r\n");
	assert_non_null(strstr(s, "\r\nSubject: [dev] \r\n"));
	free(s);
}

static void
what_is_never_posted(void **state)
{
	static char const *const automatic[] = {
		"Auto-Submitted: auto-replied (vacation)\r\n",
		"Precedence: auto_reply\r\n", "X-Autoreply: yes\r\n",
		"Content-Type: multipart/report; report-type=x\r\n"};
	static char const *const loops[] = {"List-Id: x <DEV.x.test>\r\n",
		"List-Id: <dev.x.test>\r\n", "X-Loop: dev@x.test\r\n",
		"Delivered-To: dev@x.test\r\n"};
	static char const *const fine[] = {"Auto-Submitted: auto-generated\r\n",
		"Auto-Submitted: no\r\n", "Precedence: bulk\r\n",
		"List-Id: <devel.x.test>\r\n", "X-Loop: o@x.test\r\n"};
	char text[512];
	struct listset const set = list_with("", text, sizeof text);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_non_null(
			listhead_automatic(automatic[i], strlen(automatic[i])));
		assert_non_null(
			listhead_loop(&set, loops[i], strlen(loops[i])));
	}
	for (size_t i = 0; i < 5; i++) {
		assert_null(listhead_automatic(fine[i], strlen(fine[i])));
		assert_null(listhead_loop(&set, fine[i], strlen(fine[i])));
	}
}

static void
our_own_check_is_believed_alone(void **state)
{
	static char const text[] =
		"Authentication-Results: evil.test; dmarc=pass "
		"header.from=y.test\r\n"
		"Authentication-Results: x.test;\r\n\tdkim=pass (1024) "
		"header.d=y.test;\r\n\tdmarc=fail (p=reject) "
		"header.from=mail.y.test\r\n"
		"Authentication-Results: x.test; dmarc=pass\r\n";
	static char const spf[] =
		"Authentication-Results: x.test; dkim=pass header.d=z.test; "
		"dmarc=pass (p=quarantine, testing) header.from=y.test\r\n";
	static char const none[] =
		"Authentication-Results: x.test; dmarc=pass (p=none) "
		"header.from=y.test; x=y (p=reject)\r\n";
	struct listhead_auth a = listhead_auth("x.test", text, sizeof text - 1);

	(void)state;
	assert_true(a.is_there && a.has_failed && !a.has_passed && a.asks);
	assert_true(a.has_dkim);
	a = listhead_auth("x.test", spf, sizeof spf - 1);
	assert_true(a.has_passed && a.asks && !a.has_dkim);
	a = listhead_auth("x.test", none, sizeof none - 1);
	assert_true(a.has_passed && !a.asks);
	a = listhead_auth("other.test", text, sizeof text - 1);
	assert_false(a.is_there || a.asks);
}

static void
a_footer_goes_where_it_can(void **state)
{
	static struct {
		char const *header;
		bool is_ascii;
		enum listbody_way way;
	} const cases[] = {
		{"Subject: x\r\n", true, LISTBODY_BEHIND},
		{"Subject: x\r\n", false, LISTBODY_WRAP},
		{"Content-Type: text/plain; charset=ISO-8859-1\r\n"
		 "Content-Transfer-Encoding: 8bit\r\n",
			true, LISTBODY_BEHIND},
		{"Content-Type: text/plain; charset=ISO-8859-1\r\n"
		 "Content-Transfer-Encoding: 8bit\r\n",
			false, LISTBODY_WRAP},
		{"Content-Type: text/plain; charset=\"utf-8\"\r\n"
		 "Content-Transfer-Encoding: 8bit\r\n",
			false, LISTBODY_BEHIND},
		{"Content-Type: text/plain; charset=utf-8\r\n"
		 "Content-Transfer-Encoding: 7bit\r\n",
			false, LISTBODY_WRAP},
		{"Content-Type: text/plain; charset=utf-16\r\n", true,
			LISTBODY_WRAP},
		{"Content-Type: text/plain; charset=utf-8\r\n"
		 "Content-Transfer-Encoding: quoted-printable\r\n",
			false, LISTBODY_QUOTED},
		{"Content-Transfer-Encoding: base64\r\n", true, LISTBODY_WRAP},
		{"Content-Type: text/html\r\n", true, LISTBODY_WRAP},
		{"Content-Type: multipart/mixed; boundary=x\r\n", true,
			LISTBODY_WRAP},
		{"Content-Type: multipart/signed; boundary=x\r\n", true,
			LISTBODY_NOT},
		{"Content-Type: multipart/encrypted; boundary=x\r\n", true,
			LISTBODY_NOT},
	};
	stralloc out = STRALLOC_ZERO;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(
			listbody_way(cases[i].header, strlen(cases[i].header),
				cases[i].is_ascii),
			cases[i].way);
	assert_true(listbody_behind(&out, LISTBODY_QUOTED, "", "a=b\n", 4));
	assert_int_equal(out.len, 7);
	assert_memory_equal(out.s, "a=3Db\r\n", 7);
	out.len = 0;
	assert_true(listbody_before(&out, LISTBODY_WRAP, "B",
		"Content-Type: text/html\nX: y\nContent-Language: en\n", 50));
	assert_int_equal(out.len, strlen("--B\r\nContent-Type: text/html\r\n"
					 "Content-Language: en\r\n\r\n"));
	stralloc_free(&out);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(a_plain_list_only_puts_fields_in_front),
		cmocka_unit_test(
			from_becomes_the_lists_and_the_author_is_answered),
		cmocka_unit_test(a_tag_stands_there_once),
		cmocka_unit_test(what_is_never_posted),
		cmocka_unit_test(our_own_check_is_believed_alone),
		cmocka_unit_test(a_footer_goes_where_it_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
