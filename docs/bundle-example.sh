#!/bin/sh
# Runs a command in a container of a stored image with Debian's runc, as root or as anybody else:
#   siflet pull alpine:3.22
#   sh docs/bundle-example.sh alpine:3.22 cat /etc/os-release
# SIFLET names siflet where it is not on PATH.
set -eu

siflet=${SIFLET:-siflet}
image=$1
shift

work=$(mktemp -d)
# Unmounts, deletes the bundle and gives the image back, whatever has happened before.
trap '"$siflet" bundle --delete "$work/bundle" >/dev/null; rm -r "$work"' EXIT

# Without root the container's root is the caller, who is the only one that may read the image.
if [ "$(id -u)" -eq 0 ]; then
  "$siflet" bundle "$image" "$work/bundle" -- "$@" >&2
else
  "$siflet" bundle --user 0:0 "$image" "$work/bundle" -- "$@" >&2
fi
runc --root "$work/state" run --bundle "$work/bundle" "example-$$"
