# make check-soak: the long figures, on the real parts, once: SEED=N; SCENES="timers overtake" for some of them.
check-soak: all
	@$(srcdir)/tests/system/install >/dev/null
	@$(FAULTS) node $(srcdir)/tests/soak/escalation.js --seed $(SEED) $(SCENES)

.PHONY: check-soak

EXTRA_DIST += tests/soak
