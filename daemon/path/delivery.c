/* The end of a delivery, and its age. */
#include "path/delivery.h"

#include "base/mem.h"

void delivery_free(struct delivery *d)
{
	if (!d)
		return;
	inbound_fini(&d->in);
	mem_free(d->part);
	mem_free(d->text);
	mem_free(d);
}

bool delivery_is_young(const struct delivery *d, int64_t now_us)
{
	return now_us - d->wall_us < (int64_t)DELIVERY_ANSWER_MS * 1000;
}
