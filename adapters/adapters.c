/* The adapters there are. A new one is one row here. */
#include "adapters/adapter.h"

#include <string.h>

#include "adapters/gsup/gsup.h"
#include "adapters/http/http.h"
#include "adapters/sim/sim.h"
#include "adapters/smpp/link.h"

const struct adapter *const adapters[] = { &smpp_adapter, &http_adapter, &gsup_adapter, &sim_adapter, NULL };

const struct adapter *adapter_find(const char *name)
{
	for (unsigned i = 0; adapters[i]; i++) {
		if (strcmp(adapters[i]->name, name) == 0)
			return adapters[i];
	}
	return NULL;
}
