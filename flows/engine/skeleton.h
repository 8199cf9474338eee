/* The file of one more language, ready to be translated. */
#ifndef FLOWS_ENGINE_SKELETON_H
#define FLOWS_ENGINE_SKELETON_H

#include <stdbool.h>

#include "base/buf.h"
#include "flows/engine/flow.h"

/* Appends the file. False: a lone flow has no such files, or the pack speaks that language already. */
bool flow_skeleton(const struct flow *flow, const char *lang, struct buf *out);

#endif
