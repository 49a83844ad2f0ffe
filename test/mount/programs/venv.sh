# python: a virtual environment without pip, a package written into it, imported and compiled.
prepare() {
  python3 -m venv --without-pip --copies environment
}

work() {
  site=$(environment/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  mkdir "$site/made"
  echo 'from .part import answer' >"$site/made/__init__.py"
  echo 'import json, ssl, sqlite3, ctypes; answer = json.dumps({"answer": 42})' >"$site/made/part.py"
  environment/bin/python -c 'import made, sys; print(made.answer, made.__file__, sys.prefix != sys.base_prefix)'
  ls "$site/made"
  environment/bin/python -m compileall -q "$site" && environment/bin/python -c 'import made; print(made.answer)'
  python3 -m venv --without-pip --upgrade --copies environment
  python3 -m venv --without-pip --clear environment && ls environment
}

varying='__pycache__'
