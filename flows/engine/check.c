/* What is wrong with a pack as a whole, once every file of it was read. */
#include "flows/engine/model.h"

void loading_check(struct loading *in)
{
	check_words(in);
	check_sizes(in);
	if (!in->flow->node_count)
		return;
	check_graph(in);
	check_reads(in);
}
