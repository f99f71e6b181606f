/* The commands, tests and tags of Sieve; see grammar.h. */
#include <string.h>
#include <strings.h>
#include "local/sieve/grammar.h"

#define MATCH (SIEVE_F_MATCH | SIEVE_F_COMPARATOR)
#define WHICH (SIEVE_F_INDEX | SIEVE_F_LAST)
#define SPAM (SIEVE_X_SPAMTEST | SIEVE_X_SPAMTESTPLUS)

static struct sieve_grammar_word const commands[] = {
	{.name = "require", .op = SIEVE_REQUIRE, .types = "L", .slots = "0"},
	{.name = "if", .op = SIEVE_IF, .shape = SIEVE_TEST_BLOCK},
	{.name = "elsif", .op = SIEVE_ELSIF, .shape = SIEVE_TEST_BLOCK},
	{.name = "else", .op = SIEVE_ELSE, .shape = SIEVE_BLOCK},
	{.name = "stop", .op = SIEVE_STOP},
	{.name = "keep", .op = SIEVE_KEEP, .tags = SIEVE_F_FLAGS},
	{.name = "discard", .op = SIEVE_DISCARD},
	{.name = "fileinto",
		.op = SIEVE_FILEINTO,
		.capability = SIEVE_X_FILEINTO,
		.types = "s",
		.slots = "0",
		.tags = SIEVE_F_FLAGS | SIEVE_F_COPY | SIEVE_F_CREATE |
			SIEVE_F_SPECIALUSE},
	{.name = "redirect",
		.op = SIEVE_REDIRECT,
		.types = "s",
		.slots = "0",
		.tags = SIEVE_F_COPY},
	{.name = "reject",
		.op = SIEVE_REJECT,
		.capability = SIEVE_X_REJECT,
		.types = "s",
		.slots = "0"},
	{.name = "ereject",
		.op = SIEVE_EREJECT,
		.capability = SIEVE_X_EREJECT,
		.types = "s",
		.slots = "0"},
	{.name = "vacation",
		.op = SIEVE_VACATION,
		.capability = SIEVE_X_VACATION | SIEVE_X_VACATION_SECONDS,
		.types = "s",
		.slots = "0",
		.tags = SIEVE_F_DAYS | SIEVE_F_SECONDS | SIEVE_F_SUBJECT |
			SIEVE_F_FROM | SIEVE_F_ADDRESSES | SIEVE_F_MIME |
			SIEVE_F_HANDLE},
	{.name = "setflag",
		.op = SIEVE_SETFLAG,
		.capability = SIEVE_X_FLAGS,
		.types = "sL",
		.slots = "01",
		.optional = SIEVE_FIRST_MAY_LACK},
	{.name = "addflag",
		.op = SIEVE_ADDFLAG,
		.capability = SIEVE_X_FLAGS,
		.types = "sL",
		.slots = "01",
		.optional = SIEVE_FIRST_MAY_LACK},
	{.name = "removeflag",
		.op = SIEVE_REMOVEFLAG,
		.capability = SIEVE_X_FLAGS,
		.types = "sL",
		.slots = "01",
		.optional = SIEVE_FIRST_MAY_LACK},
	{.name = "set",
		.op = SIEVE_SET,
		.capability = SIEVE_X_VARIABLES,
		.types = "ss",
		.slots = "01",
		.tags = SIEVE_F_LOWER | SIEVE_F_UPPER | SIEVE_F_LOWERFIRST |
			SIEVE_F_UPPERFIRST | SIEVE_F_QUOTEWILDCARD |
			SIEVE_F_LENGTH},
	{.name = "addheader",
		.op = SIEVE_ADDHEADER,
		.capability = SIEVE_X_EDITHEADER,
		.types = "ss",
		.slots = "01",
		.tags = SIEVE_F_LAST},
	{.name = "deleteheader",
		.op = SIEVE_DELETEHEADER,
		.capability = SIEVE_X_EDITHEADER,
		.types = "sL",
		.slots = "01",
		.optional = SIEVE_LAST_MAY_LACK,
		.tags = MATCH | WHICH},
	{.name = "include",
		.op = SIEVE_INCLUDE,
		.capability = SIEVE_X_INCLUDE,
		.types = "s",
		.slots = "0",
		.tags = SIEVE_F_PERSONAL | SIEVE_F_GLOBAL | SIEVE_F_ONCE |
			SIEVE_F_OPTIONAL},
	{.name = "return", .op = SIEVE_RETURN, .capability = SIEVE_X_INCLUDE},
	{.name = "global",
		.op = SIEVE_GLOBAL,
		.capability = SIEVE_X_INCLUDE,
		.types = "L",
		.slots = "0"},
};

static struct sieve_grammar_word const tests[] = {
	{.name = "true", .op = SIEVE_TRUE},
	{.name = "false", .op = SIEVE_FALSE},
	{.name = "not", .op = SIEVE_NOT, .shape = SIEVE_ONE_TEST},
	{.name = "allof", .op = SIEVE_ALLOF, .shape = SIEVE_TESTS},
	{.name = "anyof", .op = SIEVE_ANYOF, .shape = SIEVE_TESTS},
	{.name = "header",
		.op = SIEVE_HEADER,
		.types = "LL",
		.slots = "01",
		.tags = MATCH | WHICH,
		.index_capability = SIEVE_X_INDEX},
	{.name = "address",
		.op = SIEVE_ADDRESS,
		.types = "LL",
		.slots = "01",
		.tags = MATCH | WHICH | SIEVE_F_PART,
		.index_capability = SIEVE_X_INDEX},
	{.name = "envelope",
		.op = SIEVE_ENVELOPE,
		.capability = SIEVE_X_ENVELOPE,
		.types = "LL",
		.slots = "01",
		.tags = MATCH | SIEVE_F_PART},
	{.name = "exists", .op = SIEVE_EXISTS, .types = "L", .slots = "0"},
	{.name = "size",
		.op = SIEVE_SIZE,
		.types = "n",
		.slots = "0",
		.tags = SIEVE_F_OVER | SIEVE_F_UNDER},
	{.name = "string",
		.op = SIEVE_STRING,
		.capability = SIEVE_X_VARIABLES,
		.types = "LL",
		.slots = "01",
		.tags = MATCH},
	{.name = "body",
		.op = SIEVE_BODY,
		.capability = SIEVE_X_BODY,
		.types = "L",
		.slots = "1",
		.tags = MATCH | SIEVE_F_RAW | SIEVE_F_TEXT | SIEVE_F_CONTENT},
	{.name = "date",
		.op = SIEVE_DATE,
		.capability = SIEVE_X_DATE,
		.types = "ssL",
		.slots = "021",
		.tags = MATCH | WHICH | SIEVE_F_ZONE | SIEVE_F_ORIGINALZONE,
		.index_capability = SIEVE_X_INDEX},
	{.name = "currentdate",
		.op = SIEVE_CURRENTDATE,
		.capability = SIEVE_X_DATE,
		.types = "sL",
		.slots = "21",
		.tags = MATCH | SIEVE_F_ZONE},
	{.name = "hasflag",
		.op = SIEVE_HASFLAG,
		.capability = SIEVE_X_FLAGS,
		.types = "LL",
		.slots = "01",
		.optional = SIEVE_FIRST_MAY_LACK,
		.tags = MATCH},
	{.name = "mailboxexists",
		.op = SIEVE_MAILBOXEXISTS,
		.capability = SIEVE_X_MAILBOX,
		.types = "L",
		.slots = "0"},
	{.name = "specialuse_exists",
		.op = SIEVE_SPECIALUSE_EXISTS,
		.capability = SIEVE_X_SPECIALUSE,
		.types = "sL",
		.slots = "01",
		.optional = SIEVE_FIRST_MAY_LACK},
	{.name = "environment",
		.op = SIEVE_ENVIRONMENT,
		.capability = SIEVE_X_ENVIRONMENT,
		.types = "sL",
		.slots = "01",
		.tags = MATCH},
	{.name = "duplicate",
		.op = SIEVE_DUPLICATE,
		.capability = SIEVE_X_DUPLICATE,
		.tags = SIEVE_F_HANDLE | SIEVE_F_HEADER | SIEVE_F_UNIQUEID |
			SIEVE_F_SECONDS | SIEVE_F_LAST},
	{.name = "spamtest",
		.op = SIEVE_SPAMTEST,
		.capability = SPAM,
		.types = "s",
		.slots = "1",
		.tags = MATCH | SIEVE_F_PERCENT},
	{.name = "virustest",
		.op = SIEVE_VIRUSTEST,
		.capability = SIEVE_X_VIRUSTEST,
		.types = "s",
		.slots = "1",
		.tags = MATCH},
};

static struct sieve_grammar_tag const tags[] = {
	{"is", SIEVE_F_MATCH, 0, 'm', SIEVE_IS, 0},
	{"contains", SIEVE_F_MATCH, 0, 'm', SIEVE_CONTAINS, 0},
	{"matches", SIEVE_F_MATCH, 0, 'm', SIEVE_MATCHES, 0},
	{"value", SIEVE_F_MATCH, SIEVE_X_RELATIONAL, 'r', SIEVE_VALUE, 0},
	{"count", SIEVE_F_MATCH, SIEVE_X_RELATIONAL, 'r', SIEVE_COUNT, 0},
	{"comparator", SIEVE_F_COMPARATOR, 0, 'c', 0, 0},
	{"all", SIEVE_F_PART, 0, 'p', SIEVE_ALL, 0},
	{"localpart", SIEVE_F_PART, 0, 'p', SIEVE_LOCALPART, 0},
	{"domain", SIEVE_F_PART, 0, 'p', SIEVE_DOMAIN, 0},
	{"user", SIEVE_F_PART, SIEVE_X_SUBADDRESS, 'p', SIEVE_USER, 0},
	{"detail", SIEVE_F_PART, SIEVE_X_SUBADDRESS, 'p', SIEVE_DETAIL, 0},
	{"last", SIEVE_F_LAST, 0, 0, 0, 0},
	{"index", SIEVE_F_INDEX, 0, 'n', 0, 0},
	{"over", SIEVE_F_OVER, 0, 0, 0, SIEVE_F_UNDER},
	{"under", SIEVE_F_UNDER, 0, 0, 0, SIEVE_F_OVER},
	{"copy", SIEVE_F_COPY, SIEVE_X_COPY, 0, 0, 0},
	{"create", SIEVE_F_CREATE, SIEVE_X_MAILBOX, 0, 0, 0},
	{"flags", SIEVE_F_FLAGS, SIEVE_X_FLAGS, 'L', 1, 0},
	{"specialuse", SIEVE_F_SPECIALUSE, SIEVE_X_SPECIALUSE, 's', 2, 0},
	{"mime", SIEVE_F_MIME, 0, 0, 0, 0},
	{"days", SIEVE_F_DAYS, 0, 'n', 0, SIEVE_F_SECONDS},
	{"seconds", SIEVE_F_SECONDS, 0, 'n', 0, SIEVE_F_DAYS},
	{"subject", SIEVE_F_SUBJECT, 0, 's', 1, 0},
	{"from", SIEVE_F_FROM, 0, 's', 2, 0},
	{"addresses", SIEVE_F_ADDRESSES, 0, 'L', 3, 0},
	{"handle", SIEVE_F_HANDLE, 0, 's', 4, 0},
	{"header", SIEVE_F_HEADER, 0, 's', 1, SIEVE_F_UNIQUEID},
	{"uniqueid", SIEVE_F_UNIQUEID, 0, 's', 2, SIEVE_F_HEADER},
	{"zone", SIEVE_F_ZONE, 0, 's', 3, SIEVE_F_ORIGINALZONE},
	{"originalzone", SIEVE_F_ORIGINALZONE, 0, 0, 0, SIEVE_F_ZONE},
	{"raw", SIEVE_F_RAW, 0, 0, 0, SIEVE_F_TEXT | SIEVE_F_CONTENT},
	{"text", SIEVE_F_TEXT, 0, 0, 0, SIEVE_F_RAW | SIEVE_F_CONTENT},
	{"content", SIEVE_F_CONTENT, 0, 'L', 0, SIEVE_F_RAW | SIEVE_F_TEXT},
	{"percent", SIEVE_F_PERCENT, SIEVE_X_SPAMTESTPLUS, 0, 0, 0},
	{"personal", SIEVE_F_PERSONAL, 0, 0, 0, SIEVE_F_GLOBAL},
	{"global", SIEVE_F_GLOBAL, 0, 0, 0, SIEVE_F_PERSONAL},
	{"once", SIEVE_F_ONCE, 0, 0, 0, 0},
	{"optional", SIEVE_F_OPTIONAL, 0, 0, 0, 0},
	{"lower", SIEVE_F_LOWER, 0, 0, 0, SIEVE_F_UPPER},
	{"upper", SIEVE_F_UPPER, 0, 0, 0, SIEVE_F_LOWER},
	{"lowerfirst", SIEVE_F_LOWERFIRST, 0, 0, 0, SIEVE_F_UPPERFIRST},
	{"upperfirst", SIEVE_F_UPPERFIRST, 0, 0, 0, SIEVE_F_LOWERFIRST},
	{"quotewildcard", SIEVE_F_QUOTEWILDCARD, 0, 0, 0, 0},
	{"length", SIEVE_F_LENGTH, 0, 0, 0, 0},
};

static struct {
	char const *name;
	uint64_t bit;
} const capabilities[] = {
	{"fileinto", SIEVE_X_FILEINTO},
	{"envelope", SIEVE_X_ENVELOPE},
	{"encoded-character", SIEVE_X_ENCODED},
	{"comparator-i;ascii-numeric", SIEVE_X_NUMERIC},
	{"comparator-i;octet", 0},
	{"comparator-i;ascii-casemap", 0},
	{"subaddress", SIEVE_X_SUBADDRESS},
	{"copy", SIEVE_X_COPY},
	{"vacation", SIEVE_X_VACATION},
	{"vacation-seconds", SIEVE_X_VACATION_SECONDS},
	{"variables", SIEVE_X_VARIABLES},
	{"imap4flags", SIEVE_X_FLAGS},
	{"relational", SIEVE_X_RELATIONAL},
	{"date", SIEVE_X_DATE},
	{"index", SIEVE_X_INDEX},
	{"editheader", SIEVE_X_EDITHEADER},
	{"mailbox", SIEVE_X_MAILBOX},
	{"special-use", SIEVE_X_SPECIALUSE},
	{"body", SIEVE_X_BODY},
	{"reject", SIEVE_X_REJECT},
	{"ereject", SIEVE_X_EREJECT},
	{"duplicate", SIEVE_X_DUPLICATE},
	{"spamtest", SIEVE_X_SPAMTEST},
	{"spamtestplus", SIEVE_X_SPAMTESTPLUS},
	{"virustest", SIEVE_X_VIRUSTEST},
	{"include", SIEVE_X_INCLUDE},
	{"environment", SIEVE_X_ENVIRONMENT},
};

char const sieve_grammar_all[] =
	"fileinto envelope encoded-character comparator-i;ascii-numeric "
	"comparator-i;octet comparator-i;ascii-casemap subaddress copy "
	"vacation vacation-seconds variables imap4flags relational date index "
	"editheader mailbox special-use body reject ereject duplicate "
	"spamtest spamtestplus virustest include environment";

static bool
is(char const *name, char const *s, size_t len)
{
	return strlen(name) == len && strncasecmp(name, s, len) == 0;
}

struct sieve_grammar_word const *
sieve_grammar_command(char const *name, size_t len)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (is(commands[i].name, name, len))
			return &commands[i];
	return NULL;
}

struct sieve_grammar_word const *
sieve_grammar_test(char const *name, size_t len)
{
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		if (is(tests[i].name, name, len))
			return &tests[i];
	return NULL;
}

struct sieve_grammar_tag const *
sieve_grammar_tag(char const *name, size_t len)
{
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (is(tags[i].name, name, len))
			return &tags[i];
	return NULL;
}

bool
sieve_grammar_capability(char const *name, size_t len, uint64_t *bit_r)
{
	/* Names of extensions have a case (RFC 5228, 2.10.5: strings). */
	for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
		if (strlen(capabilities[i].name) == len &&
			memcmp(capabilities[i].name, name, len) == 0) {
			*bit_r = capabilities[i].bit;
			return true;
		}
	return false;
}

char const *
sieve_grammar_name(uint64_t bits)
{
	for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
		if (capabilities[i].bit & bits)
			return capabilities[i].name;
	return "";
}
