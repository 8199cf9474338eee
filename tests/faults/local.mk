# make check-faults: every row of the fault matrix once; make check-sabotage: builds with one line broken each
# must be noticed. Both take SEED=N, the first also ROWS=1,30-35.
SEED = 1
FAULTS = HOTLINED_SRC=$(abs_srcdir) HOTLINED_BUILD=$(abs_builddir)

check-faults: all
	@$(srcdir)/tests/system/install >/dev/null
	@$(srcdir)/tests/faults/plain-build $(srcdir) tests/faults-plain >/dev/null
	@$(FAULTS) node $(srcdir)/tests/faults/run.js --seed $(SEED) --plain tests/faults-plain \
		$(if $(ROWS),--rows $(ROWS))

check-sabotage:
	@$(srcdir)/tests/system/install >/dev/null
	@$(FAULTS) node $(srcdir)/tests/faults/sabotage.js --seed $(SEED) --work tests/sabotage

.PHONY: check-faults check-sabotage

EXTRA_DIST += tests/faults
