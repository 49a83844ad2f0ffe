#!/usr/bin/env bash
# Unpacks a Docker daemon and a static shell from Debian's packages into a folder, for the tests that compare with Docker.
# Nothing is installed: a test starts the daemon with data, socket and process files of its own, and stops it again.
#   scripts/docker-oracle.sh [DIR]     default: .overlog-docker
set -euo pipefail
directory=${1:-"$(dirname "${BASH_SOURCE[0]}")/../.overlog-docker"}
packages=(docker.io containerd runc tini busybox-static)

mkdir -p "$directory"
cd "$directory"
if [ -x root/usr/sbin/dockerd ] && [ -x root/bin/busybox ]; then exit 0; fi
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
  echo "docker-oracle: apt-get and dpkg are needed" >&2
  exit 1
fi
apt-get download -qq "${packages[@]}" >/dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
rm -f ./*.deb
