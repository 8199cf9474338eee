EXTRA_DIST += contrib/quickstart contrib/quickstart.d contrib/debian-packages.txt contrib/systemd/hotlined.service
systemdsystemunit_DATA = contrib/systemd/hotlined.service
