/** What differs between processors: `machine` as `uname -m` says it, `*` for all; `at`, a URL or a path, is quoted for a shell. */
export type Piece = { readonly machine: string; readonly at: string; readonly sum?: string };

/** Where the executable is at the first boot. `gzip`: packed; `label`: of the disk's file system. */
export type Source =
  | { readonly from: 'url'; readonly pieces: readonly Piece[]; readonly gzip: boolean }
  | { readonly from: 'disk'; readonly pieces: readonly Piece[]; readonly gzip: boolean; readonly label: string }
  | { readonly from: 'image'; readonly pieces: readonly Piece[] }
  | { readonly from: 'path' };

/** The script of the first boot, for sh. `words`: of apply. It exits as apply does, or with 1 when it cannot be run. */
export const firstBootScript = (source: Source, words: string): string => [head, ...partsFor(source), foot(words)].join('\n');

const head = `#!/bin/sh
# Brings node-prep to this host and runs it. What it says goes to cloud-init's log, to the console and to this file:
log=/var/log/node-prep.log
console=/dev/console
program=/usr/local/bin/node-prep
# Next to it, so that it comes to its place at once and as SELinux wants it.
new=/usr/local/bin/.node-prep.new
umask 022
export LC_ALL=C TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

say() { printf 'node-prep: %s\\n' "$*"; }
give_up() { rm -f "$new" "$new.gz"; say "$* node-prep was not run."; exit 1; }
`;

const partsFor = (source: Source): string[] => {
  switch (source.from) {
    case 'path':
      return [bring(`program=$(command -v node-prep) || give_up 'There is no node-prep in the PATH of this image.'`)];
    case 'image':
      return [
        bring(
          choose(source.pieces),
          'program=$at',
          '[ -f "$at" ] || give_up "There is no file $at in this image."',
          ...check(source.pieces, '$at', '$at'),
        ),
      ];
    case 'disk':
      return [bring(choose(source.pieces), copy(source.label), ...check(source.pieces, '$new', '$at'), put(source.gzip))];
    case 'url':
      return [fetch, bring(choose(source.pieces), download, ...check(source.pieces, '$new', '${at%%[?#]*}'), put(source.gzip))];
  }
};

const bring = (...lines: readonly string[]): string =>
  `bring() {\n${lines
    .join('\n')
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')}\n}\n`;

const choose = (pieces: readonly Piece[]): string => {
  const set = ({ at, sum }: Piece): string => `at=${at}${sum === undefined ? '' : ` sum=${sum}`}`;
  const [first] = pieces;
  if (first?.machine === '*') return set(first);
  return [
    'case $(uname -m) in',
    ...pieces.map((piece) => `  ${piece.machine}) ${set(piece)} ;;`),
    '  *) give_up "There is no executable for this processor, $(uname -m)." ;;',
    'esac',
  ].join('\n');
};

const check = (pieces: readonly Piece[], file: string, shown: string): string[] =>
  pieces.some((piece) => piece.sum !== undefined)
    ? [
        `is=$(sha256sum <"${file}") && is=\${is%% *}`,
        `[ "$is" = "$sum" ] || give_up "The checksum of ${shown} is $is, not $sum."`,
      ]
    : [];

const copy = (label: string): string => `disk=$(${[...new Set([label, label.toUpperCase(), label.toLowerCase()])]
  .map((l) => `findfs LABEL=${l} 2>/dev/null`)
  .join(' || ')}) || give_up 'There is no disk with the label ${label}.'
folder=$(mktemp -d) && mount -o ro "$disk" "$folder" || give_up "$disk cannot be mounted."
cp "$folder/$at" "$new"
copied=$?
umount "$folder" && rmdir "$folder"
[ "$copied" = 0 ] || give_up "$at on $disk cannot be copied."`;

const fetch = `# Whichever is there; each gives up a connection that stands still.
fetch() { # URL FILE
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 20 --speed-limit 1000 --speed-time 30 -o "$2" "$1"
  elif command -v wget >/dev/null; then
    wget -q -t 1 -T 30 -O "$2" "$1"
  else
    python3 - "$@" <<'END'
import shutil, sys, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=30) as answer, open(sys.argv[2], "wb") as file:
        shutil.copyfileobj(answer, file)
        if answer.length:
            raise OSError("the answer was cut off")
except Exception as error:
    sys.exit(str(error))
END
  fi
}
`;

const download = `say "fetching \${at%%[?#]*}"
# Network, names and clock may not be ready yet.
for pause in 2 4 8 15 30 30 30 none; do
  fetch "$at" "$new" && break
  [ "$pause" != none ] || give_up "\${at%%[?#]*} cannot be fetched."
  say "trying again in $pause seconds"
  sleep "$pause"
done`;

const put = (gzip: boolean): string =>
  [
    ...(gzip ? ['mv "$new" "$new.gz" && gzip -df "$new.gz" || give_up "${at%%[?#]*} cannot be unpacked."'] : []),
    'chmod 755 "$new" && mv -f "$new" "$program" || give_up "$program cannot be written."',
  ].join('\n');

const foot = (words: string): string => `work() {
  date -u '+== first boot, %Y-%m-%d %H:%M:%S UTC'
  bring
  "$program" --version >/dev/null || give_up "$program does not run on this host ($(uname -m))."
  "$program" ${words}
}

before=$(cat "$log" 2>/dev/null | wc -l)
said() { tail -n "+$((before + 1))" "$log" | sed -n "$1" | tail -n 1; }

# Every line as it comes, and the exit code, which a pipe would lose.
exec 5>&1
code=$({ { (work) </dev/null 2>&1 4>&- 5>&-; echo $? >&4; } | tee -a "$log" >&5 4>&-; } 4>&1)
case $code in
  0) exit 0 ;;
  3) why="BLOCKED: $(said 's/^local: blocked: [0-9]* blocked: \\([^;]*\\).*/\\1/p')" ;;
  *) why="FAILED: $(said 's/^node-prep: //p')" ;;
esac
case $why in *': ') why="\${why%: }, and $log could not be written" ;; esac
say "\${why%.}. What to do is in $log; then run again: sh $0" | tee -a "$log" "$console"
exit "\${code:-1}"
`;
