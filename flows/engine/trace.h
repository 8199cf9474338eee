/* The ways a step of the engine took through a flow, told to whoever wants to know: coverage of tests,
 * the terminal. */
#ifndef FLOWS_ENGINE_TRACE_H
#define FLOWS_ENGINE_TRACE_H

enum flow_way {
	FLOW_WAY_GO,      /* `go` of a tell, a do, a question without menu */
	FLOW_WAY_OPTION,  /* an answer of a menu, by its own `go` or by that of the question */
	FLOW_WAY_BRANCH,  /* a branch of a `when` */
	FLOW_WAY_TIRED,   /* retries spent */
	FLOW_WAY_TIMEOUT, /* the wait is over */
	FLOW_WAY_SEVERAL, /* a place that is one of several */
	FLOW_WAY_CALL,    /* into another flow */
	FLOW_WAY_RETURN,  /* out of it again, at its end */
	FLOW_WAY_BACK,    /* the word for back */
	FLOW_WAY_STOP,    /* the word for stop */
	FLOW_WAYS
};

struct flow_trace {
	/* node: the one that was left, its index over the whole pack; index: answer or branch, else 0 */
	void (*on_way)(void *arg, int node, enum flow_way way, int index);
	void *arg; /* borrowed */
};

#endif
