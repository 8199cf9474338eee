/* Texts written for the 8-bit fonts of the nineties and read as Latin-1 on the way: "bò ñaùnh". */
#ifndef FLOWS_ENGINE_FONTS_H
#define FLOWS_ENGINE_FONTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The text as its writer saw it, if VNI-Windows or TCVN3 explains it clearly better than Unicode does, and
 * *count its new length; NULL if not. Owned by the caller. The whole text decides, never one word: many
 * single words can be read both ways. */
uint32_t *fonts_mend(const uint32_t *points, size_t *count);

#endif
