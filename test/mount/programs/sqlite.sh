# sqlite: rollback journals and WAL with a mapped file, several writers, one killed in its transaction; the database lies in the image.
prepare() {
  mkdir -p sqlite
  python3 - <<'PYTHON'
import sqlite3
db = sqlite3.connect("sqlite/rows.db")
db.execute("PRAGMA page_size = 4096")
db.execute("CREATE TABLE rows (n INTEGER PRIMARY KEY, who TEXT, what BLOB)")
db.executemany("INSERT INTO rows (who, what) VALUES (?, ?)", [("image", bytes([n % 256]) * 300) for n in range(600)])
db.execute("CREATE INDEX who ON rows (who)")
db.commit()
PYTHON
}

work() {
  for mode in delete truncate persist wal; do
    cp sqlite/rows.db "sqlite/$mode.db"
    python3 - "$mode" <<'PYTHON'
import os, signal, sqlite3, sys, time

mode = sys.argv[1]
path = f"sqlite/{mode}.db"


def connect():
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    db.execute(f"PRAGMA journal_mode = {mode}")
    db.execute("PRAGMA mmap_size = 1000000")
    return db


connect().close()
writers = []
for who in range(3):
    pid = os.fork()
    if pid == 0:
        db = connect()
        for step in range(4):
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO rows (who, what) VALUES (?, ?)", (f"writer {who}", bytes([step]) * 900))
            db.execute("UPDATE rows SET what = zeroblob(500) WHERE n = ?", (who * 100 + step,))
            db.execute("COMMIT")
        db.close()
        os._exit(0)
    writers.append(pid)
print(mode, [os.waitpid(pid, 0)[1] for pid in writers])

# Killed with half of a transaction in the file: the next one rolls it back.
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    db = connect()
    db.execute("PRAGMA cache_size = 5")
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE rows SET what = randomblob(700)")
    os.write(write, b"!")
    time.sleep(60)
os.read(read, 1)
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
db = connect()
print(db.execute("PRAGMA integrity_check").fetchall())
print(db.execute("SELECT who, count(*), sum(length(what)) FROM rows GROUP BY who ORDER BY who").fetchall())
db.execute("VACUUM")
print(db.execute("PRAGMA integrity_check").fetchall())
db.close()
PYTHON
  done
  # In the image's own file, too.
  python3 -c 'import sqlite3; db = sqlite3.connect("sqlite/rows.db"); db.execute("DELETE FROM rows WHERE n % 2"); db.commit(); print(db.execute("PRAGMA integrity_check").fetchall())'
  ls sqlite
}

# Which writer came first is chance.
varying='sqlite/(delete|truncate|persist|wal)\.db'
