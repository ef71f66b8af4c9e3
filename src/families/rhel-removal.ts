/**
 * What a run brought, and what of it can go, as family.ts says of `removal`. Own are the packages that it named, and of the rest those
 * that dnf keeps in mind as dependencies and that something own leads to. dnf 4 and 5 write the reason differently; neither needs its
 * repositories for what is installed. Then the greatest set that rpm lets go, one by one where not all can.
 */
export const askRhelRemoval = `set -f
nl='
'
has() { case " $1 " in *" $2 "*) return 0 ;; esac; return 1; }
reasons=$(dnf -q -C repoquery --installed --qf '%{name} %{reason}\\n') || exit 1
auto=
while read -r name reason; do
  case $reason in *[Dd]ependency) auto="$auto $name" ;; esac
done <<END
$reasons
END
own=$named
more=1
while [ -n "$more" ]; do
  more=
  needs=$(rpm -q --qf '[%{REQUIRENAME}\\n]' $own)
  led=$(IFS=$nl; rpm -q --whatprovides --qf '%{NAME}\\n' $needs)
  led=$(echo $led)
  for name; do
    ! has "$own" "$name" && has "$auto" "$name" && has "$led" "$name" && own="$own $name" more=1
  done
done
set -- $own
[ $# -gt 0 ] || { echo end; exit 0; }
printf 'own %s\\n' "$@"
free=$*
if ! rpm -e --test "$@" >/dev/null 2>&1; then
  free=
  more=1
  while [ -n "$more" ]; do
    more=
    for name; do
      has "$free" "$name" && continue
      rpm -e --test $free "$name" >/dev/null 2>&1 && free="$free $name" more=1
    done
  done
fi
for name in $free; do echo "free $name"; done
echo end`;
