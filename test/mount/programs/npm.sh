# npm: a tree of packages is installed from tarballs, used, and one of them is removed. PACKAGES is a node_modules to pack from.
export HOME=$PWD/npm-home npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false npm_config_offline=true
PACKED='immer commander fast-check pure-rand yargs-parser y18n'

prepare() {
  mkdir -p npm-home tarballs app
  dependencies=
  for name in $PACKED; do
    tar -C "$PACKAGES/$name" --sort=name --mtime=@0 --owner=0 --group=0 --transform 's,^\.,package,' -cf - . | gzip -n1 >"tarballs/$name.tgz"
    dependencies="$dependencies${dependencies:+,}\"$name\":\"file:../tarballs/$name.tgz\""
  done
  printf '{"name":"app","version":"1.0.0","dependencies":{%s}}' "$dependencies" >app/package.json
}

work() {
  cd app
  npm install --ignore-scripts --loglevel=error >npm.log 2>&1 || { cat npm.log; return 1; }
  rm npm.log
  node -e 'const fc = require("fast-check"); fc.assert(fc.property(fc.nat(), (n) => n >= 0)); console.log("asserted")'
  node -e 'console.log(require("immer").produce({ a: 1 }, (draft) => void (draft.a = 2)))'
  npm ls --all --parseable 2>&1 | sed "s,.*/app,," | sort
  npm uninstall --ignore-scripts --loglevel=error fast-check >/dev/null 2>&1
  test ! -e node_modules/fast-check && ls node_modules
  rm -r ../npm-home/.npm/_logs
}

varying='npm-home/\.npm|/\.package-lock\.json$'
