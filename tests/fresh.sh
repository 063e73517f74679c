#!/usr/bin/env bash
# Puts the README to the test: in a bare Debian bookworm with just the packages that it names, as a user without rights,
# a clean clone of this checkout (what is committed) must pass `make report` and `make test`, or the commands given.
# Needs root, debootstrap and the network; takes its mirror, its proxies, its certificates and pip's configuration from
# this machine. Mounts and processes live in namespaces of their own, so nothing is left of them however this ends.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "fresh: $*" >&2; exit 2; }

if [ "${1-}" != --inside ]; then
    [ $# -gt 0 ] || set -- "make report" "make test"
    [ "$(id -u)" = 0 ] || die "this must run as root, to make a chroot"
    for program in debootstrap git unshare; do
        command -v $program >/dev/null || die "$program must be installed, but cannot be found"
    done
    root=$(mktemp -d "${TMPDIR:-/tmp}/lmul-fresh.XXXXXX")
    leave() { kill -KILL "${child-}" 2>/dev/null && wait "$child" 2>/dev/null; rm -rf --one-file-system "$root" "$root.log"; }
    trap leave EXIT
    trap 'exit 130' INT TERM HUP
    unshare --mount --pid --fork --kill-child -- "$0" --inside "$root" "$@" &
    child=$!
    wait "$child"
    exit
fi

root=$2
shift 2
packages=$(sed -n 's/^ *# apt-get install //p' README.md)
[ -n "$packages" ] || die "README.md must name its packages in a line '# apt-get install ...'"
# This machine's own mirror; debootstrap knows one where it has none.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Codename: bookworm' 2>/dev/null | sort -u | head -1)

echo "fresh: Debian bookworm, minbase"
debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || { tail "$root.log"; die "debootstrap failed"; }
cp -a /etc/apt/apt.conf* /etc/apt/auth.conf* "$root/etc/apt/" 2>/dev/null || true
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/"

echo "fresh: apt-get install $packages"
chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $packages >/dev/null 2>&1 ||
    die "packages of README.md must be there, but apt-get install $packages failed"

# What pip is told on this machine: its files, the folders they name, and the certificates they trust.
for file in /etc/pip.conf /etc/xdg/pip ~/.config/pip ~/.pip "${PIP_CONFIG_FILE-}" /etc/ssl/certs/ca-certificates.crt; do
    if [ -e "$file" ]; then tar -C / -ch "${file#/}" | tar -C "$root" -x --no-same-owner; fi
done
python3 -m pip config list | grep -oE "(file://)?/[^ ']+" | sed 's,^file://,,' | sort -u | while read -r folder; do
    [ -d "$folder" ] || continue
    mkdir -p "$root$folder" && mount --bind "$folder" "$root$folder"
done

chmod 755 "$root"
chroot "$root" useradd --create-home user
git -c safe.directory='*' clone -q --no-hardlinks . "$root/home/user/lmul"
chroot "$root" chown -R user:user /home/user
for command in "$@"; do
    echo "fresh: $command"
    chroot --userspec=user:user "$root" env -u TMPDIR -u VIRTUAL_ENV -u MAKEFLAGS -u LANG -u LC_ALL HOME=/home/user \
        PATH=/usr/local/bin:/usr/bin:/bin sh -c "cd ~/lmul && $command"
done
