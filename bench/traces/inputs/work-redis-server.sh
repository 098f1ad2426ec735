# A server under the benchmark that comes with it: strings, lists, hashes, sorted sets; then values that are replaced.
set -e
redis-server --port 0 --unixsocket "$PWD/redis.socket" --save '' --appendonly no --activerehashing no >redis.log &
server=$!
unset LD_PRELOAD
while ! redis-cli -s redis.socket ping >/dev/null 2>&1; do sleep 0.05; done
load() { redis-benchmark -s redis.socket -q -c 10 -P 16 "$@" >/dev/null; }
load -n 150000 -r 100000 -d 40 -t set,lpush,sadd,hset,zadd
load -n 60000 -r 30000 -d 300 -t set
load -n 40000 -r 100000 SET key:__rand_int__ 0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz
load -n 20000 -r 2000 -d 2000 -t set
load -n 50000 -r 100000 DEL key:__rand_int__
redis-cli -s redis.socket info memory | grep used_memory_human
redis-cli -s redis.socket shutdown nosave || true
wait $server
