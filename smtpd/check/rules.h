/*
 * rules.h - the rule table: what becomes of a message (rules(5))
 *
 * Lines of text, one statement each: rules that compare facts about a message
 * and add a weight or decide, and the hooks and milters that are asked in
 * between. `kereru compile` and check read them by the same functions. Pure: no
 * i/o, no allocation; everything points into the caller's text.
 */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Statements, conditions of one, zones asked, octets of the whole text. */
#define RULES_STATEMENTS_MAX 200
#define RULES_CONDITIONS_MAX 8
#define RULES_ZONES_MAX 16
#define RULES_BYTES_MAX (64u * 1024)
/* Octets of a statement's name, of a zone's. */
#define RULES_NAME_MAX 40
#define RULES_ZONE_MAX 100
/* Octets of a text to refuse with. */
#define RULES_TEXT_MAX 300
/* Addresses kept of what a zone said. */
#define RULES_ANSWERS_MAX 16
/* Weights and numbers are counted in hundredths, and at most this much. */
#define RULES_UNIT 100
#define RULES_NUMBER_MAX INT64_C(1000000000000)

/* What is known of a message: words (the value of a fact)... */
enum rules_word {
	RULES_SPF,
	RULES_SPF_HELO,
	RULES_DKIM,
	RULES_ARC,
	RULES_DMARC,
	RULES_DMARC_POLICY,
	RULES_BAYES,
	RULES_GTUBE,
	RULES_LOGIN,
	RULES_TLS,
	RULES_SENDER,
	RULES_HELO,
	RULES_REVERSE,
	RULES_EARLY,
	RULES_WORDS
};
/* ...and numbers, in units of RULES_UNIT. */
enum rules_number {
	RULES_SCORE,
	RULES_SIZE, /* octets of the message */
	RULES_RECIPIENTS,
	RULES_SPAMICITY, /* 0 to 1; what the classifier said */
	RULES_RATE,	 /* messages of the network within the hour */
	RULES_NUMBERS
};

struct rules_text {
	char const *s;
	size_t len;
};

struct rules_zone {
	struct rules_text name;
	bool is_url; /* asked about names in the text, not about the client */
	/* What it answered: addresses in host order, 127.0.0.0/8 only. */
	uint32_t answers[RULES_ANSWERS_MAX];
	size_t answer_count;
};

enum rules_subject { RULES_IS_WORD, RULES_IS_NUMBER, RULES_IS_ZONE };
enum rules_compare { RULES_EQUAL, RULES_AT_LEAST, RULES_BELOW, RULES_ANY };

struct rules_condition {
	enum rules_subject subject;
	unsigned which; /* word, number or zone */
	enum rules_compare compare;
	bool is_negated;
	int64_t number;
	struct rules_text values; /* with commas between */
};

enum rules_kind { RULES_RULE, RULES_HOOK, RULES_MILTER };

enum rules_action {
	RULES_NOTHING, /* only named in X-Spam */
	RULES_WEIGHT,
	RULES_TAG,  /* X-Spam says yes */
	RULES_JUNK, /* and it goes to the folder for that */
	/* These end the walk. */
	RULES_ACCEPT,
	RULES_REJECT,
	RULES_TEMPFAIL,
	RULES_DISCARD
};

struct rules_statement {
	enum rules_kind kind;
	unsigned line;
	struct rules_text name;
	struct rules_condition conditions[RULES_CONDITIONS_MAX];
	size_t condition_count;
	/* A rule. */
	enum rules_action action;
	int64_t weight;
	struct rules_text text; /* of REJECT and TEMPFAIL; may be empty */
	/* A hook's path, or a milter's `inet:ADDRESS:PORT`, `unix:PATH`. */
	struct rules_text where;
	bool may_fail; /* if it can't be asked, go on without it */
};

struct rules {
	struct rules_statement statements[RULES_STATEMENTS_MAX];
	size_t count;
	struct rules_zone zones[RULES_ZONES_MAX];
	size_t zone_count;
	bool uses_bayes;
};

/*
 * Take in one line (without its end; empty lines and comments too). False:
 * *why_r says what is wrong with it; nothing was taken in. line: its number.
 */
bool rules_line(struct rules *r, char const *s, size_t len, unsigned line,
	char const **why_r) __attribute__((warn_unused_result));

/* All lines of s[0..len) into r, which is cleared first. False: *line_r is the
 * number of the first bad line. */
bool rules_parse(struct rules *r, char const *s, size_t len, unsigned *line_r,
	char const **why_r) __attribute__((warn_unused_result));

struct rules_facts {
	char const *words[RULES_WORDS]; /* NULL: not known */
	int64_t numbers[RULES_NUMBERS];
	bool has_spamicity;
};

/* Whether all conditions of a statement hold; zones of r have their answers. */
bool rules_hold(struct rules const *r, struct rules_statement const *st,
	struct rules_facts const *facts);

/* Find the zone of that name; NULL: no rule speaks of it. */
struct rules_zone *rules_zone(struct rules *r, char const *name);

/* A number of hundredths in text, NUL-ended: "3", "-2.5". */
#define RULES_NUMBER_SIZE 32
void rules_format(int64_t n, char out[RULES_NUMBER_SIZE]);

#endif
