# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Sourced by a script that has the arguments SOURCE and BUILD: boots a container of systemd-nspawn in which the build is installed, for as long as the test runs. Then
# inside COMMAND... runs as root there, as USER COMMAND... as somebody, at_seat USER COMMAND... as who sits at the machine; result NAME RC
# tells TAP ($area is the tests' area, $dir/output what is shown of a failure).

source=$1
build=$2
n=0
status=0

skip () {
  echo "1..0 # SKIP $*"
  exit 0
}

result () { # NAME RC
  n=$((n + 1))
  if [ "$2" = 0 ]; then echo "ok $n /$area/$1"; else
    echo "not ok $n /$area/$1"
    sed 's/^/# /' "$dir/output"
    # shellcheck disable=SC2034 # the caller's
    status=1
  fi
}

[ "$(id -u)" = 0 ] || skip "only root can boot a container"
command -v systemd-nspawn >/dev/null || skip "systemd-nspawn is not installed"
root=$("$source/scripts/booted-system")
[ -n "$root" ] || skip "there is no system to boot: scripts/booted-system --fetch makes it"

dir=$(mktemp -d "${TMPDIR:-/tmp}/ha-profiler-booted.XXXXXX")
machine=ha-profiler-$$
nspawn=
leader=
# The container's first process outlives a systemd-nspawn that was killed.
# shellcheck disable=SC2317 # called by the trap
clean_up () {
  [ -z "$leader" ] || kill -KILL "$leader" 2>/dev/null || :
  [ -z "$nspawn" ] || { kill -KILL "$nspawn" && wait "$nspawn"; } 2>/dev/null || :
  rmdir "/run/systemd/nspawn/propagate/$machine" 2>/dev/null || :
  rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 143' TERM INT

# What is installed; what systemd, the bus and polkit look for in /usr alone is shown there, too.
meson install -C "$build" --no-rebuild --destdir "$dir/dest" >"$dir/output" 2>&1 || { echo "1..1"; result install 1; exit 1; }
prefix=$(meson introspect "$build" --buildoptions | python3 -c '
import json, sys
print(*[option["value"] for option in json.load(sys.stdin) if option["name"] == "prefix"])')
set -- --bind-ro="$dir/dest$prefix:$prefix"
for file in share/dbus-1/system.d/org.homeassistant.Profiler.conf share/dbus-1/system-services/org.homeassistant.Profiler.service \
  share/polkit-1/actions/org.homeassistant.Profiler.policy lib/systemd/system/ha-profilerd.service lib/sysusers.d/ha-profiler.conf \
  lib/tmpfiles.d/ha-profiler.conf; do
  [ "$prefix" = /usr ] || set -- "$@" --bind-ro="$dir/dest$prefix/$file:/usr/$file"
done

# Users, any of whom can sit at the machine.
mkdir "$dir/etc"
cat >"$dir/etc/sysusers" <<END
u hap-admin 64321 "" / /bin/sh
u hap-user 64322 "" / /bin/sh
u hap-remote 64323 "" / /bin/sh
u hap-owner 64324 "" / /bin/sh
END
cat >"$dir/etc/pam" <<END
auth required pam_permit.so
account required pam_permit.so
session required pam_env.so readenv=1 envfile=/etc/hap-seat user_readenv=0
session required pam_systemd.so type=x11 class=user
END
echo XDG_SEAT=seat0 >"$dir/etc/seat"
echo 'polkit.addAdminRule(function () { return ["unix-user:hap-admin"]; });' >"$dir/etc/rules"
set -- "$@" --bind-ro="$dir/etc/sysusers:/usr/lib/sysusers.d/hap-test.conf" --bind-ro="$dir/etc/pam:/etc/pam.d/hap-seat" \
  --bind-ro="$dir/etc/seat:/etc/hap-seat" --bind-ro="$dir/etc/rules:/etc/polkit-1/rules.d/10-hap-test.rules" \
  --bind-ro="$source/tests:/srv/tests" --bind-ro="$build:/srv/build"
chmod -R a+rX "$dir"

systemd-nspawn -q -D "$root" --machine="$machine" --register=no --keep-unit --console=pipe --volatile=overlay "$@" -b \
  >"$dir/boot" 2>&1 </dev/null &
nspawn=$!
inside () { nsenter -t "$leader" -m -u -i -n -p -r -w "$@"; }
patience=600
until [ -n "$leader" ] && inside systemctl is-system-running 2>/dev/null | grep -qx -e running -e degraded; do
  patience=$((patience - 1))
  if [ "$patience" = 0 ] || ! kill -0 "$nspawn" 2>/dev/null; then
    sed 's/^/# /' "$dir/boot"
    skip "the system does not boot in a container here"
  fi
  sleep 0.1
  leader=$(pgrep -P "$nspawn" -x systemd || :)
done

as () { user=$1 && shift && inside systemd-run -q --pipe --wait --collect -p User="$user" "$@"; }
at_seat () { user=$1 && shift && inside systemd-run -q --pipe --wait --collect -p PAMName=hap-seat -p User="$user" "$@"; }
