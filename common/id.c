/* Queue ids. */
#include <stdint.h>
#include <string.h>
#include <sodium.h>
#include "common/id.h"

#define EPOCH_2020 1577836800

static char const alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

void
id_make(char id_r[ID_LEN + 1])
{
	struct timespec now;
	uint64_t micros;
	uint32_t chance = randombytes_random();

	clock_gettime(CLOCK_REALTIME, &now);
	micros = (uint64_t)(now.tv_sec - EPOCH_2020) * 1000000 +
		 (uint64_t)now.tv_nsec / 1000;
	/* 51 bits of time fill ten characters and one bit of the eleventh. */
	for (int i = 0; i < 10; i++)
		id_r[i] = alphabet[(micros >> (46 - 5 * i)) & 31];
	id_r[10] = alphabet[(micros & 1) << 4 | (chance >> 25 & 15)];
	for (int i = 11; i < ID_LEN; i++)
		id_r[i] = alphabet[(chance >> (20 - 5 * (i - 11))) & 31];
	id_r[ID_LEN] = '\0';
}

void
id_secret(char secret_r[ID_SECRET_LEN + 1])
{
	unsigned char bytes[ID_SECRET_LEN];

	randombytes_buf(bytes, sizeof bytes);
	for (int i = 0; i < ID_SECRET_LEN; i++)
		secret_r[i] = alphabet[bytes[i] & 31];
	secret_r[ID_SECRET_LEN] = '\0';
}

bool
id_valid(char const *s, size_t len)
{
	if (len != ID_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] == '\0' || strchr(alphabet, s[i]) == NULL)
			return false;
	return true;
}

time_t
id_time(char const id[ID_LEN])
{
	uint64_t micros = 0;

	for (int i = 0; i < 10; i++)
		micros = micros << 5 |
			 (uint64_t)(strchr(alphabet, id[i]) - alphabet);
	return (time_t)(micros * 2 / 1000000) + EPOCH_2020;
}
