/* local/sieve/: scripts against messages, from the RFCs' own examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "local/sieve/run.h"
#include "tests/unit/exact.h"

/* RFC 5228, 8: the first two of its messages, and what other tests need. */
#define HEADER                                                                 \
	"Received: from a by b; Mon, 1 Apr 2002 10:00:00 +0200\r\n"            \
	"Received: from c by a; Mon, 1 Apr 2002 09:00:00 +0100\r\n"            \
	"Date: Mon, 1 Apr 2002 16:30:00 -0700\r\n"                             \
	"From: coyote@desert.example.org\r\n"                                  \
	"To: Roadrunner <roadrunner+birds@acme.example.com>,\r\n"              \
	"\tkim@example.edu\r\n"                                                \
	"Subject: I have a present for you\r\n"                                \
	"X-Caffeine:  C8H10N4O2\r\n"                                           \
	"X-Number: 0020 of them\r\n"                                           \
	"X-Word: =?utf-8?q?gr=C3=BC=C3=9Fe?= \r\n"                             \
	"X-Attached: one\r\nX-Attached: two\r\nX-Attached: three\r\n"          \
	"List-Id: <dinos.example.net>\r\n"                                     \
	"Message-ID: <1@desert>\r\n"                                           \
	"MIME-Version: 1.0\r\n"                                                \
	"Content-Type: multipart/mixed; boundary=b\r\n"
#define MESSAGE                                                                \
	HEADER                                                                 \
	"\r\nprologue\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"   \
	"Content-Transfer-Encoding: base64\r\n\r\nTUFLRSBNT05FWSBGQVNU\r\n"    \
	"--b\r\nContent-Type: application/x-thing\r\n\r\nbinary\r\n--b--\r\n"  \
	"epilogue\r\n"

struct place {
	char const *seen;
};

static bool
mailbox_exists(void *data, char const *name)
{
	(void)data;
	return strcmp(name, "There") == 0 || strcmp(name, "INBOX") == 0;
}

static bool
has_use(void *data, char const *name, char const *use)
{
	(void)data;
	return strcmp(use, "\\Junk") == 0 &&
	       (name == NULL || strcmp(name, "There") == 0);
}

static bool
was_seen(void *data, char const *handle, size_t handle_len, char const *id,
	size_t id_len)
{
	struct place const *const p = data;

	return p->seen != NULL && handle_len == 0 &&
	       strlen(p->seen) == id_len && memcmp(p->seen, id, id_len) == 0 &&
	       handle != NULL;
}

static int
load(void *data, char const *name, bool is_global, stralloc *text)
{
	static char const *const scripts[][2] = {
		{"tests", "require [\"fileinto\", \"variables\", \"include\"];"
			  "global \"word\"; fileinto \"${word}x\";"
			  "set \"own\" \"v\"; return; keep;"},
		{"loop", "require \"include\"; include \"loop\";"},
		{"stop", "stop;"}, {"bad", "\n\nnonsense;"},
		{"set", "require [\"include\", \"variables\"];"
			"set \"global.far\" \"away\";"}};

	(void)data;
	for (size_t i = 0; !is_global && i < sizeof scripts / sizeof *scripts;
		i++)
		if (strcmp(scripts[i][0], name) == 0)
			return stralloc_copys(text, scripts[i][1]) ? 1 : -1;
	return 0;
}

/* What came of a script, on one line. */
static char told[4096];

static void tell(char const *format, ...) __attribute__((format(printf, 1, 2)));

static void
tell(char const *format, ...)
{
	size_t const len = strlen(told);
	va_list args;

	va_start(args, format);
	vsnprintf(told + len, sizeof told - len, format, args);
	va_end(args);
}

static void
tell_action(struct sieve_action const *a)
{
	static char const *const names[] = {
		"keep", "fileinto", "redirect", "reject", "vacation"};

	tell("%s%s", told[0] != '\0' ? "; " : "", names[a->kind]);
	if (a->target_len > 0)
		tell(" %s", a->target);
	if (a->flags != NULL && *a->flags != '\0')
		tell(" [%s]", a->flags);
	if (a->may_create)
		tell(" create");
	if (a->use != NULL)
		tell(" use %s", a->use);
	if (a->subject != NULL)
		tell(" subject %s", a->subject);
	if (a->from != NULL)
		tell(" from %s", a->from);
	if (a->addresses != NULL && *a->addresses != '\0')
		tell(" addresses %s", a->addresses);
	if (a->seconds > 0)
		tell(" seconds %llu", (unsigned long long)a->seconds);
	if (a->header != NULL)
		tell(" header %.*s", (int)strcspn(a->header, "\r\n"),
			a->header);
}

static char const *
run_at(char const *script, struct place *place)
{
	size_t const len = strlen(script);
	char *const text = exact(script, len), *message;
	static struct sieve_result result;
	struct sieve_program p = SIEVE_PROGRAM_ZERO;
	struct sieve_loader const loader = {.load = load};
	struct sieve_fault fault;
	struct sieve_mail mail = {.header_len = sizeof HEADER - 1,
		.message_len = sizeof MESSAGE - 1,
		.size = 120000,
		.from = "coyote@desert.example.org",
		.from_len = 25,
		.to = "roadrunner+birds@acme.example.com",
		.to_len = 33,
		.now = 1017700200, /* 1 April 2002 22:30 UTC */
		.spam = 5,
		.spam_percent = 45,
		.hostname = "mx.example.org",
		.host = {.data = place,
			.mailbox_exists = mailbox_exists,
			.has_use = has_use,
			.was_seen = was_seen}};

	message = exact(MESSAGE, sizeof MESSAGE - 1);
	mail.message = message;
	mail.header = exact(HEADER, sizeof HEADER - 1);
	told[0] = '\0';
	if (sieve_compile(&p, text, len, &loader, &fault)) {
		sieve_run(&p, &mail, &result);
		if (result.failed)
			tell("failed in line %u: %s", result.fault.line,
				result.fault.text);
		else
			for (size_t i = 0; i < result.count; i++)
				tell_action(&result.actions[i]);
		for (size_t i = 0; i < result.seen_count; i++)
			tell(" seen %s", result.seen[i].id);
		sieve_result_free(&result);
	} else {
		tell("%s%sline %u: %s", fault.script,
			fault.script[0] != '\0' ? ", " : "", fault.line,
			fault.text);
	}
	sieve_program_free(&p);
	free(text);
	free(message);
	free((void *)(uintptr_t)mail.header);
	return told;
}

static char const *
run(char const *script)
{
	struct place none = {0};

	return run_at(script, &none);
}

struct example {
	char const *script, *wanted;
};

static void
check(struct example const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(run(list[i].script), list[i].wanted) != 0)
			fail_msg("%s\ngave   %s\nwanted %s", list[i].script,
				told, list[i].wanted);
}
#define CHECK(list) check(list, sizeof(list) / sizeof *(list))

/* A test alone: does it hold? */
struct question {
	bool holds;
	char const *test;
};

static void
ask(char const *needs, struct question const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char script[2048];

		snprintf(script, sizeof script,
			"require [%s]; if %s { discard; }", needs,
			list[i].test);
		if (strcmp(run(script), list[i].holds ? "" : "keep") != 0)
			fail_msg("%s\ngave %s", script, told);
	}
}
#define ASK(needs, list) ask(needs, list, sizeof(list) / sizeof *(list))

static void
actions(void **state)
{
	static struct example const list[] = {
		{"", "keep"},
		{"keep;", "keep"},
		{"keep; keep;", "keep"},
		{"discard;", ""},
		{"discard; keep;", "keep"},
		{"stop; discard;", "keep"},
		{"if size :over 100K { discard; }", ""},
		{"if not size :under 1M { discard; }", "keep"},
		{"redirect \"bart@example.com\";", "redirect bart@example.com"},
		{"redirect \"Bart <bart@example.com>\";",
			"redirect bart@example.com"},
		{"redirect \"a@b\"; redirect \"a@b\"; keep;",
			"redirect a@b; keep"},
		{"require \"fileinto\"; fileinto \"INBOX.harassment\";",
			"fileinto INBOX.harassment"},
		{"require \"fileinto\"; fileinto \"gr\xc3\xbc\xc3\x9f\x65 & co"
		 "\";",
			"fileinto gr&APwA3w-e &- co"},
		{"require [\"fileinto\", \"copy\"]; fileinto :copy \"x\";",
			"fileinto x; keep"},
		{"require \"copy\"; redirect :copy \"a@b\";",
			"redirect a@b; keep"},
		/* RFC 5228, 3.1 */
		{"require \"fileinto\";"
		 "if header :contains \"from\" \"coyote\" { discard; }"
		 "elsif header :contains [\"subject\"] [\"$$$\"] { discard; }"
		 "else { fileinto \"INBOX\"; }",
			""},
		{"require \"fileinto\";"
		 "if header :contains \"from\" \"cat\" { discard; }"
		 "elsif header :contains [\"subject\"] [\"$$$\", \"present\"]"
		 "{ redirect \"postmaster@example.com\"; }"
		 "else { fileinto \"INBOX\"; }",
			"redirect postmaster@example.com"},
		{"if false { stop; } elsif true { } else { discard; } keep;",
			"keep"},
		{"require \"reject\"; reject text: # why\r\nI am not taking\r\n"
		 "..mail\r\n.\r\n;",
			"reject I am not taking\r\n.mail\r\n"},
		{"require \"ereject\"; ereject \"no\"; keep;",
			"failed in line 1: a message can't be rejected and "
			"something else be done with it"},
		{"require [\"mailbox\", \"fileinto\"];"
		 "if mailboxexists \"There\" { fileinto \"There\"; }"
		 "if not mailboxexists [\"There\", \"Not\"]"
		 "{ fileinto :create \"Not\"; }",
			"fileinto There; fileinto Not create"},
		{"require [\"special-use\", \"fileinto\"];"
		 "if allof (specialuse_exists \"\\\\Junk\","
		 "specialuse_exists \"There\" \"\\\\Junk\","
		 "not specialuse_exists \"Not\" \"\\\\Junk\") {"
		 "fileinto :specialuse \"\\\\Junk\" \"Spam\"; }",
			"fileinto Spam use \\Junk"},
		{"redirect \"a@b\"; if header :is \"from\" \"x\" { nothing; }",
			"line 1: there is no command \"nothing\""},
	};

	(void)state;
	CHECK(list);
}

static void
faults(void **state)
{
	static struct example const list[] = {
		{"\nkeep", "line 2: \";\" is missing at the end"},
		{"# x\n\"a\";", "line 2: a command is missing before \"a\""},
		{"fileinto \"x\";", "line 1: fileinto needs: require "
				    "\"fileinto\""},
		{"require \"regex\";",
			"line 1: the extension \"regex\" is not known"},
		{"keep; require \"copy\";",
			"line 1: require stands behind other commands"},
		{"/* \n\n keep;", "line 3: a comment has no end"},
		{"redirect \"a@b;", "line 1: a string has no end"},
		{"redirect text:\nx\n", "line 1: the lines of text: have no "
					"end"},
		{"else { }", "line 1: else without an if before it"},
		{"if true { } keep; elsif true { }",
			"line 1: elsif without an if before it"},
		{"if header \"a\" { }", "line 1: header has too few arguments"},
		{"keep 3;", "line 1: keep has too many arguments"},
		{"if header :is :contains \"a\" \"b\" { }",
			"line 1: header has :contains or another of its kind "
			"already"},
		{"if size :over :under 3 { }", "line 1: size has :under or "
					       "another of its kind already"},
		{"if size 3 { }", "line 1: size has neither :over nor :under"},
		{"if size :over \"3\" { }", "line 1: size wants a number"},
		{"if size :over 3X { }",
			"line 1: a number is followed by a letter"},
		{"if size :over 99999999999999999999 { }",
			"line 1: the number is too large"},
		{"if address :is \"Subject\" \"b\" { }",
			"line 1: \"Subject\" is no header field with "
			"addresses"},
		{"if header :comparator \"i;x\" \"a\" \"b\" { }",
			"line 1: the comparator is not known"},
		{"require \"comparator-i;ascii-numeric\"; if header :contains "
		 ":comparator \"i;ascii-numeric\" \"a\" \"b\" { }",
			"line 1: i;ascii-numeric has no :contains and "
			":matches"},
		{"redirect \"nobody\";", "line 1: \"nobody\" is no address"},
		{"require \"fileinto\"; fileinto \"a/../b\";",
			"line 1: \"a/../b\" is no mailbox"},
		{"require \"index\"; if header :last \"a\" \"b\" { }",
			"line 1: :last without :index"},
		{"if header :user \"a\" \"b\" { }",
			"line 1: header has no :user"},
		{"require \"variables\"; set \"a-b\" \"\";",
			"line 1: \"a-b\" is no name of a variable"},
		{"require \"variables\"; set \"a\" \"${b.c}\";",
			"line 1: there is no such namespace: ${b.c}"},
		{"require \"imap4flags\"; setflag \"a\" \"b\";",
			"line 1: the name of a variable needs: require "
			"\"variables\""},
		{"require \"include\"; include \"bad\";",
			"bad, line 3: there is no command \"nonsense\""},
		{"require \"include\"; include \"loop\";",
			"failed in line 1: a script includes itself"},
		{"require \"include\"; include \"a/b\";",
			"line 1: \"a/b\" is no name of a script"},
		{"keep; \xff", "line 1: the script is not UTF-8"},
		{"\x01", "line 1: a character has no meaning here"},
	};
	stralloc deep = STRALLOC_ZERO;

	(void)state;
	CHECK(list);
	assert_true(stralloc_cats(&deep, "if "));
	for (unsigned i = 0; i < 1000; i++)
		assert_true(stralloc_cats(&deep, "not "));
	assert_true(stralloc_0(&deep));
	assert_string_equal(
		run(deep.s), "line 1: blocks and tests are nested too deep");
	stralloc_free(&deep);
}

static void
headers(void **state)
{
	static struct question const list[] = {
		/* RFC 5228, 5.7 */
		{true, "header :is \"X-Caffeine\" \"C8H10N4O2\""},
		{false, "header :is \"X-Caffeine\" \"\""},
		{true, "header :contains \"X-Caffeine\" \"\""},
		{false, "header :contains \"X-None\" \"\""},
		{true, "header :is \"x-caffeine\" \"c8h10n4o2\""},
		{false, "header :comparator \"i;octet\" :is \"x-caffeine\" "
			"\"c8h10n4o2\""},
		{true, "header :is \"X-Word\" \"gr\xc3\xbc\xc3\x9f\x65\""},
		{true, "header :matches \"X-Word\" \"gr??e\""},
		{false, "header :comparator \"i;octet\" :matches \"X-Word\" "
			"\"gr??e\""},
		{true, "header :matches \"subject\" \"i have*\""},
		{true, "header :matches \"subject\" \"*p?es*for*\""},
		{false, "header :matches \"subject\" \"*p?es*for\""},
		{false, "header :matches \"subject\" \"i have\""},
		{true, "header :matches \"subject\" \"*\""},
		{true, "header :matches \"subject\" \"* you\""},
		{false, "header :matches \"subject\" \"\\\\*\""},
		{true, "header :is [\"a\", \"subject\"] [\"b\", "
		       "\"I have a present for you\"]"},
		{true, "exists [\"From\", \"Date\"]"},
		{false, "exists [\"From\", \"X-None\"]"},
		{true, "anyof (false, true)"},
		{false, "allof (false, true)"},
		{true, "not allof (false, true)"},
		{true, "address :is :all \"from\" "
		       "\"coyote@DESERT.example.org\""},
		{true, "address :domain \"to\" \"example.edu\""},
		{true, "address :localpart [\"cc\", \"to\"] \"kim\""},
		{false, "address \"to\" \"Roadrunner\""},
		{true, "address :detail \"to\" \"birds\""},
		{true, "address :user \"to\" \"roadrunner\""},
		{false, "address :detail :contains \"from\" \"\""},
		{true, "envelope \"from\" \"coyote@desert.example.org\""},
		{true, "envelope :detail \"to\" \"birds\""},
		{true, "envelope :domain :matches \"to\" \"*.example.com\""},
		/* RFC 5231, 5 and 6 */
		{true, "header :value \"ge\" :comparator \"i;ascii-numeric\" "
		       "\"X-Number\" \"20\""},
		{false, "header :value \"gt\" :comparator \"i;ascii-numeric\" "
			"\"X-Number\" \"20\""},
		{true, "header :value \"lt\" :comparator \"i;ascii-numeric\" "
		       "\"X-Number\" \"x\""},
		{true, "address :count \"eq\" \"to\" \"2\""},
		{true, "address :count \"ge\" :comparator \"i;ascii-numeric\" "
		       "[\"to\", \"from\"] [\"9\", \"3\"]"},
		{true, "header :count \"eq\" \"X-None\" \"0\""},
		{true, "header :value \"lt\" \"from\" [\"D\"]"},
		/* RFC 5260, 6 */
		{true, "header :index 2 \"X-Attached\" \"two\""},
		{true, "header :index 1 :last \"X-Attached\" \"three\""},
		{false, "header :index 4 :contains \"X-Attached\" \"\""},
		{false, "header :index 4 :last :contains \"X-Attached\" "
			"\"\""},
		/* RFC 5228, 2.4.2.4 */
		{true, "header :contains \"subject\" \"${hex: 70 72}esent\""},
		{true, "header :is \"X-Word\" \"gr${unicode:fc}"
		       "${UNICODE: df }e\""},
		{false, "header :contains \"subject\" \"${hex:7072}\""},
	};
	static struct example const bad[] = {
		{"require \"encoded-character\"; "
		 "if header \"a\" \"${unicode:d800}\" { }",
			"line 1: an encoded character does not exist"},
	};

	(void)state;
	ASK("\"envelope\", \"subaddress\", \"relational\", \"index\", "
	    "\"comparator-i;ascii-numeric\", \"encoded-character\"",
		list);
	CHECK(bad);
}

static void
other_tests(void **state)
{
	static struct question const list[] = {
		/* RFC 5260, 4 and 5; the weekday of 1 April 2002 is Monday */
		{true, "date :is \"date\" \"weekday\" \"1\""},
		{true, "date :originalzone \"date\" \"hour\" \"16\""},
		{true, "date \"date\" \"iso8601\" "
		       "\"2002-04-01T23:30:00+00:00\""},
		{true, "date :zone \"+0200\" \"date\" \"date\" "
		       "\"2002-04-02\""},
		{true, "date :originalzone \"date\" \"std11\" "
		       "\"Mon, 01 Apr 2002 16:30:00 -0700\""},
		{true, "date :originalzone \"date\" \"zone\" \"-0700\""},
		{true, "date :index 2 :originalzone \"received\" \"time\" "
		       "\"09:00:00\""},
		{true, "date :value \"ge\" \"date\" \"julian\" \"52365\""},
		{false, "date \"x-caffeine\" \"year\" \"2002\""},
		{true, "currentdate \"year\" \"2002\""},
		{true, "currentdate :zone \"-0100\" \"time\" \"21:30:00\""},
		{true, "allof (currentdate :value \"ge\" \"date\" "
		       "\"2002-01-01\", currentdate :value \"lt\" \"date\" "
		       "\"2003-01-01\")"},
		/* RFC 5173, 5 */
		{true, "body :contains \"MAKE MONEY FAST\""},
		{true, "body :text :contains \"make\""},
		{false, "body :raw :contains \"MAKE\""},
		{true, "body :raw :contains \"TUFLRSBN\""},
		{true, "body :content \"application\" :matches \"bin*\""},
		{false, "body :content \"application/x-other\" :matches \"*\""},
		{true, "body :content \"multipart\" :contains \"epilogue\""},
		{true, "body :content \"\" :contains \"binary\""},
		/* RFC 5235 */
		{true, "spamtest :value \"eq\" :comparator \"i;ascii-numeric\" "
		       "\"5\""},
		{true, "spamtest :percent :value \"ge\" :comparator "
		       "\"i;ascii-numeric\" \"45\""},
		{true, "virustest \"0\""},
		/* RFC 5183 */
		{true, "environment \"domain\" \"example.org\""},
		{true, "environment :matches \"version\" \"*\""},
		{false, "environment :contains \"remote-ip\" \"\""},
		/* RFC 5229, 5 */
		{true, "string :matches \"a b\" \"* b\""},
		{true, "string :count \"eq\" [\"a\", \"\"] \"1\""},
	};

	(void)state;
	ASK("\"date\", \"index\", \"relational\", \"body\", \"spamtest\", "
	    "\"spamtestplus\", \"virustest\", \"environment\", "
	    "\"comparator-i;ascii-numeric\", \"variables\"",
		list);
}

#define VARIABLES "require [\"variables\", \"fileinto\", \"include\"];"

static void
variables(void **state)
{
	static struct example const list[] = {
		{VARIABLES "set \"company\" \"ACME\";"
			   "fileinto \"${COMPANY}-${full}x\";",
			"fileinto ACME-x"},
		{VARIABLES "set \"company\" \"ACME\";"
			   "fileinto \"${BAD${Company}\";",
			"fileinto ${BADACME"},
		{VARIABLES "fileinto \"&%${}!\";", "fileinto &-%${}!"},
		{VARIABLES "set \"a\" \"juMBlEd lETteRS\";"
			   "set :length \"b\" \"${a}\"; fileinto \"${b}\";",
			"fileinto 15"},
		{VARIABLES "set :upperfirst :lower \"b\" \"juMBlEd lETteRS\";"
			   "fileinto \"${b}\";",
			"fileinto Jumbled letters"},
		{VARIABLES "set :quotewildcard \"b\" \"Rock*\";"
			   "fileinto \"${b}\";",
			"fileinto Rock\\*"},
		{VARIABLES "set :upper \"b\" \"x\"; set :lowerfirst \"c\" "
			   "\"${b}Y\"; fileinto \"${c}\";",
			"fileinto xY"},
		{VARIABLES "if header :matches \"List-ID\" \"*<*.*\" {"
			   "fileinto \"INBOX.lists.${2}\"; stop; }",
			"fileinto INBOX.lists.dinos"},
		{VARIABLES "if address :matches [\"To\", \"Cc\"] "
			   "[\"roadrunner*@**.com\", \"wile@**.com\"] {"
			   "fileinto \"b.${3}-${2}-${1}-${0}\"; }",
			"fileinto b.acme.example--+birds-"
			"roadrunner+birds@acme.example.com"},
		/* A match that fails leaves what was. */
		{VARIABLES "if header :matches \"subject\" \"i ?*\" { }"
			   "if header :matches \"subject\" \"z*\" { }"
			   "fileinto \"${1}${2}\";",
			"fileinto have a present for you"},
		/* RFC 6609 */
		{VARIABLES "global [\"word\"]; set \"word\" \"spam\";"
			   "include :personal \"tests\"; fileinto \"y${own}\";",
			"fileinto spamx; fileinto y"},
		{VARIABLES "include \"set\"; fileinto \"${global.far}\";",
			"fileinto away"},
		{VARIABLES "include \"stop\"; discard;", "keep"},
		{VARIABLES "include :optional \"none\"; discard;", ""},
		{VARIABLES "include \"none\"; discard;",
			"failed in line 1: the included script is not there"},
	};

	(void)state;
	CHECK(list);
}

#define FLAGS                                                                  \
	"require [\"imap4flags\", \"variables\", \"fileinto\", "               \
	"\"relational\", \"comparator-i;ascii-numeric\"];"

static void
flags(void **state)
{
	static struct example const list[] = {
		{FLAGS "setflag \"\\\\Deleted\";", "keep [\\Deleted]"},
		{FLAGS "addflag \"\\\\seen \\\\Seen  $x\"; keep;",
			"keep [\\seen $x]"},
		{FLAGS "addflag [\"a\", \"b\", \"c\"]; removeflag \"B\";",
			"keep [a c]"},
		{FLAGS "addflag [\"a\", \"b\"]; removeflag [\"a\", \"b\"];",
			"keep"},
		{FLAGS "addflag [\"\\\\Recent\", \"\", \"\xc3\xbc\"];", "keep"},
		{FLAGS "setflag \"flagvar\" \"\\\\Flagged\";"
		       "fileinto :flags \"${flagvar}\" \"Boss\";",
			"fileinto Boss [\\Flagged]"},
		{FLAGS "keep :flags \"a\"; keep :flags \"b\";", "keep [b]"},
		{FLAGS "setflag \"A B\"; if hasflag [\"b\", \"A\"] { discard; "
		       "}",
			""},
		{FLAGS "set \"MyVar\" \"NonJunk Junk gnus-forward\";"
		       "if not hasflag :contains \"MyVar\" [\"label\", \"x\"]"
		       "{ if hasflag :contains \"MyVar\" \"forward\""
		       "{ discard; } }",
			""},
		{FLAGS "set \"f\" \"A B\"; if hasflag :count \"ge\" "
		       ":comparator \"i;ascii-numeric\" \"f\" \"2\""
		       "{ discard; }",
			""},
	};

	(void)state;
	CHECK(list);
}

#define EDIT "require [\"editheader\", \"index\"];"

static void
edits(void **state)
{
	static struct example const list[] = {
		{EDIT "addheader \"X-Sieve-Filtered\" \"<kim@job>\";",
			"keep header X-Sieve-Filtered: <kim@job>"},
		{EDIT "addheader :last \"X-Last\" \"v\";"
		      "if header \"x-last\" \"v\" { discard; }",
			""},
		{EDIT "addheader \"X-Hello\" \"World\";"
		      "deleteheader :index 1 \"X-Hello\";"
		      "if exists \"x-hello\" { discard; }",
			"keep header Received: from a by b; Mon, 1 Apr 2002 "
			"10:00:00 +0200"},
		{EDIT "deleteheader :index 1 \"X-Attached\";"
		      "deleteheader :index 2 \"X-Attached\";"
		      "if allof (header \"x-attached\" \"two\","
		      "not header :contains \"x-attached\" \"e\")"
		      "{ discard; }",
			""},
		{EDIT "deleteheader :contains \"x-attached\" [\"o\"];"
		      "if allof (header :index 1 \"x-attached\" \"three\","
		      "not header :index 2 :contains \"x-attached\" \"\")"
		      "{ discard; }",
			""},
		{EDIT "deleteheader \"received\"; if exists \"received\""
		      "{ discard; }",
			""},
		{EDIT "addheader \"Subject\" \"gr\xc3\xbc\xc3\x9f\x65\r\nX: "
		      "y\";"
		      "if exists \"x\" { discard; }",
			"keep header Subject: =?utf-8?Q?gr=C3=BC=C3=9Fe?=  X: "
			"y"},
		{EDIT "deleteheader :last \"x\";",
			"line 1: :last without :index"},
		{EDIT "addheader \"a b\" \"x\";",
			"line 1: \"a b\" is no header field"},
		{"require [\"editheader\", \"reject\"]; addheader \"X\" \"y\"; "
		 "nope;",
			"line 1: there is no command \"nope\""},
	};

	(void)state;
	CHECK(list);
}

static void
answers(void **state)
{
	static struct example const list[] = {
		{"require \"vacation\"; vacation :days 23 :addresses "
		 "[\"tjs@example.edu\", \"ts4z@landru.example.edu\"] \"away\";",
			"vacation away addresses tjs@example.edu "
			"ts4z@landru.example.edu  seconds 1987200; keep"},
		{"require \"vacation\"; vacation :subject \"s\" :from "
		 "\"Kim <kim@example.edu>\" \"x\"; discard;",
			"vacation x subject s from Kim <kim@example.edu> "
			"seconds 604800"},
		{"require \"vacation-seconds\"; vacation :seconds 0 \"x\";",
			"vacation x; keep"},
		{"require \"vacation\"; vacation :days 0 \"x\";",
			"vacation x seconds 86400; keep"},
		{"require \"vacation\"; vacation \"x\"; vacation \"y\";",
			"failed in line 1: vacation stands behind another, or "
			"a reject"},
		{"require \"vacation\"; vacation :seconds 3 \"x\";",
			"line 1: seconds needs: require \"vacation-seconds\""},
		{"require [\"vacation\", \"reject\"]; vacation \"x\"; "
		 "reject \"y\";",
			"failed in line 1: a message can't be rejected and "
			"something else be done with it"},
	};

	(void)state;
	CHECK(list);
}

static void
duplicates(void **state)
{
	static char const script[] =
		"require \"duplicate\"; if duplicate { discard; }";
	struct place place = {.seen = "<1@desert>"};

	(void)state;
	assert_string_equal(run(script), "keep seen <1@desert>");
	assert_string_equal(run_at(script, &place), "");
	assert_string_equal(
		run_at("require \"duplicate\"; if duplicate :last :header "
		       "\"message-id\" { discard; }",
			&place),
		" seen <1@desert>");
	assert_string_equal(
		run_at("require \"duplicate\"; if duplicate :handle \"h\" "
		       "{ discard; }",
			&place),
		"keep seen <1@desert>");
	assert_string_equal(
		run("require \"duplicate\"; if duplicate :header \"x-none\" "
		    "{ discard; }"),
		"keep");
	assert_string_equal(
		run("require \"duplicate\"; if duplicate :uniqueid \"u\" "
		    ":seconds 0 { discard; }"),
		"keep");
	assert_string_equal(
		run("require \"duplicate\"; if duplicate :uniqueid \"u\" "
		    ":header \"x\" { discard; }"),
		"line 1: duplicate has :header or another of its kind already");
}

/* What a script can make us do is bounded. */
static void
bounds(void **state)
{
	stralloc script = STRALLOC_ZERO;

	(void)state;
	assert_true(stralloc_cats(&script, "require \"body\";"));
	for (unsigned i = 0; i < 3000; i++)
		assert_true(stralloc_cats(&script,
			"if body :raw :matches \"*a?a*a?a*a?b*\" { stop; }"
			"if header :matches \"*\" \"*a*a*a*\" { stop; }"));
	assert_true(stralloc_0(&script));
	assert_non_null(strstr(run(script.s), "the script is too long"));
	script.len = 60000;
	while (script.s[script.len - 1] != '}')
		script.len--;
	assert_true(stralloc_0(&script));
	assert_string_equal(run(script.s), "keep");
	script.len = 0;
	assert_true(
		stralloc_cats(&script, "require [\"variables\", \"fileinto\"]; "
				       "set \"a\" \"xxxxxxxx\";"));
	for (unsigned i = 0; i < 40; i++)
		assert_true(stralloc_cats(&script, "set \"a\" \"${a}${a}\";"));
	assert_true(stralloc_cats(
		&script, "set :length \"n\" \"${a}\"; fileinto \"${n}\";"));
	assert_true(stralloc_0(&script));
	assert_string_equal(run(script.s), "fileinto 4096");
	stralloc_free(&script);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(actions),
		cmocka_unit_test(faults),
		cmocka_unit_test(headers),
		cmocka_unit_test(other_tests),
		cmocka_unit_test(variables),
		cmocka_unit_test(flags),
		cmocka_unit_test(edits),
		cmocka_unit_test(answers),
		cmocka_unit_test(duplicates),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests_name("sieve", tests, NULL, NULL);
}
