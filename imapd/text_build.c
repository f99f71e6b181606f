/* Gathers words for a segment of the text index; see text_build.h. */
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include "imapd/text_build.h"
#include "imapd/text_writer.h"

#define NO_PAIR UINT32_MAX
/* Twice the words, a power of two. */
#define SLOTS (2 * TEXT_WORDS_MAX)

struct text_word {
	uint32_t at; /* in octets */
	uint32_t count;
	uint32_t last_pair; /* NO_PAIR: none in the message in hand */
	uint8_t len;
};

struct text_slot {
	uint32_t tag, word; /* number + 1 */
};

struct text_pair {
	uint32_t word;
	uint32_t doc; /* << 2 | where */
};

/* Keyed, so that nobody can choose words that collide. */
static uint64_t
hash(struct text_build const *b, char const *s, size_t len)
{
	uint64_t h = b->seed ^ len * UINT64_C(0x9e3779b97f4a7c15), word;

	for (; len > 8; s += 8, len -= 8) {
		memcpy(&word, s, 8);
		h = (h ^ word) * (b->seed | 1);
		h ^= h >> 29;
	}
	word = 0;
	memcpy(&word, s, len);
	h = (h ^ word) * (b->seed | 1);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

/* Part of the hash stands beside the number, so that other words are seldom
 * looked at. */
static struct text_slot *
slot(struct text_build const *b, char const *s, size_t len, uint32_t *tag_r)
{
	uint64_t const h = hash(b, s, len);
	size_t at = (size_t)h & (SLOTS - 1);
	uint32_t const tag = (uint32_t)(h >> 32);

	*tag_r = tag;
	while (b->slots[at].word != 0) {
		struct text_word const *w;

		if (b->slots[at].tag == tag) {
			w = &b->words[b->slots[at].word - 1];
			if (w->len == len &&
				memcmp(b->octets + w->at, s, len) == 0)
				break;
		}
		at = (at + 1) & (SLOTS - 1);
	}
	return &b->slots[at];
}

static struct text_word *
find_word(struct text_build *b, char const *s, size_t len)
{
	uint32_t tag;
	struct text_slot *const place = slot(b, s, len, &tag);

	if (place->word != 0)
		return &b->words[place->word - 1];
	if (b->words_count == TEXT_WORDS_MAX ||
		len > TEXT_OCTETS_MAX - b->octets_len)
		return NULL;
	memcpy(b->octets + b->octets_len, s, len);
	b->words[b->words_count] =
		(struct text_word){.at = (uint32_t)b->octets_len,
			.last_pair = NO_PAIR,
			.len = (uint8_t)len};
	b->octets_len += len;
	place->word = (uint32_t)++b->words_count;
	place->tag = tag;
	return &b->words[b->words_count - 1];
}

static void
take(void *arg, char const *s, size_t len)
{
	struct text_build *const b = arg;
	struct text_word *w;

	if (b->overflow)
		return;
	w = find_word(b, s, len);
	if (w != NULL && w->last_pair != NO_PAIR &&
		w->last_pair >= b->first_pair) {
		b->pairs[w->last_pair].doc |= b->where;
		return;
	}
	if (w == NULL || b->pairs_count == TEXT_PAIRS_MAX) {
		b->overflow = true;
		return;
	}
	w->last_pair = (uint32_t)b->pairs_count;
	w->count++;
	b->pairs[b->pairs_count++] = (struct text_pair){
		(uint32_t)(w - b->words), (uint32_t)b->docs << 2 | b->where};
}

bool
text_build_init(struct text_build *b)
{
	*b = (struct text_build){.token = {.take = take}};
	b->uids = malloc(TEXT_DOCS_MAX * sizeof *b->uids);
	b->open = calloc(TEXT_DOCS_MAX / 8 + 1, 1);
	b->words = malloc(TEXT_WORDS_MAX * sizeof *b->words);
	b->pairs = malloc(TEXT_PAIRS_MAX * sizeof *b->pairs);
	b->octets = malloc(TEXT_OCTETS_MAX);
	b->slots = calloc(SLOTS, sizeof *b->slots);
	randombytes_buf(&b->seed, sizeof b->seed);
	return b->uids != NULL && b->open != NULL && b->words != NULL &&
	       b->pairs != NULL && b->octets != NULL && b->slots != NULL;
}

void
text_build_free(struct text_build *b)
{
	free(b->uids);
	free(b->open);
	free(b->words);
	free(b->pairs);
	free(b->octets);
	free(b->slots);
	*b = (struct text_build){0};
}

void
text_build_reset(struct text_build *b)
{
	memset(b->open, 0, TEXT_DOCS_MAX / 8 + 1);
	memset(b->slots, 0, SLOTS * sizeof *b->slots);
	b->docs = b->words_count = b->pairs_count = b->octets_len = 0;
	b->overflow = false;
}

void
text_build_start(struct text_build *b, uint32_t uid)
{
	b->uids[b->docs] = uid;
	b->first_pair = b->pairs_count;
	b->overflow = false;
	b->token.arg = b;
	b->token.len = 0;
}

void
text_build_add(struct text_build *b, unsigned where, char const *s, size_t len,
	bool unit_ends)
{
	b->where = where;
	text_token_push(&b->token, s, len);
	if (unit_ends)
		text_token_end(&b->token);
}

bool
text_build_end(struct text_build *b)
{
	text_token_end(&b->token);
	if (!b->overflow) {
		b->docs++;
		return true;
	}
	while (b->pairs_count > b->first_pair) {
		struct text_word *const w =
			&b->words[b->pairs[--b->pairs_count].word];

		w->count--;
		w->last_pair = NO_PAIR;
	}
	return false;
}

void
text_build_add_open(struct text_build *b, uint32_t uid)
{
	b->uids[b->docs] = uid;
	b->open[b->docs / 8] |= (unsigned char)(1u << b->docs % 8);
	b->docs++;
}

bool
text_build_is_full(struct text_build const *b)
{
	return b->pairs_count > TEXT_PAIRS_MAX / 8 * 7 ||
	       b->words_count > TEXT_WORDS_MAX / 8 * 7 ||
	       b->octets_len > TEXT_OCTETS_MAX / 8 * 7 ||
	       b->docs == TEXT_DOCS_MAX - 1;
}

/* A word and its first octets, as a number that sorts like them. */
struct sort_entry {
	uint64_t prefix;
	uint32_t word;
};

static int
compare(void const *x, void const *y, void *arg)
{
	struct text_build const *const b = arg;
	struct sort_entry const *const p = x, *const q = y;
	struct text_word const *v, *w;
	int r;

	if (p->prefix != q->prefix)
		return p->prefix < q->prefix ? -1 : 1;
	v = &b->words[p->word];
	w = &b->words[q->word];
	r = memcmp(b->octets + v->at, b->octets + w->at,
		v->len < w->len ? v->len : w->len);
	return r != 0 ? r : v->len - w->len;
}

static struct sort_entry *
sort_words(struct text_build *b)
{
	struct sort_entry *const v = malloc((b->words_count + 1) * sizeof *v);

	if (v == NULL)
		return NULL;
	for (size_t i = 0; i < b->words_count; i++) {
		struct text_word const *const w = &b->words[i];
		uint64_t prefix = 0;

		for (size_t k = 0; k < 8; k++)
			prefix = prefix << 8 |
				 (k < w->len ? (unsigned char)
							 b->octets[w->at + k]
					     : 0);
		v[i] = (struct sort_entry){prefix, (uint32_t)i};
	}
	qsort_r(v, b->words_count, sizeof *v, compare, b);
	return v;
}

/* The messages of each word, word after word; ends[w] is where those of word w
 * end. */
static uint32_t *
gather(struct text_build *b, uint32_t *ends)
{
	uint32_t *const docs = malloc((b->pairs_count + 1) * sizeof *docs);
	uint32_t sum = 0;

	if (docs == NULL)
		return NULL;
	for (size_t i = 0; i < b->words_count; i++) {
		ends[i] = sum;
		sum += b->words[i].count;
	}
	for (size_t i = 0; i < b->pairs_count; i++)
		docs[ends[b->pairs[i].word]++] = b->pairs[i].doc;
	return docs;
}

bool
text_build_write(struct text_build *b, int dir_fd, char const *name,
	uint32_t validity, uint64_t *size_r)
{
	uint32_t *const ends = malloc((b->words_count + 1) * sizeof *ends);
	uint32_t *const docs = ends != NULL ? gather(b, ends) : NULL;
	struct sort_entry *const order = sort_words(b);
	struct text_writer w;
	bool ok = text_writer_open(
			  &w, dir_fd, name, validity, (uint32_t)b->docs) &&
		  docs != NULL && order != NULL;

	for (size_t i = 0; ok && i < b->words_count; i++) {
		uint32_t const k = order[i].word;
		struct text_word const *const word = &b->words[k];

		if (word->count > 0)
			ok = text_writer_word(&w, b->octets + word->at,
				word->len, docs + ends[k] - word->count,
				word->count);
	}
	ok = ok && text_writer_finish(&w, b->uids, b->open, size_r);
	text_writer_free(&w);
	free(ends);
	free(docs);
	free(order);
	return ok;
}
