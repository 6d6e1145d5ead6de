# Runs as the first process of new user, mount, pid, network, IPC, UTS and cgroup namespaces, as their root and without
# any right outside of them. It builds a file system of its own (the system's programs and libraries, read only, and a
# small folder in memory), moves into it, and hands over to the program whose text is the first argument.
set -eu

# Where memory runs out, this goes first, and never a validator.
echo 1000 > /proc/self/oom_score_adj

mount -t tmpfs -o size=2m,nr_inodes=128,mode=0755,nosuid,nodev root /tmp
cd /tmp
mkdir dev old work

# Folders such as /lib are links into /usr on a merged system, and folders of their own elsewhere.
for name in usr bin sbin lib lib32 lib64; do
  if [ -L "/$name" ]; then
    ln -s "$(readlink "/$name")" "$name"
  elif [ -d "/$name" ]; then
    mkdir "$name"
    mount --rbind "/$name" "$name"
    mount -o remount,bind,ro,nosuid,nodev "$name"
  fi
done

for name in null urandom; do
  : > "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done

mount -t tmpfs -o size=16m,nr_inodes=1024,mode=0755,nosuid,nodev work work
ln -s work tmp

pivot_root . old
cd /work
exec "$PYTHON" -I -S -c "$1"
