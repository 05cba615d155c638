package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/nettest"
)

const hba = "local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n"

// repmgrPair makes two servers and registers them as repmgr's manual says.
func repmgrPair(n *node) (*peerPair, error) {
	if err := need(n.scene, filepath.Join(n.bin, "repmgr"), "postgresql-"+filepath.Base(filepath.Dir(n.bin))+"-repmgr"); err != nil {
		return nil, err
	}
	// Both nodes are this machine and the account of Debian's package may be
	// locked for logins: in place of ssh the command is run at once, which can
	// only make repmgr faster.
	if err := n.sh(`mkdir "$1/bin"; printf '%s\n' '#!/bin/sh' 'while [ "$1" != 127.0.0.1 ]; do shift; done; shift; exec sh -c "$*"' >"$1/bin/ssh"; chmod 755 "$1/bin/ssh"`, n.dir); err != nil {
		return nil, err
	}
	var conf [2]string
	for i := range conf {
		conf[i] = n.file(fmt.Sprintf("repmgr%d.conf", i), fmt.Sprintf(`node_id=%d
node_name='n%d'
conninfo='host=127.0.0.1 port=%d user=repmgr dbname=repmgr connect_timeout=2'
data_directory='%s/n%d'
pg_bindir='%s'
repmgr_bindir='%s'
`, i+1, i, n.ports[i], n.dir, i, n.bin, n.bin))
	}
	hbaFile := n.file("hba", hba)
	err := n.sh(`initdb -D "$1/n0" -A trust -k >/dev/null; cp "$4" "$1/n0/pg_hba.conf"
printf "port = %s\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '%s'\nwal_log_hints = on\nmax_wal_senders = 10\nmax_replication_slots = 10\nwal_keep_size = '256MB'\n" "$2" "$1" >>"$1/n0/postgresql.conf"
pg_ctl -D "$1/n0" -l "$1/n0.log" -w start
psql -h "$1" -p "$2" -d postgres -c 'create role repmgr superuser login' -c 'create database repmgr owner repmgr'
repmgr -f "$5" primary register
repmgr -h 127.0.0.1 -p "$2" -U repmgr -d repmgr -f "$6" standby clone --fast-checkpoint
sed -i "s/^port = .*/port = $3/" "$1/n1/postgresql.conf"
pg_ctl -D "$1/n1" -l "$1/n1.log" -w start
repmgr -f "$6" standby register`, n.dir, fmt.Sprint(n.ports[0]), fmt.Sprint(n.ports[1]), hbaFile, conf[0], conf[1])
	n.Cleanup(func() { _ = n.sh(`for d in "$1"/n0 "$1"/n1; do pg_ctl -D "$d" -m immediate stop || :; done`, n.dir) })
	if err != nil {
		return nil, fmt.Errorf("the pair of repmgr: %w", err)
	}
	return &peerPair{client: n.dsn("repmgr"), switchover: func(round int) error {
		return n.sh(`repmgr -f "$1" standby switchover`, conf[(round+1)%2])
	}}, nil
}

// patroniPair starts two Patroni with their built-in Raft, so that no other
// service is needed.
func patroniPair(n *node) (*peerPair, error) {
	if err := errors.Join(need(n.scene, "patroni", "patroni"), needFile(n.scene, "/usr/lib/python3/dist-packages/pysyncobj", "python3-pysyncobj")); err != nil {
		return nil, err
	}
	var rest, raft [2]int
	for i := range rest {
		rest[i], raft[i] = nettest.Port(n), nettest.Port(n)
	}
	var conf [2]string
	for i := range conf {
		conf[i] = n.file(fmt.Sprintf("patroni%d.yml", i), fmt.Sprintf(`scope: bench
name: n%[1]d
restapi: {listen: "127.0.0.1:%[2]d", connect_address: "127.0.0.1:%[2]d"}
raft: {data_dir: "%[3]s/raft%[1]d", self_addr: "127.0.0.1:%[4]d", partner_addrs: ["127.0.0.1:%[5]d"]}
bootstrap:
  dcs: {ttl: 30, loop_wait: 10, retry_timeout: 10, postgresql: {use_pg_rewind: true}}
  initdb: [{encoding: UTF8}, data-checksums]
postgresql:
  listen: "127.0.0.1:%[6]d"
  connect_address: "127.0.0.1:%[6]d"
  data_dir: "%[3]s/n%[1]d"
  bin_dir: "%[7]s"
  authentication: {superuser: {username: postgres}, replication: {username: replicator}, rewind: {username: postgres}}
  parameters: {unix_socket_directories: "%[3]s"}
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
`, i, rest[i], n.dir, raft[i], raft[1-i], n.ports[i], n.bin))
		if err := n.daemon("patroni", conf[i]); err != nil {
			return nil, err
		}
	}
	list := func() string {
		out, _ := n.command("patronictl", "-c", conf[0], "list").CombinedOutput()
		return string(out)
	}
	whole := func(leader int) (bool, string) {
		text := list()
		for _, line := range strings.Split(text, "\n") {
			if strings.Contains(line, "Leader") && (leader < 0 || strings.Contains(line, fmt.Sprintf("n%d ", leader))) {
				return strings.Contains(text, "Replica") && strings.Count(text, "running")+strings.Count(text, "streaming") >= 2, text
			}
		}
		return false, text
	}
	e2e.Await(n, 2*time.Minute, "Patroni has a leader and a replica", func() (bool, string) { return whole(-1) })
	return &peerPair{client: n.dsn("postgres"), switchover: func(int) error {
		from := 0
		e2e.Await(n, time.Minute, "Patroni's pair is whole", func() (bool, string) {
			ok, text := whole(0)
			if from = 0; !ok {
				ok, text = whole(1)
				from = 1
			}
			return ok, text
		})
		return n.sh(`patronictl -c "$1" switchover bench --leader "$2" --candidate "$3" --force`, conf[0], fmt.Sprintf("n%d", from), fmt.Sprintf("n%d", 1-from))
	}}, nil
}

// daemon starts a program that runs until the end of the part.
func (n *node) daemon(name string, args ...string) error {
	log, err := os.CreateTemp(n.dir, name)
	if err != nil {
		return fmt.Errorf("no log: %w", err)
	}
	cmd := n.command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return fmt.Errorf("%s does not start: %w", name, err)
	}
	n.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	return nil
}
