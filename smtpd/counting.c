/* Counts of a time in policy's store. */
#include <arpa/inet.h>
#include <string.h>
#include "smtpd/counting.h"

uint32_t
counting_add(struct policystore *store, enum policystore_kind kind,
	struct policystore_part who, uint32_t add, uint32_t period,
	uint32_t now)
{
	uint32_t before;
	struct policystore_slot *slot =
		policystore_find(store, kind, &who, 1, now, &before);

	if (now < slot->first || now - slot->first >= period) {
		slot->first = now;
		slot->count = 0;
	}
	if (slot->count <= UINT32_MAX - add)
		slot->count += add;
	return slot->count;
}

size_t
counting_network(struct checking_bytes client, char out[COUNTING_NETWORK_MAX])
{
	char text[CHECKING_CLIENT_MAX + 1];
	unsigned char a[16];
	size_t len = client.len < sizeof text ? client.len : sizeof text - 1;

	memcpy(text, client.s, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, a) == 1) {
		out[0] = '4';
		memcpy(out + 1, a, 3);
		return 4;
	}
	if (inet_pton(AF_INET6, text, a) == 1) {
		out[0] = '6';
		memcpy(out + 1, a, 6);
		return 7;
	}
	out[0] = '?';
	len = len < COUNTING_NETWORK_MAX - 1 ? len : COUNTING_NETWORK_MAX - 1;
	memcpy(out + 1, text, len);
	return 1 + len;
}
