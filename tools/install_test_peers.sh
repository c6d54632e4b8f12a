#!/usr/bin/env bash
# Programs that tests use beside the Python packages: LibreOffice opens the workbooks we write.
# Installs what is missing where it may (root on a Debian system); elsewhere says what to install.
set -euo pipefail
missing=()
command -v soffice >/dev/null || missing+=(libreoffice-calc fonts-dejavu)
command -v pdftotext >/dev/null || missing+=(poppler-utils)
if [ ${#missing[@]} -eq 0 ]; then
  echo "test peers: all there"
elif [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "test peers: installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "test peers: please install ${missing[*]} (tests that need them are skipped and say so)"
fi
