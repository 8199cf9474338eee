/* The end of a delivery. */
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
