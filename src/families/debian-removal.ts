/**
 * What a run brought, and what of it can go, as family.ts says of `removal`. Own are the packages that it named, and of the rest those
 * that apt marks as installed automatically and that something own leads to: what an administrator installed at the same time, and what
 * came for that, is neither.
 */
export const askDebianRemoval = `set -f
has() { case " $1 " in *" $2 "*) return 0 ;; esac; return 1; }
words() { IFS=' ,|'; for w in $1; do case $w in '('* | *')') ;; *) printf '%s ' "\${w%%:*}" ;; esac; done; }
auto=$(apt-mark showauto) && native=$(dpkg --print-architecture) &&
  all=$(dpkg-query -W -f='\${binary:Package};\${Package},\${Provides};\${Pre-Depends},\${Depends}\\n') || exit 1
auto=$(echo $auto)
own=$named
more=1
while [ -n "$more" ]; do
  more= needs=
  while IFS=';' read -r name gives wants; do
    has "$own" "$name" && needs="$needs$(words "$wants") "
  done <<END
$all
END
  while IFS=';' read -r name gives wants; do
    has "$*" "$name" && ! has "$own" "$name" && has "$auto" "\${name%":$native"}" || continue
    for give in $(words "$gives"); do has "$needs" "$give" && own="$own $name" more=1 && break; done
  done <<END
$all
END
done
set -- $own
if [ $# -gt 0 ]; then
  printf 'own %s\\n' "$@"
  dpkg --dry-run --remove "$@" 2>/dev/null | sed -n 's/^Would remove or purge \\([^ ]*\\) .*/free \\1/p'
fi
echo end`;
