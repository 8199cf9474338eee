/* The SMPP adapter's row in the adapter table. */
#include "adapters/smpp/smpp.h"

const struct adapter smpp_adapter = {
	.name = "smpp",
	.help = "text messages over SMPP 3.4",
	.keys = smpp_keys,
	.create = link_create,
	.start = link_start,
	.stop = link_stop,
	.destroy = link_destroy,
	.send = mt_send,
	.state = link_state_now,
	.status = link_status_now,
	.order = link_obey,
	.trace = link_trace,
	.same = link_same,
};
