/*
 * charset_gen - write the tables of charset.c, taken from the host's iconv
 *
 * Runs when the programs are built, writes C to standard output. Exits 111
 * when iconv lacks a set.
 */
#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/charset_tables.h"

/* iconv's name, and the names it goes by in mail without punctuation. */
static struct {
	char const *iconv_name;
	char const *names;
} const singles[] = {
	{"ISO-8859-2", "iso88592 latin2 l2 iso885921987 csisolatin2 isoir101"},
	{"ISO-8859-3", "iso88593 latin3 l3 iso885931988 csisolatin3 isoir109"},
	{"ISO-8859-4", "iso88594 latin4 l4 iso885941988 csisolatin4 isoir110"},
	{"ISO-8859-5", "iso88595 cyrillic iso885951988 csisolatincyrillic"},
	{"ISO-8859-6", "iso88596 arabic iso885961987 csisolatinarabic"},
	{"ISO-8859-7", "iso88597 greek greek8 iso885971987 csisolatingreek"},
	{"ISO-8859-8", "iso88598 iso88598i iso88598e hebrew iso885981988"},
	{"ISO-8859-9", "iso88599 latin5 l5 iso885991989 csisolatin5"},
	{"ISO-8859-10", "iso885910 latin6 l6 iso8859101992 csisolatin6"},
	{"ISO-8859-13", "iso885913 latin7 l7"},
	{"ISO-8859-14", "iso885914 latin8 l8 iso8859141998 isoceltic"},
	{"ISO-8859-15", "iso885915 latin9 latin0 iso885915fdis15"},
	{"ISO-8859-16", "iso885916 latin10 l10 iso8859162001"},
	{"CP1250", "windows1250 cp1250 xcp1250"},
	{"CP1251", "windows1251 cp1251 xcp1251"},
	{"CP1252", "windows1252 cp1252 xcp1252 iso88591 latin1 l1 ibm819 "
		   "cp819 iso885911987 csisolatin1 isoir100"},
	{"CP1253", "windows1253 cp1253 xcp1253"},
	{"CP1254", "windows1254 cp1254 xcp1254"},
	{"CP1255", "windows1255 cp1255 xcp1255"},
	{"CP1256", "windows1256 cp1256 xcp1256"},
	{"CP1257", "windows1257 cp1257 xcp1257"},
	{"CP1258", "windows1258 cp1258 xcp1258"},
	{"CP874", "windows874 cp874 ibm874 tis620 iso885911 dos874"},
	{"KOI8-R", "koi8r koi8 cskoi8r"},
	{"KOI8-U", "koi8u koi8ru"},
	{"KOI8-T", "koi8t"},
	{"MACINTOSH", "macintosh mac xmacroman macroman csmacintosh"},
	{"MAC-CYRILLIC", "xmaccyrillic maccyrillic xmacukrainian"},
	{"IBM437", "ibm437 cp437 437 cspc8codepage437"},
	{"CP737", "ibm737 cp737"},
	{"CP775", "ibm775 cp775"},
	{"IBM850", "ibm850 cp850 850 cspc850multilingual"},
	{"IBM852", "ibm852 cp852 852"},
	{"IBM855", "ibm855 cp855 855"},
	{"IBM857", "ibm857 cp857 857"},
	{"CP858", "ibm858 cp858 ibm00858 pcmultilingual850euro"},
	{"IBM860", "ibm860 cp860 860"},
	{"IBM861", "ibm861 cp861 861"},
	{"IBM862", "ibm862 cp862 862 dos862"},
	{"IBM863", "ibm863 cp863 863"},
	{"IBM865", "ibm865 cp865 865"},
	{"IBM866", "ibm866 cp866 866 csibm866"},
	{"IBM869", "ibm869 cp869 869"},
	{"HP-ROMAN8", "hproman8 roman8 r8"},
	{"ARMSCII-8", "armscii8"},
	{"GEORGIAN-PS", "georgianps"},
	{"PT154", "ptcp154 csptcp154 pt154 cp154"},
	{"TCVN5712-1", "tcvn tcvn5712 tcvn57121"},
};

static iconv_t
converter(char const *from)
{
	iconv_t const cd = iconv_open("UTF-32LE", from);

	if (cd == (iconv_t)-1) {
		fprintf(stderr, "charset_gen: iconv does not know %s: %s\n",
			from, strerror(errno));
		exit(111);
	}
	return cd;
}

/* The one BMP code point that the octets mean; 0 if there is none. */
static unsigned int
convert(iconv_t cd, unsigned char const *octets, size_t len)
{
	char in[8];
	unsigned char out[16];
	char *in_at = in, *out_at = (char *)out;
	size_t in_left = len, out_left = sizeof out;

	memcpy(in, octets, len);
	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in_at, &in_left, &out_at, &out_left) == (size_t)-1 ||
		in_left > 0 ||
		iconv(cd, NULL, NULL, &out_at, &out_left) == (size_t)-1 ||
		out_left != sizeof out - 4 || out[2] != 0 || out[3] != 0)
		return 0;
	return (unsigned int)(out[0] | out[1] << 8);
}

static void
put_codes(unsigned int const *codes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s%u,", i % 12 == 0 ? "\n" : "", codes[i]);
}

static void
write_single(char const *iconv_name, char const *names)
{
	iconv_t const cd = converter(iconv_name);
	unsigned int codes[128];

	for (unsigned int c = 0; c < 128; c++) {
		unsigned char const octet = (unsigned char)(c + 128);

		codes[c] = convert(cd, &octet, 1);
	}
	iconv_close(cd);
	printf("{\" %s \", {", names);
	put_codes(codes, 128);
	printf("}},\n");
}

static void
write_singles(void)
{
	printf("struct charset_single const charset_singles[] = {\n");
	for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++)
		write_single(singles[i].iconv_name, singles[i].names);
	printf("};\nunsigned int const charset_singles_count = %zu;\n",
		sizeof singles / sizeof singles[0]);
}

struct area {
	char const *table;
	char const *leads, *trails; /* the macros of charset_tables.h */
	char const *iconv_name;
	char const *second;  /* asked where the first is mute, or NULL */
	unsigned int prefix; /* octet in front, or 0 */
	unsigned int lead, leads_count, trail, trails_count;
};

static unsigned int
area_code(
	struct area const *a, iconv_t cd, unsigned int lead, unsigned int trail)
{
	unsigned char const octets[3] = {(unsigned char)a->prefix,
		(unsigned char)lead, (unsigned char)trail};

	return a->prefix ? convert(cd, octets, 3) : convert(cd, octets + 1, 2);
}

/* Neither nothing nor of the private use area. */
static bool
is_meant(unsigned int code)
{
	return code != 0 && (code < 0xe000 || code > 0xf8ff);
}

static void
write_area(struct area const *a)
{
	iconv_t const first = converter(a->iconv_name);
	iconv_t const second = converter(a->second ? a->second : a->iconv_name);

	printf("uint16_t const %s[%s][%s] = {\n", a->table, a->leads,
		a->trails);
	for (unsigned int i = 0; i < a->leads_count; i++) {
		unsigned int codes[256];

		for (unsigned int j = 0; j < a->trails_count; j++) {
			codes[j] =
				area_code(a, first, a->lead + i, a->trail + j);
			if (!is_meant(codes[j]) &&
				is_meant(area_code(
					a, second, a->lead + i, a->trail + j)))
				codes[j] = area_code(
					a, second, a->lead + i, a->trail + j);
		}
		printf("{");
		put_codes(codes, a->trails_count);
		printf("},\n");
	}
	printf("};\n");
	iconv_close(first);
	iconv_close(second);
}

static void
write_areas(void)
{
	static struct area const areas[] = {
		{"charset_gb", "CHARSET_GB_LEADS", "CHARSET_GB_TRAILS",
			"GB18030", NULL, 0, 0x81, CHARSET_GB_LEADS, 0x40,
			CHARSET_GB_TRAILS},
		{"charset_big5", "CHARSET_BIG5_LEADS", "CHARSET_BIG5_TRAILS",
			"CP950", "BIG5-HKSCS", 0, 0x81, CHARSET_BIG5_LEADS,
			0x40, CHARSET_BIG5_TRAILS},
		{"charset_kr", "CHARSET_KR_LEADS", "CHARSET_KR_TRAILS", "CP949",
			NULL, 0, 0x81, CHARSET_KR_LEADS, 0x40,
			CHARSET_KR_TRAILS},
		{"charset_sjis", "CHARSET_SJIS_LEADS", "CHARSET_SJIS_TRAILS",
			"CP932", NULL, 0, 0x81, CHARSET_SJIS_LEADS, 0x40,
			CHARSET_SJIS_TRAILS},
		{"charset_jis0208", "CHARSET_JIS_ROWS", "CHARSET_JIS_ROWS",
			"EUC-JP-MS", "EUC-JP", 0, 0xa1, CHARSET_JIS_ROWS, 0xa1,
			CHARSET_JIS_ROWS},
		{"charset_jis0212", "CHARSET_JIS_ROWS", "CHARSET_JIS_ROWS",
			"EUC-JP-MS", "EUC-JP", 0x8f, 0xa1, CHARSET_JIS_ROWS,
			0xa1, CHARSET_JIS_ROWS},
	};

	for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++)
		write_area(&areas[i]);
}

static unsigned int
gb_linear(iconv_t cd, unsigned int index)
{
	unsigned char const octets[4] = {(unsigned char)(0x81 + index / 12600),
		(unsigned char)(0x30 + index / 1260 % 10),
		(unsigned char)(0x81 + index / 10 % 126),
		(unsigned char)(0x30 + index % 10)};

	return convert(cd, octets, 4);
}

/* A run without a meaning has the code 0. */
static void
write_gb_runs(void)
{
	iconv_t const cd = converter("GB18030");
	unsigned int expected = 1, count = 0;

	printf("struct charset_run const charset_gb_runs[] = {");
	for (unsigned int i = 0; i < CHARSET_GB_LINEAR_MAX; i++) {
		unsigned int const code = gb_linear(cd, i);

		if (code != expected || i == 0)
			printf("%s{%u, %u},", count++ % 6 == 0 ? "\n" : "", i,
				code);
		expected = code == 0 ? 0 : code + 1;
	}
	printf("};\nunsigned int const charset_gb_runs_count = %u;\n", count);
	iconv_close(cd);
}

int
main(void)
{
	printf("/* Made by charset_gen. */\n"
	       "#include \"mime/charset_tables.h\"\n");
	write_singles();
	write_areas();
	write_gb_runs();
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 111;
}
