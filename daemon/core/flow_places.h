/* The administrative units of Viet Nam in the shape that the flow engine asks for. */
#ifndef CORE_FLOW_PLACES_H
#define CORE_FLOW_PLACES_H

struct flow_places;

const struct flow_places *flow_places_vn(void); /* constant */

#endif
