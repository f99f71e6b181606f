/* mime/imap: strings, envelopes and structures as RFC 3501 writes them. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "mime/envelope.h"
#include "mime/imap.h"
#include "tests/unit/exact.h"

#define NO7 "NIL NIL NIL NIL NIL NIL NIL"

static struct structure_part parts[STRUCTURE_PARTS_MAX];

static struct {
	char const *name, *header, *wanted;
} const envelopes[] = {
	{"nothing", "", "(NIL NIL NIL " NO7 ")"},
	{"date and subject", "Date: x y\nSubject: a \"b\" \\c\n\n",
		"(\"x y\" \"a \\\"b\\\" \\\\c\" NIL " NO7 ")"},
	{"empty is not absent", "Subject:\nMessage-ID: \n\n",
		"(NIL \"\" NIL NIL NIL NIL NIL NIL NIL \"\")"},
	{"sender and reply-to are from", "From: A <a@b>\nReply-To:\n\n",
		"(NIL NIL ((\"A\" NIL \"a\" \"b\")) ((\"A\" NIL \"a\" \"b\")) "
		"((\"A\" NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)"},
	{"sender of its own", "From: a@b\nSender: c@d\n\n",
		"(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) "
		"((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)"},
	{"group", "To: g: a@b;, c@d\n\n",
		"(NIL NIL NIL NIL NIL ((NIL NIL \"g\" NIL)"
		"(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)"
		"(NIL NIL \"c\" \"d\")) NIL NIL NIL NIL)"},
	{"nothing that looks like a group", "Cc: a, <@b>\n\n",
		"(NIL NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"MISSING_DOMAIN\")"
		"(NIL NIL \"MISSING_MAILBOX\" \"b\")) "
		"NIL NIL NIL)"},
	{"route", "Bcc: <@r:a@b>\n\n",
		"(NIL NIL NIL NIL NIL NIL NIL ((NIL \"@r\" \"a\" \"b\")) "
		"NIL NIL)"},
	{"folds become blanks in the subject", "Subject: a\r\n\tb \t\n\n",
		"(NIL \"a b\" NIL " NO7 ")"},
	{"the first of two counts", "Subject: a\nSUBJECT: b\n\n",
		"(NIL \"a\" NIL " NO7 ")"},
	{"8-bit is a literal", "Subject: \xc3\xa4\n\n",
		"(NIL {2}\r\n\xc3\xa4 NIL " NO7 ")"},
	{"ids", "In-Reply-To: <a@b>\n <c@d>\nMessage-Id: <e@f>\n\n",
		"(NIL NIL NIL NIL NIL NIL NIL NIL \"<a@b> <c@d>\" "
		"\"<e@f>\")"},
};

static void
envelope_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof envelopes / sizeof envelopes[0]; i++) {
		size_t const len = strlen(envelopes[i].header);
		char *s = exact(envelopes[i].header, len);
		stralloc sa = STRALLOC_ZERO;

		print_message("%s\n", envelopes[i].name);
		assert_true(imap_envelope(&sa, s, len));
		assert_true(stralloc_0(&sa));
		assert_string_equal(sa.s, envelopes[i].wanted);
		stralloc_free(&sa);
		free(s);
	}
}

#define TEXT "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "

static struct {
	char const *name, *message, *wanted;
	bool extended;
} const structures[] = {
	{"plain", "\nx\n", "(" TEXT "3 1)", false},
	{"plain, extended", "\nx\n", "(" TEXT "3 1 NIL NIL NIL NIL)", true},
	{"html",
		"Content-Type: Text/HTML; Charset=\"UTF-8\"; x=\"a\\\"b\"\n"
		"Content-Transfer-Encoding: QUOTED-printable (x)\n"
		"Content-ID: <a@b>\nContent-Description: d\n e\n\nx",
		"(\"Text\" \"HTML\" (\"Charset\" \"UTF-8\" \"x\" \"a\\\"b\") "
		"\"<a@b>\" \"d e\" \"QUOTED-printable\" 1 0)",
		false},
	{"all extensions",
		"Content-Type: image/png\nContent-MD5: m\n"
		"Content-Disposition: attachment; filename=a.png\n"
		"Content-Language: en (x), de\nContent-Location: l\n\n",
		"(\"image\" \"png\" NIL NIL NIL \"7bit\" 0 \"m\" "
		"(\"attachment\" (\"filename\" \"a.png\")) (\"en\" \"de\") "
		"\"l\")",
		true},
	{"disposition without parameters",
		"Content-Type: a/b\nContent-Disposition: inline\n\n",
		"(\"a\" \"b\" NIL NIL NIL \"7bit\" 0 NIL (\"inline\" NIL) NIL "
		"NIL)",
		true},
	{"continuations stay", "Content-Type: a/b; n*0*=u''x; n*1=y\n\n",
		"(\"a\" \"b\" (\"n*0*\" \"u''x\" \"n*1\" \"y\") NIL NIL "
		"\"7bit\" 0)",
		false},
	{"multipart",
		"Content-Type: multipart/mixed; boundary=b\n\n"
		"--b\n\nx\n--b\nContent-Type: a/b\n\ny\n--b--\n",
		"((" TEXT "1 0)(\"a\" \"b\" NIL NIL NIL \"7bit\" 1) "
		"\"mixed\")",
		false},
	{"multipart, extended",
		"Content-Type: multipart/mixed; boundary=b\n"
		"Content-Language: en\n\n--b\n\nx\n--b--\n",
		"((" TEXT "1 0 NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"b\") "
		"NIL (\"en\") NIL)",
		true},
	{"multipart without parts",
		"Content-Type: multipart/mixed; boundary=b\n\nx\n",
		"((" TEXT "0 0) \"mixed\")", false},
	{"message", "Content-Type: message/rfc822\n\nSubject: s\n\nx\n",
		"(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 (NIL \"s\" "
		"NIL " NO7 ") (" TEXT "3 1) 3)",
		false},
	{"message in a digest",
		"Content-Type: multipart/digest; boundary=b\n\n"
		"--b\n\nSubject: s\n\nx\n--b--\n",
		"((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 15 (NIL \"s\" "
		"NIL " NO7 ") (" TEXT "1 0) 2) \"digest\")",
		false},
};

static void
structure_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof structures / sizeof structures[0]; i++) {
		size_t const len = strlen(structures[i].message);
		char *s = exact(structures[i].message, len);
		size_t const count =
			structure_parse(s, len, parts, STRUCTURE_PARTS_MAX);
		stralloc sa = STRALLOC_ZERO;

		print_message("%s\n", structures[i].name);
		assert_true(imap_bodystructure(
			&sa, s, parts, count, structures[i].extended));
		assert_true(stralloc_0(&sa));
		assert_string_equal(sa.s, structures[i].wanted);
		stralloc_free(&sa);
		free(s);
	}
}

static void
strings(void **state)
{
	char longer[IMAP_QUOTED_MAX + 1];
	stralloc sa = STRALLOC_ZERO;

	(void)state;
	memset(longer, 'a', sizeof longer);
	assert_true(imap_string(&sa, longer, sizeof longer - 1));
	assert_int_equal(sa.s[0], '"');
	sa.len = 0;
	assert_true(imap_string(&sa, longer, sizeof longer));
	assert_memory_equal(sa.s, "{1025}\r\na", 9);
	sa.len = 0;
	assert_true(imap_string(&sa, "a\0\r", 3));
	assert_int_equal(sa.len, 8);
	assert_memory_equal(sa.s, "{3}\r\na?\r", 8);
	stralloc_free(&sa);
}

/* What could not be opened must not be shown as a container without parts. */
static void
opaque_containers(void **state)
{
	static char const message[] =
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx";
	stralloc sa = STRALLOC_ZERO;
	size_t const count =
		structure_parse(message, sizeof message - 1, parts, 1);

	(void)state;
	assert_true(imap_bodystructure(&sa, message, parts, count, false));
	assert_true(stralloc_0(&sa));
	assert_string_equal(sa.s,
		"(\"application\" \"octet-stream\" (\"boundary\" \"b\") NIL "
		"NIL \"7bit\" 8)");
	stralloc_free(&sa);
}

static void
addresses_are_bounded(void **state)
{
	stralloc in = STRALLOC_ZERO, sa = STRALLOC_ZERO;

	(void)state;
	assert_true(stralloc_copys(&in, "From: "));
	while (in.len < 1000000)
		assert_true(stralloc_cats(&in, "x:a;"));
	assert_true(imap_envelope(&sa, in.s, in.len));
	assert_true(sa.len < 50 * ENVELOPE_ADDRESSES_MAX);
	assert_memory_equal(sa.s + sa.len - 28, "NIL NIL NIL NIL NIL", 19);
	stralloc_free(&in);
	stralloc_free(&sa);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(envelope_text),
		cmocka_unit_test(structure_text),
		cmocka_unit_test(strings),
		cmocka_unit_test(opaque_containers),
		cmocka_unit_test(addresses_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
