# dpkg: a package that the image has installed is upgraded and removed, another one installed and purged.
pack() { # name version, and what fills its tree on stdin
  rm -rf tree && mkdir -p tree/DEBIAN tree/usr/share/"$1" tree/etc
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: made for a test\n' "$1" "$2" >tree/DEBIAN/control
  (cd tree && . /dev/stdin)
  find tree -exec touch -h -d @1700000000 {} +
  SOURCE_DATE_EPOCH=1700000000 dpkg-deb --root-owner-group -Znone --build tree "debs/$1-$2.deb" >/dev/null
  rm -rf tree
}

in_root() {
  LC_ALL=C DPKG_COLORS=never dpkg --root="$PWD/dpkg-root" --log=/dev/null "$@" 2>&1
}

prepare() {
  mkdir -p debs dpkg-root/var/lib/dpkg/info dpkg-root/var/lib/dpkg/updates dpkg-root/tmp
  : >dpkg-root/var/lib/dpkg/status
  : >dpkg-root/var/lib/dpkg/available
  pack first 1 <<'FILL'
for n in $(seq 1 60); do seq "$n" 200 >usr/share/first/f$n; done
ln usr/share/first/f1 usr/share/first/hard && ln -s f1 usr/share/first/soft
mkdir usr/share/first/old && echo old >usr/share/first/old/file
echo one >etc/first.conf && echo /etc/first.conf >DEBIAN/conffiles
FILL
  pack first 2 <<'FILL'
for n in $(seq 30 90); do seq "$n" 300 >usr/share/first/f$n; done
ln usr/share/first/f30 usr/share/first/hard && ln -s f30 usr/share/first/soft
echo 'now a file' >usr/share/first/old
echo two >etc/first.conf && echo /etc/first.conf >DEBIAN/conffiles
FILL
  pack second 1 <<'FILL'
echo second >usr/share/second/file && mkdir -p usr/share/second/deep/er && echo x >usr/share/second/deep/er/x
FILL
  in_root -i debs/first-1.deb
}

work() {
  in_root -i debs/first-2.deb debs/second-1.deb
  in_root -V first second
  in_root -l | tail -n 2
  cat dpkg-root/etc/first.conf
  in_root --purge second
  in_root -r first
  in_root --audit
  find dpkg-root | sort
}

varying='dpkg/(available|status|lock|diversions|statoverride)(-old)?$'
