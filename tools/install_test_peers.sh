#!/usr/bin/env bash
# Programs that tests use beside the Python packages: LibreOffice opens the workbooks we write, poppler reads its PDFs, OpenSSH
# and Dovecot are the SFTP server and the mailbox that are collected from, Chromium opens the review pages.
# Installs what is missing where it may (root on a Debian system); elsewhere says what to install.
set -euo pipefail
PATH="$PATH:/usr/sbin"
missing=()
command -v soffice >/dev/null || missing+=(libreoffice-calc fonts-dejavu)
command -v pdftotext >/dev/null || missing+=(poppler-utils)
command -v sshd >/dev/null || missing+=(openssh-server)
command -v dovecot >/dev/null || missing+=(dovecot-imapd)
command -v chromium >/dev/null || missing+=(chromium)
if [ ${#missing[@]} -eq 0 ]; then
  echo "test peers: all there"
elif [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "test peers: installing ${missing[*]}"
  # Tests start servers of their own on loopback; what the packages bring must not start one beside them.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "test peers: please install ${missing[*]} (tests that need them are skipped and say so)"
fi
