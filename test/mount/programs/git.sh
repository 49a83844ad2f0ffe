# git: a repository that lies in the image is cloned, written to, packed and checked.
export HOME=$PWD/git-home GIT_CONFIG_NOSYSTEM=1 LC_ALL=C GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_DATE='2024-01-02T03:04:05Z' GIT_COMMITTER_DATE='2024-01-02T03:04:05Z'

prepare() {
  mkdir -p git-home origin
  git config --global user.name nobody
  git config --global user.email nobody@localhost
  git config --global init.defaultBranch main
  git config --global pack.threads 1
  git config --global gc.autoDetach false
  git config --global advice.detachedHead false
  cd origin
  git init -q
  for n in $(seq 1 8); do
    mkdir -p "d$((n % 4))"
    for f in 1 2 3 4 5; do seq "$n" $((n * 40 + f)) >"d$((n % 4))/f$f-$n"; done
    seq "$n" 3000 >changing
    git add .
    git commit -qm "commit $n"
  done
  git tag middle HEAD~3
}

work() {
  git clone -q --no-local origin clone
  cd clone
  echo changed >>changing
  git mv d1/f1-1 d1/moved
  git rm -q d2/f2-2
  git commit -qam 'in the clone'
  git checkout -q -b side middle
  echo side >side && git add side && git commit -qm side
  git checkout -q main
  git merge -q -m merged side
  git gc -q --prune=now
  git fsck --full --strict 2>&1
  git status --porcelain
  git rev-parse HEAD
  cd ../origin
  # What was loose in the image becomes a pack.
  git fetch -q ../clone main:from-clone
  git repack -adq && git prune-packed -q
  git fsck --full --strict 2>&1
  git count-objects -v | grep -v size
  git log --oneline --all | wc -l
}

# The index holds inode numbers and times.
varying='/index$'
